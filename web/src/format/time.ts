/** Times and durations as people read them. */

const UNITS: readonly [limit: number, divisor: number, unit: string][] = [
  [1e3, 1, "ns"],
  [1e6, 1e3, "µs"],
  [1e9, 1e6, "ms"],
  [60e9, 1e9, "s"],
];

/** Nanoseconds with three significant digits: `812 ns`, `45.2 µs`, `1.24 ms`, `3.05 s`, `2 min 05 s`. */
export function duration(ns: number): string {
  if (!Number.isFinite(ns)) return "–";
  if (ns < 0) return `−${duration(-ns)}`;
  for (const [limit, divisor, unit] of UNITS) {
    const text = threeDigits(ns / divisor);
    if (ns < limit && Number(text) < limit / divisor)
      return `${divisor === 1 ? Math.round(ns) : text} ${unit}`;
  }
  return longDuration(Math.round(ns / 1e9));
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function longDuration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${pad(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** Time that is left, for a countdown: `48 s`, `4:59`, `1:02:03`. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${pad(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(seconds % 60)}`;
}

/** How long ago, roughly: `just now`, `12 s ago`, `3 min ago`, `2 h ago`, `5 d ago`. */
export function ago(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 3) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

const FRACTION = /\.(\d{1,9})/;

/** RFC 3339 text as nanoseconds since 1970; `null` where it is no time. */
export function parseNanoseconds(text: string): bigint | null {
  const fraction = FRACTION.exec(text)?.[1] ?? "";
  const ms = Date.parse(text.replace(FRACTION, ""));
  if (Number.isNaN(ms)) return null;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** A moment in the reader's time zone, in parts, so that the last digits can be drawn faintly. */
export interface Moment {
  /** `Nov 20`, empty on the day of `now`. */
  day: string;
  /** `14:03:22.123` */
  clock: string;
  /** Microseconds within the millisecond: `456` */
  micros: string;
}

export function moment(text: string, now: Date = new Date()): Moment | null {
  const ns = parseNanoseconds(text);
  return ns === null ? null : momentOf(ns, now);
}

/** The same of nanoseconds since 1970. */
export function momentOf(ns: bigint, now: Date = new Date()): Moment {
  const date = new Date(Number(ns / 1_000_000n));
  const micros = String((ns / 1000n) % 1000n).padStart(3, "0");
  return { day: sameDay(date, now) ? "" : dayText(date), clock: clockText(date), micros };
}

function sameDay(a: Date, b: Date): boolean {
  return a.toDateString() === b.toDateString();
}

function dayText(date: Date): string {
  return date.toLocaleDateString("en", { month: "short", day: "numeric" });
}

/** `14:03:22.123` */
export function clockText(date: Date): string {
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${ms}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
