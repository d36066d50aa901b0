import { describe, expect, it } from "vitest";
import { differences, MOST_DIFFERENCES, pathSql, pathText } from "./difference";

const told = (before: unknown, after: unknown) =>
  differences(before, after).map(({ path, kind }) => `${kind} ${pathText(path)}`);

describe("two values", () => {
  it("differ where they differ, and nowhere else", () => {
    const before = { id: 7, order: { lines: [{ sku: "A", quantity: 1 }], coupon: null }, gone: 1 };
    const after = {
      id: 7,
      order: { lines: [{ sku: "B", quantity: 1 }, {}], coupon: "AUTUMN15" },
      "new one": 2,
    };
    expect(told(before, after)).toEqual([
      "changed order.lines[0].sku",
      "added order.lines[1]",
      "changed order.coupon",
      "removed gone",
      'added ["new one"]',
    ]);
  });

  it("are the same where they say the same", () => {
    expect(told({ a: [1, { b: 2n }] }, { a: [1, { b: 2n }] })).toEqual([]);
    expect(told([], {})).toEqual(["changed "]);
    expect(told(1, "1")).toEqual(["changed "]);
  });

  it("are compared to an end, however large or deep", () => {
    const list = (from: number) => Array.from({ length: 10_000 }, (_, at) => from + at);
    expect(differences(list(0), list(1))).toHaveLength(MOST_DIFFERENCES);
    let [deep, other]: unknown[] = [1, 2];
    for (let level = 0; level < 3_000; level += 1) [deep, other] = [{ a: deep }, { a: other }];
    expect(differences(deep, other)).toHaveLength(1);
  });
});

it("writes a path as SQL asks for it", () => {
  expect(pathSql("args", ["order", "lines", 0, "o'sku"])).toBe("args->'order'->'lines'->0->>'o''sku'");
  expect(pathSql("returned", [])).toBe("returned");
});
