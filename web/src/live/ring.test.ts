import { describe, expect, it } from "vitest";
import { PerSecond, Ring } from "./ring";

describe("what came last", () => {
  it("is kept, the newest first, and no more of it", () => {
    const ring = new Ring<number>(3);
    expect(ring.newestFirst()).toEqual([]);
    for (let n = 1; n <= 5; n += 1) ring.push(n);
    expect(ring.newestFirst()).toEqual([5, 4, 3]);
    ring.push(6);
    expect(ring.newestFirst()).toEqual([6, 5, 4]);
    for (let n = 0; n < 1_000_000; n += 1) ring.push(n);
    expect(ring.length).toBe(3);
    ring.clear();
    ring.push(1);
    expect(ring.newestFirst()).toEqual([1]);
  });

  it("is counted by the second, the second that is not over left out", () => {
    const rate = new PerSecond(5);
    for (let second = 0; second < 10; second += 1) rate.add(100, second * 1000 + 400);
    expect(rate.rate(10_100)).toBe(100);
    expect(rate.rate(12_100)).toBe(60);
    expect(rate.rate(60_000)).toBe(0);
  });
});
