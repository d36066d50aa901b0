/** What a probe costs, and how far it is cut back so that it costs no more, in few words. */
import type { Probe } from "../api/types";
import { bytes, percent } from "../format/number";
import { duration } from "../format/time";

type Budget = { cpu_share?: number | null; cpu_budget?: number | null };

/** `0.4 % of 1 % CPU`; empty where nothing was reported. */
export function ofBudget({ cpu_share: share, cpu_budget: budget }: Budget): string {
  if (typeof share !== "number") return "";
  return budget ? `${percent(share)} of ${percent(budget)} CPU` : `${percent(share)} CPU`;
}

/** The part of its budget that is spent, 0 to 1; nothing where there is no limit. */
export function spent({ cpu_share: share, cpu_budget: budget }: Budget): number | null {
  return typeof share === "number" && budget ? Math.min(1, share / budget) : null;
}

/** `1 request in 4 (governor)`; empty where the governor lets all in. */
export function cutBack({ cost, state, instances }: Probe): string {
  if (cost.governor_one_in <= 1) return "";
  const told = state === "suspended" ? "suspended" : `1 request in ${cost.governor_one_in}`;
  const places =
    cost.cut_back_instances < instances ? ` on ${cost.cut_back_instances} of ${instances} instances` : "";
  return `${told} (governor)${places}`;
}

/** Where that is, what is left for others, and what it came to until now. */
export function costDetails({ cost }: Probe): string {
  const left =
    typeof cost.cpu_left === "number" ? `, where all probes together leave ${percent(cost.cpu_left)}` : "";
  const place = cost.instance ? [`Most on ${cost.instance}${left}.`] : [];
  const condition = cost.condition_ns > 0 ? ` (its condition: ${duration(cost.condition_ns)})` : "";
  const inAll = `So far ${duration(cost.cpu_ns)} of CPU time${condition} and ${bytes(cost.captured_bytes)} of values.`;
  return [...place, inAll].join(" ");
}
