/** Calls as they are acknowledged, as many as one can look at. */
import { asFailure, isAbort, openEvents } from "../api/client";
import { eventData } from "../api/events";
import { parseExact } from "../api/exact";
import type { Failure, FailureBody, TailEvent } from "../api/types";
import { compact, compactArguments, type Piece } from "../values/compact";
import { PerSecond, Ring } from "./ring";

/** Calls that are kept: more than anybody scrolls through while others come. */
const MAX_CALLS = 1_000;
/** New calls are drawn at most so often, in milliseconds. */
const DRAW_EVERY_MS = 250;
/** Seconds over which rates are told. */
const RATE_SECONDS = 5;
/** Characters kept of arguments, and of what came of them. */
const MAX_CHARACTERS = 160;
/** The first pause before connecting anew, doubled up to the longest. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;

/** What is kept of a call. */
export interface TailCall {
  /** A call that took long comes twice: while it runs, and when it has ended. */
  key: string;
  id: string;
  startedAt: string;
  service: string;
  instance: string;
  path: string;
  durationNs: number;
  outcome: string;
  args: Piece[];
  result: Piece[];
}

export class Tail {
  /** The newest first. */
  calls = $state.raw<TailCall[]>([]);
  paused = $state(false);
  failure = $state.raw<Failure | null>(null);
  connected = $state(false);
  shownPerSecond = $state(0);
  passedOverPerSecond = $state(0);
  /** All that came, and all that the hub passed over, since this was opened. */
  shown = $state(0);
  passedOver = $state(0);
  /** Calls that came since it was paused. */
  missed = $state(0);

  #ring = new Ring<TailCall>(MAX_CALLS);
  #shownRate = new PerSecond(RATE_SECONDS);
  #passedRate = new PerSecond(RATE_SECONDS);
  #counts = { shown: 0, passedOver: 0, missed: 0 };
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Follows calls of functions that match a pattern, so many a second at most, until the returned function is called. */
  follow(pattern: string, perSecond: number): () => void {
    const abort = new AbortController();
    const query = new URLSearchParams({ max_per_second: String(perSecond) });
    if (pattern) query.set("function", pattern);
    void this.#keepListening(`/tail?${query}`, abort);
    this.#timer = setInterval(() => this.#draw(), DRAW_EVERY_MS);
    return () => {
      abort.abort();
      clearInterval(this.#timer);
    };
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
    this.#counts.missed = 0;
    this.#draw();
  }

  clear(): void {
    this.#ring.clear();
    this.calls = [];
  }

  async #keepListening(path: string, abort: AbortController): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    while (!abort.signal.aborted) {
      try {
        await this.#listen(path, abort.signal, () => (pause = FIRST_PAUSE_MS));
      } catch (thrown) {
        if (isAbort(thrown) || abort.signal.aborted) return;
        this.failure = asFailure(thrown);
      }
      this.connected = false;
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  async #listen(path: string, signal: AbortSignal, connected: () => void): Promise<void> {
    const stream = await openEvents(path, signal);
    connected();
    this.connected = true;
    this.failure = null;
    for await (const data of eventData(stream)) this.#take(data);
  }

  #take(data: string): void {
    const event = parseExact(data) as TailEvent | FailureBody;
    if ("error" in event) return;
    const now = Date.now();
    if (event.event === "skipped") {
      this.#counts.passedOver += event.calls;
      this.#passedRate.add(event.calls, now);
      return;
    }
    this.#counts.shown += 1;
    this.#shownRate.add(1, now);
    if (this.paused) this.#counts.missed += 1;
    else this.#ring.push(kept(event));
  }

  #draw(): void {
    const now = Date.now();
    this.shownPerSecond = this.#shownRate.rate(now);
    this.passedOverPerSecond = this.#passedRate.rate(now);
    this.passedOver = this.#counts.passedOver;
    this.missed = this.#counts.missed;
    if (this.shown === this.#counts.shown) return;
    this.shown = this.#counts.shown;
    if (!this.paused) this.calls = this.#ring.newestFirst();
  }
}

type CallEvent = Extract<TailEvent, { event: "call" }>;

function kept(call: CallEvent): TailCall {
  const result = call.error ?? call.returned;
  return {
    key: `${call.call_id} ${call.outcome}`,
    id: call.call_id,
    startedAt: call.started_at,
    service: call.service,
    instance: call.instance,
    path: call.function,
    durationNs: Number(call.duration_ns),
    outcome: call.outcome,
    args: compactArguments(call.args ?? null, MAX_CHARACTERS),
    result: result === undefined || result === null ? [] : compact(result, MAX_CHARACTERS),
  };
}
