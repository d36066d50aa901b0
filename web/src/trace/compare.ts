/** Two calls beside each other: what was called below them, by function and order. */
import { hasFailed, type Trace } from "./model";

/** A function below the same functions in both, with all its calls there. */
export interface ComparedRow {
  path: string;
  level: number;
  /** Calls, nanoseconds and errors, of the one and of the other. */
  count: [number, number];
  total: [number, number];
  errors: [number, number];
  /** The first call on each side; -1 where there is none. */
  first: [number, number];
}

/** Rows told; the rest is deeper or comes later. */
export const MOST_ROWS = 5_000;

/** One side: a call of a trace. */
export interface Side {
  trace: Trace;
  call: number;
}

interface Box extends ComparedRow {
  below: Map<string, Box>;
}

/**
 * The two calls first, then what is below them: the calls a function made of another are one row, in the order in which the
 * first of them was made on the left, then what only the right one has.
 */
export function compareCalls(left: Side, right: Side): ComparedRow[] {
  const root = box(left.trace.paths[left.trace.path[left.call] as number] ?? "", 0);
  gather(root, left, 0);
  gather(root, right, 1);
  return flat(root);
}

function box(path: string, level: number): Box {
  return { path, level, count: [0, 0], total: [0, 0], errors: [0, 0], first: [-1, -1], below: new Map() };
}

function gather(root: Box, { trace, call }: Side, side: 0 | 1): void {
  const way: { box: Box; end: number }[] = [];
  const end = trace.end[call] as number;
  for (let at = call; at < end; at += 1) {
    while (way.length > 0 && (way.at(-1)?.end ?? 0) <= at) way.pop();
    const above = way.at(-1)?.box;
    const into = above ? child(above, trace.paths[trace.path[at] as number] ?? "") : root;
    into.count[side] += 1;
    into.total[side] += trace.duration[at] as number;
    if (hasFailed(trace, at)) into.errors[side] += 1;
    if (into.first[side] < 0) into.first[side] = at;
    way.push({ box: into, end: trace.end[at] as number });
  }
}

function child(above: Box, path: string): Box {
  const known = above.below.get(path);
  if (known) return known;
  const fresh = box(path, above.level + 1);
  above.below.set(path, fresh);
  return fresh;
}

function flat(root: Box): ComparedRow[] {
  const rows: ComparedRow[] = [];
  const left = [root];
  for (let next = left.pop(); next && rows.length < MOST_ROWS; next = left.pop()) {
    const { below, ...row } = next;
    rows.push(row);
    left.push(...[...below.values()].reverse());
  }
  return rows;
}

/** Calls of the same function worth comparing a call with, the nearest in the list first. */
export interface Others {
  previous: number;
  next: number;
  fastest: number;
  slowest: number;
}

export function othersOf(trace: Trace, call: number): Others {
  const others: Others = { previous: -1, next: -1, fastest: -1, slowest: -1 };
  const longer = (a: number, b: number) => (trace.duration[a] as number) > (trace.duration[b] as number);
  for (let at = 0; at < trace.count; at += 1) {
    if (at === call || trace.path[at] !== trace.path[call]) continue;
    if (at < call) others.previous = at;
    else if (others.next < 0) others.next = at;
    if (others.fastest < 0 || longer(others.fastest, at)) others.fastest = at;
    if (others.slowest < 0 || longer(at, others.slowest)) others.slowest = at;
  }
  return others;
}
