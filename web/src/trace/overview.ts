/** How deep a trace is when, in so many columns. */
import { hasFailed, type Trace } from "./model";

export interface Depths {
  /** Calls around each other, by column. */
  readonly depth: Uint32Array;
  /** 1 where a call failed in that column. */
  readonly failed: Uint8Array;
}

/** A call that lasts over many columns is drawn in all of them: there are only few such calls at each depth. */
export function depths(trace: Trace, columns: number): Depths {
  const depth = new Uint32Array(columns);
  const failed = new Uint8Array(columns);
  const scale = columns / Math.max(1, trace.span);
  for (let call = 0; call < trace.count; call += 1) {
    const from = Math.min(columns - 1, Math.max(0, Math.floor((trace.start[call] as number) * scale)));
    const end = ((trace.start[call] as number) + (trace.duration[call] as number)) * scale;
    const level = (trace.level[call] as number) + 1;
    for (let at = from; at < Math.min(columns, Math.max(from + 1, end)); at += 1)
      if ((depth[at] as number) < level) depth[at] = level;
    if (hasFailed(trace, call)) failed[from] = 1;
  }
  return { depth, failed };
}
