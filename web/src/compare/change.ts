/**
 * How much something changed, and how sure that is: intervals that hold the true change with 95 % confidence.
 *
 * Durations are compared by the ratio of their geometric means: logarithms of durations are near to normal, which durations
 * are not, so that Welch's interval of the difference of their means holds, and is an interval of the ratio (B. L. Welch,
 * Biometrika 34, 1947; with hundreds of calls the normal distribution stands for Student's). Shares are compared by
 * Newcombe's interval (Statistics in Medicine 17, 1998, method 10).
 */

const Z95 = 1.959964;
/** Fewer calls on a side say nothing. */
export const FEWEST = 5;

export interface Sample {
  calls: number;
  failed: number;
  meanLn: number;
  varLn: number;
}

/** From, to and the middle of what is likely. */
export interface Change {
  low: number;
  middle: number;
  high: number;
}

/** By which factor calls of `b` take longer than those of `a`; `null` where too few are known. */
export function ratio(a: Sample, b: Sample): Change | null {
  if (a.calls < FEWEST || b.calls < FEWEST) return null;
  const difference = b.meanLn - a.meanLn;
  const reach = Z95 * Math.sqrt((a.varLn || 0) / a.calls + (b.varLn || 0) / b.calls);
  if (!Number.isFinite(difference) || !Number.isFinite(reach)) return null;
  return {
    low: Math.exp(difference - reach),
    middle: Math.exp(difference),
    high: Math.exp(difference + reach),
  };
}

/** How much more of the calls of `b` fail, as a difference of shares. */
export function failures(a: Sample, b: Sample): Change | null {
  if (a.calls < FEWEST || b.calls < FEWEST) return null;
  const [pa, pb] = [a.failed / a.calls, b.failed / b.calls];
  const [[la, ua], [lb, ub]] = [wilson(pa, a.calls), wilson(pb, b.calls)];
  const middle = pb - pa;
  return {
    low: middle - Math.hypot(pb - lb, ua - pa),
    middle,
    high: middle + Math.hypot(ub - pb, pa - la),
  };
}

function wilson(share: number, of: number): [number, number] {
  const square = Z95 * Z95;
  const middle = share + square / (2 * of);
  const reach = Z95 * Math.sqrt((share * (1 - share)) / of + square / (4 * of * of));
  const scale = 1 + square / of;
  return [Math.max(0, (middle - reach) / scale), Math.min(1, (middle + reach) / scale)];
}

/** Whether a change is more than chance: `unchanged` lies outside of its interval. */
export function isSure(change: Change | null, unchanged: number): boolean {
  return change !== null && (change.low > unchanged || change.high < unchanged);
}

/** `+25 %`, `−8 %`, `× 3.2` */
export function factorText(factor: number): string {
  if (factor >= 2) return `× ${factor >= 10 ? factor.toFixed(0) : factor.toFixed(1)}`;
  const percent = Math.round((factor - 1) * 1000) / 10;
  return `${percent > 0 ? "+" : percent < 0 ? "−" : "±"}${Math.abs(percent)} %`;
}
