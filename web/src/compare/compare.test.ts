import { describe, expect, it } from "vitest";
import { type Source, sourceOf } from "../language/select";
import { factorText, failures, isSure, ratio, type Sample } from "./change";
import { byFunction, conditions, distribution, readSides, toldSides } from "./sides";

const SOURCE = sourceOf("SELECT a FROM calls WHERE b = 1 LIMIT 5") as Source;
const sample = (calls: number, meanLn: number, varLn = 0.25, failed = 0): Sample => ({
  calls,
  failed,
  meanLn,
  varLn,
});

describe("two sides", () => {
  it("come back from the address", () => {
    const sides = { by: "release", a: "1.0:a", b: "it's" };
    expect(readSides(toldSides(sides))).toEqual(sides);
    expect(conditions(sides)).toEqual([`"release" = '1.0:a'`, `"release" = 'it''s'`]);
    expect(conditions({ by: null, a: "x > 1", b: "x < 1" })).toEqual(["x > 1", "x < 1"]);
    expect([readSides(null), readSides("a:b"), readSides("%:b:c")]).toEqual([null, null, null]);
  });

  it("are asked of all calls that match", () => {
    const both: [string, string] = ["x = 1 OR y", "x = 2"];
    expect(byFunction(SOURCE, both)).toContain(
      "FILTER (WHERE (x = 1 OR y) AND outcome IN ('error', 'panicked')) AS a_failed",
    );
    expect(distribution(SOURCE, both, 6)).toContain("FROM calls\nWHERE b = 1 AND outcome <> 'running'");
  });
});

describe("a change", () => {
  it("of durations is a factor with an interval", () => {
    const change = ratio(sample(100, 0), sample(100, Math.log(2)));
    expect(change?.middle).toBeCloseTo(2, 9);
    expect(change?.low).toBeCloseTo(2 * Math.exp(-1.959964 * Math.sqrt(0.005)), 6);
    expect(isSure(change, 1)).toBe(true);
    expect(isSure(ratio(sample(10, 0, 4), sample(10, 0.3, 4)), 1)).toBe(false);
    expect(ratio(sample(4, 0), sample(100, 0))).toBeNull();
  });

  it("of failures is that of Newcombe 1998", () => {
    const change = failures(sample(80, 0, 0, 48), sample(70, 0, 0, 56));
    expect([change?.low, change?.high].map((end) => end?.toFixed(4))).toEqual(["0.0524", "0.3339"]);
  });

  it("is told as people say it", () =>
    expect([1.25, 0.92, 1, 3.24, 14.6].map(factorText)).toEqual(["+25 %", "−8 %", "±0 %", "× 3.2", "× 15"]));
});
