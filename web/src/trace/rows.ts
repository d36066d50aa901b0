/** Which calls are drawn, one a row: what is folded, what is repeated, what a filter leaves. */
import { hasChildren, MATCHED, type Trace } from "./model";

/** So many calls of one function by one caller, ended alike, are drawn as one row, "× 4,000". */
export const REPEATS_FROM = 5;
/** A trace opens level by level until it would fill more rows than this. */
const OPENS_TO = 300;

/** Open; folded as the trace opened; folded by the reader. */
export const OPEN = 0;
export const FOLDED = 1;
export const FOLDED_BY_READER = 2;

/** What a filter says of a call. */
export const FOUND = 1;
export const ABOVE_FOUND = 2;

/** Calls of one function by one caller. */
export interface Repeats {
  /** The group a call is in; -1 for most. */
  readonly of: Int32Array;
  readonly count: number;
  /** Where the members of each group begin; one more than there are groups. */
  readonly begins: Uint32Array;
  /** In order of their start. */
  readonly members: Uint32Array;
}

export interface Folds {
  /** One of the three above, by call. */
  readonly call: Uint8Array;
  /** 1 where the members are shown, by group. */
  readonly group: Uint8Array;
}

/** The rows from the first to the last. */
export interface Rows {
  readonly count: number;
  /** A call, or a group as its complement: see [`groupAt`]. */
  readonly of: Int32Array;
  /** Steps to the right. */
  readonly level: Uint32Array;
}

export function repeatsOf(trace: Trace): Repeats {
  const of = new Int32Array(trace.count).fill(-1);
  const sizes: number[] = [];
  for (let caller = -1; caller < trace.count; caller += 1) {
    if (caller < 0 || hasChildren(trace, caller)) groupChildren(trace, caller, of, sizes);
  }
  return membersOf(of, sizes);
}

/** Errors stand beside the many that returned, and so do calls that were asked for. */
function groupChildren(trace: Trace, caller: number, of: Int32Array, sizes: number[]): void {
  const last = caller < 0 ? trace.count : (trace.end[caller] as number);
  const counts = new Map<number, number>();
  const each = (take: (child: number, key: number) => void) => {
    for (let child = caller + 1; child < last; child = trace.end[child] as number) {
      if ((trace.marks[child] as number) & MATCHED) continue;
      take(child, (trace.path[child] as number) * 256 + (trace.outcome[child] as number));
    }
  };
  each((_, key) => counts.set(key, (counts.get(key) ?? 0) + 1));
  const groups = new Map<number, number>();
  for (const [key, count] of counts) if (count >= REPEATS_FROM) groups.set(key, sizes.push(count) - 1);
  if (groups.size > 0) each((child, key) => (of[child] = groups.get(key) ?? -1));
}

function membersOf(of: Int32Array, sizes: readonly number[]): Repeats {
  const begins = new Uint32Array(sizes.length + 1);
  sizes.forEach((size, group) => (begins[group + 1] = (begins[group] as number) + size));
  const next = begins.slice();
  const members = new Uint32Array(begins[sizes.length] as number);
  for (let call = 0; call < of.length; call += 1) {
    const group = of[call] as number;
    if (group >= 0) members[next[group]!++] = call;
  }
  return { of, count: sizes.length, begins, members };
}

/** The calls of a group, the first to start first. */
export function membersAt(repeats: Repeats, group: number): Uint32Array {
  return repeats.members.subarray(repeats.begins[group], repeats.begins[group + 1]);
}

/** The group a row stands for; -1 where it is a call. */
export function groupAt(rows: Rows, row: number): number {
  const of = rows.of[row] ?? 0;
  return of < 0 ? ~of : -1;
}

/** The call a row stands for; of a group its first. */
export function callAt(rows: Rows, repeats: Repeats, row: number): number {
  const of = rows.of[row] ?? -1;
  return of >= 0 ? of : (repeats.members[repeats.begins[~of] as number] ?? -1);
}

/** One level of what is being laid out: the children of a call, or the members of a group. */
interface Layer {
  next: number;
  last: number;
  level: number;
  /** -1 where it is children. */
  group: number;
}

/** The rows there are. A filter opens the way to what it found, and leaves everything else out. */
export function rowsOf(trace: Trace, repeats: Repeats, folds: Folds, found: Uint8Array | null): Rows {
  const layout = new Layout(trace, repeats, folds, found);
  return layout.run();
}

class Layout {
  readonly #of: Int32Array;
  readonly #level: Uint32Array;
  #count = 0;
  readonly #way: Layer[] = [];

  constructor(
    readonly trace: Trace,
    readonly repeats: Repeats,
    readonly folds: Folds,
    readonly found: Uint8Array | null,
  ) {
    this.#of = new Int32Array(trace.count + repeats.count);
    this.#level = new Uint32Array(trace.count + repeats.count);
  }

  run(): Rows {
    this.#way.push({ next: 0, last: this.trace.count, level: 0, group: -1 });
    for (let layer = this.#way.at(-1); layer; layer = this.#way.at(-1)) {
      if (layer.next >= layer.last) this.#way.pop();
      else if (layer.group >= 0) this.#call(this.repeats.members[layer.next++] as number, layer.level);
      else this.#child(layer);
    }
    return {
      count: this.#count,
      of: this.#of.subarray(0, this.#count),
      level: this.#level.subarray(0, this.#count),
    };
  }

  #child(layer: Layer): void {
    const call = layer.next;
    layer.next = this.trace.end[call] as number;
    const group = this.repeats.of[call] as number;
    if (group < 0) this.#call(call, layer.level);
    else if (this.repeats.members[this.repeats.begins[group] as number] === call)
      this.#group(group, layer.level);
  }

  #call(call: number, level: number): void {
    if (this.found && !this.found[call]) return;
    this.#row(call, level);
    const last = this.trace.end[call] as number;
    if (last > call + 1 && this.#isOpen(call))
      this.#way.push({ next: call + 1, last, level: level + 1, group: -1 });
  }

  #isOpen(call: number): boolean {
    if (this.folds.call[call] === OPEN) return true;
    return (
      this.folds.call[call] === FOLDED && this.found !== null && (this.found[call] as number) >= ABOVE_FOUND
    );
  }

  #group(group: number, level: number): void {
    const [next, last] = [this.repeats.begins[group] as number, this.repeats.begins[group + 1] as number];
    const left = this.#left(next, last);
    if (left === 0) return;
    if (left >= REPEATS_FROM) this.#row(~group, level);
    const open = this.folds.group[group] === 1 || left < REPEATS_FROM;
    if (open) this.#way.push({ next, last, level: left >= REPEATS_FROM ? level + 1 : level, group });
  }

  /** Members the filter leaves. */
  #left(from: number, to: number): number {
    if (!this.found) return to - from;
    let left = 0;
    for (let at = from; at < to; at += 1) if (this.found[this.repeats.members[at] as number]) left += 1;
    return left;
  }

  #row(of: number, level: number): void {
    this.#of[this.#count] = of;
    this.#level[this.#count] = level;
    this.#count += 1;
  }
}

/** How a trace opens: whole where it is small, else as many levels as fill a few screens. */
export function firstFolds(trace: Trace, repeats: Repeats): Folds {
  const folds: Folds = { call: new Uint8Array(trace.count), group: new Uint8Array(repeats.count) };
  const deepest = trace.level.reduce((most, level) => Math.max(most, level), 0);
  let open = 0;
  for (let level = 0; level <= deepest; level += 1) {
    foldFrom(trace, folds, level);
    if (rowsOf(trace, repeats, folds, null).count > OPENS_TO) break;
    open = level;
  }
  foldFrom(trace, folds, open === deepest ? deepest + 1 : open);
  return folds;
}

function foldFrom(trace: Trace, folds: Folds, level: number): void {
  for (let call = 0; call < trace.count; call += 1)
    folds.call[call] = (trace.level[call] as number) >= level && hasChildren(trace, call) ? FOLDED : OPEN;
}

/** Opens everything above a call; whether anything was closed. */
export function unfoldWay(trace: Trace, repeats: Repeats, folds: Folds, call: number): boolean {
  let changed = false;
  for (let at = call; at >= 0; at = trace.parent[at] as number) {
    const group = repeats.of[at] as number;
    if (group >= 0 && folds.group[group] === 0) [changed, folds.group[group]] = [true, 1];
    if (at !== call && folds.call[at] !== OPEN) [changed, folds.call[at]] = [true, OPEN];
  }
  return changed;
}

/** Opens or folds all there is. */
export function foldAll(trace: Trace, folds: Folds, fold: boolean): void {
  for (let call = 0; call < trace.count; call += 1)
    folds.call[call] = fold && hasChildren(trace, call) ? FOLDED : OPEN;
  folds.group.fill(0);
}

/** The row of a call; of one in a closed group, the group's; -1 where it is below a folded one. */
export function rowOfCall(rows: Rows, repeats: Repeats, call: number): number {
  const row = rows.of.indexOf(call);
  const group = repeats.of[call] ?? -1;
  return row >= 0 || group < 0 ? row : rows.of.indexOf(~group);
}

/** What a filter leaves: the calls it found and those above them. */
export function withWays(trace: Trace, found: Uint8Array): Uint8Array {
  const kept = found.slice();
  for (let call = trace.count - 1; call >= 0; call -= 1) {
    const above = trace.parent[call] as number;
    if (kept[call] && above >= 0) kept[above] = (kept[above] as number) | ABOVE_FOUND;
  }
  return kept;
}
