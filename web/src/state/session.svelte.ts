/** The statement, its answer, and the address that stands for both. */
import { type Answer, asFailure, isAbort, runInColumns, runStatement } from "../api/client";
import type { Columns } from "../api/columns";
import type { Failure, Probe, TreeColumns } from "../api/types";
import { pageOf, withCondition } from "../language/select";
import { callsOfProbe, firstWord, indexOfByte, onlyAsks, RECENT_CALLS } from "../language/statement";
import { hub, isRunning } from "./hub.svelte";
import { draft, history } from "./history.svelte";
import { keptTabs } from "./kept-tabs";
import { fromFragment, type Room, START, toFragment, type ViewState } from "./url";

/** A live query brings at most so many rows each time: more than anybody reads while they change. */
export const MAX_LIVE_ROWS = 10_000;
/** The shortest time between two runs of a live query. */
const LIVE_PAUSE_MS = 600;
/** A live query may keep the hub busy for one part in so many. */
const LIVE_SHARE = 4;

/** Calls of a probe that has ended still come for so long: those that were running, and what was on its way. */
const LAST_CALLS_MS = 15_000;

/** What of an address says where in `explore` one is: nothing. */
const EXPLORE = { room: START.room, at: START.at, find: START.find, by: START.by };

/** What a statement did, told below the editor. */
export interface Notice {
  text: string;
  probe?: Probe;
}

/** A statement with its answer; there are several, in tabs. */
export class Session {
  /** Tells it from the others for as long as the page lives. */
  readonly id = Math.random().toString(36).slice(2);
  url = $state.raw<ViewState>(START);
  text = $state("");
  rows = $state.raw<Columns | null>(null);
  tree = $state.raw<TreeColumns | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** The statement `failure` speaks of: its positions are meant in this text. */
  failed = $state("");
  /** Where that statement begins in what stands in the editor. */
  failedFrom = $state(0);
  notice = $state.raw<Notice | null>(null);
  /** The statement from an address that changes what is captured and so waits for a person. */
  waiting = $state(false);
  /** When the running statement was started; `null` while none runs. */
  runningSince = $state<number | null>(null);
  /** Whether live rows are held because the reader looks at some of them. */
  held = $state(false);

  /** The statement whose rows are shown. */
  readonly shown = $derived(this.url.show ?? this.url.q);

  constructor(readonly place: Place) {}

  #abort: AbortController | null = null;
  #liveTimer: ReturnType<typeof setTimeout> | undefined;

  /** Takes the address up as the page opens. */
  start(): void {
    this.text = draft.load();
    if (location.hash.length > 1) this.restore();
    else this.#showRecent(START);
    if (!this.text) this.type(RECENT_CALLS);
  }

  /** Shows a view without its being the address's, as where a reload brings tabs back. */
  begin(view: string, text: string): void {
    this.url = { ...fromFragment(view), ...EXPLORE };
    this.text = text;
  }

  /** Its turn to be seen: what was not asked yet is asked now. */
  resume(): void {
    this.#write({ ...this.url, ...EXPLORE }, "push");
    draft.save(this.text);
    const asked = this.rows ?? this.tree ?? this.failure ?? this.runningSince;
    if (asked === null && this.shown && onlyAsks(this.shown))
      void this.#show(this.shown, this.url, "replace");
    this.#scheduleLive(0);
  }

  /** Goes to a room, and to something in it. What was asked in `explore` stays asked. */
  enter(room: Room, at: string | null = null, find = ""): void {
    if (room === this.url.room && !at) return;
    this.failure = null;
    this.notice = null;
    this.change({ room, at, find, by: null }, "push");
    this.#scheduleLive(0);
    if (room === "explore" && !this.url.q) this.#showRecent(this.url);
  }

  #showRecent(url: ViewState): void {
    void this.#show(RECENT_CALLS, { ...url, q: RECENT_CALLS }, "replace");
  }

  /** What the reader typed. */
  type(text: string): void {
    this.text = text;
    if (this.place.isSeen(this)) draft.save(text);
  }

  /** Runs what stands in the editor, or `statement`, which then stands there; of `part` all that stands around it stays. */
  run(statement = this.text, part: { from: number } | null = null): Promise<void> {
    if (!statement.trim()) return Promise.resolve();
    // From another room it is one step there and back.
    const comes = this.url.room !== "explore";
    if (comes) this.enter("explore");
    if (!part) this.type(statement);
    this.failedFrom = part?.from ?? 0;
    history.add(statement);
    this.waiting = false;
    const sameColumns = firstWord(statement) === firstWord(this.shown) ? this.url : START;
    // A statement says its own order.
    const sort = statement === this.shown ? this.url.sort : null;
    const next: ViewState = {
      ...sameColumns,
      q: statement,
      show: null,
      call: null,
      from: 0,
      brush: null,
      marked: null,
      sort,
    };
    const view = next.view === "tree" ? "table" : next.view;
    return this.#show(statement, { ...next, view }, comes ? "replace" : "push");
  }

  /** Puts a statement into the editor for a person to look over; what stood there can be found among the earlier ones. */
  propose(statement: string): void {
    if (this.url.room !== "explore") this.enter("explore");
    history.add(this.text);
    this.type(statement);
  }

  /** Runs what is shown with one condition more, if it can have one. */
  async narrow(condition: string): Promise<void> {
    const next = withCondition(this.shown, condition);
    const { sort } = this.url;
    if (next === null) return;
    await this.run(next);
    if (sort && this.shown === next) this.change({ sort });
  }

  /** Runs a statement beside the editor, such as the `UNTRACE` of a button. Whether it was carried out. */
  async command(statement: string): Promise<boolean> {
    history.add(statement);
    try {
      const answer = await runStatement(statement);
      if (answer.kind === "probes") this.notice = noticeOf(statement, answer.probes);
      this.failure = null;
      return true;
    } catch (thrown) {
      this.#fail(statement, thrown);
      return false;
    }
  }

  /** Asks once more what the page opened with, after the hub has let us in. */
  again(): void {
    if (this.rows || this.tree || this.waiting) return;
    void this.#show(this.shown, this.url, "replace");
  }

  /** Opens a view that was kept: its address, without which only its statement. */
  goTo(view: string, statement: string): void {
    this.place.step(this, view, "push");
    this.restore();
    if (this.url.q !== statement) this.propose(statement);
  }

  /** What the hub thinks was meant takes the place of what was written. */
  applyFix(): void {
    const fix = this.failure?.fix;
    if (!fix || !this.failureIsHere) return;
    const at = (offset: number) => this.failedFrom + indexOfByte(this.failed, offset);
    const [from, to] = [at(fix.offset), at(fix.offset + fix.length)];
    this.type(this.text.slice(0, from) + fix.text + this.text.slice(to));
    this.failure = null;
  }

  /** Whether the statement that failed still stands in the editor as it was. */
  get failureIsHere(): boolean {
    return this.text.startsWith(this.failed, this.failedFrom) && this.failed !== "";
  }

  cancel(): void {
    this.#abort?.abort();
    this.#abort = null;
    this.runningSince = null;
  }

  /** Changes what is shown of the answer; a step that one may want back is pushed. */
  change(change: Partial<ViewState>, step: "push" | "replace" = "replace"): void {
    this.#write({ ...this.url, ...change }, step);
  }

  /** Shows the rows from one on, of an answer that does not fit. */
  turnTo(from: number): void {
    void this.#show(this.shown, { ...this.url, from, live: false }, "push");
  }

  openCall(callId: string): void {
    if (this.url.room !== "explore") this.#leaveAnswer();
    this.change({ room: "explore", view: "tree", call: callId }, "push");
  }

  closeTree(): void {
    if (this.rows) this.change({ view: "table" }, "push");
    else if (!this.tree) {
      const next: ViewState = { ...this.url, view: "table", call: null };
      if (!this.shown) this.#showRecent(next);
      else void this.#show(this.shown, next, "replace");
    }
  }

  /** A call from another room is none of the answer's: its tree is loaded for itself. */
  #leaveAnswer(): void {
    this.tree = null;
    this.notice = null;
    this.failure = null;
  }

  setLive(live: boolean): void {
    this.change({ live });
    this.held = false;
    this.#scheduleLive(0);
  }

  /** Live rows come again after they were held. */
  release(): void {
    if (!this.held) return;
    this.held = false;
    this.#scheduleLive(0);
  }

  /** Takes up the address. */
  restore(): void {
    const next = fromFragment(location.hash);
    const before = this.shown;
    // Of a step between views of one question, what was typed meanwhile stays.
    if (next.q && next.q !== this.url.q) this.type(next.q);
    const samePage = next.from === this.url.from;
    const sameAnswer = (this.rows || this.tree) && samePage && (next.show ?? next.q) === before;
    this.url = next;
    if (next.q) this.failure = null;
    else if (next.room === "explore") return this.#showRecent(next);
    if (!next.q) return;
    if (sameAnswer) return this.#scheduleLive(0);
    const statement = next.show ?? next.q;
    this.waiting = !onlyAsks(statement);
    if (!this.waiting) void this.#show(statement, next, "replace");
    else this.#clear();
  }

  #clear(): void {
    this.rows = null;
    this.tree = null;
    this.failure = null;
  }

  async #show(statement: string, next: ViewState, step: "push" | "replace"): Promise<void> {
    this.cancel();
    clearTimeout(this.#liveTimer);
    const abort = new AbortController();
    this.#abort = abort;
    this.runningSince = Date.now();
    this.notice = null;
    const asked = this.url;
    try {
      const answer = await runInColumns(pageOf(statement, next.from) ?? statement, {
        ...(next.live ? { maxRows: MAX_LIVE_ROWS } : {}),
        signal: abort.signal,
      });
      this.failure = null;
      await this.#take(answer, statement, this.#here(next, asked), step);
    } catch (thrown) {
      if (isAbort(thrown)) return;
      this.#fail(statement, thrown);
      if (this.url.q === "") this.#write(this.#here(next, asked), "replace");
    } finally {
      if (this.#abort === abort) this.runningSince = null;
    }
  }

  async #take(answer: Answer, statement: string, next: ViewState, step: "push" | "replace") {
    if (answer.kind === "probes") return this.#takeProbes(answer.probes, statement, next, step);
    if (answer.kind === "tree") {
      this.tree = answer.tree;
      this.rows = null;
      this.#write({ ...next, view: "tree", live: false }, step);
    } else if (answer.kind === "rows") {
      this.tree = null;
      this.rows = answer.columns;
      this.#write(next, step);
      this.#scheduleLive(answer.columns.elapsedMs);
    }
  }

  async #takeProbes(probes: Probe[], statement: string, next: ViewState, step: "push" | "replace") {
    const notice = noticeOf(statement, probes);
    const traced = firstWord(statement) === "TRACE" ? probes[0] : undefined;
    const show = traced ? callsOfProbe(traced, hub.paths) : this.shown;
    this.rows = traced ? null : this.rows;
    if (traced || onlyAsks(show)) {
      const live = traced !== undefined || next.live;
      await this.#show(show, { ...next, show, live, view: "table", sort: traced ? null : next.sort }, step);
    }
    this.notice = notice;
  }

  #fail(statement: string, thrown: unknown): void {
    this.failure = asFailure(thrown);
    this.failed = statement;
  }

  /** Whoever has gone to another room meanwhile stays there, and what was changed of the view since it was asked stays so. */
  #here(next: ViewState, asked: ViewState): ViewState {
    const { room, at, find, by } = this.url;
    const keys = Object.keys(this.url) as (keyof ViewState)[];
    const changed = keys.filter((key) => this.url[key] !== asked[key]);
    const changes = Object.fromEntries(changed.map((key) => [key, this.url[key]]));
    return { ...next, ...changes, room, at, find, by };
  }

  #write(next: ViewState, step: "push" | "replace"): void {
    this.place.step(this, toFragment(next), step);
    this.url = next;
  }

  #scheduleLive(elapsedMs: number): void {
    clearTimeout(this.#liveTimer);
    const isSeen = this.place.isSeen(this) && this.url.room === "explore";
    if (!this.url.live || !isSeen || !onlyAsks(this.shown)) return;
    const pause = Math.max(LIVE_PAUSE_MS, elapsedMs * LIVE_SHARE);
    this.#liveTimer = setTimeout(() => void this.#refresh(), pause);
  }

  /** Whether the probe whose calls are followed has ended so long ago that none will come any more. */
  #probeIsOver(): boolean {
    const probe = this.notice?.probe && hub.probesById.get(this.notice.probe.id);
    if (!probe || isRunning(probe)) return false;
    return Date.now() - Date.parse(probe.ended_at ?? probe.expires_at) > LAST_CALLS_MS;
  }

  /** Runs the shown statement again without disturbing what is shown. */
  async #refresh(): Promise<void> {
    const statement = this.shown;
    if (this.url.room !== "explore" || !this.place.isSeen(this)) return;
    if (this.held || document.hidden || this.url.view === "tree" || this.runningSince !== null) {
      return this.#scheduleLive(0);
    }
    const isOver = this.#probeIsOver();
    let elapsedMs = 0;
    try {
      const answer = await runInColumns(statement, { maxRows: MAX_LIVE_ROWS });
      if (statement !== this.shown || !this.url.live || this.held) return;
      elapsedMs = answer.kind === "rows" ? answer.columns.elapsedMs : 0;
      if (answer.kind === "rows") this.rows = answer.columns;
      this.failure = null;
      if (isOver) return this.setLive(false);
    } catch (thrown) {
      this.#fail(statement, thrown);
      elapsedMs = LIVE_PAUSE_MS;
    }
    this.#scheduleLive(elapsedMs);
  }
}

function noticeOf(statement: string, probes: Probe[]): Notice {
  const ids = probes.map((probe) => probe.id).join(", ");
  if (firstWord(statement) === "TRACE") return probes[0] ? { text: ids, probe: probes[0] } : { text: "" };
  return { text: ids ? `Stopped ${ids}. What was captured stays.` : "No probe was running that matches." };
}

/** Where a session stands among the tabs. */
export interface Place {
  isSeen(session: Session): boolean;
  /** Makes a fragment the address, where the session is the one that is seen. */
  step(session: Session, fragment: string, step: "push" | "replace"): void;
}

/** More keep more answers in memory than anybody looks at. */
export const MAX_TABS = 8;

/** The sessions beside each other, one of which is seen and has the address. */
class Tabs implements Place {
  all = $state.raw<Session[]>([new Session(this)]);
  #seen = $state(0);
  readonly seen = $derived(this.all[Math.min(this.#seen, this.all.length - 1)] as Session);

  /** Takes the address up, and every later step back or forward; tabs of before a reload come back. */
  start(): void {
    addEventListener("popstate", (event: PopStateEvent) => this.#back(event.state));
    const before = keptTabs.load();
    if (before) {
      this.all = before.tabs.map(() => new Session(this));
      this.all.forEach((tab, place) =>
        tab.begin(before.tabs[place]?.view ?? "", before.tabs[place]?.text ?? ""),
      );
      this.#seen = before.seen;
    }
    this.seen.start();
    addEventListener("pagehide", () => this.#keep());
  }

  isSeen(session: Session): boolean {
    return session === this.seen;
  }

  step(session: Session, fragment: string, step: "push" | "replace"): void {
    if (!this.isSeen(session)) return;
    const address = location.pathname + location.search + fragment;
    const state = { tab: session.id };
    if (step === "push" && fragment !== location.hash) globalThis.history.pushState(state, "", address);
    else globalThis.history.replaceState(state, "", address);
  }

  get isFull(): boolean {
    return this.all.length >= MAX_TABS;
  }

  /** A further tab, with what is usually asked first. */
  open(): void {
    if (this.isFull) return;
    const tab = new Session(this);
    tab.begin(toFragment({ ...START, q: RECENT_CALLS }), RECENT_CALLS);
    this.all = [...this.all, tab];
    this.see(this.all.length - 1);
  }

  see(place: number): void {
    if (place === this.all.indexOf(this.seen) || !this.all[place]) return;
    this.#seen = place;
    this.seen.resume();
  }

  /** The tab after the one that is seen. */
  next(): void {
    this.see((this.all.indexOf(this.seen) + 1) % this.all.length);
  }

  close(tab: Session): void {
    if (this.all.length === 1) return;
    const [seen, place] = [this.seen, this.all.indexOf(tab)];
    tab.cancel();
    history.add(tab.text);
    this.all = this.all.filter((other) => other !== tab);
    this.#seen = tab === seen ? Math.min(place, this.all.length - 1) : this.all.indexOf(seen);
    if (tab === seen) this.seen.resume();
  }

  #back(state: unknown): void {
    const id = typeof state === "object" && state !== null && "tab" in state ? state.tab : null;
    const place = this.all.findIndex((tab) => tab.id === id);
    if (place >= 0) this.#seen = place;
    this.seen.restore();
  }

  #keep(): void {
    const tabs = this.all.map((tab) => ({ view: toFragment(tab.url), text: tab.text }));
    keptTabs.save({ tabs, seen: this.all.indexOf(this.seen) });
  }
}

export const tabs = new Tabs();

/** The session that is seen, whichever that is. */
export const session: Session = new Proxy({} as Session, {
  get(_, key) {
    const value: unknown = Reflect.get(tabs.seen, key, tabs.seen);
    return typeof value === "function" ? value.bind(tabs.seen) : value;
  },
  set: (_, key, value) => Reflect.set(tabs.seen, key, value, tabs.seen),
});
