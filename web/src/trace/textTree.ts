/** A trace as lines of text, as `glasshull tree` draws it. */
import { duration } from "../format/time";
import { compact, compactArguments, type Piece } from "../values/compact";
import { errorText } from "./error";
import { hasReturned, isRunning, outcomeOf, pathOf, type Trace } from "./model";
import { groupAt, membersAt, type Repeats, type Rows } from "./rows";
import type { CallValues } from "./values.svelte";

/** A value in a line, in characters. */
const VALUE_CHARACTERS = 200;
/** Deeper levels are drawn as if they were here. */
const DEEPEST = 64;

/** For each row whether no other row of the same level follows below the same one. */
export function lastOnes(rows: Rows): Uint8Array {
  const last = new Uint8Array(rows.count).fill(1);
  const follows: boolean[] = [];
  for (let row = rows.count - 1; row >= 0; row -= 1) {
    const level = Math.min(rows.level[row] as number, DEEPEST);
    if (follows[level]) last[row] = 0;
    follows.length = level + 1;
    follows[level] = true;
  }
  return last;
}

/** What stands before each row: `│  ├─ `. Of row `from` and those behind it; `open` says which lines go on. */
export function branches(rows: Rows, last: Uint8Array): string[] {
  const open: boolean[] = [];
  return Array.from(rows.level, (exact, row) => {
    const level = Math.min(exact, DEEPEST);
    if (level === 0) return "";
    open.length = Math.min(open.length, level - 1);
    while (open.length < level - 1) open.push(false);
    const before = open.map((goesOn) => (goesOn ? "│  " : "   ")).join("");
    open.push(last[row] === 0);
    return before + (last[row] ? "└─ " : "├─ ");
  });
}

/** `function(args) → returned  1.23 ms`; without values where they are not there yet. */
export function lineOf(trace: Trace, call: number, values: CallValues | null): string {
  return `${pathOf(trace, call)}(${argsText(values)})${endText(trace, call, values)}  ${duration(trace.duration[call] as number)}`;
}

function argsText(values: CallValues | null): string {
  if (!values) return "…";
  return values.args === undefined ? "" : joined(compactArguments(values.args, VALUE_CHARACTERS));
}

function endText(trace: Trace, call: number, values: CallValues | null): string {
  if (isRunning(trace, call)) return " … still running";
  if (hasReturned(trace, call))
    return values && values.returned !== undefined ? ` → ${short(values.returned)}` : "";
  const message = values?.error === undefined ? "" : errorText(values.error) || short(values.error);
  return ` ✗ ${outcomeOf(trace, call)}${message ? `: ${message}` : ""}`;
}

function short(value: unknown): string {
  return joined(compact(value, VALUE_CHARACTERS));
}

function joined(pieces: readonly Piece[]): string {
  return pieces.map((piece) => piece.text).join("");
}

/** `4,000 × function  12.0 ms together`. */
export function repeatsLine(trace: Trace, repeats: Repeats, group: number): string {
  const members = membersAt(repeats, group);
  const total = members.reduce((sum, call) => sum + (trace.duration[call] as number), 0);
  const first = members[0] ?? 0;
  const ended = hasReturned(trace, first) ? "" : ` ✗ ${outcomeOf(trace, first)}`;
  return `${members.length.toLocaleString("en")} × ${pathOf(trace, first)}${ended}  ${duration(total)} together`;
}

export function textTree(
  trace: Trace,
  repeats: Repeats,
  rows: Rows,
  values: (call: number) => CallValues | null,
): string {
  const before = branches(rows, lastOnes(rows));
  return before
    .map((branch, row) => {
      const group = groupAt(rows, row);
      const call = rows.of[row] as number;
      return branch + (group >= 0 ? repeatsLine(trace, repeats, group) : lineOf(trace, call, values(call)));
    })
    .join("\n");
}

/** Calls of a text tree that is taken home. */
export const MOST_TAKEN = 2_000;

/** A call and all that is below it, one row each, up to so many. */
export function rowsBelow(trace: Trace, call: number, most: number): Rows {
  const count = Math.min(most, (trace.end[call] as number) - call);
  const base = trace.level[call] as number;
  return {
    count,
    of: Int32Array.from({ length: count }, (_, at) => call + at),
    level: Uint32Array.from({ length: count }, (_, at) => (trace.level[call + at] as number) - base),
  };
}
