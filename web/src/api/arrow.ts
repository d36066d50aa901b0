/** An Arrow IPC stream as [`Columns`]. */
import { type Column as ArrowColumn, type Schema, tableFromIPC, type Table } from "@uwdata/flechette";
import { type Cell, Columns, NameValues, NumberValues, OtherValues, type Values } from "./columns";
import type { ColumnKind } from "./types";

/** What the hub answers to those who take columns. */
export const ARROW = "application/vnd.apache.arrow.stream";

const KINDS = new Set<string>(["text", "number", "time", "duration", "boolean", "json"]);

/** A batch of a column as it lies in the stream. */
interface Part {
  length: number;
  nullCount: number;
  validity?: Uint8Array;
  values: Float64Array | BigInt64Array | BigUint64Array | Int32Array | ArrayLike<number | bigint>;
  at(row: number): unknown;
}

/** Reads a whole stream; throws where it is none. */
export function readArrow(bytes: Uint8Array): Columns {
  const table = tableFromIPC(bytes, { useBigInt: true });
  const { schema } = table;
  const columns = schema.fields.map((field, place) =>
    values(field.name, kindOf(field.metadata), column(table, place), table.numRows),
  );
  const told = (key: string) => schema.metadata?.get(key) ?? null;
  return new Columns(
    columns,
    table.numRows,
    Number(told("glasshull.elapsed_ms") ?? 0),
    told("glasshull.partial"),
  );
}

function column(table: Table, place: number): ArrowColumn<unknown> {
  return table.getChildAt(place) as ArrowColumn<unknown>;
}

function kindOf(metadata: Schema["metadata"]): ColumnKind {
  const kind = metadata?.get("glasshull.kind") ?? "text";
  return KINDS.has(kind) ? (kind as ColumnKind) : "text";
}

function values(name: string, kind: ColumnKind, from: ArrowColumn<unknown>, rows: number): Values {
  const parts = from.data as unknown as Part[];
  const sample = parts[0]?.values;
  if (isDictionary(from)) return new NameValues(name, kind, dictionaryOf(from), places(parts, rows));
  if (kind !== "boolean" && sample && isNumeric(sample)) {
    return new NumberValues(name, kind, joined(parts, rows), validity(parts, rows));
  }
  return new OtherValues(name, kind, (row) => cellOf(from.at(row)));
}

function isDictionary(from: ArrowColumn<unknown>): boolean {
  return "dictionary" in from.type;
}

/** Each text once, in the order of their places. */
function dictionaryOf(from: ArrowColumn<unknown>): string[] {
  const part = from.data[0] as unknown as { dictionary: ArrowColumn<string> } | undefined;
  return part ? [...part.dictionary].map(String) : [];
}

function places(parts: Part[], rows: number): Int32Array {
  const all = new Int32Array(rows);
  let from = 0;
  for (const part of parts) {
    all.set((part.values as Int32Array).subarray(0, part.length), from);
    eachMissing(part, (row) => (all[from + row] = -1));
    from += part.length;
  }
  return all;
}

function isNumeric(of: Part["values"]): boolean {
  // Texts and truth values lie as bytes.
  return ArrayBuffer.isView(of) && !(of instanceof Uint8Array) && !(of instanceof DataView);
}

function joined(parts: Part[], rows: number): Float64Array | BigInt64Array | BigUint64Array {
  const sample = parts[0]?.values;
  if (sample instanceof BigInt64Array) return copied(parts, new BigInt64Array(rows));
  if (sample instanceof BigUint64Array) return copied(parts, new BigUint64Array(rows));
  return copied(parts, new Float64Array(rows));
}

function copied<A extends { set(values: never, offset: number): void }>(parts: Part[], all: A): A {
  let from = 0;
  for (const part of parts) {
    const whole = part.values as Float64Array;
    all.set(whole.subarray(0, part.length) as never, from);
    from += part.length;
  }
  return all;
}

function validity(parts: Part[], rows: number): Uint8Array | null {
  if (parts.every((part) => part.nullCount === 0)) return null;
  const all = new Uint8Array(rows).fill(1);
  let from = 0;
  for (const part of parts) {
    eachMissing(part, (row) => (all[from + row] = 0));
    from += part.length;
  }
  return all;
}

function eachMissing(part: Part, found: (row: number) => void): void {
  if (part.nullCount === 0 || !part.validity) return;
  for (let row = 0; row < part.length; row += 1) {
    if (((part.validity[row >> 3] ?? 0) & (1 << (row & 7))) === 0) found(row);
  }
}

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  const kind = typeof value;
  return kind === "string" || kind === "number" || kind === "bigint" || kind === "boolean"
    ? (value as Cell)
    : String(value);
}
