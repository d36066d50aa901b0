/** Two columns of an answer as numbers that can be drawn. */
import type { Columns, Values } from "../api/columns";
import type { Column } from "../api/types";
import type { ChartKind, ViewState } from "../state/url";

/** The pseudo-column that makes a histogram. */
export const COUNT = "count";

const NS_PER_S = 1e9;

export interface Axis {
  column: Values;
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
export function drawable<C extends Column>(columns: readonly C[]): C[] {
  return columns.filter((column) => column.type !== "json" && !/_id$/.test(column.name));
}

/** What is drawn when the reader has not chosen: durations over time where there are any. */
export function choose(
  columns: readonly Column[],
  state: Pick<ViewState, "x" | "y" | "chart">,
): Choice | null {
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

export function axis(columns: Columns, name: string): Axis | null {
  const column = columns.column(name);
  if (!column) return null;
  return { column, categories: isCategory(column) ? categoriesOf(column, columns.length) : [] };
}

export function isCategory(column: Column): boolean {
  return column.type === "text" || column.type === "boolean";
}

function categoriesOf(column: Values, rows: number): string[] {
  const names = new Set<string>();
  for (let row = 0; row < rows; row += 1) names.add(String(column.at(row) ?? ""));
  return [...names].sort();
}

/** A cell as a number: times in seconds, durations in nanoseconds, texts by their place among the categories. */
function numberReader({ column, categories }: Axis): (row: number) => number {
  if (column.type === "time") return (row) => column.number(row) / NS_PER_S;
  if (!isCategory(column)) return (row) => column.number(row);
  const places = new Map(categories.map((category, place) => [category, place]));
  return (row) => places.get(String(column.at(row) ?? "")) ?? NaN;
}

export function points(rows: number, x: Axis, y: Axis, logX: boolean, logY: boolean): Points {
  const [readX, readY] = [numberReader(x), numberReader(y)];
  const found: [x: number, y: number, row: number][] = [];
  for (let row = 0; row < rows; row += 1) {
    const [px, py] = [readX(row), readY(row)];
    if (fits(px, logX) && fits(py, logY)) found.push([px, py, row]);
  }
  found.sort((a, b) => a[0] - b[0]);
  return {
    x: found.map((point) => point[0]),
    y: found.map((point) => point[1]),
    rows: found.map((point) => point[2]),
    left: rows - found.length,
  };
}

function fits(value: number, log: boolean): boolean {
  return Number.isFinite(value) && (!log || value > 0);
}

const BIN_COUNT = 48;

export function bins(rows: number, x: Axis, log: boolean): Bins {
  const read = numberReader(x);
  const values = Array.from({ length: rows }, (_, row) => read(row)).filter((value) => fits(value, log));
  const left = rows - values.length;
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
