import { expect, it } from "vitest";
import { losses, lost } from "./losses";

const none = {
  ring_full: 0,
  buffer_full: 0,
  no_ring: 0,
  refused: 0,
  open_full: 0,
  unclaimed: 0,
  inside_values: 0,
};

it("adds up what was lost, and tells only the reasons there are, the most first", () => {
  const drops = { ...none, ring_full: 3, open_full: 1200, unclaimed: 1 };
  expect(lost(drops)).toBe(1204);
  expect(losses(drops).map(({ calls, what }) => `${calls} ${what}`)).toEqual([
    "1200 as more were under way than can be held",
    "3 as a thread's ring was full",
    "1 as their probe was gone when they were read",
  ]);
});

it("calls nothing lost that was left out inside values", () => {
  const drops = { ...none, inside_values: 9 };
  expect(lost(drops)).toBe(0);
  expect(losses(drops).map(({ what }) => what)).toEqual(["inside values: left out, not lost"]);
});
