/** Two sides of a comparison: two releases, two classes, two functions, or two conditions of one's own. */
import { equals, fromWhere, type Source } from "../language/select";

export interface Sides {
  /** The column they differ in; `null` where each side is a condition. */
  by: string | null;
  a: string;
  b: string;
}

/** Columns of calls that make two groups of them. */
export const GROUPINGS = ["release", "class", "instance", "service", "outcome", "function"] as const;

/** As the address tells it. */
export function toldSides({ by, a, b }: Sides): string {
  return [by ?? "", a, b].map(encodeURIComponent).join(":");
}

export function readSides(told: string | null): Sides | null {
  const parts = (told ?? "").split(":");
  if (parts.length !== 3) return null;
  try {
    const [by = "", a = "", b = ""] = parts.map(decodeURIComponent);
    return { by: by || null, a, b };
  } catch {
    return null;
  }
}

/** The two conditions. */
export function conditions({ by, a, b }: Sides): [string, string] {
  if (by === null) return [a, b];
  const column = by === "release" ? '"release"' : by;
  return [equals(column, a), equals(column, b)];
}

/** The values there are to choose from, the most frequent first. */
export function valuesOf(source: Source, by: string): string {
  const column = by === "release" ? '"release"' : by;
  return `SELECT ${column} AS value, count(*) AS calls\n${fromWhere(source)}\nGROUP BY 1 ORDER BY calls DESC LIMIT 50`;
}

/** Of each side and function: how many, how long, and what is needed to say how sure a change is. */
export function byFunction(source: Source, [a, b]: [string, string]): string {
  const of = (side: string, condition: string) => `  count(*) FILTER (WHERE ${condition}) AS ${side}_calls,
  count(*) FILTER (WHERE ${condition} AND outcome IN ('error', 'panicked')) AS ${side}_failed,
  approx_percentile_cont(duration_ns, 0.5) FILTER (WHERE ${condition}) AS ${side}_p50_ns,
  approx_percentile_cont(duration_ns, 0.99) FILTER (WHERE ${condition}) AS ${side}_p99_ns,
  avg(ln(greatest(duration_ns, 1))) FILTER (WHERE ${condition}) AS ${side}_mean_ln,
  var_samp(ln(greatest(duration_ns, 1))) FILTER (WHERE ${condition}) AS ${side}_var_ln`;
  return `SELECT service, function,
${of("a", `(${a})`)},
${of("b", `(${b})`)}
${fromWhere(source, "outcome <> 'running'")}
GROUP BY service, function ORDER BY a_calls + b_calls DESC LIMIT 500`;
}

/** How durations of both sides are distributed, over the same bins: `per` for each factor of ten. */
export function distribution(source: Source, [a, b]: [string, string], per: number): string {
  return `SELECT CAST(floor(log10(greatest(duration_ns, 1)) * ${per}) AS bigint) AS bin,
  count(*) FILTER (WHERE (${a})) AS a, count(*) FILTER (WHERE (${b})) AS b
${fromWhere(source, "outcome <> 'running'")}
GROUP BY 1 ORDER BY 1`;
}
