/** A trace as it is being read: what is chosen, folded and found, the same in each of its forms. */
import { isAbort, runStatement } from "../api/client";
import type { TreeColumns } from "../api/types";
import { session } from "../state/session.svelte";
import { criticalPath } from "./critical";
import { callId, firstMatched, hasChildren, hasFailed, indexOfCall, isHop, traceOf } from "./model";
import {
  callAt,
  firstFolds,
  foldAll,
  FOLDED_BY_READER,
  FOUND,
  groupAt,
  OPEN,
  repeatsOf,
  rowOfCall,
  rowsOf,
  unfoldWay,
  withWays,
} from "./rows";
import {
  countFound,
  findNames,
  markCalls,
  MOST_FOUND,
  nextFound,
  placeFound,
  valuesStatement,
} from "./search";
import { countsOf } from "./stats";
import type { TraceView } from "./url";
import { Values } from "./values.svelte";

/** After the last letter was typed the hub is asked for values. */
const TYPED_MS = 250;
/** Zooming has come to rest after this. */
const REST_MS = 150;
/** The shortest time that can be looked at, in nanoseconds. */
const SHORTEST = 10;

export class Reading {
  readonly trace;
  readonly repeats;
  readonly values;
  readonly counts;
  /** The group whose row was chosen itself, rather than its first call's. */
  chosenGroup = $state(-1);
  /** Whether the hub is looking into values, and what came of it. */
  searching = $state(false);
  searchFailed = $state("");
  moreFound = $state(false);
  readonly #folds;
  #folded = $state(0);
  #inValues = $state.raw<readonly unknown[]>([]);
  readonly #start: number;
  /** What is zoomed to just now: the address is written when it has come to rest, as browsers let it be written so often only. */
  #moving = $state.raw<{ span: TraceView["span"] } | null>(null);
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(columns: TreeColumns, call: string | null) {
    this.trace = traceOf(columns);
    this.repeats = repeatsOf(this.trace);
    this.values = new Values(this.trace);
    this.counts = countsOf(this.trace);
    this.#folds = firstFolds(this.trace, this.repeats);
    this.#start = Math.max(0, firstMatched(this.trace));
    const wanted = indexOfCall(this.trace, call);
    unfoldWay(this.trace, this.repeats, this.#folds, wanted >= 0 ? wanted : this.#start);
  }

  readonly view = $derived<TraceView>(session.url.trace);
  readonly critical = $derived.by(() => criticalPath(this.trace));
  /** The stretch of time that is looked at; `null` where it is all. */
  readonly stretch = $derived(this.#moving ? this.#moving.span : this.view.span);
  readonly span = $derived.by<readonly [number, number]>(
    () => this.stretch ?? [0, Math.max(SHORTEST, this.trace.span)],
  );

  /** The chosen call. */
  readonly selected = $derived.by(() => {
    const chosen = indexOfCall(this.trace, session.url.call);
    return chosen >= 0 ? chosen : this.#start;
  });

  readonly #names = $derived.by(() =>
    this.view.find ? findNames(this.trace, { text: this.view.find, regex: this.view.regex }) : null,
  );
  /** What is looked for is no pattern. */
  readonly badPattern = $derived(this.view.find !== "" && this.#names === null);
  /** Found calls; `null` where nothing is looked for. */
  readonly found = $derived.by(() => {
    if (!this.#names || this.#inValues.length === 0) return this.#names;
    const found = this.#names.slice();
    markCalls(this.trace, this.#inValues, found);
    return found;
  });
  readonly foundCount = $derived(this.found ? countFound(this.found) : 0);
  readonly foundPlace = $derived(this.found ? placeFound(this.found, this.selected) : 0);
  readonly #kept = $derived.by(() =>
    this.view.only && this.found ? withWays(this.trace, this.found) : null,
  );

  readonly rows = $derived.by(() => {
    void this.#folded;
    return rowsOf(this.trace, this.repeats, this.#folds, this.#kept);
  });
  /** The chosen row; -1 where it is not among them. */
  readonly row = $derived.by(() =>
    this.chosenGroup >= 0 &&
    callAt(this.rows, this.repeats, this.rows.of.indexOf(~this.chosenGroup)) === this.selected
      ? this.rows.of.indexOf(~this.chosenGroup)
      : rowOfCall(this.rows, this.repeats, this.selected),
  );
  /** The group the chosen row stands for; -1 where it is a call. */
  readonly group = $derived(this.row >= 0 ? groupAt(this.rows, this.row) : -1);

  isFound(call: number): boolean {
    return this.found !== null && ((this.found[call] ?? 0) & FOUND) !== 0;
  }

  isFolded(call: number): boolean {
    void this.#folded;
    return this.#folds.call[call] !== OPEN;
  }

  /** Folded by whoever reads, not as the trace opened. */
  isFoldedByReader(call: number): boolean {
    void this.#folded;
    return this.#folds.call[call] === FOLDED_BY_READER;
  }

  isGroupOpen(group: number): boolean {
    void this.#folded;
    return this.#folds.group[group] === 1;
  }

  change(view: Partial<TraceView>, step: "push" | "replace" = "replace"): void {
    session.change({ trace: { ...session.url.trace, ...view } }, step);
  }

  select(call: number): void {
    this.chosenGroup = -1;
    if (call >= 0 && call < this.trace.count) session.change({ call: callId(this.trace, call) });
  }

  selectRow(row: number): void {
    const at = Math.max(0, Math.min(this.rows.count - 1, row));
    this.select(callAt(this.rows, this.repeats, at));
    this.chosenGroup = groupAt(this.rows, at);
  }

  /** Chooses a call wherever it is: everything above it opens. */
  reveal(call: number): void {
    if (call < 0) return;
    if (unfoldWay(this.trace, this.repeats, this.#folds, call)) this.#folded += 1;
    if (this.#kept && !this.#kept[call]) this.change({ only: false });
    this.select(call);
  }

  /** Opens or closes a row; whether there was anything to. */
  foldRow(row: number, fold: boolean): boolean {
    const group = groupAt(this.rows, row);
    const call = this.rows.of[row] ?? -1;
    if (group >= 0) {
      if (this.isGroupOpen(group) !== fold) return false;
      this.#folds.group[group] = fold ? 0 : 1;
    } else {
      if (call < 0 || !hasChildren(this.trace, call) || this.isFolded(call) === fold) return false;
      this.#folds.call[call] = fold ? FOLDED_BY_READER : OPEN;
    }
    this.#folded += 1;
    return true;
  }

  toggleRow(row: number): void {
    if (!this.foldRow(row, true)) this.foldRow(row, false);
  }

  foldAll(fold: boolean): void {
    foldAll(this.trace, this.#folds, fold);
    this.#folded += 1;
  }

  /** The next (or the one before) that was found. */
  stepFound(step: 1 | -1): void {
    if (this.found) this.reveal(nextFound(this.found, this.selected, step));
  }

  /** The next call that failed, and the next in another service than its caller. */
  stepFailed(step: 1 | -1 = 1): void {
    this.#step(step, (call) => hasFailed(this.trace, call));
  }

  stepHop(step: 1 | -1 = 1): void {
    this.#step(step, (call) => isHop(this.trace, call));
  }

  #step(step: 1 | -1, is: (call: number) => boolean): void {
    const { count } = this.trace;
    for (let distance = 1; distance <= count; distance += 1) {
      const call = (((this.selected + step * distance) % count) + count) % count;
      if (is(call)) return this.reveal(call);
    }
  }

  /** Looks at a stretch of time; the whole where it is none. */
  zoom(from: number, until: number): void {
    const all = Math.max(SHORTEST, this.trace.span);
    const length = Math.min(all, Math.max(SHORTEST, until - from));
    const begin = Math.max(0, Math.min(all - length, from));
    const whole = length >= all * 0.9999;
    this.#look(whole ? null : [Math.floor(begin), Math.ceil(begin + length)]);
  }

  showAll(): void {
    this.#look(null);
  }

  #look(span: TraceView["span"]): void {
    this.#moving = { span };
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      this.#moving = null;
      this.change({ span });
    }, REST_MS);
  }

  /** Makes what lies around a place longer or shorter. */
  zoomBy(factor: number, at: number): void {
    const [from, until] = this.span;
    this.zoom(at - (at - from) * factor, at + (until - at) * factor);
  }

  pan(share: number): void {
    const [from, until] = this.span;
    const way = share * (until - from);
    this.zoom(from + way, until + way);
  }

  /** The chosen call fills most of the width. */
  zoomToSelected(): void {
    const [start, length] = [
      this.trace.start[this.selected] as number,
      this.trace.duration[this.selected] as number,
    ];
    this.zoom(start - length * 0.05, start + length * 1.05);
  }

  /** Asks the hub which calls hold what is looked for in their values; to be called anew whenever that changes. */
  searchValues(): (() => void) | undefined {
    const search = { text: this.view.find, regex: this.view.regex };
    this.#inValues = [];
    [this.searching, this.searchFailed, this.moreFound] = [false, "", false];
    if (!search.text || this.badPattern) return undefined;
    const abort = new AbortController();
    const timer = setTimeout(() => void this.#ask(valuesStatement(this.trace, search), abort), TYPED_MS);
    this.searching = true;
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  async #ask(statement: string, abort: AbortController): Promise<void> {
    try {
      const answer = await runStatement(statement, { signal: abort.signal, maxRows: MOST_FOUND });
      const rows = answer.kind === "rows" ? answer.rows : [];
      this.#inValues = rows.map((row) => row[0]);
      this.moreFound = rows.length >= MOST_FOUND;
    } catch (thrown) {
      if (isAbort(thrown)) return;
      this.searchFailed = thrown instanceof Error ? thrown.message : String(thrown);
    }
    this.searching = false;
  }

  close(): void {
    clearTimeout(this.#rest);
    this.values.close();
  }
}
