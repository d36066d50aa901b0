/** uPlot, set up for one chart. The colours come from the page's tokens when it is drawn. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Column } from "../api/types";
import { brief } from "../format/number";
import { clockText, duration } from "../format/time";
import { type Bins as BinEdges, type Brush, edgeOf, type Range } from "./questions";
import { around, type Axis, nearest, type Points, type Scale } from "./series";

/** Pixels around the pointer in which a point is meant. */
const REACH = 14;
const POINT_SIZE = 6;
const POINT_SIZE_HOVER = 12;

export interface PlotTarget {
  element: HTMLElement;
  width: number;
  height: number;
}

/** What any chart has. */
interface Frame {
  x: Scale;
  y: Scale | null;
  logX: boolean;
  logY: boolean;
  /** What is marked. */
  brush: Brush;
  mark: (brush: Brush) => void;
}

export interface PointPlot extends Frame {
  kind: "scatter" | "line";
  points: Points;
  x: Axis;
  y: Axis;
  /** Points by what colours them: a name, and whether a row is one of them. Failed calls are crosses where nothing else is chosen. */
  groups: PointGroup[];
  /** The row under the pointer, -1 for none. */
  hover: (row: number) => void;
  open: (row: number) => void;
}

export interface PointGroup {
  name: string;
  has: (row: number) => boolean;
}

export interface BarPlot extends Frame {
  bins: BinEdges;
  counts: number[];
}

export interface HeatPlot extends Frame {
  binsX: BinEdges;
  binsY: BinEdges;
  cells: HeatCell[];
  /** Whether cells say how many calls there are, or which share of them failed. */
  failures: boolean;
  hover: (cell: HeatCell | null) => void;
}

export interface HeatCell {
  x: number;
  y: number;
  calls: number;
  failed: number;
}

export interface LinePlot extends Frame {
  at: number[];
  lines: { name: string; values: (number | null)[] }[];
  hover: (place: number) => void;
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

function axisOptions(ink: Inks, axis: Scale | null, log: boolean): uPlot.Axis {
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
  if (log) options.splits = (_, __, least, most) => powersOfTen(least, most);
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

/** The marks of a logarithmic axis. */
function powersOfTen(least: number, most: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(least) - 1e-9), Math.floor(Math.log10(most) + 1e-9)];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => 10 ** (first + at));
}

/** On a logarithmic axis only powers of ten are named. */
function isRound(value: number): boolean {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9;
}

function scale(axis: Scale | null, log: boolean): uPlot.Scale {
  if (axis?.categories.length) return { time: false, range: [-0.6, axis.categories.length - 0.4] };
  return { time: axis?.column.type === "time", distr: log ? 3 : 1 };
}

function baseOptions(target: PlotTarget, frame: Frame): uPlot.Options {
  const ink = inks();
  const { x, y, logX, logY } = frame;
  return {
    width: target.width,
    height: target.height,
    padding: [16, 36, 4, 4],
    legend: { show: false },
    scales: { x: scale(x, logX), y: scale(y, logY) },
    axes: [axisOptions(ink, x, logX), { ...axisOptions(ink, y, logY), size: axisSize(y), space: 44 }],
    series: [],
    cursor: { drag: { x: true, y: true, uni: 20, setScale: false }, points: { show: false } },
    plugins: [brushPlugin(frame)],
  };
}

/** Times are drawn in seconds, and asked for in nanoseconds. */
const unit = (axis: Scale | null) => (axis?.column.type === "time" ? 1e9 : 1);
/** Less is a click, not a drag. */
const LEAST_PIXELS = 6;

/** What a drag marks, and what is marked already. */
function brushPlugin({ x, y, brush, mark }: Frame): uPlot.Plugin {
  let ours = false;
  const marked = (u: uPlot) => {
    const { left, top, width, height } = u.select;
    if (ours || (width < LEAST_PIXELS && height < LEAST_PIXELS)) return;
    const whole = { x: width >= u.over.clientWidth - 1, y: height >= u.over.clientHeight - 1 };
    const range = (from: number, to: number, key: "x" | "y", axis: Scale | null): Range => {
      const ends = [u.posToVal(from, key), u.posToVal(to, key)]
        .map((end) => end * unit(axis))
        .sort((a, b) => a - b);
      return { low: ends[0] as number, high: ends[1] as number };
    };
    mark({
      x: whole.x ? null : range(left, left + width, "x", x),
      y: whole.y || !y ? null : range(top, top + height, "y", y),
    });
  };
  const show = (u: uPlot) => {
    if (!brush.x && !brush.y) return;
    const position = (range: Range | null, key: "x" | "y", axis: Scale | null, most: number) =>
      range
        ? [u.valToPos(range.low / unit(axis), key), u.valToPos(range.high / unit(axis), key)].sort(
            (a, b) => a - b,
          )
        : [0, most];
    const [left = 0, right = 0] = position(brush.x, "x", x, u.over.clientWidth);
    const [top = 0, bottom = 0] = position(brush.y, "y", y, u.over.clientHeight);
    ours = true;
    u.setSelect({ left, top, width: right - left, height: bottom - top }, false);
    ours = false;
  };
  return { hooks: { setSelect: marked, ready: show } };
}

function axisSize(axis: Scale | null): number {
  const longest = Math.max(0, ...(axis?.categories ?? []).map((category) => category.length));
  return longest > 0 ? Math.min(220, longest * 6.5 + 20) : 72;
}

export function drawPoints(target: PlotTarget, plot: PointPlot): uPlot {
  const { points, groups } = plot;
  const options = baseOptions(target, plot);
  options.series = [{}, ...groups.map((_, place) => look(plot.kind, place, groups.length))];
  const x = options.scales?.["x"];
  if (x && !x.range) x.range = (_, least, most) => around(least, most, plot.logX);
  options.plugins?.push(pointerPlugin(plot));
  const values = groups.map(({ has }) =>
    points.y.map((value, index) => (has(points.rows[index] as number) ? value : null)),
  );
  return new uPlot(options, [points.x, ...values], target.element);
}

/** Each group has a colour and a shape: the second of two are crosses, which failed calls are. */
function look(kind: "scatter" | "line", place: number, groups: number): uPlot.Series {
  const ink = inks();
  const stroke = groups <= 2 ? [ink.accent, ink.error][place] : groupInk(place);
  const line = kind === "line" && (groups > 2 || place === 0);
  const shape = groups <= 2 ? place : place % SHAPES.length;
  const paths = SHAPES[shape];
  const points: uPlot.Series.Points = paths
    ? { show: true, width: 1.75, stroke: stroke as string, paths }
    : { show: true, size: POINT_SIZE, fill: stroke as string, stroke: stroke as string, width: 0 };
  return { stroke: stroke as string, width: line ? 1.5 : 0, points, ...(line ? {} : { paths: () => null }) };
}

/** The colour of one of several groups. */
export function groupInk(place: number): string {
  return getComputedStyle(document.documentElement)
    .getPropertyValue(`--service-${place % 8}`)
    .trim();
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

const squares: uPlot.Series.Points.PathBuilder = (u, seriesIndex, from, to) => {
  const stroke = new Path2D();
  const size = POINT_SIZE * devicePixelRatio;
  for (let index = from; index <= to; index += 1) {
    const value = u.data[seriesIndex]?.[index];
    if (value === null || value === undefined) continue;
    const x = u.valToPos(u.data[0][index] as number, "x", true);
    stroke.rect(x - size / 2, u.valToPos(value, "y", true) - size / 2, size, size);
  }
  return { stroke, fill: null, flags: 0 } as unknown as uPlot.Series.Points.Paths;
};

const SHAPES = [null, crosses, squares];

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

export function drawBars(target: PlotTarget, plot: BarPlot): uPlot {
  const ink = inks();
  const { bins, counts } = plot;
  const edges = Array.from({ length: bins.count + 1 }, (_, place) => edgeOf(bins, place) / unit(plot.x));
  const options = baseOptions(target, plot);
  const fill = `color-mix(in srgb, ${ink.accent} 70%, transparent)`;
  options.series = [{}, { fill, stroke: ink.accent, width: 0, points: { show: false }, paths: bars(edges) }];
  options.scales = {
    x: { ...options.scales?.["x"], range: [edges[0] as number, edges.at(-1) as number] },
    y: { distr: plot.logY ? 3 : 1, range: (_, __, most) => [plot.logY ? 0.5 : 0, Math.max(1, most) * 1.08] },
  };
  const data = plot.logY ? counts.map((count) => (count > 0 ? count : null)) : counts;
  return new uPlot(options, [edges, [...data, null]], target.element);
}

/** Calls in cells: the more, the stronger the colour. */
export function drawHeat(target: PlotTarget, plot: HeatPlot): uPlot {
  const { binsX, binsY, cells } = plot;
  const ends = (bins: BinEdges, axis: Scale | null): [number, number] => [
    bins.low / unit(axis),
    bins.high / unit(axis),
  ];
  const options = baseOptions(target, plot);
  options.series = [{}, { paths: () => null, points: { show: false } }];
  options.scales = {
    x: { ...options.scales?.["x"], range: ends(binsX, plot.x) },
    y: { ...options.scales?.["y"], range: ends(binsY, plot.y) },
  };
  const known = new Map(cells.map((cell) => [cell.y * binsX.count + cell.x, cell]));
  options.plugins?.push({
    hooks: {
      draw: (u) => paintCells(u, plot),
      setCursor: (u) => {
        const { left = -1, top = -1 } = u.cursor;
        const place = (bins: BinEdges, value: number) => {
          const { low, high, count, log } = bins;
          const share = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
          return Math.min(count - 1, Math.floor(share * count));
        };
        const x = place(binsX, u.posToVal(left, "x") * unit(plot.x));
        const y = place(binsY, u.posToVal(top, "y") * unit(plot.y));
        plot.hover(left < 0 ? null : (known.get(y * binsX.count + x) ?? null));
      },
    },
  });
  const [low, high] = ends(binsX, plot.x);
  return new uPlot(
    options,
    [
      [low, high],
      [null, null],
    ],
    target.element,
  );
}

function paintCells(u: uPlot, plot: HeatPlot): void {
  const ink = inks();
  const { binsX, binsY, cells, failures } = plot;
  const most = cells.reduce((sum, cell) => Math.max(sum, cell.calls), 1);
  const x = Array.from({ length: binsX.count + 1 }, (_, at) =>
    u.valToPos(edgeOf(binsX, at) / unit(plot.x), "x", true),
  );
  const y = Array.from({ length: binsY.count + 1 }, (_, at) =>
    u.valToPos(edgeOf(binsY, at) / unit(plot.y), "y", true),
  );
  u.ctx.save();
  for (const cell of cells) {
    const [left, right] = [x[cell.x] ?? 0, x[cell.x + 1] ?? 0];
    const [bottom, top] = [y[cell.y] ?? 0, y[cell.y + 1] ?? 0];
    const share = Math.log(1 + cell.calls) / Math.log(1 + most);
    u.ctx.fillStyle = failures && cell.failed > 0 ? ink.error : ink.accent;
    u.ctx.globalAlpha =
      failures && cell.failed > 0
        ? 0.35 + (0.65 * cell.failed) / cell.calls
        : 0.16 + 0.84 * share * (failures ? 0.4 : 1);
    u.ctx.fillRect(left, top, Math.max(1, right - left - 0.5), Math.max(1, bottom - top - 0.5));
  }
  u.ctx.restore();
}

const DASHES = [[], [6, 3], [2, 3]];

/** Lines over time, told apart by colour and dashes. */
export function drawLines(target: PlotTarget, plot: LinePlot): uPlot {
  const options = baseOptions(target, plot);
  options.series = [
    {},
    ...plot.lines.map((_, place) => ({
      stroke: groupInk(place),
      width: 1.75,
      dash: DASHES[place % DASHES.length] as number[],
      points: { show: plot.at.length < 40, size: 4 },
    })),
  ];
  options.plugins?.push({ hooks: { setCursor: (u) => plot.hover(u.cursor.idx ?? -1) } });
  return new uPlot(options, [plot.at, ...plot.lines.map((line) => line.values)], target.element);
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
