/**
 * Rows of an answer, held in columns as they came: a million of them are some arrays, never a million objects. What comes
 * as JSON (trees' helpers, tests) has the same face.
 */
import { parseNanoseconds } from "../format/time";
import type { Column, Rows } from "./types";

/** A cell: times are nanoseconds since 1970, JSON is its text. */
export type Cell = string | number | bigint | boolean | null;

/** One column: what it is, and its values. */
export interface Values extends Column {
  at(row: number): Cell;
  /** A number to draw or to sort by: times in nanoseconds, `NaN` where there is none. */
  number(row: number): number;
  /** Where texts repeat: each text once, and the place of a row's text among them, -1 for none. */
  readonly names?: { readonly all: readonly string[]; readonly places: Int32Array };
  /** The numbers themselves, where they are. */
  readonly raw?: Float64Array | BigInt64Array | BigUint64Array | null;
}

/** All of an answer. */
export class Columns {
  readonly #byName = new Map<string, Values>();

  constructor(
    readonly columns: readonly Values[],
    readonly length: number,
    readonly elapsedMs: number,
    /** Why rows are missing, where some are. */
    readonly partial: string | null = null,
  ) {
    // Of two columns of one name the first is meant.
    for (const column of [...columns].reverse()) this.#byName.set(column.name, column);
  }

  column(name: string): Values | undefined {
    return this.#byName.get(name);
  }

  /** A row as an object, for what copies some of them. */
  row(row: number): Cell[] {
    return this.columns.map((column) => column.at(row));
  }
}

/** Numbers, with those that are none. */
export class NumberValues implements Values {
  constructor(
    readonly name: string,
    readonly type: Column["type"],
    readonly raw: Float64Array | BigInt64Array | BigUint64Array,
    /** One for each row that has a value; all have where there is none. */
    readonly valid: Uint8Array | null,
  ) {}

  at(row: number): Cell {
    if (this.valid?.[row] === 0) return null;
    const value = this.raw[row];
    if (value === undefined) return null;
    // Beyond 2^53 a double would lie, and a moment in nanoseconds is beyond it.
    return typeof value === "bigint" && this.type !== "time" && isExact(value) ? Number(value) : value;
  }

  number(row: number): number {
    return this.valid?.[row] === 0 ? NaN : Number(this.raw[row]);
  }
}

function isExact(value: bigint): boolean {
  return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
}

/** Texts of which each is held once. */
export class NameValues implements Values {
  readonly names: { readonly all: readonly string[]; readonly places: Int32Array };

  constructor(
    readonly name: string,
    readonly type: Column["type"],
    all: readonly string[],
    places: Int32Array,
  ) {
    this.names = { all, places };
  }

  at(row: number): Cell {
    return this.names.all[this.names.places[row] ?? -1] ?? null;
  }

  number(row: number): number {
    return numberOf(this.at(row));
  }
}

/** Whatever a function knows. */
export class OtherValues implements Values {
  constructor(
    readonly name: string,
    readonly type: Column["type"],
    readonly at: (row: number) => Cell,
  ) {}

  number(row: number): number {
    return numberOf(this.at(row));
  }
}

function numberOf(cell: Cell): number {
  if (cell === null || cell === "") return NaN;
  return typeof cell === "string" && !/^-?\d/.test(cell) ? NaN : Number(cell);
}

/** Rows that came as JSON. */
export function columnsOfRows(rows: Rows): Columns {
  const values = rows.columns.map((column, place) => {
    const cell = (row: number) => (rows.rows[row]?.[place] ?? null) as Cell;
    const at = column.type === "time" ? (row: number) => timeOf(cell(row)) : cell;
    return new OtherValues(column.name, column.type, at);
  });
  return new Columns(values, rows.rows.length, rows.elapsed_ms, rows.partial ?? null);
}

/** A moment that came as text; the text itself where it is none. */
function timeOf(cell: Cell): Cell {
  return typeof cell === "string" ? (parseNanoseconds(cell) ?? cell) : cell;
}

/** The call a row stands for. */
export function callOf(columns: Columns, row: number): string | null {
  const id = columns.column("call_id")?.at(row);
  return typeof id === "string" && id ? id : null;
}
