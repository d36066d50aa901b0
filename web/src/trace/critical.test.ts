import { describe, expect, it } from "vitest";
import { criticalPath } from "./critical";
import { drawnTrace, largeTrace, MS } from "./drawn";
import { pathOf, type Trace } from "./model";

/** The stretches from the first to the last: `name from-until`. */
function drawn(trace: Trace): string {
  const path = criticalPath(trace);
  return Array.from({ length: path.count }, (_, at) => path.count - 1 - at)
    .map(
      (at) =>
        `${pathOf(trace, path.call[at] as number)} ${(path.from[at] as number) / MS}-${(path.until[at] as number) / MS}`,
    )
    .join(", ");
}

describe("the critical path", () => {
  it("goes through calls one after the other, and through what the caller does between", () => {
    const trace = drawnTrace(`
      a 0+100
        b 10+30
        c 50+40`);
    expect(drawn(trace)).toBe("a 0-10, b 10-40, a 40-50, c 50-90, a 90-100");
  });

  it("goes through the last to end of those side by side", () => {
    const trace = drawnTrace(`
      a 0+100
        slow 10+80
          inner 20+60
        quick 15+30
        late 50+35`);
    expect(drawn(trace)).toBe("a 0-10, slow 10-20, inner 20-80, slow 80-90, a 90-100");
  });

  it("takes up whichever ended last before the one that was waited for began", () => {
    const trace = drawnTrace(`
      a 0+100
        first 0+40
        other 0+30
        second 45+55`);
    expect(drawn(trace)).toBe("first 0-40, a 40-45, second 45-100");
  });

  it("leaves out what went on after its caller had returned", () => {
    const trace = drawnTrace(`
      a 0+50
        spawned 10+90`);
    expect(drawn(trace)).toBe("a 0-50");
  });

  it("takes a call that ends by a hair after its caller for one that was waited for", () => {
    const trace = drawnTrace(`
      a 0+50
        joined 10+40.005`);
    expect(drawn(trace)).toBe("a 0-10, joined 10-50");
    expect([...trace.odd]).toEqual([0, 0]);
  });

  it("cuts a call in another service to its caller's time, as clocks differ", () => {
    const trace = drawnTrace(`
      a 10+50
        b 5+60 @pricing`);
    expect(drawn(trace)).toBe("b 10-60");
  });

  it("goes through several tops", () => {
    const trace = drawnTrace(`
      a 0+20 ?
      b 30+10 ?`);
    expect(drawn(trace)).toBe("a 0-20, b 30-40");
  });

  it("is as long as the top call, its stretches touch, and each lies in its call", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const trace = random(seed);
      const path = criticalPath(trace);
      let until = trace.duration[0] as number;
      for (let at = 0; at < path.count; at += 1) {
        const call = path.call[at] as number;
        expect(path.until[at]).toBe(until);
        until = path.from[at] as number;
        expect(until).toBeGreaterThanOrEqual(trace.start[call] as number);
        expect(path.until[at]).toBeLessThanOrEqual(
          (trace.start[call] as number) + (trace.duration[call] as number),
        );
      }
      expect(until).toBe(0);
      expect(path.time.reduce((sum, time) => sum + time, 0)).toBe(trace.duration[0]);
    }
  });

  it("takes a hundred thousand calls side by side, or inside each other", () => {
    const wide = largeTrace(1, 100_000);
    const start = performance.now();
    expect(criticalPath(wide).count).toBeGreaterThan(100_000);
    expect(performance.now() - start).toBeLessThan(2_000);
    const chain =
      "x 0+9\n" + Array.from({ length: 3_000 }, (_, at) => `${"  ".repeat(at + 1)}x 0+9`).join("\n");
    expect(criticalPath(drawnTrace(chain)).count).toBe(1);
  });
});

/** Calls within the time of their callers, in any order and over each other. */
function random(seed: number): Trace {
  let state = seed * 7919;
  const below = (limit: number) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * limit);
  };
  const lines: { level: number; start: number; length: number }[] = [];
  const grow = (level: number, start: number, length: number) => {
    lines.push({ level, start, length });
    const children = Array.from({ length: level < 4 ? below(5) : 0 }, () => {
      const from = start + below(length + 1);
      return [from, below(start + length - from + 1)] as const;
    }).sort((a, b) => a[0] - b[0]);
    for (const [from, long] of children) grow(level + 1, from, long);
  };
  grow(0, 0, 1000);
  return drawnTrace(
    lines.map(({ level, start, length }, at) => `${"  ".repeat(level)}f${at} ${start}+${length}`).join("\n"),
  );
}
