import { describe, expect, it } from "vitest";
import { callOf, Columns, columnsOfRows, NameValues, NumberValues } from "../api/columns";
import type { Column, Rows } from "../api/types";
import { order, sortsHere } from "./order";
import { jsonValue, nextSort, plainText, widths } from "./table";

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
const ALL = columnsOfRows(ROWS);

describe("sorting", () => {
  const sorted = (column: string, descending: boolean) => [...order(ALL, { column, descending })];

  it("leaves the hub's order where nothing is asked", () => expect([...order(ALL, null)]).toEqual([0, 1, 2]));

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
      rows: [["9007199254740993"], ["10000000000000000000"], [7]],
      elapsed_ms: 0,
    };
    expect([...order(columnsOfRows(rows), { column: "n", descending: true })]).toEqual([1, 0, 2]);
  });

  it("sorts columns as they came from Arrow, keeping equal rows in their order", () => {
    const numbers = new NumberValues("n", "number", Float64Array.of(-1.5, 3, -0, NaN, 3, -700), null);
    const times = new NumberValues("t", "time", BigInt64Array.of(5n, -5n, 2n ** 62n, 1n, 0n, 1n), null);
    const valid = new NumberValues(
      "v",
      "duration",
      BigInt64Array.of(5n, 4n, 3n, 2n, 1n, 0n),
      Uint8Array.of(1, 1, 0, 1, 1, 1),
    );
    const names = new NameValues("s", "text", ["z", "a"], Int32Array.of(0, 1, -1, 1, 0, 1));
    const all = new Columns([numbers, times, valid, names], 6, 0);
    const by = (column: string, descending = false) => [...order(all, { column, descending })];
    expect(by("n")).toEqual([5, 0, 2, 1, 4, 3]);
    expect(by("n", true)).toEqual([1, 4, 2, 0, 5, 3]);
    expect(by("t")).toEqual([1, 4, 3, 5, 0, 2]);
    expect(by("v")).toEqual([5, 4, 3, 1, 0, 2]);
    expect(by("s")).toEqual([1, 3, 5, 0, 4, 2]);
    expect(by("s", true)).toEqual([0, 4, 1, 3, 5, 2]);
    expect(sortsHere(all, "s") && sortsHere(all, "n") && !sortsHere(all, "gone")).toBe(true);
  });

  it("goes the useful way first, then the other, then not at all", () => {
    const duration = COLUMNS[1] as Column;
    const first = nextSort(null, duration);
    const second = nextSort(first, duration);
    expect([first?.descending, second?.descending, nextSort(second, duration)]).toEqual([true, false, null]);
  });
});

it("knows the call of a row where there is one", () => {
  expect(callOf(ALL, 0)).toBe("1");
  expect(callOf(ALL, 2)).toBeNull();
  expect(callOf(columnsOfRows({ ...ROWS, columns: COLUMNS.slice(0, 3) }), 0)).toBeNull();
});

it("gives the width that is left to JSON, and none to columns without values", () => {
  const [, , args = 0] = widths(ALL.columns, 3, 1000);
  expect(args).toBeGreaterThan(400);
  expect(widths(ALL.columns, 0, 1000).every((width) => width > 0)).toBe(true);
});

it("shows a text that is no JSON as it is", () => expect(jsonValue("{oops")).toBe("{oops"));

it("writes moments with all their digits", () =>
  expect(plainText(1_795_168_800_123_456_789n, { name: "t", type: "time" })).toBe(
    "2026-11-20T10:00:00.123456789Z",
  ));
