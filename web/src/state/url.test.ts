import { describe, expect, it } from "vitest";
import { fromFragment, START, toFragment, type ViewState } from "./url";

describe("the address", () => {
  it("is empty at the start", () => {
    expect(toFragment(START)).toBe("");
    expect(fromFragment("")).toEqual(START);
  });

  it("brings back every part of a view", () => {
    const state: ViewState = {
      room: "functions",
      at: "pricing shop::pricing::price",
      find: "price & co",
      by: { column: "p99", descending: true },
      q: "SELECT args->>'sku' FROM calls WHERE x = '#&=%+ ü'\nLIMIT 5",
      show: "SELECT 1",
      view: "chart",
      call: "4bf92f3577b34da6",
      sort: { column: "duration_ns", descending: true },
      x: "started_at",
      y: "count",
      chart: "histogram",
      logX: true,
      logY: true,
      live: true,
    };
    expect(fromFragment(toFragment(state))).toEqual(state);
  });

  it("sorts up as well as down", () => {
    const sort = { column: "service", descending: false };
    expect(fromFragment(toFragment({ ...START, sort })).sort).toEqual(sort);
  });

  it("passes over what it does not understand", () => {
    expect(fromFragment("#view=<script>&chart=pie&log=z&live=yes&other=1")).toEqual(START);
  });
});
