/** What a click on Trace asks for. */
import type { Selector } from "../api/types";
import { traceStatement } from "../language/statement";
import { hub } from "../state/hub.svelte";
import { session } from "../state/session.svelte";
import { type FunctionRow, isElsewhere, patternOf, serviceOf } from "./tree";

export const DURATIONS = [
  { value: "30s", word: "30 s" },
  { value: "60s", word: "1 min" },
  { value: "5m", word: "5 min" },
  { value: "30m", word: "30 min" },
  { value: "2h", word: "2 h" },
] as const;

class TraceChoiceState {
  duration = $state<string>("60s");
  /** Empty for all instances, else `class=..` or `instance=..`. */
  where = $state("");

  /** Writes and runs the statement for a row of the tree. */
  trace(row: FunctionRow): Promise<void> {
    const statement = traceStatement({
      pattern: patternOf(row),
      selectors: this.#selectors(row),
      duration: this.duration,
    });
    return session.run(statement);
  }

  /** What names the row's service, where others have such functions too. */
  serviceSelector(row: FunctionRow): Selector[] {
    return isElsewhere(row, hub.functions) ? [{ key: "service", value: serviceOf(row) }] : [];
  }

  #selectors(row: FunctionRow): Selector[] {
    const selectors = this.serviceSelector(row);
    const equals = this.where.indexOf("=");
    if (equals > 0) selectors.push({ key: this.where.slice(0, equals), value: this.where.slice(equals + 1) });
    return selectors;
  }
}

export const traceChoice = new TraceChoiceState();
