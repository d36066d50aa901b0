/** Which members captured values have: what stands behind `args->'order'->>` and `args.order.`. */

export const JSON_COLUMNS = ["args", "returned", "error"] as const;
export type JsonColumn = (typeof JSON_COLUMNS)[number];

/** The members of an object that was seen, each with what was below it. */
export interface Members {
  [name: string]: Members;
}

/** Of values as deep and broad as people make them, as much as helps. */
const MAX_DEPTH = 8;
const MAX_MEMBERS = 100;

/** A place in a statement where a member's name is written. */
export interface PathPlace {
  column: JsonColumn;
  /** The members above it. */
  above: string[];
  /** What is written of it. */
  typed: string;
  /** What closes it: a quote where it was opened. */
  quoted: boolean;
}

const ARROWS = /\b(args|returned|error)((?:\s*->\s*'(?:[^']|'')*')*)\s*->>?\s*('?)([^'\s,()=<>]*)$/i;
const DOTS = /\b(args|returned|error)((?:\.\w+)*)\.(\w*)$/i;

/** The place where somebody writes; `null` where it is no member's. With dots only behind the `WHERE` of a probe. */
export function pathAt(before: string, dots: boolean): PathPlace | null {
  const match = ARROWS.exec(before);
  if (match) {
    const above = [...(match[2] ?? "").matchAll(/'((?:[^']|'')*)'/g)].map(([, name]) =>
      (name ?? "").replaceAll("''", "'"),
    );
    return { column: column(match[1]), above, typed: match[4] ?? "", quoted: match[3] === "'" };
  }
  const dotted = dots ? DOTS.exec(before) : null;
  if (!dotted) return null;
  const above = (dotted[2] ?? "").split(".").filter(Boolean);
  return { column: column(dotted[1]), above, typed: dotted[3] ?? "", quoted: true };
}

function column(text: string | undefined): JsonColumn {
  return (text ?? "args").toLowerCase() as JsonColumn;
}

/** Adds what a value has to what others had. Items of a list are not named: they have places. */
export function addMembers(members: Members, value: unknown, depth = 0): void {
  if (typeof value !== "object" || value === null || Array.isArray(value) || depth >= MAX_DEPTH) return;
  for (const [name, inner] of Object.entries(value)) {
    if (!Object.hasOwn(members, name)) {
      if (Object.keys(members).length >= MAX_MEMBERS) return;
      // Marks of what was withheld or cut are no members.
      if (name.startsWith("$")) continue;
      Object.defineProperty(members, name, {
        value: {},
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    addMembers(members[name] as Members, inner, depth + 1);
  }
}

/** The names below a path. */
export function membersAt(members: Members, above: string[]): string[] {
  let at: Members | undefined = members;
  for (const name of above) at = at && Object.hasOwn(at, name) ? at[name] : undefined;
  return at ? Object.keys(at) : [];
}

/** What must hold of calls whose values are looked at for the members at a place. */
export function valuesCondition(statement: string, { column, above }: PathPlace): string {
  const [first] = above;
  const has = first === undefined ? "" : `${column}->'${first.replaceAll("'", "''")}' IS NOT NULL`;
  return [functionCondition(statement), has].filter(Boolean).join(" AND ");
}

/** The condition on functions a statement has, so that only their values are looked at; empty where it has none. */
export function functionCondition(statement: string): string {
  const compared = /\bfunction\s*(?:=|LIKE)\s*'(?:[^']|'')*'/i.exec(statement)?.[0];
  if (compared) return compared;
  const pattern = /^\s*TRACE\s+([\w:*]+)/i.exec(statement)?.[1];
  if (!pattern || pattern === "*") return "";
  return `function LIKE '%${pattern.replace(/[\\%_]/g, "\\$&").replaceAll("*", "%")}'`;
}
