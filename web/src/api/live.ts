/** The hub's live events, with reconnection: `EventSource` alone gives up for good when a proxy answers with an error. */
import type { LiveEvent } from "./types";

/** The first pause before connecting anew, doubled up to the longest; both in milliseconds. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;
/** The hub sends a pulse every second: silence for so long means the connection is dead, whatever TCP believes. */
const SILENCE_MS = 6_000;

export interface LiveListener {
  event(event: LiveEvent): void;
  connected(): void;
  /** The connection is lost; the next attempt comes at this time (`Date.now()`). */
  lost(retryAt: number): void;
}

/** Listens until the returned function is called. */
export function listenLive(listener: LiveListener): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = FIRST_PAUSE_MS;

  const watchSilence = () => {
    clearTimeout(timer);
    timer = setTimeout(reconnectLater, SILENCE_MS);
  };
  const reconnectLater = () => {
    source?.close();
    clearTimeout(timer);
    listener.lost(Date.now() + pause);
    timer = setTimeout(connect, pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  };
  const connect = () => {
    source = new EventSource("/api/v1/live");
    watchSilence();
    source.onopen = () => {
      pause = FIRST_PAUSE_MS;
      listener.connected();
    };
    source.onmessage = (message: MessageEvent<string>) => {
      watchSilence();
      listener.event(JSON.parse(message.data) as LiveEvent);
    };
    source.onerror = reconnectLater;
  };

  connect();
  return () => {
    source?.close();
    clearTimeout(timer);
  };
}
