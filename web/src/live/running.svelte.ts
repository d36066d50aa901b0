/** Calls that have not ended, the longest first, asked for again and again while somebody looks. */
import { asFailure, runStatement } from "../api/client";
import type { Failure, Rows } from "../api/types";
import { jsonValue } from "../results/table";
import { askAgain } from "../state/again";
import { compactArguments, type Piece } from "../values/compact";

const PAUSE_MS = 2_000;
/** They may take one part in so many of the hub's time. */
const SHARE = 10;
export const MAX_RUNNING = 500;
const MAX_CHARACTERS = 200;

export const RUNNING =
  "SELECT call_id, started_at, service, instance, function, thread, duration_ns, args FROM calls " +
  `WHERE outcome = 'running' ORDER BY duration_ns DESC LIMIT ${MAX_RUNNING}`;

export interface RunningCall {
  id: string;
  startedAt: string;
  service: string;
  instance: string;
  path: string;
  thread: string;
  durationNs: number;
  args: Piece[];
}

export class RunningCalls {
  calls = $state.raw<RunningCall[]>([]);
  failure = $state.raw<Failure | null>(null);
  known = $state(false);

  follow(): () => void {
    return askAgain(
      () => this.#fetch(),
      (tookMs) => Math.max(PAUSE_MS, tookMs * SHARE),
    );
  }

  async #fetch(): Promise<void> {
    try {
      const answer = await runStatement(RUNNING, { maxRows: MAX_RUNNING });
      if (answer.kind === "rows") this.calls = callsIn(answer);
      this.known = true;
      this.failure = null;
    } catch (thrown) {
      this.failure = asFailure(thrown);
    }
  }
}

function callsIn({ rows }: Rows): RunningCall[] {
  return rows.map((row) => {
    const [id, startedAt, service, instance, path, thread, duration, args] = row as string[];
    return {
      id: id ?? "",
      startedAt: startedAt ?? "",
      service: service ?? "",
      instance: instance ?? "",
      path: path ?? "",
      thread: thread ?? "",
      durationNs: Number(duration),
      args: compactArguments(jsonValue(args ?? null), MAX_CHARACTERS),
    };
  });
}
