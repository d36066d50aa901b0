/** Two columns of an answer as numbers that can be drawn. */
import type { Column, Rows } from "../api/types";
import type { ChartKind, ViewState } from "../state/url";

/** The pseudo-column that makes a histogram. */
export const COUNT = "count";

const MS_PER_S = 1000;

export interface Axis {
  column: Column;
  index: number;
  /** For texts: what the numbers stand for. */
  categories: string[];
}

export interface Points {
  /** Sorted ascending. */
  x: number[];
  y: number[];
  /** The row each point stands for. */
  rows: number[];
  /** Rows without a drawable value, or not positive on a logarithmic axis. */
  left: number;
}

export interface Bins {
  /** Lower edges; one more than counts. */
  edges: number[];
  counts: number[];
  left: number;
}

export interface Choice {
  x: string;
  y: string;
  kind: ChartKind;
}

/** Columns that make an axis: ids and JSON do not. */
export function drawable(columns: Column[]): Column[] {
  return columns.filter((column) => column.type !== "json" && !/_id$/.test(column.name));
}

/** What is drawn when the reader has not chosen: durations over time where there are any. */
export function choose(columns: Column[], state: Pick<ViewState, "x" | "y" | "chart">): Choice | null {
  const usable = drawable(columns);
  const named = (name: string | null) => usable.find((column) => column.name === name)?.name;
  const measure =
    usable.find((column) => column.type === "duration") ?? usable.find((c) => c.type === "number");
  const x =
    named(state.x) ??
    usable.find((column) => column.type === "time")?.name ??
    measure?.name ??
    usable[0]?.name;
  if (!x) return null;
  const y =
    state.y === COUNT ? COUNT : (named(state.y) ?? (measure?.name === x ? COUNT : (measure?.name ?? COUNT)));
  const kind =
    y === COUNT ? "histogram" : state.chart && state.chart !== "histogram" ? state.chart : "scatter";
  return { x, y, kind };
}

export function axis(rows: Rows, name: string): Axis | null {
  const index = rows.columns.findIndex((column) => column.name === name);
  const column = rows.columns[index];
  if (!column) return null;
  return { column, index, categories: isCategory(column) ? categoriesOf(rows, index) : [] };
}

export function isCategory(column: Column): boolean {
  return column.type === "text" || column.type === "boolean";
}

function categoriesOf(rows: Rows, index: number): string[] {
  return [...new Set(rows.rows.map((row) => String(row[index] ?? "")))].sort();
}

/** A cell as a number: times in seconds, durations in nanoseconds, texts by their place among the categories. */
function numberReader(axis: Axis): (row: readonly unknown[]) => number {
  const { column, index } = axis;
  if (column.type === "time")
    return (row) => Date.parse(String(row[index])) / MS_PER_S + subMillisecond(row[index]);
  if (!isCategory(column)) return (row) => (row[index] === null ? NaN : Number(row[index]));
  const places = new Map(axis.categories.map((category, place) => [category, place]));
  return (row) => places.get(String(row[index] ?? "")) ?? NaN;
}

/** What `Date.parse` leaves out of a time with nanoseconds, in seconds. */
function subMillisecond(cell: unknown): number {
  const digits = /\.\d{3}(\d{1,6})/.exec(String(cell))?.[1] ?? "";
  return digits ? Number(digits) / 10 ** (3 + digits.length) : 0;
}

export function points(rows: Rows, x: Axis, y: Axis, logX: boolean, logY: boolean): Points {
  const [readX, readY] = [numberReader(x), numberReader(y)];
  const found: [x: number, y: number, row: number][] = [];
  rows.rows.forEach((row, index) => {
    const [px, py] = [readX(row), readY(row)];
    if (fits(px, logX) && fits(py, logY)) found.push([px, py, index]);
  });
  found.sort((a, b) => a[0] - b[0]);
  return {
    x: found.map((point) => point[0]),
    y: found.map((point) => point[1]),
    rows: found.map((point) => point[2]),
    left: rows.rows.length - found.length,
  };
}

function fits(value: number, log: boolean): boolean {
  return Number.isFinite(value) && (!log || value > 0);
}

const BIN_COUNT = 48;

export function bins(rows: Rows, x: Axis, log: boolean): Bins {
  const read = numberReader(x);
  const values = rows.rows.map(read).filter((value) => fits(value, log));
  const left = rows.rows.length - values.length;
  if (values.length === 0) return { edges: [], counts: [], left };
  const edges = isCategory(x.column) ? categoryEdges(x.categories.length) : binEdges(values, log);
  const counts = new Array<number>(edges.length - 1).fill(0);
  for (const value of values) {
    const place = binOf(edges, value);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return { edges, counts, left };
}

function categoryEdges(count: number): number[] {
  return Array.from({ length: count + 1 }, (_, place) => place - 0.5);
}

function binEdges(values: number[], log: boolean): number[] {
  const [to, from] = log
    ? [Math.log10, (value: number) => 10 ** value]
    : [(v: number) => v, (v: number) => v];
  let least = Infinity;
  let most = -Infinity;
  for (const value of values) {
    least = Math.min(least, to(value));
    most = Math.max(most, to(value));
  }
  if (least === most) [least, most] = [least - 0.5, most + 0.5];
  const step = (most - least) / BIN_COUNT;
  return Array.from({ length: BIN_COUNT + 1 }, (_, place) => from(least + step * place));
}

/** The last edge that is not above the value. */
function binOf(edges: number[], value: number): number {
  let [low, high] = [0, edges.length - 2];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] ?? Infinity) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The point nearest to a place on the canvas, at most `reach` pixels away; -1 where there is none. */
export function nearest(
  points: Points,
  toPixel: { x: (value: number) => number; y: (value: number) => number },
  place: { x: number; y: number },
  reach: number,
): number {
  let best = -1;
  let bestDistance = reach * reach;
  for (let index = 0; index < points.x.length; index += 1) {
    const dx = toPixel.x(points.x[index] as number) - place.x;
    if (dx > reach) break;
    if (dx < -reach) continue;
    const dy = toPixel.y(points.y[index] as number) - place.y;
    const distance = dx * dx + dy * dy;
    if (distance <= bestDistance) [best, bestDistance] = [index, distance];
  }
  return best;
}
