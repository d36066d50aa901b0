/** What a profile asks: where time goes, function by function. The reader can have the statement. */
import { fromWhere, type Source } from "../language/select";

/**
 * Per function: how often it was called, how long in all and by itself (without the captured calls below it), how often it
 * failed, with how many different arguments, and the time spent on arguments it had been called with before: of calls
 * with the same arguments all but the longest, which is what remembering their result would have saved.
 */
export function profileOf(source: Source, since: string, until: string): string {
  const within = `started_at BETWEEN TIMESTAMP '${since}' AND TIMESTAMP '${until}'`;
  return `SELECT service, function, sum(calls) AS calls, sum(total_ns) AS total_ns, sum(self_ns) AS self_ns,
  sum(failed) AS failed, sum(failed) / CAST(sum(calls) AS double) AS failed_share,
  max(longest_ns) AS longest_ns, count(*) AS different_args, sum(total_ns - longest_ns) AS repeated_ns
FROM (
  SELECT service, function, args, count(*) AS calls, sum(duration_ns) AS total_ns, max(duration_ns) AS longest_ns,
    sum(greatest(duration_ns - CASE WHEN below_ns IS NULL THEN 0 ELSE below_ns END, 0)) AS self_ns,
    count(*) FILTER (WHERE outcome IN ('error', 'panicked')) AS failed
  FROM (
    SELECT call_id, service, function, args, outcome, duration_ns ${fromWhere(source, within).replaceAll("\n", " ")}
  ) AS selected
  LEFT JOIN (
    SELECT parent_id, sum(duration_ns) AS below_ns FROM calls WHERE ${within} GROUP BY parent_id
  ) AS below ON below.parent_id = selected.call_id
  GROUP BY service, function, args
) AS by_args
GROUP BY service, function ORDER BY self_ns DESC LIMIT 1000`;
}

/** Calls a profile is made of: more do not fit into what one question may take; the newest say most. */
export const MAX_CALLS = 250_000;

/** From when on about so many calls are there, were they as frequent all the time. */
export function newest(since: bigint, until: bigint, calls: number): bigint {
  if (calls <= MAX_CALLS) return since;
  return until - ((until - since) * BigInt(MAX_CALLS)) / BigInt(calls);
}

/** When the calls of a source began, first and last. */
export function whenOf(source: Source): string {
  return `SELECT min(started_at) AS since, max(started_at) AS until, count(*) AS calls\n${fromWhere(source)}`;
}
