/** Two columns of an answer as numbers that can be drawn. */
import type { Columns, Values } from "../api/columns";
import type { Column, ColumnKind } from "../api/types";
import type { ChartKind, ViewState } from "../state/url";

/** The pseudo-column that makes a histogram. */
export const COUNT = "count";

const NS_PER_S = 1e9;

/** What an axis shows. */
export interface Scale {
  column: Column;
  /** For texts: what the numbers stand for. */
  categories: string[];
}

export interface Axis extends Scale {
  column: Values;
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
  const typeOf = (of: string) => usable.find((column) => column.name === of)?.type ?? "text";
  return { x, y, kind: kindOf(typeOf(x), y === COUNT ? null : typeOf(y), state.chart) };
}

/** The kinds of chart two columns can make, the first of them where nobody chose. */
export function kindsOf(x: ColumnKind, y: ColumnKind | null): ChartKind[] {
  const isText = (of: ColumnKind) => of === "text" || of === "boolean";
  if (y === null) return isText(x) ? ["top"] : ["histogram", "top"];
  if (isText(x)) return ["scatter", "line", "top"];
  if (isText(y)) return ["scatter", "line"];
  return x === "time" ? ["scatter", "line", "heatmap", "percentiles"] : ["scatter", "line", "heatmap"];
}

function kindOf(x: ColumnKind, y: ColumnKind | null, chosen: ChartKind | null): ChartKind {
  const kinds = kindsOf(x, y);
  return kinds.find((kind) => kind === chosen) ?? (kinds[0] as ChartKind);
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
  return [...names].sort(IN_ORDER.compare);
}

/** `9` before `10`, also inside words. */
const IN_ORDER = new Intl.Collator("en", { numeric: true });

/** A moment of a line over time; `row` is -1 where nothing was. */
export interface Moment {
  at: number;
  row: number;
}

/** Moments that are `step` apart, or more where nothing was in between: there, a moment without a row breaks the line. */
export function withGaps(at: readonly number[], step: number): Moment[] {
  return at.flatMap((moment, row) => {
    const before = at[row - 1];
    const isGap = before !== undefined && moment - before > 1.5 * step;
    return isGap
      ? [
          { at: before + step, row: -1 },
          { at: moment, row },
        ]
      : [{ at: moment, row }];
  });
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

/** How much room there is beside the outermost points, in parts of what lies between them. */
const BESIDE = 0.02;

/** The ends of an axis with points from `least` to `most`: of several at the very end uPlot would draw but one. */
export function around(least: number, most: number, log: boolean): [number, number] {
  if (log) {
    const beside = Math.max(1.05, (most / least) ** BESIDE);
    return [least / beside, most * beside];
  }
  const beside = (most - least || Math.abs(most) || 1) * BESIDE;
  return [least - beside, most + beside];
}
