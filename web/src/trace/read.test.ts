import { describe, expect, it } from "vitest";
import { compareCalls, othersOf } from "./compare";
import { criticalPath } from "./critical";
import { drawnTrace, largeTrace, MS } from "./drawn";
import { boxAt, merged, timeLines } from "./flame";
import { depths } from "./overview";
import { firstFolds, repeatsOf, rowsOf } from "./rows";
import { countFound, findNames, markCalls, nextFound, placeFound, valuesStatement } from "./search";
import { clockDistance, countsOf, sortedStats, spreadOf, statsOf } from "./stats";
import { branches, lastOnes, textTree } from "./textTree";
import { ticks } from "./canvas";

const TREE = `
  shop::a 0+100
    shop::b 10+30 @pricing
      shop::c 15+10 @pricing !
    shop::c 50+40`;

describe("statistics", () => {
  it("count calls, time, own time, time on the critical path and failures of each function", () => {
    const trace = drawnTrace(TREE);
    const stats = statsOf(trace, criticalPath(trace).time);
    const told = sortedStats(stats, "self", false).map(
      (of) =>
        `${of.path} ${of.count} ${of.total / MS} ${of.self / MS} ${of.critical / MS} ${of.errors} ${of.services}`,
    );
    expect(told).toEqual([
      "shop::c 2 50 50 50 1 pricing,shop",
      "shop::a 1 100 30 30 0 shop",
      "shop::b 1 30 20 20 0 pricing",
    ]);
    expect(sortedStats(stats, "path", true).map((of) => of.path)).toEqual(["shop::c", "shop::b", "shop::a"]);
  });

  it("count time in calls of itself once", () => {
    const trace = drawnTrace("f 0+10\n  f 1+8\n    f 2+6\n  f 9+1");
    expect(statsOf(trace, trace.self)[0]?.total).toBe(10 * MS);
  });

  it("tell how durations are spread", () => {
    const trace = drawnTrace(Array.from({ length: 100 }, (_, at) => `f ${at}+${at + 1}`).join("\n"));
    const spread = spreadOf(
      trace,
      Uint32Array.from({ length: 100 }, (_, at) => at),
    );
    expect([spread.shortest, spread.median, spread.p95, spread.longest].map((ns) => ns / MS)).toEqual([
      1, 51, 96, 100,
    ]);
    expect(spread.slowest).toEqual([99, 98, 97, 96, 95]);
  });

  it("tell what is odd", () => {
    const trace = drawnTrace("a 10+10 ?\n  b 5+8 @other\n  c 18+30\n  d 12+1 …");
    expect(countsOf(trace)).toEqual({ services: ["shop", "other"], errors: 0, running: 1, odd: 2, gaps: 1 });
    expect([1, 2].map((call) => clockDistance(trace, call) / MS)).toEqual([5, 0]);
  });
});

describe("searching", () => {
  const trace = drawnTrace(TREE);
  const found = (text: string, regex = false) => [...(findNames(trace, { text, regex }) ?? [])].join("");

  it("finds functions, services, outcomes and ids", () => {
    expect(found("shop::C")).toBe("0011");
    expect(found("pricing")).toBe("0110");
    expect(found("error")).toBe("0010");
    expect(found("0000000000000003")).toBe("0001");
    expect(found("::[ab]$", true)).toBe("1100");
  });

  it("says of what is no pattern that it is none", () => {
    expect(findNames(trace, { text: "(", regex: true })).toBeNull();
  });

  it("steps from one to the next, round the end", () => {
    const marks = findNames(trace, { text: "shop::c", regex: false }) as Uint8Array;
    expect([nextFound(marks, 0, 1), nextFound(marks, 3, 1), nextFound(marks, 2, -1)]).toEqual([2, 2, 3]);
    expect([countFound(marks), placeFound(marks, 3), placeFound(marks, 0)]).toEqual([2, 2, 0]);
    expect(nextFound(new Uint8Array(4), 0, 1)).toBe(-1);
  });

  it("asks the hub for values, with nothing of what is looked for outside of its quotes", () => {
    expect(valuesStatement(trace, { text: "50%_'x\\", regex: false })).toContain(
      "args ILIKE '%50\\%\\_''x\\\\%'",
    );
    expect(valuesStatement(trace, { text: "a'b", regex: true })).toContain("regexp_like(args, 'a''b', 'i')");
    const marks = new Uint8Array(4);
    markCalls(trace, ["0000000000000001", null], marks);
    expect([...marks]).toEqual([0, 1, 0, 0]);
  });
});

describe("a flame graph", () => {
  it("has each call below its caller, and calls side by side on lines of their own", () => {
    const trace = drawnTrace(`
      a 0+100
        b 0+50
          c 0+50
        d 20+50
          e 20+10
        f 80+10`);
    const lines = timeLines(trace, () => false);
    expect([...lines.line]).toEqual([0, 1, 2, 3, 4, 1]);
    const at = (line: number, ms: number) =>
      boxAt(
        lines,
        line,
        ms * MS,
        (call) => trace.start[call] as number,
        (call) => (trace.start[call] as number) + (trace.duration[call] as number),
      );
    expect([at(1, 10), at(1, 60), at(1, 85), at(9, 0), at(0, 0)]).toEqual([1, -1, 5, -1, 0]);
    expect([...timeLines(trace, (call) => call === 1).line]).toEqual([0, 1, -1, 2, 3, 1]);
  });

  it("merges calls of the same way, the widest first", () => {
    const trace = drawnTrace(`
      a 0+100
        b 0+10
        c 10+40
          b 10+20
        b 60+20`);
    const boxes = merged(trace);
    const told = [...boxes.path.keys()].map(
      (box) =>
        `${trace.paths[boxes.path[box] as number]}${boxes.calls[box]} ${(boxes.left[box] as number) / MS}+${(boxes.total[box] as number) / MS}`,
    );
    expect(told).toEqual(["a1 0+100", "b2 40+30", "c1 0+40", "b1 0+20"]);
    expect([...boxes.of]).toEqual([0, 1, 2, 3, 1]);
  });

  it("takes a million calls in little time", () => {
    const trace = largeTrace(1_000, 1_000);
    const start = performance.now();
    expect(timeLines(trace, () => false).count).toBe(3);
    expect(merged(trace).count).toBe(3);
    expect(depths(trace, 1_000).depth.every((depth) => depth >= 1)).toBe(true);
    expect(performance.now() - start).toBeLessThan(6_000);
  });
});

describe("text", () => {
  it("is a tree with its branches", () => {
    const trace = drawnTrace(TREE);
    const repeats = repeatsOf(trace);
    const rows = rowsOf(trace, repeats, firstFolds(trace, repeats), null);
    const values = { args: { sku: "A1", n: 2 }, returned: 0, error: { message: "out of stock" }, busy: 0 };
    expect(textTree(trace, repeats, rows, () => values)).toBe(
      `shop::a(sku: "A1", n: 2) → 0  100 ms
├─ shop::b(sku: "A1", n: 2) → 0  30.0 ms
│  └─ shop::c(sku: "A1", n: 2) ✗ error: out of stock  10.0 ms
└─ shop::c(sku: "A1", n: 2) → 0  40.0 ms`,
    );
    expect(branches(rows, lastOnes(rows))).toHaveLength(4);
  });
});

describe("two calls", () => {
  it("are compared by what was called below them", () => {
    const trace = drawnTrace(`
      f 0+100
        load 0+10
        load 10+10
        save 30+5
      f 200+50
        load 200+10
          query 200+5
        drop 220+1 !`);
    const rows = compareCalls({ trace, call: 0 }, { trace, call: 4 });
    expect(
      rows.map(
        ({ path, level, count, total }) =>
          `${"·".repeat(level)}${path} ${count} ${total.map((ns) => ns / MS)}`,
      ),
    ).toEqual(["f 1,1 100,50", "·load 2,1 20,10", "··query 0,1 0,5", "·save 1,0 5,0", "·drop 0,1 0,1"]);
    expect(rows.at(-1)?.errors).toEqual([0, 1]);
    expect(othersOf(trace, 1)).toEqual({ previous: -1, next: 2, fastest: 2, slowest: 2 });
  });
});

it("a ruler has round times", () => {
  expect(ticks(0, 1000, 500, 90)).toEqual([0, 200, 400, 600, 800, 1000]);
  expect(ticks(5, 5, 500, 90)).toEqual([]);
});
