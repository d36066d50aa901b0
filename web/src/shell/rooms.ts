/** Where one can be, in the order of the header. Rooms other than the first are loaded when somebody goes there. */
import type { Component } from "svelte";
import type { IconName } from "../parts/Icon.svelte";
import type { Room } from "../state/url";

export interface RoomEntry {
  room: Room;
  word: string;
  /** Pressed after `g`. */
  key: string;
  icon: IconName;
  /** What one does there. */
  about: string;
  load: (() => Promise<{ default: Component }>) | null;
}

export const ROOMS: readonly RoomEntry[] = [
  {
    room: "explore",
    word: "Explore",
    key: "e",
    icon: "search",
    about: "ask, and look at the answer",
    load: null,
  },
  {
    room: "functions",
    word: "Functions",
    key: "f",
    icon: "list",
    about: "what can be traced, and how it does",
    load: () => import("../functions/FunctionsRoom.svelte"),
  },
  {
    room: "live",
    word: "Live",
    key: "l",
    icon: "pulse",
    about: "calls as they come, and those running now",
    load: () => import("../live/LiveRoom.svelte"),
  },
  {
    room: "instances",
    word: "Instances",
    key: "i",
    icon: "server",
    about: "who is connected, and what capturing costs there",
    load: () => import("../instances/InstancesRoom.svelte"),
  },
  {
    room: "probes",
    word: "Probes",
    key: "p",
    icon: "target",
    about: "what is captured, for how long yet, by whose order",
    load: () => import("../probes/ProbesRoom.svelte"),
  },
  {
    room: "health",
    word: "Health",
    key: "h",
    icon: "heart",
    about: "how the hub is, and what to do about it",
    load: () => import("../health/HealthRoom.svelte"),
  },
];

export function entryOf(room: Room): RoomEntry | undefined {
  return ROOMS.find((entry) => entry.room === room);
}
