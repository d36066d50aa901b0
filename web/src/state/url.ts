/**
 * What the page shows, as the address's fragment. The fragment never leaves the browser, so that statements with
 * captured values in them do not end up in logs on the way, and their length is not limited by any server.
 */

import { readTraceView, TRACE_START, type TraceView, writeTraceView } from "../trace/url";

/** Where one is: what asks and answers, or one of the lists beside it. */
export type Room = "explore" | "functions" | "live" | "instances" | "probes" | "health";
export type View = "table" | "tree" | "chart" | "profile" | "compare";
export type ChartKind = "scatter" | "line" | "histogram" | "heatmap" | "percentiles" | "top";

export interface Sort {
  column: string;
  descending: boolean;
}

export interface ViewState {
  room: Room;
  /** What is chosen in a room other than `explore`: a function, an instance, a probe. */
  at: string | null;
  /** What is searched for there. */
  find: string;
  /** What its list is sorted by. */
  by: Sort | null;
  /** The statement in the editor when it was last run. */
  q: string;
  /** The statement whose rows are shown, where it is another: the calls of the probe that `q` made. */
  show: string | null;
  view: View;
  /** The call whose tree is open. */
  call: string | null;
  sort: Sort | null;
  /** Which columns stand where, as `results/layout` writes it. */
  cols: string | null;
  /** The first row shown, where the answer does not fit. */
  from: number;
  x: string | null;
  y: string | null;
  chart: ChartKind | null;
  /** The column that colours. */
  colour: string | null;
  /** What is marked in the chart, as `chart/brush` writes it. */
  brush: string | null;
  /** The condition on which rows are marked in the table, to see what is different about them. */
  marked: string | null;
  /** What is compared with what, as `compare/sides` writes it. */
  sides: string | null;
  logX: boolean;
  logY: boolean;
  live: boolean;
  /** How the open tree is looked at. */
  trace: TraceView;
}

export const START: ViewState = {
  room: "explore",
  at: null,
  find: "",
  by: null,
  q: "",
  show: null,
  view: "table",
  call: null,
  sort: null,
  cols: null,
  from: 0,
  x: null,
  y: null,
  chart: null,
  colour: null,
  brush: null,
  marked: null,
  sides: null,
  logX: false,
  logY: false,
  live: false,
  trace: TRACE_START,
};

const ROOMS: readonly Room[] = ["explore", "functions", "live", "instances", "probes", "health"];
const VIEWS: readonly View[] = ["table", "tree", "chart", "profile", "compare"];
const CHARTS: readonly ChartKind[] = ["scatter", "line", "histogram", "heatmap", "percentiles", "top"];

/** `#q=...&view=...`, with only what differs from the start. */
export function toFragment(state: ViewState): string {
  const parameters = new URLSearchParams();
  const set = (key: string, value: string | null) => {
    if (value) parameters.set(key, value);
  };
  set("room", state.room === START.room ? null : state.room);
  set("at", state.at);
  set("find", state.find);
  set("by", sortText(state.by));
  set("q", state.q);
  set("show", state.show);
  set("view", state.view === "table" ? null : state.view);
  set("call", state.call);
  set("sort", sortText(state.sort));
  set("cols", state.cols);
  set("from", state.from > 0 ? String(state.from) : null);
  set("x", state.x);
  set("y", state.y);
  set("chart", state.chart);
  set("colour", state.colour);
  set("brush", state.brush);
  set("marked", state.marked);
  set("sides", state.sides);
  set("log", (state.logX ? "x" : "") + (state.logY ? "y" : ""));
  set("live", state.live ? "1" : null);
  if (state.view === "tree") writeTraceView(state.trace, set);
  const text = parameters.toString();
  return text ? `#${text}` : "";
}

/** The inverse; whatever cannot be understood is as at the start. */
export function fromFragment(fragment: string): ViewState {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ""));
  const log = parameters.get("log") ?? "";
  return {
    room: oneOf(ROOMS, parameters.get("room")) ?? START.room,
    at: parameters.get("at"),
    find: parameters.get("find") ?? "",
    by: sortIn(parameters.get("by")),
    q: parameters.get("q") ?? "",
    show: parameters.get("show"),
    view: oneOf(VIEWS, parameters.get("view")) ?? "table",
    call: parameters.get("call"),
    sort: sortIn(parameters.get("sort")),
    cols: parameters.get("cols"),
    from: wholeNumber(parameters.get("from")),
    x: parameters.get("x"),
    y: parameters.get("y"),
    chart: oneOf(CHARTS, parameters.get("chart")),
    colour: parameters.get("colour"),
    brush: parameters.get("brush"),
    marked: parameters.get("marked"),
    sides: parameters.get("sides"),
    logX: log.includes("x"),
    logY: log.includes("y"),
    live: parameters.get("live") === "1",
    trace: readTraceView(parameters),
  };
}

function oneOf<T extends string>(allowed: readonly T[], text: string | null): T | null {
  return allowed.find((word) => word === text) ?? null;
}

function sortText(sort: Sort | null): string | null {
  return sort && (sort.descending ? "-" : "") + sort.column;
}

function wholeNumber(text: string | null): number {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

function sortIn(text: string | null): Sort | null {
  if (!text) return null;
  return text.startsWith("-")
    ? { column: text.slice(1), descending: true }
    : { column: text, descending: false };
}
