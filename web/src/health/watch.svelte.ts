/** The hub's own state, asked for again and again while somebody looks. */
import { asFailure, fetchStatus } from "../api/client";
import type { Failure, Status } from "../api/types";
import { askAgain } from "../state/again";

const EVERY_MS = 2_000;

export class StatusWatch {
  status = $state.raw<Status | null>(null);
  failure = $state.raw<Failure | null>(null);

  follow(): () => void {
    return askAgain(
      () => this.#fetch(),
      () => EVERY_MS,
    );
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
