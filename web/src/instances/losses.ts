/** What an instance did not capture or lost, by reason: only what there is. */
import type { Instance, Selector } from "../api/types";

type Drops = Instance["drops"];

interface Reason {
  drop: keyof Drops;
  what: string;
  todo: string;
}

const REASONS: readonly Reason[] = [
  {
    drop: "ring_full",
    what: "a thread's ring was full",
    todo: "Calls came faster than they could be read: trace fewer functions, or SAMPLE 1 IN n.",
  },
  {
    drop: "buffer_full",
    what: "the hub did not acknowledge fast enough",
    todo: "Look at the hub's health: is its disk slow, or has it no room? Or trace fewer functions.",
  },
  {
    drop: "no_ring",
    what: "there was no memory for a ring",
    todo: "The process is short of memory, or has more threads than rings may take.",
  },
  {
    drop: "refused",
    what: "the hub refused their batch",
    todo: "The hub's log says why; often the instance's clock is far ahead.",
  },
  {
    drop: "open_full",
    what: "more were under way than can be held",
    todo: "Very many calls ran at once: leave out functions that wait for long.",
  },
  {
    drop: "unclaimed",
    what: "their probe was gone when they were read",
    todo: "Nothing to do: they ended long after their probe had.",
  },
];

/** All that were lost. Calls inside values are not: they are left out wherever there are such. */
export function lost(drops: Drops): number {
  return REASONS.reduce((all, { drop }) => all + drops[drop], 0);
}

/** Each reason there is, the most first, and what to do about it. */
export function losses(drops: Drops): { calls: number; what: string; todo: string }[] {
  const inside = { calls: drops.inside_values, what: INSIDE.what, todo: INSIDE.todo };
  return [
    ...REASONS.map(({ drop, what, todo }) => ({ calls: drops[drop], what: `as ${what}`, todo })),
    inside,
  ]
    .filter(({ calls }) => calls > 0)
    .sort((a, b) => b.calls - a.calls);
}

const INSIDE = {
  what: "inside values: left out, not lost",
  todo: "Calls by the code of captured values (Serialize, Debug) are never captured.",
};

/** What chooses this instance and no other, behind `ON`. */
export function selectorsOf({ service, instance }: Pick<Instance, "service" | "instance">): Selector[] {
  return [
    { key: "service", value: service },
    { key: "instance", value: instance },
  ];
}
