/** Arguments, returned values and errors of calls, fetched when they are looked at, many at a time. */
import { asFailure, isAbort, runStatement } from "../api/client";
import { parseExact } from "../api/exact";
import type { Failure } from "../api/types";
import { quote } from "../language/statement";
import { callId, type Trace } from "./model";

export interface CallValues {
  /** `undefined` where none were captured. */
  args: unknown;
  returned: unknown;
  error: unknown;
  /** Nanoseconds in which it ran; the rest it waited. */
  busy: number;
}

/** Calls asked for at once. */
const BATCH = 250;
/** Calls whose values are kept; those fetched first are let go first. */
const KEPT = 20_000;
/** What is wanted within this time is asked for together. */
const GATHER_MS = 16;

const COLUMNS = "call_id, args, returned, error, busy_ns";

export class Values {
  failure = $state.raw<Failure | null>(null);
  /** Grows whenever there are more: what draws values reads it. */
  #version = $state(0);
  readonly #trace: Trace;
  readonly #known = new Map<number, CallValues>();
  readonly #wanted = new Set<number>();
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** A call's values; `null` as long as they are not there: then they are on their way. */
  of(call: number): CallValues | null {
    void this.#version;
    const known = this.#known.get(call);
    if (known) return known;
    if (call >= 0 && call < this.#trace.count) this.#want(call);
    return null;
  }

  /** The values of all these calls, fetched part by part. */
  async all(calls: readonly number[], signal: AbortSignal): Promise<Map<number, CallValues>> {
    const found = new Map<number, CallValues>();
    const missing = calls.filter((call) => !this.#known.has(call));
    for (let at = 0; at < missing.length; at += BATCH) {
      for (const [call, values] of await this.#ask(missing.slice(at, at + BATCH), signal))
        found.set(call, values);
    }
    for (const call of calls) {
      const known = this.#known.get(call);
      if (known) found.set(call, known);
    }
    return found;
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  #want(call: number): void {
    this.#wanted.add(call);
    if (!this.#busy) this.#timer ??= setTimeout(() => void this.#fetch(), GATHER_MS);
  }

  async #fetch(): Promise<void> {
    this.#timer = undefined;
    // What was wanted last is what is looked at now.
    const calls = [...this.#wanted].slice(-BATCH);
    this.#wanted.clear();
    this.#busy = true;
    try {
      const found = await this.#ask(calls, this.#abort.signal);
      calls.forEach((call) => this.#keep(call, found.get(call) ?? NOTHING));
      this.failure = null;
      this.#version += 1;
    } catch (thrown) {
      if (!isAbort(thrown)) this.failure = asFailure(thrown);
    }
    this.#busy = false;
    if (this.#wanted.size > 0 && !this.#abort.signal.aborted)
      this.#timer = setTimeout(() => void this.#fetch(), 0);
  }

  #keep(call: number, values: CallValues): void {
    this.#known.set(call, values);
    if (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value as number);
  }

  async #ask(calls: readonly number[], signal: AbortSignal): Promise<Map<number, CallValues>> {
    const byId = new Map(calls.map((call) => [callId(this.#trace, call), call]));
    const traces = this.#trace.columns.traces.map(quote).join(", ");
    const ids = [...byId.keys()].map(quote).join(", ");
    const statement = `SELECT ${COLUMNS} FROM calls WHERE trace_id IN (${traces}) AND call_id IN (${ids})`;
    const answer = await runStatement(statement, { signal });
    const found = new Map<number, CallValues>();
    for (const row of answer.kind === "rows" ? answer.rows : []) {
      const call = byId.get(String(row[0]));
      if (call !== undefined) found.set(call, valuesIn(row));
    }
    return found;
  }
}

/** Of a call whose row is gone, as retention took it. */
const NOTHING: CallValues = { args: undefined, returned: undefined, error: undefined, busy: 0 };

function valuesIn(row: readonly unknown[]): CallValues {
  const [, args, returned, error, busy] = row;
  return { args: value(args), returned: value(returned), error: value(error), busy: Number(busy ?? 0) };
}

function value(json: unknown): unknown {
  if (typeof json !== "string") return undefined;
  try {
    return parseExact(json);
  } catch {
    return json;
  }
}
