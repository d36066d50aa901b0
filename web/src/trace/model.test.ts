import { describe, expect, it } from "vitest";
import { drawnTrace, largeTrace, MS } from "./drawn";
import { callId, ENDS_AFTER, indexOfCall, isHop, pathOf, startedAt, STARTS_BEFORE } from "./model";

const TREE = `
  a 0+100
    b 10+30 @pricing
      c 15+10 @pricing
    d 20+40
  e 50+10`;

describe("a trace", () => {
  it("knows each call's caller, end and place in time", () => {
    const trace = drawnTrace(TREE);
    expect([...trace.parent]).toEqual([-1, 0, 1, 0, -1]);
    expect([...trace.end]).toEqual([4, 3, 3, 4, 5]);
    expect([...trace.start].map((ns) => ns / MS)).toEqual([0, 10, 15, 20, 50]);
    expect(trace.span).toBe(100 * MS);
    expect(pathOf(trace, 2)).toBe("c");
  });

  it("marks the hop into another service once", () => {
    const trace = drawnTrace(TREE);
    expect([0, 1, 2, 3, 4].map((call) => isHop(trace, call))).toEqual([false, true, false, false, false]);
  });

  it("counts time in calls that ran side by side once", () => {
    expect([...drawnTrace(TREE).self].map((ns) => ns / MS)).toEqual([50, 20, 10, 40, 10]);
  });

  it("does not take from a caller what happened outside of its time", () => {
    const trace = drawnTrace(`
      a 10+10
        b 5+8
        c 18+30`);
    expect([...trace.self].map((ns) => ns / MS)).toEqual([5, 8, 30]);
    expect([...trace.odd]).toEqual([0, STARTS_BEFORE, ENDS_AFTER]);
  });

  it("says nothing odd of what goes on below a call that is still under way", () => {
    const trace = drawnTrace("a 0+10 …\n  b 5+20 …");
    expect([...trace.odd]).toEqual([0, 0]);
  });

  it("finds a call by its id, and no id that only stands across two", () => {
    const trace = drawnTrace(TREE);
    expect(indexOfCall(trace, callId(trace, 3))).toBe(3);
    expect(indexOfCall(trace, "0000000000000000")).toBe(0);
    expect(indexOfCall(trace, trace.columns.call_ids.slice(31, 47))).toBe(-1);
    expect(indexOfCall(trace, "b")).toBe(-1);
    expect(indexOfCall(trace, null)).toBe(-1);
  });

  it("tells when a call started, to the nanosecond", () => {
    const trace = drawnTrace(TREE);
    trace.start[1] = 61_000_000_007;
    expect(startedAt(trace, 1)).toBe("2026-11-20T10:01:01.000000007Z");
  });

  it("is nothing where there are no calls", () => {
    const trace = drawnTrace("");
    expect([trace.count, trace.span]).toEqual([0, 0]);
  });

  it("is made of a million calls in little time", () => {
    const start = performance.now();
    expect(largeTrace(1_000, 1_000).count).toBe(1_001_001);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
