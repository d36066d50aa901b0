/** Columns of an answer: widths, which column says what, cells as text. */
import { parseExact } from "../api/exact";
import type { Cell, Columns, Values } from "../api/columns";
import type { Column } from "../api/types";
import { duration } from "../format/time";
import { isoTime } from "../language/select";
import type { Sort } from "../state/url";

/** The next sort after a click on a column's head: down for numbers first, up for texts, then none. */
export function nextSort(current: Sort | null, column: Column): Sort | null {
  const firstDescending = column.type === "number" || column.type === "duration" || column.type === "time";
  if (current?.column !== column.name) return { column: column.name, descending: firstDescending };
  return current.descending === firstDescending
    ? { column: column.name, descending: !firstDescending }
    : null;
}

const IDS = new Set(["call_id", "trace_id", "parent_id"]);

export function isId(column: Column): boolean {
  return IDS.has(column.name);
}

export function isRight(column: Column): boolean {
  return column.type === "number" || column.type === "duration";
}

/** A JSON column's text as a value; the text itself where it is no JSON. */
export function jsonValue(cell: unknown): unknown {
  if (typeof cell !== "string") return cell;
  try {
    return parseExact(cell);
  } catch {
    return cell;
  }
}

/** Rows looked at to guess a column's width. */
const WIDTH_SAMPLE = 60;
/** Pixels of a character in the monospaced face, and around a cell. */
const CHARACTER = 7.3;
const PADDING = 22;
export const NARROWEST = 44;
const WIDEST_TEXT = 340;
/** A function's path is cut at its front, its name stays. */
const WIDEST_FUNCTION = 220;
const NARROWEST_JSON = 90;
/** Rather than squeezing values further the table is scrolled sideways. */
const SQUEEZED_JSON = 210;
const WIDTHS: Partial<Record<Column["type"], number>> = { time: 138, duration: 92, boolean: 70 };

/** A first width for each of some columns, in pixels. JSON columns share what is left of `available`. */
export function widths(columns: readonly Values[], rows: number, available: number): number[] {
  const weights = columns.map((column) => (column.type === "json" ? jsonWeight(column, rows) : 0));
  const fixed = columns.map((column, index) => (weights[index] ? 0 : width(column, rows)));
  const weight = weights.reduce((sum, one) => sum + one, 0);
  const left = available - fixed.reduce((sum, one) => sum + one, 0);
  return fixed.map((one, index) => {
    const share = weights[index] ?? 0;
    const least = Math.min(Math.max(share * CHARACTER + PADDING, NARROWEST_JSON), SQUEEZED_JSON);
    return share > 0 ? Math.floor(Math.max(least, (left * share) / weight)) : one;
  });
}

function width(column: Values, rows: number): number {
  const head = column.name.length * 6.6 + 50;
  const known = isId(column) ? 84 : column.type === "json" ? NARROWEST : WIDTHS[column.type];
  return Math.round(Math.max(head, known ?? contentWidth(column, rows), NARROWEST));
}

function contentWidth(column: Values, rows: number): number {
  const extra = column.name === "service" || column.name === "outcome" ? 12 : 0;
  const widest = column.name === "function" ? WIDEST_FUNCTION : WIDEST_TEXT;
  return Math.min(longest(column, rows) * CHARACTER + PADDING + extra, widest);
}

function longest(column: Values, rows: number): number {
  let most = 0;
  for (let row = 0; row < Math.min(rows, WIDTH_SAMPLE); row += 1) {
    most = Math.max(most, String(column.at(row) ?? "").length);
  }
  return most;
}

/** Columns whose values are short get less of the shared width, those without values none. */
function jsonWeight(column: Values, rows: number): number {
  return Math.min(longest(column, rows), 80);
}

/** A cell as text, for titles. */
export function cellText(cell: Cell, column: Column): string {
  if (cell === null) return "";
  return column.type === "duration" ? duration(Number(cell)) : plainText(cell, column);
}

/** A cell as programs read it: times as RFC 3339, durations as nanoseconds. */
export function plainText(cell: Cell, column: Column): string {
  if (cell === null) return "";
  return column.type === "time" && typeof cell === "bigint" ? isoTime(cell) : String(cell);
}

/** Whether all that was asked for is here. */
export function isWhole(columns: Columns): boolean {
  return columns.partial === null;
}
