/** uPlot, set up for one chart. The colours come from the page's tokens when it is drawn. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Column } from "../api/types";
import { brief } from "../format/number";
import { clockText, duration } from "../format/time";
import type { ChartKind } from "../state/url";
import { type Axis, type Bins, COUNT, nearest, type Points } from "./series";

/** Pixels around the pointer in which a point is meant. */
const REACH = 14;
const POINT_SIZE = 6;
const POINT_SIZE_HOVER = 12;

export interface PlotTarget {
  element: HTMLElement;
  width: number;
  height: number;
}

export interface PointPlot {
  kind: Exclude<ChartKind, "histogram">;
  points: Points;
  x: Axis;
  y: Axis;
  logX: boolean;
  logY: boolean;
  /** Whether the call of a row ended in an error or a panic. */
  failed: (row: number) => boolean;
  /** The row under the pointer, -1 for none. */
  hover: (row: number) => void;
  open: (row: number) => void;
}

export interface BinPlot {
  bins: Bins;
  x: Axis;
  logX: boolean;
  logY: boolean;
}

interface Inks {
  text: string;
  line: string;
  accent: string;
  error: string;
  font: string;
}

function inks(): Inks {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: token("--text-muted"),
    line: token("--line"),
    accent: token("--accent"),
    error: token("--error"),
    font: `11px ${token("--font")}`,
  };
}

/** A value of a column as the axis writes it. */
export function axisText(column: Column | null, value: number): string {
  if (column?.type === "duration") return value < 60e9 ? shortDuration(value) : `${brief(value / 1e9)} s`;
  if (column?.type === "time") return clockText(new Date(value * 1000));
  return Math.abs(value) >= 1000 ? brief(value) : String(Number(value.toPrecision(4)));
}

/** Without digits that say nothing: `10 ms`, not `10.0 ms`. */
function shortDuration(ns: number): string {
  const [digits = "", unit = ""] = duration(ns).split(" ");
  return `${Number(digits)} ${unit}`;
}

function axisOptions(ink: Inks, axis: Axis | null, log: boolean): uPlot.Axis {
  const column = axis?.column ?? null;
  const options: uPlot.Axis = {
    stroke: ink.text,
    font: ink.font,
    grid: { stroke: ink.line, width: 1, ...(log ? { filter: rounds } : {}) },
    ticks: { stroke: ink.line, width: 1, size: 4 },
    space: 56,
  };
  if (column?.type === "time") options.values = (_, values) => values.map((value) => timeTick(value, values));
  if (column?.type === "time") return options;
  const text = (value: number) =>
    axis?.categories[value] ?? (axis?.categories.length ? "" : axisText(column, value));
  options.values = (_, values) =>
    values.map((value) => (value === null ? "" : log && !isRound(value) ? "" : text(value)));
  if (axis?.categories.length) options.splits = () => axis.categories.map((_, place) => place);
  return options;
}

/** On a logarithmic axis only powers of ten have a line. */
const rounds: uPlot.Axis.Filter = (_, values) => values.map((value) => (isRound(value) ? value : null));

/** A moment, as fine as the distance to its neighbours asks for. */
function timeTick(value: number, all: number[]): string {
  const step = (all[1] ?? Infinity) - (all[0] ?? 0);
  const clock = clockText(new Date(value * 1000));
  if (step < 1) return clock.slice(0, step < 0.01 ? 12 : 10);
  if (step < 60) return clock.slice(0, 8);
  const day = new Date(value * 1000).toLocaleDateString("en", { month: "short", day: "numeric" });
  return step < 43_200 ? clock.slice(0, 5) : day;
}

/** On a logarithmic axis only powers of ten are named. */
function isRound(value: number): boolean {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9;
}

function scale(axis: Axis | null, log: boolean): uPlot.Scale {
  if (axis?.categories.length) return { time: false, range: [-0.6, axis.categories.length - 0.4] };
  return { time: axis?.column.type === "time", distr: log ? 3 : 1 };
}

function baseOptions(
  target: PlotTarget,
  x: Axis,
  y: Axis | null,
  logX: boolean,
  logY: boolean,
): uPlot.Options {
  const ink = inks();
  return {
    width: target.width,
    height: target.height,
    padding: [16, 36, 4, 4],
    legend: { show: false },
    scales: { x: scale(x, logX), y: scale(y, logY) },
    axes: [axisOptions(ink, x, logX), { ...axisOptions(ink, y, logY), size: axisSize(y), space: 44 }],
    series: [],
    cursor: { drag: { x: true, y: true, uni: 20 }, points: { show: false } },
  };
}

function axisSize(axis: Axis | null): number {
  const longest = Math.max(0, ...(axis?.categories ?? []).map((category) => category.length));
  return longest > 0 ? Math.min(220, longest * 6.5 + 20) : 72;
}

export function drawPoints(target: PlotTarget, plot: PointPlot): uPlot {
  const ink = inks();
  const { points } = plot;
  const options = baseOptions(target, plot.x, plot.y, plot.logX, plot.logY);
  const dots = (stroke: string): uPlot.Series => ({
    stroke,
    width: plot.kind === "line" ? 1.5 : 0,
    points: { show: true, size: POINT_SIZE, fill: stroke, stroke, width: 0 },
    ...(plot.kind === "line" ? {} : { paths: () => null }),
  });
  const fine = points.y.map((value, index) => (plot.failed(points.rows[index] as number) ? null : value));
  const failed = points.y.map((value, index) => (plot.failed(points.rows[index] as number) ? value : null));
  options.series = [
    {},
    dots(ink.accent),
    { ...dots(ink.error), points: { show: true, width: 1.75, stroke: ink.error, paths: crosses } },
  ];
  options.plugins = [pointerPlugin(plot)];
  return new uPlot(options, [points.x, fine, failed], target.element);
}

/** Failed calls are crosses: their shape tells them apart without colour. */
const crosses: uPlot.Series.Points.PathBuilder = (u, seriesIndex, from, to) => {
  const stroke = new Path2D();
  const reach = (POINT_SIZE / 2 + 1) * devicePixelRatio;
  for (let index = from; index <= to; index += 1) {
    const value = u.data[seriesIndex]?.[index];
    if (value === null || value === undefined) continue;
    const x = u.valToPos(u.data[0][index] as number, "x", true);
    const y = u.valToPos(value, "y", true);
    stroke.moveTo(x - reach, y - reach);
    stroke.lineTo(x + reach, y + reach);
    stroke.moveTo(x + reach, y - reach);
    stroke.lineTo(x - reach, y + reach);
  }
  return { stroke, fill: null, flags: 0 } as unknown as uPlot.Series.Points.Paths;
};

/** Finds the point under the pointer, rings it, and opens it on a click. */
function pointerPlugin(plot: PointPlot): uPlot.Plugin {
  const ring = document.createElement("div");
  ring.className = "ring";
  ring.hidden = true;
  const find = (u: uPlot) => {
    const { left = -1, top = -1 } = u.cursor;
    if (left < 0) return -1;
    const toPixel = { x: (v: number) => u.valToPos(v, "x"), y: (v: number) => u.valToPos(v, "y") };
    return nearest(plot.points, toPixel, { x: left, y: top }, REACH);
  };
  const show = (u: uPlot) => {
    const index = find(u);
    ring.hidden = index < 0;
    plot.hover(index < 0 ? -1 : (plot.points.rows[index] as number));
    if (index < 0) return;
    const [x, y] = [
      u.valToPos(plot.points.x[index] as number, "x"),
      u.valToPos(plot.points.y[index] as number, "y"),
    ];
    ring.style.transform = `translate(${x - POINT_SIZE_HOVER / 2}px, ${y - POINT_SIZE_HOVER / 2}px)`;
  };
  const ready = (u: uPlot) => {
    u.over.append(ring);
    u.over.addEventListener("click", () => {
      const index = find(u);
      if (index >= 0) plot.open(plot.points.rows[index] as number);
    });
  };
  return { hooks: { ready, setCursor: show } };
}

export function drawBins(target: PlotTarget, plot: BinPlot): uPlot {
  const ink = inks();
  const { edges, counts } = plot.bins;
  const options = baseOptions(target, plot.x, null, plot.logX, plot.logY);
  const fill = `color-mix(in srgb, ${ink.accent} 70%, transparent)`;
  options.series = [
    {},
    { label: COUNT, fill, stroke: ink.accent, width: 0, points: { show: false }, paths: bars(edges) },
  ];
  options.scales = {
    ...options.scales,
    y: { distr: plot.logY ? 3 : 1, range: (_, __, most) => [plot.logY ? 0.5 : 0, most * 1.08] },
  };
  const data = plot.logY ? counts.map((count) => (count > 0 ? count : null)) : counts;
  return new uPlot(options, [[...edges], [...data, null]], target.element);
}

/** Bars from edge to edge, whatever the scale. */
function bars(edges: number[]): uPlot.Series.PathBuilder {
  return (u, seriesIndex) => {
    const path = new Path2D();
    const floor = u.bbox.top + u.bbox.height;
    for (let index = 0; index + 1 < edges.length; index += 1) {
      const value = u.data[seriesIndex]?.[index];
      if (!value) continue;
      const left = u.valToPos(edges[index] as number, "x", true);
      const right = u.valToPos(edges[index + 1] as number, "x", true);
      const top = u.valToPos(value, "y", true);
      path.rect(left + 0.5, top, Math.max(1, right - left - 1), floor - top);
    }
    return { fill: path, stroke: null } as unknown as uPlot.Series.Paths;
  };
}
