/** How a probe's state is drawn. */
import type { Probe, ProbeState } from "../api/types";

export type Tone = "on" | "wait" | "warn" | "over";

const LOOKS: Record<ProbeState, { word: string; tone: Tone }> = {
  pending: { word: "pending", tone: "wait" },
  active: { word: "active", tone: "on" },
  no_match: { word: "no match", tone: "warn" },
  limited: { word: "limited", tone: "warn" },
  suspended: { word: "suspended", tone: "warn" },
  expired: { word: "expired", tone: "over" },
  stopped: { word: "stopped", tone: "over" },
};

export function look(state: ProbeState): { word: string; tone: Tone } {
  return LOOKS[state] ?? { word: String(state), tone: "over" };
}

/** The part of a probe's time that is left, 0 to 1. */
export function remaining(probe: Probe, now: number): number {
  const [from, to] = [Date.parse(probe.created_at), Date.parse(probe.expires_at)];
  return to > from ? Math.min(1, Math.max(0, (to - now) / (to - from))) : 0;
}

export function skippedTotal({ skipped }: Probe): number {
  return skipped.by_sample + skipped.by_rate + skipped.by_condition + skipped.by_governor;
}
