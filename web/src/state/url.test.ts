import { describe, expect, it } from "vitest";
import { TRACE_START, type TraceView } from "../trace/url";
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
      cols: "*a~120,-b,c%2Cd",
      from: 230_000,
      colour: "outcome",
      brush: "1..2,3..4",
      marked: "args->>'sku' = 'A-1'",
      sides: "release:1:2",
      x: "started_at",
      y: "count",
      chart: "histogram",
      logX: true,
      logY: true,
      live: true,
      trace: TRACE_START,
    };
    expect(fromFragment(toFragment(state))).toEqual(state);
  });

  it("brings back how a trace is looked at", () => {
    const trace: TraceView = {
      form: "flame",
      panel: "compare",
      find: "a b&c",
      regex: true,
      only: true,
      critical: true,
      flame: "merged",
      against: "4bf92f3577b34da6",
      span: [5, 9_000_000_000],
    };
    const state: ViewState = { ...START, view: "tree", call: "00f067aa0ba902b7", trace };
    expect(fromFragment(toFragment(state))).toEqual(state);
    expect(fromFragment("#form=x&panel=y&span=9-5&how=q").trace).toEqual(TRACE_START);
  });

  it("sorts up as well as down", () => {
    const sort = { column: "service", descending: false };
    expect(fromFragment(toFragment({ ...START, sort })).sort).toEqual(sort);
  });

  it("passes over what it does not understand", () => {
    expect(fromFragment("#view=<script>&chart=pie&log=z&live=yes&other=1")).toEqual(START);
  });
});
