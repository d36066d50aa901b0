/** Where two values differ, as a list of paths. */
import { isPlainObject } from "./compact";

export interface Difference {
  /** Names and places from the outside in. */
  path: readonly (string | number)[];
  kind: "changed" | "added" | "removed";
  before?: unknown;
  after?: unknown;
}

/** Differences told; there may be more. */
export const MOST_DIFFERENCES = 200;
/** Deeper values are compared as texts. */
const DEEPEST = 64;

/** What is different in `after`, the outermost first in their own order. */
export function differences(before: unknown, after: unknown): Difference[] {
  const found: Difference[] = [];
  compare(before, after, [], found);
  return found;
}

function compare(before: unknown, after: unknown, path: (string | number)[], found: Difference[]): void {
  if (found.length >= MOST_DIFFERENCES || Object.is(before, after)) return;
  const inside = path.length < DEEPEST;
  if (inside && Array.isArray(before) && Array.isArray(after)) return lists(before, after, path, found);
  if (inside && isPlainObject(before) && isPlainObject(after)) return objects(before, after, path, found);
  if (isContainer(before) && isContainer(after) && sameText(before, after)) return;
  found.push({ path: [...path], kind: "changed", before, after });
}

function lists(before: unknown[], after: unknown[], path: (string | number)[], found: Difference[]): void {
  for (let at = 0; at < Math.max(before.length, after.length); at += 1) {
    if (found.length >= MOST_DIFFERENCES) return;
    member(at, at < before.length, before[at], at < after.length, after[at], path, found);
  }
}

function objects(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  path: (string | number)[],
  found: Difference[],
): void {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const name of names)
    member(
      name,
      Object.hasOwn(before, name),
      before[name],
      Object.hasOwn(after, name),
      after[name],
      path,
      found,
    );
}

function member(
  name: string | number,
  inBefore: boolean,
  before: unknown,
  inAfter: boolean,
  after: unknown,
  path: (string | number)[],
  found: Difference[],
): void {
  const way = [...path, name];
  if (inBefore && inAfter) compare(before, after, way, found);
  else if (found.length < MOST_DIFFERENCES)
    found.push(inAfter ? { path: way, kind: "added", after } : { path: way, kind: "removed", before });
}

function isContainer(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function sameText(before: unknown, after: unknown): boolean {
  const text = (value: unknown) =>
    JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? item.toString() : item));
  return text(before) === text(after);
}

const PLAIN = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;

/** `order.lines[0].sku`, as people write it. */
export function pathText(path: readonly (string | number)[]): string {
  const text = path
    .map((part) =>
      typeof part === "number" ? `[${part}]` : PLAIN.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`,
    )
    .join("");
  return text.replace(/^\./, "");
}

/** The same as SQL asks for it: `args->'order'->'lines'->0->>'sku'`. */
export function pathSql(column: string, path: readonly (string | number)[]): string {
  const part = (of: string | number) =>
    typeof of === "number" ? String(of) : `'${of.replaceAll("'", "''")}'`;
  return column + path.map((of, at) => (at === path.length - 1 ? "->>" : "->") + part(of)).join("");
}
