/** Columns of a list, and rows in their order. */
import type { Sort } from "../state/url";

export interface GridColumn<T> {
  id: string;
  word: string;
  /** As in `grid-template-columns`. */
  width: string;
  right?: boolean;
  title?: string;
  /** What rows are sorted by; a column without cannot be sorted by. Absent values stand last. */
  by?: (row: T) => number | string | null;
  /** Whether the first click sorts downwards, as one does with amounts. */
  descending?: boolean;
}

/** The rows in the order asked for; as they came where nothing is asked, or nothing that is known. */
export function sorted<T>(
  rows: readonly T[],
  columns: readonly GridColumn<T>[],
  sort: Sort | null,
): readonly T[] {
  const by = columns.find((column) => column.id === sort?.column)?.by;
  if (!sort || !by) return rows;
  const sign = sort.descending ? -1 : 1;
  return rows
    .map((row) => ({ row, key: by(row) }))
    .sort((a, b) => compare(a.key, b.key, sign))
    .map(({ row }) => row);
}

type Key = number | string | null;

function compare(a: Key, b: Key, sign: number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "string" && typeof b === "string")
    return sign * a.localeCompare(b, "en", { numeric: true });
  return sign * (Number(a) - Number(b));
}

/** What a click on a column's head asks for: its first order, the other one, none. */
export function nextOrder<T>(current: Sort | null, column: GridColumn<T>): Sort | null {
  const first = column.descending ?? false;
  if (current?.column !== column.id) return { column: column.id, descending: first };
  return current.descending === first ? { column: column.id, descending: !first } : null;
}
