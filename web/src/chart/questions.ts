/** What charts ask of the hub: bins, percentiles and top values over all rows that match, not only over those shown. */
import type { ColumnKind } from "../api/types";
import { fromWhere, isoTime, quoteName, type Source } from "../language/select";

/** A column as an axis. */
export interface Field {
  name: string;
  /** As SQL finds it. */
  expression: string;
  type: ColumnKind;
}

/** From where to where values go: nanoseconds since 1970 for times. */
export interface Range {
  low: number;
  high: number;
}

/** How an axis is cut into bins. */
export interface Bins extends Range {
  count: number;
  log: boolean;
}

export function fieldOf(source: Source, column: { name: string; type: ColumnKind }): Field {
  return { name: column.name, expression: source.expression(column.name), type: column.type };
}

/** A value as a number. */
export function numeric({ expression, type }: Field): string {
  if (type === "time") return `CAST(${expression} AS bigint)`;
  return type === "boolean" ? `CAST(${expression} AS int)` : `TRY_CAST(${expression} AS double)`;
}

/** How far the axes go, and how many rows there are. */
export function extentOf(source: Source, fields: readonly Field[], logs: readonly boolean[]): string {
  const ends = fields.flatMap((field, at) => {
    const positive = logs[at] ? ` FILTER (WHERE ${numeric(field)} > 0)` : "";
    return [
      `min(${numeric(field)})${positive} AS low${at}`,
      `max(${numeric(field)})${positive} AS high${at}`,
    ];
  });
  return `SELECT ${["count(*) AS calls", ...ends].join(", ")}\n${fromWhere(source)}`;
}

/** Bins from end to end; one value alone has room around it. */
export function binsOf({ low, high }: Range, count: number, log: boolean): Bins {
  if (low < high) return { low, high, count, log };
  return log
    ? { low: low / 2, high: high * 2, count, log }
    : { low: low - 0.5, high: high + 0.5, count, log };
}

/** The edge where a bin begins. */
export function edgeOf(bins: Bins, place: number): number {
  const { low, high, count, log } = bins;
  if (log) return low * (high / low) ** (place / count);
  return low + ((high - low) * place) / count;
}

/** Which bin a value is in. */
function binOf(field: Field, { low, high, count, log }: Bins): string {
  const value = numeric(field);
  const step = log ? Math.log(high / low) / count : (high - low) / count;
  const place =
    field.type === "time"
      ? `(${value} - ${whole(low)}) / ${Math.max(1, Math.round(step))}`
      : `CAST(floor((${log ? `ln(${value})` : value} - ${number(log ? Math.log(low) : low)}) / ${number(step)}) AS bigint)`;
  return `least(${count - 1}, ${place})`;
}

function within(field: Field, { low, high }: Range): string {
  const write = field.type === "time" ? whole : number;
  return `${numeric(field)} BETWEEN ${write(low)} AND ${write(high)}`;
}

const whole = (value: number) => BigInt(Math.round(value)).toString();

/** As SQL reads it; an exponent makes it a double in any case. */
function number(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? `${value}.0` : value.toExponential();
}

const FAILED = "count(*) FILTER (WHERE outcome IN ('error', 'panicked')) AS failed";
const failed = (source: Source) => (source.ofCalls ? `, ${FAILED}` : "");

export function heatmap(source: Source, x: Field, y: Field, binsX: Bins, binsY: Bins): string {
  return `SELECT ${binOf(x, binsX)} AS x, ${binOf(y, binsY)} AS y, count(*) AS calls${failed(source)}
${fromWhere(source, within(x, binsX), within(y, binsY))}
GROUP BY 1, 2`;
}

export function histogram(source: Source, x: Field, bins: Bins): string {
  return `SELECT ${binOf(x, bins)} AS x, count(*) AS calls${failed(source)}
${fromWhere(source, within(x, bins))}
GROUP BY 1 ORDER BY 1`;
}

/** Steps of time people count in, in milliseconds. */
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5,
];
const HOUR_MS = 3_600_000;

/** A step that cuts a time into about so many parts. */
export function timeStep({ low, high }: Range, parts: number): number {
  const wanted = (high - low) / 1e6 / parts;
  return STEPS.find((step) => step >= wanted) ?? Math.ceil(wanted / HOUR_MS) * HOUR_MS;
}

export const PERCENTILES = [
  { name: "p50", share: 0.5 },
  { name: "p90", share: 0.9 },
  { name: "p99", share: 0.99 },
] as const;

export function percentiles(source: Source, x: Field, y: Field, stepMs: number): string {
  const value = y.type === "duration" ? y.expression : numeric(y);
  const lines = PERCENTILES.map(({ name, share }) => `approx_percentile_cont(${value}, ${share}) AS ${name}`);
  return `SELECT date_bin(INTERVAL '${stepMs} milliseconds', ${x.expression}) AS at, count(*) AS calls,
  ${lines.join(",\n  ")}
${fromWhere(source)}
GROUP BY 1 ORDER BY 1`;
}

/** Values that are drawn as bars. */
export const MAX_TOP = 30;

export function topValues(source: Source, x: Field, y: Field | null): string {
  const item = x.expression === quoteName(x.name) ? x.expression : `${x.expression} AS ${quoteName(x.name)}`;
  const middle = y ? `, approx_percentile_cont(${numeric(y)}, 0.5) AS p50` : "";
  return `SELECT ${item}, count(*) AS calls${failed(source)}${middle}
${fromWhere(source)}
GROUP BY 1 ORDER BY calls DESC LIMIT ${MAX_TOP}`;
}

/** A part of a chart that was marked: of an axis that was not, nothing. */
export interface Brush {
  x: Range | null;
  y: Range | null;
}

/** The brush as the address tells it: `1..5,` */
export function toldBrush({ x, y }: Brush): string | null {
  const told = (range: Range | null) => (range ? `${range.low}..${range.high}` : "");
  return x || y ? `${told(x)},${told(y)}` : null;
}

export function readBrush(told: string | null): Brush {
  const [x = "", y = ""] = (told ?? "").split(",");
  return { x: readRange(x), y: readRange(y) };
}

function readRange(text: string): Range | null {
  const [low, high] = text.split("..").map(Number);
  return text && low !== undefined && high !== undefined && low <= high ? { low, high } : null;
}

/** What is marked, as a condition. */
export function brushCondition(brush: Brush, x: Field, y: Field | null): string {
  const parts = [brush.x && between(x, brush.x), brush.y && y && between(y, brush.y)];
  return parts.filter(Boolean).join(" AND ");
}

function between(field: Field, { low, high }: Range): string {
  if (field.type === "time") {
    const at = (value: number) => `TIMESTAMP '${isoTime(BigInt(Math.round(value)))}'`;
    return `${field.expression} >= ${at(low)} AND ${field.expression} <= ${at(high)}`;
  }
  const value = /->>/.test(field.expression) ? numeric(field) : field.expression;
  const digits = (end: number) =>
    field.type === "duration" ? String(Math.round(end)) : String(Number(end.toPrecision(6)));
  return `${value} >= ${digits(low)} AND ${value} <= ${digits(high)}`;
}
