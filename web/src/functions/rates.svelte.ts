/** Asks how functions did, again and again while somebody looks. */
import { asFailure, runStatement } from "../api/client";
import type { Failure, Rows } from "../api/types";
import { clock } from "../state/clock.svelte";
import { BINS, type Rate, ratesOf, TOTALS } from "./rates";

/** The shortest time between two answers, and the part of the hub's time they may take: one in so many. */
const PAUSE_MS = 5_000;
const SHARE = 10;
/** Rows of one answer: of 500 functions all bins. */
const MAX_ROWS = 10_000;

class Rates {
  byFunction = $state.raw<ReadonlyMap<string, Rate>>(new Map());
  failure = $state.raw<Failure | null>(null);
  known = $state(false);
  #watchers = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Keeps asking until the returned function is called. */
  watch(): () => void {
    this.#watchers += 1;
    if (this.#watchers === 1) void this.#ask();
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) clearTimeout(this.#timer);
    };
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    const began = Date.now();
    if (!document.hidden) await this.#fetch();
    const pause = Math.max(PAUSE_MS, (Date.now() - began) * SHARE);
    if (this.#watchers > 0) this.#timer = setTimeout(() => void this.#ask(), pause);
  }

  async #fetch(): Promise<void> {
    try {
      const [totals, bins] = await Promise.all([TOTALS, BINS].map(rowsOf));
      if (totals && bins) this.byFunction = ratesOf(totals, bins, clock.now / 1000);
      this.known = true;
      this.failure = null;
    } catch (thrown) {
      this.failure = asFailure(thrown);
    }
  }
}

async function rowsOf(statement: string): Promise<Rows> {
  const answer = await runStatement(statement, { maxRows: MAX_ROWS });
  return answer.kind === "rows" ? answer : { columns: [], rows: [], elapsed_ms: 0 };
}

export const rates = new Rates();
