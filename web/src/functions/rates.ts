/** How functions did lately: calls, errors and durations, from summaries and live rows. */
import { parseNanoseconds } from "../format/time";
import type { Rows } from "../api/types";

/** What is looked back on, and the parts it is cut into, in seconds. */
export const WINDOW_S = 300;
export const BIN_S = 15;
/** Calls a second are told of the last so many seconds. */
const RATE_S = 60;

const NUMBERS =
  "count(*) AS calls, count(*) FILTER (WHERE outcome IN ('error', 'panicked')) AS errors, " +
  "approx_percentile_cont(duration_ns, 0.5) AS p50, approx_percentile_cont(duration_ns, 0.99) AS p99";
const LATELY = `started_at >= now() - INTERVAL '${WINDOW_S} seconds'`;

/** One row for each function that was called. */
export const TOTALS = `SELECT service, function, ${NUMBERS} FROM calls WHERE ${LATELY} GROUP BY service, function`;

/** One row for each function and bin in which it was called. */
export const BINS = `SELECT service, function, date_bin(INTERVAL '${BIN_S} seconds', started_at) AS bin, ${NUMBERS} FROM calls WHERE ${LATELY} GROUP BY service, function, bin`;

export interface Bin {
  /** Seconds since 1970, of its beginning. */
  at: number;
  calls: number;
  errors: number;
  p50: number;
  p99: number;
}

export interface Rate {
  calls: number;
  errors: number;
  /** Nanoseconds. */
  p50: number;
  p99: number;
  perSecond: number;
  /** In order of time; bins without calls are left out. */
  bins: Bin[];
}

export function rateKey(service: string, path: string): string {
  return `${service} ${path}`;
}

/** What two answers tell, by service and path. `now` is in seconds since 1970, on the hub's clock. */
export function ratesOf(totals: Rows, bins: Rows, now: number): Map<string, Rate> {
  const rates = new Map<string, Rate>();
  for (const row of totals.rows) {
    const [service, path, ...numbers] = row as [string, string, ...number[]];
    rates.set(rateKey(service, path), { ...named(numbers), perSecond: 0, bins: [] });
  }
  for (const row of bins.rows) {
    const [service, path, at, ...numbers] = row as [string, string, string, ...number[]];
    const ns = parseNanoseconds(at);
    if (ns !== null)
      rates.get(rateKey(service, path))?.bins.push({ at: Number(ns / 1_000_000_000n), ...named(numbers) });
  }
  for (const rate of rates.values()) {
    rate.bins.sort((a, b) => a.at - b.at);
    rate.perSecond = perSecond(rate.bins, now);
  }
  return rates;
}

function named(numbers: unknown[]) {
  const [calls = 0, errors = 0, p50 = 0, p99 = 0] = numbers.map(Number);
  return { calls, errors, p50, p99 };
}

/** Calls a second since the first call of the last minute: what began ten seconds ago is not told as a sixth. */
function perSecond(bins: Bin[], now: number): number {
  const lately = bins.filter(({ at }) => at + BIN_S > now - RATE_S);
  const first = lately[0];
  if (!first) return 0;
  const calls = lately.reduce((all, bin) => all + bin.calls, 0);
  return calls / Math.min(RATE_S, Math.max(BIN_S, now - first.at));
}

/** Several functions as one: what a module or service did. Their percentiles are the longest of them. */
export function together(rates: Iterable<Rate>): Rate | null {
  let sum: Rate | null = null;
  for (const { calls, errors, p50, p99, perSecond } of rates) {
    sum ??= { calls: 0, errors: 0, p50: 0, p99: 0, perSecond: 0, bins: [] };
    sum.calls += calls;
    sum.errors += errors;
    sum.perSecond += perSecond;
    sum.p50 = Math.max(sum.p50, p50);
    sum.p99 = Math.max(sum.p99, p99);
  }
  return sum;
}
