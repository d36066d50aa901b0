import { describe, expect, it } from "vitest";
import { columnsInSight, MAX_HEIGHT, rowsInSight, scrollTo } from "./viewport";

const ROW = 28;
const VIEW = 560;

describe("rows in sight", () => {
  it("are those at their place, pixel by pixel, while the table is not too tall", () => {
    const window = rowsInSight(1_000, ROW, 100, VIEW, 0);
    expect([window.height, window.first, window.count]).toEqual([28_000, 3, 21]);
    expect(window.top(3)).toBe(84);
  });

  it("reach from the first to the last row of a million", () => {
    const [first, last] = [0, MAX_HEIGHT - VIEW].map((at) => rowsInSight(1_000_000, ROW, at, VIEW, 4));
    expect([first?.height, first?.first, first?.top(0)]).toEqual([MAX_HEIGHT, 0, 0]);
    expect((last?.first ?? 0) + (last?.count ?? 0)).toBe(1_000_000);
    expect(last?.top(999_999)).toBeCloseTo(MAX_HEIGHT - ROW, 3);
  });

  it("are none of no rows, and all of few", () => {
    expect(rowsInSight(0, ROW, 50, VIEW, 5).count).toBe(0);
    expect(rowsInSight(3, ROW, 50, VIEW, 5).count).toBe(3);
  });

  it("come into sight by scrolling there, wherever they are", () => {
    for (const row of [0, 1, 20, 499_999, 999_999]) {
      const to = scrollTo(row, 1_000_000, ROW, 9_000_000, VIEW) as number;
      const window = rowsInSight(1_000_000, ROW, to, VIEW, 0);
      const top = window.top(row) - to;
      expect(top).toBeGreaterThanOrEqual(-0.01);
      expect(top + ROW).toBeLessThanOrEqual(VIEW + 0.01);
      expect(scrollTo(row, 1_000_000, ROW, to + 0.001, VIEW) ?? to).toBeCloseTo(to, 0);
    }
  });
});

it("draws the pinned columns and those between the edges", () => {
  const widths = Array.from({ length: 1_000 }, () => 100);
  const lefts = widths.map((_, index) => index * 100);
  expect(columnsInSight(lefts, widths, 0, 0, 450)).toEqual({ first: 0, end: 5 });
  expect(columnsInSight(lefts, widths, 1, 1_000, 450)).toEqual({ first: 11, end: 15 });
  expect(columnsInSight([], [], 0, 0, 450)).toEqual({ first: 0, end: 0 });
});
