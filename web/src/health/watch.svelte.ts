/** The hub's own state, asked for again and again while somebody looks. */
import { asFailure, fetchStatus } from "../api/client";
import type { Failure, Status } from "../api/types";

const EVERY_MS = 2_000;

export class StatusWatch {
  status = $state.raw<Status | null>(null);
  failure = $state.raw<Failure | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  follow(): () => void {
    void this.#ask();
    return () => {
      this.#stopped = true;
      clearTimeout(this.#timer);
    };
  }

  async #ask(): Promise<void> {
    if (!document.hidden) await this.#fetch();
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#ask(), EVERY_MS);
  }

  async #fetch(): Promise<void> {
    try {
      this.status = await fetchStatus();
      this.failure = null;
    } catch (thrown) {
      this.failure = asFailure(thrown);
    }
  }
}
