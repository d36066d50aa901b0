/** Statements the page writes for people, and what it must know of those they write. */
import type { Instance, Probe, Selector } from "../api/types";

/** Statements that only ask. Anything else waits for a person even when it came with an address. */
const ASKING = new Set(["SELECT", "WITH", "SHOW", "TREE", "FIND", "EXPLAIN", "DESCRIBE", "VALUES"]);

/** The first word, in capitals; comments before it are passed over. */
export function firstWord(statement: string): string {
  const bare = statement.replace(/^(\s|--[^\n]*(\n|$)|\/\*[\s\S]*?\*\/)+/, "");
  return (/^[A-Za-z]+/.exec(bare)?.[0] ?? "").toUpperCase();
}

export function onlyAsks(statement: string): boolean {
  return ASKING.has(firstWord(statement));
}

/** A text as SQL writes it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const COLUMNS = "started_at, function, duration_ns, outcome, args, returned, error, service, call_id";

/** The newest calls of all functions. */
export const RECENT_CALLS = `SELECT ${COLUMNS}\nFROM calls ORDER BY started_at DESC LIMIT 500`;

/** The newest calls under a condition. */
export function callsWhere(condition: string): string {
  return `SELECT ${COLUMNS}\nFROM calls WHERE ${condition}\nORDER BY started_at DESC LIMIT 500`;
}

/** The calls of one function. */
export function callsOfFunction(path: string): string {
  return callsWhere(`function = ${quote(path)}`);
}

/** A text as LIKE finds it, though it holds what stands for others there. */
function literally(text: string): string {
  return text.replace(/[\\%_]/g, "\\$&");
}

/**
 * The calls that hold a text, in any argument, returned value or error: as whole words, by the index. What FIND has no word for
 * is looked for in the JSON of all of them.
 */
export function callsWithValue(text: string): string {
  if (text.trim() !== "" && !/\p{Cc}/u.test(text)) return `FIND ${quote(text)}`;
  const like = quote(`%${literally(JSON.stringify(text).slice(1, -1))}%`);
  return callsWhere(`args LIKE ${like} OR returned LIKE ${like} OR error LIKE ${like}`);
}

/** Selectors that are columns of `calls`; others (host, tags) live in `instances`. */
const CALL_COLUMNS = new Set(["service", "instance", "class", "release"]);

/** The calls a probe captures, the newest first. `paths` are the functions there are. */
export function callsOfProbe(probe: Probe, paths: readonly string[]): string {
  return callsWhere(conditionOfProbe(probe, paths));
}

/** What makes a call one of them. */
export function conditionOfProbe(probe: Probe, paths: readonly string[]): string {
  const conditions = [
    anyOf(probe.patterns.map((pattern) => patternCondition(pattern, paths))),
    ...probe.selectors.filter((selector) => CALL_COLUMNS.has(selector.key)).map(selectorCondition),
    `started_at >= TIMESTAMP ${quote(probe.created_at)}`,
  ];
  return conditions.filter(Boolean).join("\n  AND ");
}

/** What makes a call one of an instance's. */
export function conditionOfInstance({ service, instance }: Instance): string {
  return `service = ${quote(service)} AND instance = ${quote(instance)}`;
}

/** One of the conditions; nothing where one of them is none. */
function anyOf(conditions: string[]): string {
  if (conditions.includes("")) return "";
  const joined = conditions.join(" OR ");
  return / OR /.test(joined) ? `(${joined})` : joined;
}

/**
 * A pattern names whole paths, and what stands behind a `::`. Of the two conditions only those are written that some
 * function fulfils, so that people can read them.
 */
function patternCondition(pattern: string, paths: readonly string[]): string {
  if (pattern === "*") return "";
  if (pattern.startsWith("file:")) return like("file", `*${pattern.slice(5).replace(/:\d+$/, "")}`);
  if (pattern.startsWith("*")) return like("function", pattern);
  const wanted = [pattern, `*::${pattern}`];
  const fulfilled = wanted.filter((one) => paths.some(matcher(one)));
  return (fulfilled.length > 0 ? fulfilled : wanted).map((one) => like("function", one)).join(" OR ");
}

/** Whether a text is what a pattern with stars says. */
function matcher(pattern: string): (text: string) => boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join(".*")}$`);
  return (text) => expression.test(text);
}

function selectorCondition(selector: Selector): string {
  return like(selector.key === "release" ? '"release"' : selector.key, selector.value);
}

function like(column: string, pattern: string): string {
  if (!pattern.includes("*")) return `${column} = ${quote(pattern)}`;
  return `${column} LIKE ${quote(literally(pattern).replaceAll("*", "%"))}`;
}

export interface TraceChoice {
  /** A function's path or a pattern. */
  pattern: string;
  selectors: Selector[];
  /** Such as `60s`, `5m`. */
  duration: string;
  /** As it stands behind `WHERE`. */
  condition?: string;
  maxCalls?: number | null;
  perSecond?: number | null;
  /** Of how many requests one is captured. */
  sample?: number | null;
}

const BARE_WORD = /^[A-Za-z0-9_.*-]+$/;

/** What the hub reads as a pattern without quotes; names of spans have blanks and other signs in them. */
const BARE_PATTERN = /^(file:[\p{L}\p{N}_:*.{}#<>&$!/\\+@~-]+|[\p{L}\p{N}_:*.{}#<>&$!]+)$/u;

export function traceStatement(choice: TraceChoice): string {
  const on = choice.selectors.map(
    ({ key, value }) => `${key}=${BARE_WORD.test(value) ? value : quote(value)}`,
  );
  const clause = on.length > 0 ? ` ON ${on.join(", ")}` : "";
  const pattern = BARE_PATTERN.test(choice.pattern) ? choice.pattern : quote(choice.pattern);
  const { condition, maxCalls, perSecond, sample } = choice;
  const where = condition?.trim() ? ` WHERE ${condition.trim()}` : "";
  const limits = [
    maxCalls ? ` LIMIT ${maxCalls} CALLS` : "",
    perSecond ? ` RATE ${perSecond} PER SECOND` : "",
    sample && sample > 1 ? ` SAMPLE 1 IN ${sample}` : "",
  ];
  return `TRACE ${pattern}${clause}${where} FOR ${choice.duration}${limits.join("")}`;
}

/** The whole trace a call is part of. */
export function traceWith(callId: string): string {
  return `TREE OF (SELECT DISTINCT trace_id FROM calls WHERE call_id = ${quote(callId)})`;
}

/** What is nearest to a call, where its whole trace is too large. */
export function treeAround(callId: string): string {
  return `TREE ${callId} ANCESTORS DESCENDANTS SIBLINGS`;
}

/** A byte offset, as the hub counts, as an index into a JavaScript string. */
export function indexOfByte(text: string, offset: number): number {
  let bytes = 0;
  let index = 0;
  for (const character of text) {
    if (bytes >= offset) break;
    bytes += utf8Length(character.codePointAt(0) ?? 0);
    index += character.length;
  }
  return index;
}

function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}
