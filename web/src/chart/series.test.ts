import { describe, expect, it } from "vitest";
import { columnsOfRows } from "../api/columns";
import type { Rows } from "../api/types";
import { around, axis, type Axis, choose, COUNT, nearest, points, withGaps } from "./series";

const ROWS: Rows = {
  columns: [
    { name: "started_at", type: "time" },
    { name: "duration_ns", type: "duration" },
    { name: "service", type: "text" },
    { name: "args", type: "json" },
    { name: "call_id", type: "text" },
  ],
  rows: [
    ["2026-11-20T10:00:02Z", 100, "b", null, "1"],
    ["2026-11-20T10:00:01.5Z", 0, "a", null, "2"],
    ["2026-11-20T10:00:03Z", null, "b", null, "3"],
  ],
  elapsed_ms: 0,
};
const on = (name: string) => axis(columnsOfRows(ROWS), name) as Axis;
const NOTHING = { x: null, y: null, chart: null };

describe("what is drawn", () => {
  it("is durations over time unless something else is chosen", () => {
    expect(choose(ROWS.columns, NOTHING)).toEqual({ x: "started_at", y: "duration_ns", kind: "scatter" });
    expect(choose(ROWS.columns, { x: "service", y: COUNT, chart: "line" })).toEqual({
      x: "service",
      y: COUNT,
      kind: "top",
    });
    expect(choose(ROWS.columns, { ...NOTHING, chart: "percentiles" })?.kind).toBe("percentiles");
    expect(choose(ROWS.columns, { x: "duration_ns", y: "duration_ns", chart: "percentiles" })?.kind).toBe(
      "scatter",
    );
  });

  it("is a histogram where there is one measure only, and nothing where there is none", () => {
    expect(choose([{ name: "duration_ns", type: "duration" }], NOTHING)?.kind).toBe("histogram");
    expect(choose([{ name: "args", type: "json" }], NOTHING)).toBeNull();
  });

  it("passes over columns that are gone", () => {
    expect(choose(ROWS.columns, { x: "gone", y: "gone", chart: "line" })).toEqual({
      x: "started_at",
      y: "duration_ns",
      kind: "line",
    });
  });
});

describe("points", () => {
  it("stand in order of x and know their rows", () => {
    const found = points(3, on("started_at"), on("duration_ns"), false, false);
    expect(found.rows).toEqual([1, 0]);
    expect(found.y).toEqual([0, 100]);
    expect(found.left).toBe(1);
  });

  it("leave out what a logarithm cannot show", () => {
    expect(points(3, on("started_at"), on("duration_ns"), false, true)).toMatchObject({
      rows: [0],
      left: 2,
    });
  });

  it("place texts by their order", () => {
    expect(points(3, on("service"), on("duration_ns"), false, false).x).toEqual([0, 1]);
  });

  it("are found near the pointer only", () => {
    const found = { x: [0, 10, 20], y: [0, 10, 20], rows: [0, 1, 2], left: 0 };
    const same = { x: (value: number) => value, y: (value: number) => value };
    expect(nearest(found, same, { x: 11, y: 12 }, 5)).toBe(1);
    expect(nearest(found, same, { x: 15, y: 0 }, 5)).toBe(-1);
  });
});

it("leaves room beside the outermost points, also where there is but one place", () => {
  for (const log of [false, true]) {
    for (const [least, most] of [
      [200, 2000],
      [7, 7],
    ] as const) {
      const [from, to] = around(least, most, log);
      expect(from).toBeLessThan(least);
      expect(to).toBeGreaterThan(most);
    }
  }
  expect(around(0, 0, false)).toEqual([-0.02, 0.02]);
  expect(around(0, 100, false)).toEqual([-2, 102]);
});

describe("a line over time", () => {
  it("breaks where nothing was", () => {
    expect(withGaps([10, 20, 50, 60], 10)).toEqual([
      { at: 10, row: 0 },
      { at: 20, row: 1 },
      { at: 30, row: -1 },
      { at: 50, row: 2 },
      { at: 60, row: 3 },
    ]);
    expect(withGaps([], 10)).toEqual([]);
  });
});

describe("texts on an axis", () => {
  it("stand in the order people count in", () => {
    const rows = ["node-10", "node-9", "10", "9", "2"].map((name) => [name]);
    const texts = { columns: [{ name: "host", type: "text" as const }], rows, elapsed_ms: 0 };
    expect(axis(columnsOfRows(texts), "host")?.categories).toEqual(["2", "9", "10", "node-9", "node-10"]);
  });
});
