import { describe, expect, it } from "vitest";
import { drawnTrace, largeTrace } from "./drawn";
import { pathOf, type Trace } from "./model";
import {
  callAt,
  firstFolds,
  foldAll,
  FOLDED_BY_READER,
  type Folds,
  groupAt,
  membersAt,
  OPEN,
  repeatsOf,
  rowOfCall,
  rowsOf,
  unfoldWay,
  withWays,
} from "./rows";

const TREE = `
  a 0+100
    b 10+30
      c 15+10
    d 20+40
  e 50+10`;

const MANY = `
  run 0+100
    load 0+1
    save 1+1
    load 2+1
    save 3+1
    load 4+1 !
    load 5+1
      query 5+1
    load 6+1
    load 7+1
    save 8+1
    save 9+1
    save 10+1`;

/** Rows as text: level as dots, groups as `3x name`. */
function drawn(trace: Trace, folds: Folds, found: Uint8Array | null = null): string {
  const repeats = repeatsOf(trace);
  const rows = rowsOf(trace, repeats, folds, found);
  return Array.from({ length: rows.count }, (_, row) => {
    const group = groupAt(rows, row);
    const many = group >= 0 ? `${membersAt(repeats, group).length}x ` : "";
    return "·".repeat(rows.level[row] as number) + many + pathOf(trace, callAt(rows, repeats, row));
  }).join(" ");
}

const open = (trace: Trace): Folds => ({
  call: new Uint8Array(trace.count),
  group: new Uint8Array(repeatsOf(trace).count),
});

describe("rows", () => {
  it("hide what is below a folded call, and nothing else", () => {
    const trace = drawnTrace(TREE);
    const folds = open(trace);
    expect(drawn(trace, folds)).toBe("a ·b ··c ·d e");
    folds.call[1] = FOLDED_BY_READER;
    expect(drawn(trace, folds)).toBe("a ·b ·d e");
    folds.call[0] = FOLDED_BY_READER;
    expect(drawn(trace, folds)).toBe("a e");
  });

  it("fold calls of one function by one caller into one, but for those that ended otherwise", () => {
    const trace = drawnTrace(MANY);
    const folds = open(trace);
    expect(drawn(trace, folds)).toBe("run ·5x load ·5x save ·load");
    folds.group[0] = 1;
    expect(drawn(trace, folds)).toBe(
      "run ·5x load ··load ··load ··load ···query ··load ··load ·5x save ·load",
    );
  });

  it("leave calls that were asked for by themselves", () => {
    const trace = drawnTrace(Array.from({ length: 9 }, (_, at) => `load ${at}+1 *`).join("\n"));
    expect(repeatsOf(trace).count).toBe(0);
  });

  it("show only what a filter leaves, with what called it, whatever was folded as it opened", () => {
    const trace = drawnTrace(MANY);
    const folds = open(trace);
    foldAll(trace, folds, true);
    const found = new Uint8Array(trace.count);
    found[7] = 1;
    expect(drawn(trace, folds, withWays(trace, found))).toBe("run ·load ··query");
    found.fill(0);
    expect(drawn(trace, folds, withWays(trace, found))).toBe("");
  });

  it("stand for calls: one that is folded away into a group is the group's", () => {
    const trace = drawnTrace(MANY);
    const [repeats, folds] = [repeatsOf(trace), open(trace)];
    const row = () => rowOfCall(rowsOf(trace, repeats, folds, null), repeats, 3);
    expect(row()).toBe(1);
    unfoldWay(trace, repeats, folds, 7);
    expect(row()).toBe(3);
    folds.call[0] = FOLDED_BY_READER;
    expect(row()).toBe(-1);
    expect(unfoldWay(trace, repeats, folds, 3)).toBe(true);
    expect(unfoldWay(trace, repeats, folds, 3)).toBe(false);
    expect(folds.call[0]).toBe(OPEN);
  });
});

describe("a trace that opens", () => {
  it("is whole where it is small", () => {
    const trace = drawnTrace(TREE);
    expect(drawn(trace, firstFolds(trace, repeatsOf(trace)))).toBe("a ·b ··c ·d e");
  });

  it("shows as many levels as fill some screens", () => {
    const lines = ["root 0+9"];
    for (let caller = 0; caller < 200; caller += 1)
      lines.push(`  p${caller} 0+1`, `    c${caller} 0+1`, `    d${caller} 0+1`);
    const trace = drawnTrace(lines.join("\n"));
    const rows = rowsOf(trace, repeatsOf(trace), firstFolds(trace, repeatsOf(trace)), null);
    expect(rows.count).toBe(201);
  });

  it("takes a million calls in little time", () => {
    const trace = largeTrace(1_000, 1_000);
    const start = performance.now();
    const repeats = repeatsOf(trace);
    const folds = firstFolds(trace, repeats);
    expect(rowsOf(trace, repeats, folds, null).count).toBe(2);
    folds.call.fill(OPEN);
    folds.group.fill(1);
    expect(rowsOf(trace, repeats, folds, null).count).toBe(1_001_001 + repeats.count);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
