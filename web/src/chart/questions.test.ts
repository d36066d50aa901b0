import { describe, expect, it } from "vitest";
import { type Source, sourceOf } from "../language/select";
import {
  binsOf,
  brushCondition,
  edgeOf,
  extentOf,
  fieldOf,
  heatmap,
  histogram,
  percentiles,
  readBrush,
  timeStep,
  toldBrush,
  topValues,
} from "./questions";

const SOURCE = sourceOf(
  "SELECT started_at, args->>'n' AS n, duration_ns FROM calls WHERE outcome = 'error' LIMIT 5",
) as Source;
const TIME = fieldOf(SOURCE, { name: "started_at", type: "time" });
const DURATION = fieldOf(SOURCE, { name: "duration_ns", type: "duration" });
const N = fieldOf(SOURCE, { name: "n", type: "text" });
const one = (text: string) => text.replace(/\s+/g, " ");

describe("what charts ask", () => {
  it("is asked of all rows that match, not of those shown", () => {
    expect(one(extentOf(SOURCE, [TIME, DURATION], [false, true]))).toBe(
      "SELECT count(*) AS calls, min(CAST(started_at AS bigint)) AS low0, max(CAST(started_at AS bigint)) AS high0, " +
        "min(TRY_CAST(duration_ns AS double)) FILTER (WHERE TRY_CAST(duration_ns AS double) > 0) AS low1, " +
        "max(TRY_CAST(duration_ns AS double)) FILTER (WHERE TRY_CAST(duration_ns AS double) > 0) AS high1 " +
        "FROM calls WHERE outcome = 'error'",
    );
    const map = heatmap(
      SOURCE,
      TIME,
      DURATION,
      binsOf({ low: 1e18, high: 2e18 }, 10, false),
      binsOf({ low: 1, high: 1e6 }, 6, true),
    );
    expect(one(map)).toContain(
      "least(9, (CAST(started_at AS bigint) - 1000000000000000000) / 100000000000000000) AS x",
    );
    expect(map).toContain("GROUP BY 1, 2");
    expect(map).not.toContain("LIMIT");
  });

  it("has an edge for each bin, on both scales", () => {
    const log = binsOf({ low: 1, high: 1000 }, 3, true);
    expect([0, 1, 2, 3].map((place) => Math.round(edgeOf(log, place)))).toEqual([1, 10, 100, 1000]);
    expect(edgeOf(binsOf({ low: 0, high: 10 }, 5, false), 2)).toBe(4);
    expect(binsOf({ low: 7, high: 7 }, 5, false)).toMatchObject({ low: 6.5, high: 7.5 });
    expect(one(histogram(SOURCE, N, binsOf({ low: 7, high: 7 }, 5, false)))).toContain(
      "floor((TRY_CAST(args->>'n' AS double) - 6.5e+0) / 2e-1)",
    );
  });

  it("counts time in steps people know", () => {
    expect(timeStep({ low: 0, high: 60e9 }, 60)).toBe(1_000);
    expect(timeStep({ low: 0, high: 90 * 86_400e9 }, 100) % 3_600_000).toBe(0);
    expect(percentiles(SOURCE, TIME, DURATION, 500)).toContain(
      "date_bin(INTERVAL '500 milliseconds', started_at) AS at",
    );
  });

  it("names the expression behind a column", () =>
    expect(one(topValues(SOURCE, N, null))).toMatch(
      /^SELECT args->>'n' AS n, count\(\*\) AS calls, .* LIMIT 30$/,
    ));
});

describe("a brush", () => {
  it("comes back from the address", () => {
    const brush = { x: { low: -1.5, high: 2 }, y: null };
    expect(readBrush(toldBrush(brush))).toEqual(brush);
    expect(readBrush("junk,5..1")).toEqual({ x: null, y: null });
    expect(toldBrush({ x: null, y: null })).toBeNull();
  });

  it("is a condition", () => {
    const brush = { x: { low: 1_795_168_800e9, high: 1_795_168_801e9 }, y: { low: 5.4, high: 10 } };
    expect(brushCondition(brush, TIME, DURATION)).toBe(
      "started_at >= TIMESTAMP '2026-11-20T10:00:00.000000000Z' AND started_at <= TIMESTAMP '2026-11-20T10:00:01.000000000Z' " +
        "AND duration_ns >= 5 AND duration_ns <= 10",
    );
    expect(brushCondition({ x: { low: 1, high: 2 }, y: null }, N, null)).toBe(
      "TRY_CAST(args->>'n' AS double) >= 1 AND TRY_CAST(args->>'n' AS double) <= 2",
    );
  });
});
