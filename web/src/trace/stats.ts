/** What each function of a trace took, and in what order to show that. */
import { hasFailed, serviceOf, type Trace } from "./model";

export interface FunctionStats {
  path: string;
  /** Services it ran in. */
  services: string[];
  count: number;
  /** Nanoseconds from start to end; time in calls of itself below it counts once. */
  total: number;
  /** Nanoseconds of its own. */
  self: number;
  /** Nanoseconds of its own on the critical path. */
  critical: number;
  errors: number;
  /** The longest of its calls. */
  slowest: number;
  longest: number;
}

export type StatsKey = "path" | "count" | "total" | "self" | "critical" | "errors" | "longest";

export function statsOf(trace: Trace, critical: Float64Array): FunctionStats[] {
  const all = trace.paths.map((path) => empty(path));
  const services = trace.paths.map(() => new Set<number>());
  const inside = new Uint32Array(trace.paths.length);
  const leave: number[] = [];
  for (let call = 0; call < trace.count; call += 1) {
    while (leave.length > 0 && (trace.end[leave.at(-1) as number] as number) <= call)
      inside[trace.path[leave.pop() as number] as number]! -= 1;
    const path = trace.path[call] as number;
    add(all[path] as FunctionStats, trace, call, inside[path] === 0, critical[call] as number);
    services[path]?.add(trace.columns.instance[call] ?? 0);
    inside[path]! += 1;
    leave.push(call);
  }
  all.forEach((stats, path) => (stats.services = names(trace, services[path] ?? new Set())));
  return all.filter((stats) => stats.count > 0);
}

function empty(path: string): FunctionStats {
  return {
    path,
    services: [],
    count: 0,
    total: 0,
    self: 0,
    critical: 0,
    errors: 0,
    slowest: -1,
    longest: -1,
  };
}

function add(stats: FunctionStats, trace: Trace, call: number, outermost: boolean, critical: number): void {
  const duration = trace.duration[call] as number;
  stats.count += 1;
  stats.self += trace.self[call] as number;
  stats.critical += critical;
  if (outermost) stats.total += duration;
  if (hasFailed(trace, call)) stats.errors += 1;
  if (duration > stats.longest) [stats.longest, stats.slowest] = [duration, call];
}

function names(trace: Trace, instances: ReadonlySet<number>): string[] {
  return [...new Set([...instances].map((index) => trace.columns.instances[index]?.service ?? ""))];
}

/** A copy in the order of one column; numbers the largest first unless it is turned round. */
export function sortedStats(
  stats: readonly FunctionStats[],
  key: StatsKey,
  turned: boolean,
): FunctionStats[] {
  const sign = turned ? -1 : 1;
  return [...stats].sort((a, b) => {
    if (key === "path") return sign * (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
    return sign * (b[key] - a[key]) || (a.path < b.path ? -1 : 1);
  });
}

/** Durations of some calls: how they are spread. */
export interface Spread {
  count: number;
  total: number;
  errors: number;
  shortest: number;
  median: number;
  p95: number;
  longest: number;
  /** The longest calls, the longest first. */
  slowest: number[];
}

/** Calls named of a group. */
const NAMED = 5;

export function spreadOf(trace: Trace, calls: Uint32Array): Spread {
  const byDuration = calls
    .slice()
    .sort((a, b) => (trace.duration[a] as number) - (trace.duration[b] as number));
  const at = (share: number) =>
    trace.duration[
      byDuration[Math.min(byDuration.length - 1, Math.floor(share * byDuration.length))] as number
    ] ?? 0;
  return {
    count: calls.length,
    total: calls.reduce((sum, call) => sum + (trace.duration[call] as number), 0),
    errors: calls.reduce((sum, call) => sum + (hasFailed(trace, call) ? 1 : 0), 0),
    shortest: at(0),
    median: at(0.5),
    p95: at(0.95),
    longest: at(1),
    slowest: [...byDuration.slice(-NAMED)].reverse(),
  };
}

/** How many services, errors, oddities there are. */
export function countsOf(trace: Trace): {
  services: string[];
  errors: number;
  running: number;
  odd: number;
  gaps: number;
} {
  const services = new Set<string>();
  let [errors, running, odd, gaps] = [0, 0, 0, 0];
  trace.columns.instances.forEach((instance) => services.add(instance.service));
  for (let call = 0; call < trace.count; call += 1) {
    if (hasFailed(trace, call)) errors += 1;
    if (trace.outcome[call] === "u".charCodeAt(0)) running += 1;
    if (trace.odd[call]) odd += 1;
    if ((trace.marks[call] as number) & 6) gaps += 1;
  }
  return { services: [...services], errors, running, odd, gaps };
}

/** Whether a call stands in another service than its caller, and its times show that their clocks differ. */
export function clockDistance(trace: Trace, call: number): number {
  const above = trace.parent[call] as number;
  if (above < 0 || serviceOf(trace, above) === serviceOf(trace, call)) return 0;
  const early = (trace.start[above] as number) - (trace.start[call] as number);
  const end = (at: number) => (trace.start[at] as number) + (trace.duration[at] as number);
  return Math.max(0, early, end(call) - end(above));
}
