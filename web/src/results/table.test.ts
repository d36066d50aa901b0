import { describe, expect, it } from "vitest";
import type { Column, Rows } from "../api/types";
import { callOf, jsonValue, nextSort, order, widths } from "./table";

const COLUMNS: Column[] = [
  { name: "function", type: "text" },
  { name: "duration_ns", type: "duration" },
  { name: "args", type: "json" },
  { name: "call_id", type: "text" },
];
const ROWS: Rows = {
  columns: COLUMNS,
  rows: [
    ["b", 20, '{"x":1}', "1"],
    ["a", null, null, "2"],
    ["c", 3, null, ""],
  ],
  elapsed_ms: 1,
};

describe("sorting", () => {
  const sorted = (column: string, descending: boolean) => [...order(ROWS, { column, descending })];

  it("leaves the hub's order where nothing is asked", () =>
    expect([...order(ROWS, null)]).toEqual([0, 1, 2]));

  it("sorts numbers as numbers and keeps absent values last", () => {
    expect(sorted("duration_ns", false)).toEqual([2, 0, 1]);
    expect(sorted("duration_ns", true)).toEqual([0, 2, 1]);
  });

  it("sorts texts, and ignores columns that are gone", () => {
    expect(sorted("function", false)).toEqual([1, 0, 2]);
    expect(sorted("gone", true)).toEqual([0, 1, 2]);
  });

  it("compares whole numbers that came as text as numbers", () => {
    const rows: Rows = {
      columns: [{ name: "n", type: "number" }],
      rows: [["9"], ["10000000000000000000"], [7]],
      elapsed_ms: 0,
    };
    expect([...order(rows, { column: "n", descending: true })]).toEqual([1, 0, 2]);
  });

  it("goes the useful way first, then the other, then not at all", () => {
    const duration = COLUMNS[1] as Column;
    const first = nextSort(null, duration);
    const second = nextSort(first, duration);
    expect([first?.descending, second?.descending, nextSort(second, duration)]).toEqual([true, false, null]);
  });
});

it("knows the call of a row where there is one", () => {
  expect(callOf(ROWS, ROWS.rows[0])).toBe("1");
  expect(callOf(ROWS, ROWS.rows[2])).toBeNull();
  expect(callOf({ ...ROWS, columns: COLUMNS.slice(0, 3) }, ROWS.rows[0])).toBeNull();
});

it("gives the width that is left to JSON, and none to columns without values", () => {
  const [, , args = 0] = widths(ROWS, 1000);
  expect(args).toBeGreaterThan(400);
  expect(widths({ ...ROWS, rows: [] }, 1000).every((width) => width > 0)).toBe(true);
});

it("shows a text that is no JSON as it is", () => expect(jsonValue("{oops")).toBe("{oops"));
