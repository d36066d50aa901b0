/** Which rows and columns of a large table are drawn, and where. */

/**
 * The tallest element that browsers lay out truly: Firefox ends at 17.8 million pixels, Chromium at 33.5 million. A taller
 * table is scrolled in its place: each pixel of the scrollbar is then more than one of the table.
 */
export const MAX_HEIGHT = 16_000_000;

export interface Window {
  /** Pixels of the element that is scrolled. */
  height: number;
  /** The first row drawn, and how many. */
  first: number;
  count: number;
  /** Where a row stands in that element. */
  top: (row: number) => number;
}

/** The rows in sight, with `over` more before and behind them. */
export function rowsInSight(
  rows: number,
  rowHeight: number,
  scrolled: number,
  view: number,
  over: number,
): Window {
  const whole = rows * rowHeight;
  const height = Math.min(whole, MAX_HEIGHT);
  const scrollable = Math.max(0, height - view);
  const at = Math.max(0, Math.min(scrolled, scrollable));
  const top = scrollable > 0 ? (at / scrollable) * Math.max(0, whole - view) : 0;
  const first = Math.max(0, Math.floor(top / rowHeight) - over);
  const end = Math.min(rows, Math.ceil((top + view) / rowHeight) + over);
  return { height, first, count: Math.max(0, end - first), top: (row) => at + row * rowHeight - top };
}

/** How far to scroll so that a row is in sight; `null` where it is. */
export function scrollTo(
  row: number,
  rows: number,
  rowHeight: number,
  scrolled: number,
  view: number,
): number | null {
  const window = rowsInSight(rows, rowHeight, scrolled, view, 0);
  const top = window.top(row) - scrolled;
  if (top >= 0 && top + rowHeight <= view) return null;
  const wanted = top < 0 ? row * rowHeight : (row + 1) * rowHeight - view;
  const [whole, scrollable] = [rows * rowHeight - view, window.height - view];
  return whole > 0 ? Math.max(0, Math.min(scrollable, (wanted / whole) * scrollable)) : 0;
}

/** Columns in sight: those pinned, and of the others the ones between two edges. */
export function columnsInSight(
  lefts: readonly number[],
  widths: readonly number[],
  pinned: number,
  scrolled: number,
  view: number,
): { first: number; end: number } {
  const covered = pinned > 0 ? (lefts[pinned - 1] ?? 0) + (widths[pinned - 1] ?? 0) : 0;
  let first = pinned;
  while (first < lefts.length && (lefts[first] as number) + (widths[first] as number) <= scrolled + covered)
    first += 1;
  let end = first;
  while (end < lefts.length && (lefts[end] as number) < scrolled + view) end += 1;
  return { first, end };
}
