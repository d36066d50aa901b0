/** Where the flame graph's boxes lie: by time, each call a box; merged, calls of the same way from the top in one box. */
import { hasFailed, type Trace } from "./model";

/** Boxes on lines: line `l` holds the boxes `calls[begins[l] .. begins[l + 1]]`, the leftmost first. */
export interface Lines {
  readonly count: number;
  readonly begins: Uint32Array;
  readonly boxes: Uint32Array;
  /** The line of each box; -1 where it is not drawn. */
  readonly line: Int32Array;
}

/** Lines looked at for a call that runs beside others; beyond it boxes lie over each other. */
const TRIES = 200;

/**
 * By time: a call lies one line below its caller, or, where calls run side by side, on the next line that is free. What is
 * below a call that the reader folded is left out.
 */
export function timeLines(trace: Trace, isFolded: (call: number) => boolean): Lines {
  const line = new Int32Array(trace.count).fill(-1);
  const free: number[] = [];
  for (let call = 0; call < trace.count;) {
    const above = trace.parent[call] as number;
    const first = above < 0 ? 0 : (line[above] as number) + 1;
    line[call] = freeLine(free, first, trace.start[call] as number);
    const end = (trace.start[call] as number) + (trace.duration[call] as number);
    free[line[call] as number] = Math.max(free[line[call] as number] ?? 0, end);
    call = isFolded(call) ? (trace.end[call] as number) : call + 1;
  }
  return inLines(line, (a, b) => (trace.start[a] as number) - (trace.start[b] as number));
}

function freeLine(free: readonly number[], first: number, start: number): number {
  for (let line = first; line < first + TRIES; line += 1) {
    const until = free[line];
    if (until === undefined || until <= start) return line;
  }
  return first;
}

function inLines(line: Int32Array, order: (a: number, b: number) => number): Lines {
  const count = line.reduce((most, of) => Math.max(most, of + 1), 0);
  const begins = new Uint32Array(count + 1);
  for (const of of line) if (of >= 0) begins[of + 1]! += 1;
  for (let at = 1; at <= count; at += 1) begins[at]! += begins[at - 1] as number;
  const next = begins.slice();
  const boxes = new Uint32Array(begins[count] as number);
  line.forEach((of, box) => {
    if (of >= 0) boxes[next[of]!++] = box;
  });
  for (let at = 0; at < count; at += 1) boxes.subarray(begins[at], begins[at + 1]).sort(order);
  return { count, begins, boxes, line };
}

/** Calls merged by their way from the top: each box a function below the same functions. */
export interface Merged extends Lines {
  /** Place among the trace's paths. */
  readonly path: Uint32Array;
  readonly parent: Int32Array;
  /** Nanoseconds of the calls' own time and of all below: its width. */
  readonly total: Float64Array;
  readonly self: Float64Array;
  readonly calls: Uint32Array;
  readonly errors: Uint32Array;
  /** The longest of its calls. */
  readonly slowest: Uint32Array;
  /** Nanoseconds from the left. */
  readonly left: Float64Array;
  /** The box of each call. */
  readonly of: Uint32Array;
}

export function merged(trace: Trace): Merged {
  const boxes = new Boxes(trace);
  for (let call = 0; call < trace.count; call += 1) boxes.add(call);
  return boxes.laidOut();
}

class Boxes {
  readonly path: number[] = [];
  readonly parent: number[] = [];
  readonly self: number[] = [];
  readonly calls: number[] = [];
  readonly errors: number[] = [];
  readonly slowest: number[] = [];
  readonly level: number[] = [];
  readonly of: Uint32Array;
  readonly #below = new Map<number, number>();

  constructor(readonly trace: Trace) {
    this.of = new Uint32Array(trace.count);
  }

  add(call: number): void {
    const { trace } = this;
    const above = trace.parent[call] as number;
    const box = this.#box(above < 0 ? -1 : (this.of[above] as number), trace.path[call] as number, call);
    this.of[call] = box;
    this.calls[box]! += 1;
    this.self[box]! += trace.self[call] as number;
    if (hasFailed(trace, call)) this.errors[box]! += 1;
    if ((trace.duration[call] as number) > (trace.duration[this.slowest[box] as number] as number))
      this.slowest[box] = call;
  }

  #box(above: number, path: number, call: number): number {
    const key = (above + 1) * this.trace.paths.length + path;
    const known = this.#below.get(key);
    if (known !== undefined) return known;
    const box = this.path.push(path) - 1;
    this.parent.push(above);
    this.level.push(above < 0 ? 0 : (this.level[above] as number) + 1);
    this.self.push(0);
    this.calls.push(0);
    this.errors.push(0);
    this.slowest.push(call);
    this.#below.set(key, box);
    return box;
  }

  laidOut(): Merged {
    const total = Float64Array.from(this.self);
    for (let box = total.length - 1; box >= 0; box -= 1) {
      const above = this.parent[box] as number;
      if (above >= 0) total[above] = (total[above] as number) + (total[box] as number);
    }
    const left = this.#lefts(total);
    const line = Int32Array.from(this.level);
    return {
      ...inLines(line, (a, b) => (left[a] as number) - (left[b] as number)),
      path: Uint32Array.from(this.path),
      parent: Int32Array.from(this.parent),
      total,
      self: Float64Array.from(this.self),
      calls: Uint32Array.from(this.calls),
      errors: Uint32Array.from(this.errors),
      slowest: Uint32Array.from(this.slowest),
      left,
      of: this.of,
    };
  }

  /** The largest of a caller lies leftmost. */
  #lefts(total: Float64Array): Float64Array {
    const order = [...total.keys()].sort((a, b) => (total[b] as number) - (total[a] as number) || a - b);
    const byLevel = order.sort((a, b) => (this.level[a] as number) - (this.level[b] as number));
    const left = new Float64Array(total.length);
    const next = new Float64Array(total.length + 1);
    for (const box of byLevel) {
      const above = this.parent[box] as number;
      const place = above + 1;
      left[box] = (above < 0 ? 0 : (left[above] as number)) + (next[place] as number);
      next[place] = (next[place] as number) + (total[box] as number);
    }
    return left;
  }
}

/** The box on a line over a place; -1 where none is. `until` is a box's right end. */
export function boxAt(
  lines: Lines,
  line: number,
  place: number,
  from: (box: number) => number,
  until: (box: number) => number,
): number {
  if (line < 0 || line >= lines.count) return -1;
  let [low, high] = [lines.begins[line] as number, lines.begins[line + 1] as number];
  const first = low;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (from(lines.boxes[middle] as number) <= place) low = middle + 1;
    else high = middle;
  }
  if (low === first) return -1;
  const box = lines.boxes[low - 1] as number;
  return until(box) >= place ? box : -1;
}
