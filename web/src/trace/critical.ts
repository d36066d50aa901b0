/**
 * The critical path of a trace: the calls whose time is the trace's time, had any of them been shorter, the whole had been.
 *
 * Walked backwards in time, as CRISP does (Zhang et al., "CRISP: Critical Path Analysis of Large-Scale Microservice
 * Architectures", USENIX ATC 2022, section 4; Jaeger's page draws the same). From the end of a call: of the calls it made,
 * the one that ended last was waited for last. What lies between that end and the present moment is the caller's own time;
 * then the walk goes through that call, down to its start, and from there on to whichever ended last before. Of calls side
 * by side only the last to end is on the path; what goes on after its caller returned was not waited for, and what began
 * before its caller (clocks differ) counts from its caller's start. Where a trace has several tops, nobody is known who
 * waited for them: they are taken as calls of one that lasts as long as all of them.
 */
import { CLOCK_SLACK, isHop, type Trace } from "./model";

export interface CriticalPath {
  /** Nanoseconds of the path spent in each call itself; 0 for calls beside the path. */
  readonly time: Float64Array;
  /** Stretches of the path, from the last to the first. */
  readonly call: Int32Array;
  readonly from: Float64Array;
  readonly until: Float64Array;
  readonly count: number;
}

/** A call the walk is in: it goes through its children from the last to end to the first. */
interface Step {
  call: number;
  start: number;
  end: number;
  /** Children in order of their ends, the last one last. */
  children: number[];
}

export function criticalPath(trace: Trace): CriticalPath {
  const walk = new Walk(trace);
  walk.go();
  return walk;
}

class Walk implements CriticalPath {
  readonly time: Float64Array;
  call = new Int32Array(256);
  from = new Float64Array(256);
  until = new Float64Array(256);
  count = 0;
  readonly #trace: Trace;
  /** Where the walk is: everything after it is done. */
  #now = 0;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.time = new Float64Array(trace.count);
  }

  go(): void {
    const { span } = this.#trace;
    this.#now = span;
    const way: Step[] = [this.#step(-1, 0)];
    for (let step = way.at(-1); step; step = way.at(-1)) {
      const child = step.children.pop();
      if (child === undefined) {
        this.#pass(step.call, step.start);
        way.pop();
      } else if (this.#wasWaitedFor(child, step)) {
        this.#pass(step.call, this.#end(child, step.end));
        way.push(this.#step(child, Math.max(step.start, this.#trace.start[child] as number)));
      }
    }
  }

  /** Into a call, at whose end the walk is. */
  #step(call: number, start: number): Step {
    return { call, start, end: this.#now, children: this.#children(call, this.#now) };
  }

  /** It ended before the present moment of the walk, and in its caller's time. */
  #wasWaitedFor(child: number, by: Step): boolean {
    const end = this.#end(child, by.end);
    return end <= this.#now && end > by.start;
  }

  /** Goes back to `to` in a call's own time. */
  #pass(call: number, to: number): void {
    if (to >= this.#now) return;
    if (call >= 0) {
      this.time[call] = (this.time[call] as number) + (this.#now - to);
      this.#note(call, to, this.#now);
    }
    this.#now = to;
  }

  #note(call: number, from: number, until: number): void {
    if (this.count === this.call.length) this.#grow();
    this.call[this.count] = call;
    this.from[this.count] = from;
    this.until[this.count] = until;
    this.count += 1;
  }

  #grow(): void {
    const larger = <A extends Int32Array | Float64Array>(from: A, into: A): A => (into.set(from), into);
    this.call = larger(this.call, new Int32Array(2 * this.count));
    this.from = larger(this.from, new Float64Array(2 * this.count));
    this.until = larger(this.until, new Float64Array(2 * this.count));
  }

  #end(call: number, limit: number): number {
    const { start, duration } = this.#trace;
    return Math.min((start[call] as number) + (duration[call] as number), limit);
  }

  /** A call's children in order of their ends; what went on in the same service after `limit` was not waited for. */
  #children(of: number, limit: number): number[] {
    const { end, count } = this.#trace;
    const children: number[] = [];
    const last = of < 0 ? count : (end[of] as number);
    for (let child = of + 1; child < last; child = end[child] as number)
      if (this.#end(child, Infinity) <= limit + CLOCK_SLACK || isHop(this.#trace, child))
        children.push(child);
    return children.sort((a, b) => this.#end(a, limit) - this.#end(b, limit) || a - b);
  }
}
