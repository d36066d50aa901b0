/** A call in words, for those who hear and for a hint under the pointer. */
import { counted } from "../format/number";
import { duration } from "../format/time";
import { isRunning, outcomeOf, pathOf, serviceOf, shortPath, type Trace } from "./model";
import type { Reading } from "./reading.svelte";
import { groupAt, membersAt } from "./rows";

/** `pricing::price, returned, 1.2 ms of which 0.3 ms its own, in pricing`. */
export function tellCall(trace: Trace, call: number): string {
  const time = duration(trace.duration[call] as number);
  const so = isRunning(trace, call) ? `${time} so far` : time;
  return `${shortPath(pathOf(trace, call))}, ${outcomeOf(trace, call)}, ${so}, of which ${duration(trace.self[call] as number)} its own, in ${serviceOf(trace, call)}`;
}

export function tellSelected(reading: Reading): string {
  const { trace, repeats, row, rows, selected } = reading;
  if (row < 0) return "";
  const group = groupAt(rows, row);
  const place = `, row ${row + 1} of ${rows.count}, level ${(rows.level[row] ?? 0) + 1}`;
  if (group < 0) return tellCall(trace, selected) + place;
  const members = membersAt(repeats, group);
  return `${counted(members.length, "call")} of ${shortPath(pathOf(trace, selected))}${place}`;
}
