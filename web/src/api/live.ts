/** The hub's live events, with reconnection. */
import { ApiFailure, asFailure, openEvents } from "./client";
import { eventData } from "./events";
import type { Failure, FailureBody, LiveEvent } from "./types";

/** The first pause before connecting anew, doubled up to the longest; both in milliseconds. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;
/** The hub sends a pulse every second: silence for so long means the connection is dead, whatever TCP believes. */
const SILENCE_MS = 6_000;

export interface LiveListener {
  event(event: LiveEvent): void;
  connected(): void;
  /** The connection is lost; the next attempt comes at this time (`Date.now()`). */
  lost(retryAt: number, failure: Failure): void;
}

/** Listens until the returned function is called. */
export function listenLive(listener: LiveListener): () => void {
  const live = new Live(listener);
  void live.connect();
  return () => live.stop();
}

class Live {
  #pause = FIRST_PAUSE_MS;
  #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(readonly listener: LiveListener) {}

  async connect(): Promise<void> {
    this.#abort = new AbortController();
    try {
      await this.#listen();
      this.#retry(new Error("The hub ended the connection."));
    } catch (thrown) {
      this.#retry(thrown);
    }
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  async #listen(): Promise<void> {
    this.#watchSilence();
    const stream = await openEvents("/live", this.#abort.signal);
    this.#pause = FIRST_PAUSE_MS;
    this.listener.connected();
    for await (const data of eventData(stream)) {
      this.#watchSilence();
      this.listener.event(eventIn(data));
    }
  }

  #watchSilence(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(), SILENCE_MS);
  }

  #retry(thrown: unknown): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.listener.lost(Date.now() + this.#pause, asFailure(thrown));
    this.#timer = setTimeout(() => void this.connect(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }
}

/** A hub that ends the stream says why. */
function eventIn(data: string): LiveEvent {
  const said = JSON.parse(data) as LiveEvent | FailureBody;
  if ("error" in said) throw new ApiFailure(said.error);
  return said;
}
