/** Searching within a trace: names here, values by the hub. */
import { quote } from "../language/statement";
import { OUTCOMES, type Trace } from "./model";
import { FOUND } from "./rows";

/** What is looked for, in one of two ways. */
export interface Search {
  text: string;
  regex: boolean;
}

/** As typed: letters in either case; as a pattern where it is one. `null` where the pattern is none. */
export function matcher(search: Search): ((text: string) => boolean) | null {
  if (!search.regex) {
    const wanted = search.text.toLowerCase();
    return (text) => text.toLowerCase().includes(wanted);
  }
  try {
    const pattern = new RegExp(search.text, "iu");
    return (text) => pattern.test(text);
  } catch {
    return null;
  }
}

/** Calls whose function, service, instance, thread or outcome is looked for, or whose id begins so. */
export function findNames(trace: Trace, search: Search): Uint8Array | null {
  const is = matcher(search);
  if (!is) return null;
  const { columns } = trace;
  const paths = trace.paths.map(is);
  const instances = columns.instances.map((of) => is(of.service) || is(of.instance) || is(of.release));
  const threads = columns.threads.map(is);
  const outcomes = new Map(
    Object.entries(OUTCOMES).map(([letter, word]) => [letter.charCodeAt(0), is(word)]),
  );
  const found = new Uint8Array(trace.count);
  for (let call = 0; call < trace.count; call += 1) {
    const hit =
      paths[trace.path[call] as number] ||
      instances[columns.instance[call] ?? -1] ||
      threads[columns.thread[call] ?? -1] ||
      outcomes.get(trace.outcome[call] as number);
    if (hit) found[call] = FOUND;
  }
  markIds(trace, search, found);
  return found;
}

const ID_PREFIX = /^[0-9a-f]{6,16}$/i;

function markIds(trace: Trace, search: Search, found: Uint8Array): void {
  if (!ID_PREFIX.test(search.text)) return;
  const [ids, wanted] = [trace.columns.call_ids, search.text.toLowerCase()];
  for (let at = ids.indexOf(wanted); at >= 0; at = ids.indexOf(wanted, at + 1))
    if (at % 16 === 0) found[at / 16] = FOUND;
}

/** Calls whose values are looked for are asked of the hub, which has them. */
export const MOST_FOUND = 10_000;

export function valuesStatement(trace: Trace, search: Search): string {
  const traces = trace.columns.traces.map(quote).join(", ");
  const columns = ["args", "returned", "error"];
  const condition = search.regex
    ? (column: string) => `regexp_like(${column}, ${quote(search.text)}, 'i')`
    : (column: string) => `${column} ILIKE ${quote(`%${search.text.replace(/[\\%_]/g, "\\$&")}%`)}`;
  return `SELECT call_id FROM calls WHERE trace_id IN (${traces})\n  AND (${columns.map(condition).join(" OR ")})\nLIMIT ${MOST_FOUND}`;
}

/** Marks calls by their ids. */
export function markCalls(trace: Trace, ids: Iterable<unknown>, found: Uint8Array): void {
  const wanted = new Set(ids);
  if (wanted.size === 0) return;
  const all = trace.columns.call_ids;
  for (let call = 0; call < trace.count; call += 1)
    if (wanted.has(all.slice(call * 16, call * 16 + 16))) found[call] = FOUND;
}

/** The next call found behind (or before) one, round the end; -1 where none is. */
export function nextFound(found: Uint8Array, from: number, step: 1 | -1): number {
  const count = found.length;
  for (let distance = 1; distance <= count; distance += 1) {
    const at = (((from + step * distance) % count) + count) % count;
    if ((found[at] as number) & FOUND) return at;
  }
  return -1;
}

export function countFound(found: Uint8Array): number {
  let count = 0;
  for (const mark of found) if (mark & FOUND) count += 1;
  return count;
}

/** Which of those found a call is, from 1; 0 where it is none. */
export function placeFound(found: Uint8Array, call: number): number {
  if (!((found[call] ?? 0) & FOUND)) return 0;
  let place = 0;
  for (let at = 0; at <= call; at += 1) if ((found[at] as number) & FOUND) place += 1;
  return place;
}
