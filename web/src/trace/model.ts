/** A trace in typed arrays, one entry a call, depth first: positions, depth, times, what is odd about it. */
import type { TreeColumns } from "../api/types";

/** The letters of `TreeColumns.outcomes`. */
export const OUTCOMES: Readonly<Record<string, string>> = {
  r: "returned",
  e: "error",
  p: "panicked",
  c: "cancelled",
  u: "running",
};

/** The digits of `TreeColumns.marks`. */
export const MATCHED = 1;
export const NOT_CAPTURED = 2;
export const LEFT_OUT = 4;

/** What is odd about a call's place in time, as bits. */
export const STARTS_BEFORE = 1;
export const ENDS_AFTER = 2;

/** Nanoseconds by which clocks of one machine's threads may differ when they are read. */
export const CLOCK_SLACK = 10_000;

const ID = 16;
const [RETURNED, RUNNING] = ["r", "u"].map((letter) => letter.charCodeAt(0));

export interface Trace {
  readonly columns: TreeColumns;
  readonly count: number;
  readonly level: Uint32Array;
  /** -1 at the top. */
  readonly parent: Int32Array;
  /** The place after the last call below. */
  readonly end: Uint32Array;
  /** Nanoseconds from the first start. */
  readonly start: Float64Array;
  /** Nanoseconds; of a call still under way, so far. */
  readonly duration: Float64Array;
  /** Nanoseconds not covered by calls below it. */
  readonly self: Float64Array;
  /** Place among `paths`. */
  readonly path: Uint32Array;
  /** Different functions by path, whatever file and line a release has them in. */
  readonly paths: readonly string[];
  /** Letters as character codes. */
  readonly outcome: Uint8Array;
  readonly marks: Uint8Array;
  /** Bits: it begins before its parent, it ends after it. */
  readonly odd: Uint8Array;
  /** Nanoseconds from the first start to the last end. */
  readonly span: number;
}

export function traceOf(columns: TreeColumns): Trace {
  const count = columns.level.length;
  const level = Uint32Array.from(columns.level);
  const duration = Float64Array.from(columns.duration_ns);
  const start = starts(columns.start_after_ns);
  const { parent, end } = links(level);
  const { path, paths } = byPath(columns);
  const outcome = codes(columns.outcomes);
  const marks = codes(columns.marks).map((code) => code - 48);
  const odd = oddities(parent, start, duration, outcome);
  const self = selfTimes(parent, start, duration);
  const span = start.reduce((last, at, index) => Math.max(last, at + (duration[index] as number)), 0);
  return {
    columns,
    count,
    level,
    parent,
    end,
    start,
    duration,
    self,
    path,
    paths,
    outcome,
    marks,
    odd,
    span,
  };
}

function codes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The first one's distance is from the first start. */
function starts(after: readonly number[]): Float64Array {
  const all = Float64Array.from(after);
  for (let index = 1; index < all.length; index += 1)
    all[index] = (all[index] as number) + (all[index - 1] as number);
  return all;
}

function links(level: Uint32Array): { parent: Int32Array; end: Uint32Array } {
  const parent = new Int32Array(level.length);
  const end = new Uint32Array(level.length);
  const way: number[] = [];
  for (let index = 0; index < level.length; index += 1) {
    const depth = Math.min(level[index] as number, way.length);
    while (way.length > depth) end[way.pop() as number] = index;
    parent[index] = way.at(-1) ?? -1;
    way.push(index);
  }
  while (way.length > 0) end[way.pop() as number] = level.length;
  return { parent, end };
}

function byPath(columns: TreeColumns): { path: Uint32Array; paths: string[] } {
  const paths = [...new Set(columns.functions.map((entry) => entry.function))];
  const place = new Map(paths.map((path, index) => [path, index]));
  const of = columns.functions.map((entry) => place.get(entry.function) ?? 0);
  return { path: Uint32Array.from(columns.function, (index) => of[index] ?? 0), paths };
}

/** What happens in calls that ran side by side counts once, what happens outside of the caller not at all. */
function selfTimes(parent: Int32Array, start: Float64Array, duration: Float64Array): Float64Array {
  const self = duration.slice();
  const covered = start.slice();
  for (let index = 0; index < parent.length; index += 1) {
    const above = parent[index] as number;
    if (above < 0) continue;
    const end = (start[above] as number) + (duration[above] as number);
    const until = Math.min((start[index] as number) + (duration[index] as number), end);
    const from = Math.max(start[index] as number, covered[above] as number);
    if (until <= from) continue;
    self[above] = (self[above] as number) - (until - from);
    covered[above] = until;
  }
  return self;
}

function oddities(
  parent: Int32Array,
  start: Float64Array,
  duration: Float64Array,
  outcome: Uint8Array,
): Uint8Array {
  return Uint8Array.from(parent, (above, index) => {
    if (above < 0) return 0;
    const before = (start[index] as number) + CLOCK_SLACK < (start[above] as number) ? STARTS_BEFORE : 0;
    const end = (at: number) => (start[at] as number) + (duration[at] as number);
    const after = outcome[above] !== RUNNING && end(index) > end(above) + CLOCK_SLACK ? ENDS_AFTER : 0;
    return before | after;
  });
}

export function callId(trace: Trace, index: number): string {
  return trace.columns.call_ids.slice(index * ID, index * ID + ID);
}

/** The place of a call; -1 where it is not part of the trace. */
export function indexOfCall(trace: Trace, id: string | null): number {
  if (!id || id.length !== ID) return -1;
  const ids = trace.columns.call_ids;
  for (let at = ids.indexOf(id); at >= 0; at = ids.indexOf(id, at + 1)) if (at % ID === 0) return at / ID;
  return -1;
}

export function outcomeOf(trace: Trace, index: number): string {
  return OUTCOMES[trace.columns.outcomes[index] ?? ""] ?? "returned";
}

/** An error or a panic. */
export function hasFailed(trace: Trace, index: number): boolean {
  const letter = trace.columns.outcomes[index];
  return letter === "e" || letter === "p";
}

export function hasReturned(trace: Trace, index: number): boolean {
  return trace.outcome[index] === RETURNED;
}

export function isRunning(trace: Trace, index: number): boolean {
  return trace.outcome[index] === RUNNING;
}

export function pathOf(trace: Trace, index: number): string {
  return trace.paths[trace.path[index] as number] ?? "";
}

/** The last two parts: type and name, or module and name. */
export function shortPath(path: string): string {
  return path.split("::").slice(-2).join("::");
}

export function instanceOf(trace: Trace, index: number) {
  return trace.columns.instances[trace.columns.instance[index] ?? -1];
}

export function serviceOf(trace: Trace, index: number): string {
  return instanceOf(trace, index)?.service ?? "";
}

export function traceIdOf(trace: Trace, index: number): string {
  return trace.columns.traces[trace.columns.trace[index] ?? 0] ?? "";
}

/** It runs in another service than its parent. */
export function isHop(trace: Trace, index: number): boolean {
  const above = trace.parent[index] as number;
  return above >= 0 && serviceOf(trace, above) !== serviceOf(trace, index);
}

export function hasChildren(trace: Trace, index: number): boolean {
  return (trace.end[index] as number) > index + 1;
}

export function endOf(trace: Trace, index: number): number {
  return (trace.start[index] as number) + (trace.duration[index] as number);
}

/** The first call the statement asked for. */
export function firstMatched(trace: Trace): number {
  return trace.marks.findIndex((mark) => (mark & MATCHED) !== 0);
}

/** When a call started, as RFC 3339 text. */
export function startedAt(trace: Trace, index: number): string {
  const [head = "", fraction = "0"] = trace.columns.started_at.replace(/Z$/, "").split(".");
  const ns = BigInt(fraction.padEnd(9, "0").slice(0, 9)) + BigInt(Math.round(trace.start[index] as number));
  const ms = Date.parse(`${head}Z`);
  if (Number.isNaN(ms)) return trace.columns.started_at;
  const second = new Date(ms + Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${second}.${String(ns % 1_000_000_000n).padStart(9, "0")}Z`;
}
