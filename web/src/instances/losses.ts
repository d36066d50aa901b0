/** What an instance did not capture or lost, by reason: only what there is. */
import type { Instance } from "../api/types";
import { count } from "../format/number";

type Drops = Instance["drops"];

const REASONS: [keyof Drops, string][] = [
  ["ring_full", "a thread's ring was full"],
  ["buffer_full", "the hub did not acknowledge fast enough"],
  ["no_ring", "there was no memory for a ring"],
  ["refused", "the hub refused their batch"],
  ["open_full", "more were under way than can be held"],
  ["unclaimed", "their probe was gone when they were read"],
];

/** All that were lost. Calls inside values are not: they are left out wherever there are such. */
export function lost(drops: Drops): number {
  return REASONS.reduce((all, [reason]) => all + drops[reason], 0);
}

/** `3 as a thread's ring was full, 1 as the hub refused their batch` */
export function why(drops: Drops): string {
  const there = REASONS.filter(([reason]) => drops[reason] > 0);
  return there.map(([reason, what]) => `${count(drops[reason])} as ${what}`).join(", ");
}
