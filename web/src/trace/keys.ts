/** What keys do in every form of a trace. */
import type { Reading } from "./reading.svelte";

export interface KeyHelp {
  /** Rows in sight. */
  page: number;
  /** Puts the cursor into the search field. */
  search: () => void;
}

/** Walks the rows; whether the key meant anything. */
export function rowKey(reading: Reading, event: KeyboardEvent, help: KeyHelp): boolean {
  const { row } = reading;
  const go = (to: number) => reading.selectRow(to);
  return act(event, {
    ArrowDown: () => go(row + 1),
    ArrowUp: () => go(row - 1),
    j: () => go(row + 1),
    k: () => go(row - 1),
    ArrowRight: () => reading.foldRow(row, false) || go(row + 1),
    ArrowLeft: () => reading.foldRow(row, true) || toCaller(reading),
    Enter: () => reading.toggleRow(row),
    PageDown: () => go(row + help.page),
    PageUp: () => go(row - help.page),
    Home: () => go(0),
    End: () => go(reading.rows.count - 1),
    ...everywhere(reading, help),
  });
}

/** What the letters do, in drawings too. */
export function everywhere(reading: Reading, help: Pick<KeyHelp, "search">): Record<string, () => unknown> {
  return {
    "/": help.search,
    n: () => reading.stepFound(1),
    N: () => reading.stepFound(-1),
    x: () => reading.stepFailed(1),
    X: () => reading.stepFailed(-1),
    h: () => reading.stepHop(1),
    H: () => reading.stepHop(-1),
    c: () => reading.change({ critical: !reading.view.critical }),
  };
}

/** Zooming and panning, as in Perfetto. */
export function timeKeys(reading: Reading): Record<string, () => unknown> {
  const middle = () => (reading.span[0] + reading.span[1]) / 2;
  return {
    w: () => reading.zoomBy(0.7, middle()),
    s: () => reading.zoomBy(1 / 0.7, middle()),
    a: () => reading.pan(-0.2),
    d: () => reading.pan(0.2),
    f: () => reading.zoomToSelected(),
    "0": () => reading.showAll(),
  };
}

/** A key behind `g` goes to a room: see `KeySequence`. */
const SEQUENCE_MS = 1_200;
let going = -Infinity;

/** Does what a key means; whether it meant anything. */
export function act(event: KeyboardEvent, actions: Record<string, () => unknown>): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const goes = event.timeStamp - going < SEQUENCE_MS;
  going = event.key === "g" ? event.timeStamp : -Infinity;
  if (goes) return false;
  const action = actions[event.key];
  if (!action) return false;
  event.preventDefault();
  action();
  return true;
}

function toCaller(reading: Reading): void {
  const level = reading.rows.level[reading.row] ?? 0;
  for (let row = reading.row - 1; row >= 0; row -= 1)
    if ((reading.rows.level[row] as number) < level) return reading.selectRow(row);
}
