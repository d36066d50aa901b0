/** The order of rows, as indices: the rows themselves are never moved. A million rows take a tenth of a second. */
import type { Columns, Values } from "../api/columns";
import type { Sort } from "../state/url";

/** Columns of so many texts that differ are sorted by the hub: here they would have to be read one by one. */
export const MAX_TEXTS_SORTED = 200_000;

/** The order in which rows are shown. */
export function order(columns: Columns, sort: Sort | null): Uint32Array {
  const column = sort ? columns.column(sort.column) : undefined;
  const rows = Uint32Array.from({ length: columns.length }, (_, row) => row);
  if (!sort || !column) return rows;
  const keys = keysOf(column, columns.length);
  return radixSorted(rows, keys, sort.descending);
}

/** Whether a column can be sorted here without making people wait. */
export function sortsHere(columns: Columns, name: string): boolean {
  const column = columns.column(name);
  return !!column && (columns.length <= MAX_TEXTS_SORTED || !!column.names || !!column.raw);
}

/** Sort keys of 64 bits in two halves, and which rows have none. */
interface Keys {
  high: Uint32Array;
  low: Uint32Array;
  absent: Uint8Array;
}

function keysOf(column: Values, rows: number): Keys {
  const keys = { high: new Uint32Array(rows), low: new Uint32Array(rows), absent: new Uint8Array(rows) };
  if (column.names) return ranked(keys, rankedNames(column.names.all), column.names.places);
  if (column.raw instanceof BigInt64Array) return ofBigs(keys, column, column.raw);
  if (column.raw || isNumeric(column, rows)) return ofNumbers(keys, column);
  return ofTexts(keys, column);
}

function isNumeric(column: Values, rows: number): boolean {
  if (column.type === "text" || column.type === "json") return false;
  for (let row = 0; row < rows; row += 1) if (typeof column.at(row) === "bigint") return false;
  return column.type !== "time";
}

/** The place of each name among all of them in order. */
function rankedNames(all: readonly string[]): Uint32Array {
  const sorted = Array.from(all, (_, place) => place).sort((a, b) =>
    compareTexts(all[a] ?? "", all[b] ?? ""),
  );
  const ranks = new Uint32Array(all.length);
  sorted.forEach((place, rank) => (ranks[place] = rank));
  return ranks;
}

function ranked(keys: Keys, ranks: Uint32Array, places: Int32Array): Keys {
  for (let row = 0; row < places.length; row += 1) {
    const place = places[row] as number;
    if (place < 0) keys.absent[row] = 1;
    else keys.low[row] = ranks[place] as number;
  }
  return keys;
}

function ofBigs(keys: Keys, column: Values, raw: BigInt64Array): Keys {
  const halves = new Uint32Array(raw.buffer, raw.byteOffset, raw.length * 2);
  for (let row = 0; row < raw.length; row += 1) {
    keys.low[row] = halves[row * 2] as number;
    keys.high[row] = ((halves[row * 2 + 1] as number) ^ 0x80000000) >>> 0;
    if (column.at(row) === null) keys.absent[row] = 1;
  }
  return keys;
}

const DOUBLE = new Float64Array(1);
const HALVES = new Uint32Array(DOUBLE.buffer);

/** The bits of a double, turned so that they stand in its order. */
function ofNumbers(keys: Keys, column: Values): Keys {
  for (let row = 0; row < keys.low.length; row += 1) {
    const value = column.number(row);
    if (Number.isNaN(value)) keys.absent[row] = 1;
    DOUBLE[0] = value + 0;
    const [low, high] = [HALVES[0] as number, HALVES[1] as number];
    const negative = high >>> 31 === 1;
    keys.low[row] = negative ? ~low >>> 0 : low;
    keys.high[row] = negative ? ~high >>> 0 : (high | 0x80000000) >>> 0;
  }
  return keys;
}

function ofTexts(keys: Keys, column: Values): Keys {
  const rows = keys.low.length;
  const cells = Array.from({ length: rows }, (_, row) => column.at(row));
  const sorted = Uint32Array.from({ length: rows }, (_, row) => row).sort((a, b) =>
    compareCells(cells[a], cells[b]),
  );
  let rank = 0;
  sorted.forEach((row, place) => {
    if (place > 0 && compareCells(cells[sorted[place - 1] as number], cells[row]) !== 0) rank += 1;
    keys.low[row] = rank;
    if (cells[row] === null) keys.absent[row] = 1;
  });
  return keys;
}

function compareCells(a: unknown, b: unknown): number {
  if (typeof a === typeof b && typeof a !== "string")
    return (a as number) < (b as number) ? -1 : a === b ? 0 : 1;
  const [left, right] = [wholeNumber(a), wholeNumber(b)];
  if (left !== null && right !== null) return left < right ? -1 : left > right ? 1 : 0;
  return compareTexts(String(a), String(b));
}

/** Whole numbers beyond 2^53 come as text. */
function wholeNumber(cell: unknown): bigint | null {
  if (typeof cell === "bigint") return cell;
  if (typeof cell === "number") return Number.isInteger(cell) ? BigInt(cell) : null;
  return typeof cell === "string" && /^-?\d{15,}$/.test(cell) ? BigInt(cell) : null;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const DIGIT_BITS = 16;
const DIGITS = 1 << DIGIT_BITS;

/** Sorts by digits from the lowest on, so that equal rows stay in their order; absent values stand last, either way. */
function radixSorted(rows: Uint32Array, keys: Keys, descending: boolean): Uint32Array {
  let from: Uint32Array = rows;
  let to: Uint32Array = new Uint32Array(rows.length);
  for (const [half, shift] of [
    [keys.low, 0],
    [keys.low, DIGIT_BITS],
    [keys.high, 0],
    [keys.high, DIGIT_BITS],
  ] as const) {
    if (pass(from, to, half, shift, descending)) [from, to] = [to, from];
  }
  return absentLast(from, to, keys.absent);
}

/** One digit; whether it told rows apart. */
function pass(
  from: Uint32Array,
  to: Uint32Array,
  half: Uint32Array,
  shift: number,
  descending: boolean,
): boolean {
  const counts = new Uint32Array(DIGITS + 1);
  const flip = descending ? DIGITS - 1 : 0;
  const digit = (row: number) => (((half[row] as number) >>> shift) & (DIGITS - 1)) ^ flip;
  for (const row of from) (counts[digit(row) + 1] as number) += 1;
  if (counts.includes(from.length)) return false;
  for (let place = 1; place <= DIGITS; place += 1) (counts[place] as number) += counts[place - 1] as number;
  for (const row of from) {
    const place = digit(row);
    to[counts[place] as number] = row;
    (counts[place] as number) += 1;
  }
  return true;
}

function absentLast(sorted: Uint32Array, into: Uint32Array, absent: Uint8Array): Uint32Array {
  let place = 0;
  for (const row of sorted) if (absent[row] === 0) into[place++] = row;
  for (const row of sorted) if (absent[row] === 1) into[place++] = row;
  return into;
}
