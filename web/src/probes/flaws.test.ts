import { expect, it } from "vitest";
import type { Probe } from "../api/types";
import { flaws } from "./flaws";

function probe(values: Partial<Probe["values"]>, undecided = 0): Probe {
  const whole = { truncated_calls: 0, failed_values: 0, printed_values: 0 };
  return { values: { ...whole, ...values }, skipped: { undecided } } as Probe;
}

it("has nothing to say of a probe whose calls are whole", () => {
  expect(flaws(probe({}))).toEqual([]);
});

it("says of values only what there is, and what it means", () => {
  const told = flaws(probe({ truncated_calls: 12_345, failed_values: 1 }));
  expect(told.map(({ text }) => text)).toEqual(["12.3k cut", "1 failed"]);
  expect(told.map(({ title }) => title)).toEqual([
    "In 12,345 calls a value was cut at a limit. CAPTURE says how much is captured.",
    "In 1 call a value could not be captured: its own code failed, panicked or did not end.",
  ]);
});

it("says where a text of Debug was met first, where that is known", () => {
  const [unknown] = flaws(probe({ printed_values: 5 }));
  expect(unknown?.title).toMatch(/redaction sees no fields\.$/);
  const [known] = flaws(probe({ printed_values: 5, printed_at: "shop::pay(card)" }));
  expect(known).toMatchObject({
    text: "5 printed",
    title: expect.stringMatching(/First: shop::pay\(card\)\.$/),
  });
});

it("tells calls for which the condition could not be decided", () => {
  expect(flaws(probe({}, 7)).map(({ text }) => text)).toEqual(["7 undecided"]);
});
