import { describe, expect, it } from "vitest";
import type { Rows } from "../api/types";
import { ratesOf, together } from "./rates";

const answer = (rows: unknown[][]): Rows => ({ columns: [], rows, elapsed_ms: 1 });
const at = (second: number) => new Date(second * 1000).toISOString();

describe("how a function did", () => {
  it("is told of what there is, by service and path", () => {
    const totals = answer([
      ["pricing", "shop::price", 600, 6, 1000, 9000],
      ["storefront", "shop::price", 1, 0, 5, 5],
    ]);
    const bins = answer([
      ["pricing", "shop::price", at(1_015), 300, 4, 900, 9000],
      ["pricing", "shop::price", at(1_000), 300, 2, 1000, 8000],
      ["gone", "shop::price", at(1_000), 1, 0, 1, 1],
    ]);
    const rates = ratesOf(totals, bins, 1_030);
    const price = rates.get("pricing shop::price");
    expect(price).toMatchObject({ calls: 600, errors: 6, p50: 1000, p99: 9000, perSecond: 20 });
    expect(price?.bins.map((bin) => bin.at)).toEqual([1_000, 1_015]);
    expect(rates.size).toBe(2);
  });

  it("tells calls a second of the last minute only, and of what began just now as it is", () => {
    const totals = answer([["s", "f", 10_000, 0, 1, 1]]);
    const rate = (bins: unknown[][], now: number) => ratesOf(totals, answer(bins), now).get("s f")?.perSecond;
    expect(rate([["s", "f", at(1_000), 9_000, 0, 1, 1]], 1_200)).toBe(0);
    expect(rate([["s", "f", at(1_185), 30, 0, 1, 1]], 1_190)).toBe(2);
  });

  it("is added up for a module", () => {
    const one = { calls: 2, errors: 1, p50: 10, p99: 90, perSecond: 1, bins: [] };
    const other = { calls: 3, errors: 0, p50: 20, p99: 50, perSecond: 2, bins: [] };
    expect(together([one, other])).toMatchObject({ calls: 5, errors: 1, p50: 20, p99: 90, perSecond: 3 });
    expect(together([])).toBeNull();
  });
});
