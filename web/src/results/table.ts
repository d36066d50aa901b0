/** Rows and columns of an answer: order, widths, which column says what. */
import { parseExact } from "../api/exact";
import type { Column, Rows } from "../api/types";
import { duration } from "../format/time";
import type { Sort } from "../state/url";

export type Row = readonly unknown[];

/** The order in which rows are shown, as indices: the rows themselves are never copied. */
export function order(rows: Rows, sort: Sort | null): Uint32Array {
  const indices = Uint32Array.from(rows.rows, (_, index) => index);
  const column = sort ? rows.columns.findIndex((candidate) => candidate.name === sort.column) : -1;
  if (!sort || column < 0) return indices;
  const keys = rows.rows.map((row) => sortKey(row[column], rows.columns[column] as Column));
  const sign = sort.descending ? -1 : 1;
  return indices.sort((a, b) => compareKeys(keys[a], keys[b], sign) || a - b);
}

function sortKey(value: unknown, column: Column): unknown {
  if (value === null || value === undefined) return null;
  return column.type === "number" && typeof value === "string" && /^-?\d+$/.test(value)
    ? BigInt(value)
    : value;
}

/** Absent values stand last, whichever way the others are sorted. */
function compareKeys(a: unknown, b: unknown, sign: number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return sign * compare(a, b);
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  const [left, right] = [a as number, b as number];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The next sort after a click on a column's head: down for numbers first, up for texts, then none. */
export function nextSort(current: Sort | null, column: Column): Sort | null {
  const firstDescending = column.type === "number" || column.type === "duration" || column.type === "time";
  if (current?.column !== column.name) return { column: column.name, descending: firstDescending };
  return current.descending === firstDescending
    ? { column: column.name, descending: !firstDescending }
    : null;
}

/** The call a row stands for. */
export function callOf(rows: Rows, row: Row | undefined): string | null {
  const index = rows.columns.findIndex((column) => column.name === "call_id");
  const id = index >= 0 ? row?.[index] : null;
  return typeof id === "string" && id ? id : null;
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

/** A first width for each column, in pixels. JSON columns share what is left of `available`. */
export function widths(rows: Rows, available: number): number[] {
  const weights = rows.columns.map((column, index) => (column.type === "json" ? jsonWeight(rows, index) : 0));
  const fixed = rows.columns.map((column, index) => (weights[index] ? 0 : width(rows, column, index)));
  const weight = weights.reduce((sum, one) => sum + one, 0);
  const left = available - fixed.reduce((sum, one) => sum + one, 0);
  return fixed.map((one, index) => {
    const share = weights[index] ?? 0;
    const least = Math.min(Math.max(share * CHARACTER + PADDING, NARROWEST_JSON), SQUEEZED_JSON);
    return share > 0 ? Math.floor(Math.max(least, (left * share) / weight)) : one;
  });
}

function width(rows: Rows, column: Column, index: number): number {
  const head = column.name.length * 6.6 + 34;
  const known = isId(column) ? 84 : column.type === "json" ? NARROWEST : WIDTHS[column.type];
  return Math.round(Math.max(head, known ?? contentWidth(rows, column, index), NARROWEST));
}

function contentWidth(rows: Rows, column: Column, index: number): number {
  const extra = column.name === "service" || column.name === "outcome" ? 12 : 0;
  const widest = column.name === "function" ? WIDEST_FUNCTION : WIDEST_TEXT;
  return Math.min(longest(rows, index) * CHARACTER + PADDING + extra, widest);
}

function longest(rows: Rows, index: number): number {
  return rows.rows
    .slice(0, WIDTH_SAMPLE)
    .reduce((most, row) => Math.max(most, String(row[index] ?? "").length), 0);
}

/** Columns whose values are short get less of the shared width, those without values none. */
function jsonWeight(rows: Rows, index: number): number {
  return Math.min(longest(rows, index), 80);
}

/** A cell as text, for copying and for titles. */
export function cellText(cell: unknown, column: Column): string {
  if (cell === null || cell === undefined) return "";
  if (column.type === "duration") return duration(Number(cell));
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}
