/**
 * Statements changed by clicks: a condition more, another order, a column more, groups. What comes out is a statement a
 * person could have written, so that people learn the language by clicking. Where the text is no simple SELECT, it
 * becomes the sub-select of one.
 */
import { firstWord, quote } from "./statement";

/** A part of a statement: `from` is where its words begin, `body` where what follows them begins. */
interface Clause {
  from: number;
  body: number;
  to: number;
}

type ClauseName = "SELECT" | "FROM" | "WHERE" | "GROUP" | "HAVING" | "ORDER" | "LIMIT" | "OFFSET";

/** A SELECT's clauses, by the word they begin with. */
export interface Select {
  text: string;
  clauses: Partial<Record<ClauseName, Clause>>;
  /** Whether rows are as they are in the table: no groups, no DISTINCT, no sets, no WITH. */
  plain: boolean;
}

const STRINGS_AND_COMMENTS =
  /'(?:[^']|'')*'?|"(?:[^"]|"")*"?|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[()[\]]|[A-Za-z_][A-Za-z0-9_$]*|;/g;
const CLAUSES = new Set<string>(["SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET"]);
/** Words that make of a statement what is only changed from outside. */
const OTHERS = new Set(["UNION", "EXCEPT", "INTERSECT", "WINDOW", "FETCH", "QUALIFY", "WITH"]);
/** Functions of groups: without GROUP BY they make one row of all. */
const AGGREGATES =
  /\b(count|sum|avg|min|max|median|stddev\w*|var\w*|approx_\w+|array_agg|string_agg|first_value|last_value|bool_and|bool_or|corr)\s*\(/i;

/** The words of a text outside of strings and comments, with the depth of parentheses they stand at. */
function* words(text: string): Generator<{ word: string; at: number; depth: number }> {
  let depth = 0;
  for (const match of text.matchAll(STRINGS_AND_COMMENTS)) {
    const [token] = match;
    if (token === "(" || token === "[") depth += 1;
    else if (token === ")" || token === "]") depth -= 1;
    else if (/^[A-Za-z_;]/.test(token)) yield { word: token.toUpperCase(), at: match.index, depth };
  }
}

/** Without what stands behind its end. */
function trimmed(statement: string): string {
  let end = statement.length;
  for (const { word, at, depth } of words(statement))
    if (word === ";" && depth === 0) end = Math.min(end, at);
  // A comment at the end would swallow what is added.
  return statement
    .slice(0, end)
    .replace(/--[^\n]*\s*$/, "")
    .trim();
}

/** Takes a SELECT apart; `null` for what is none. */
export function parseSelect(statement: string): Select | null {
  const text = trimmed(statement);
  const first = firstWord(text);
  if (first !== "SELECT" && first !== "WITH") return null;
  const clauses: Select["clauses"] = {};
  let plain = first === "SELECT";
  let open: Clause | null = null;
  for (const { word, at, depth } of words(text)) {
    if (depth !== 0) continue;
    if (OTHERS.has(word)) plain = false;
    if (!CLAUSES.has(word) || clauses[word as ClauseName]) continue;
    if (open) open.to = at;
    open = { from: at, body: at + word.length, to: text.length };
    clauses[word as ClauseName] = open;
  }
  for (const name of ["GROUP", "ORDER"] as const) skipBy(text, clauses[name]);
  plain &&= !clauses.GROUP && !!clauses.FROM && !/^\s*DISTINCT\b/i.test(body(text, clauses.SELECT));
  plain &&= !AGGREGATES.test(withoutStrings(body(text, clauses.SELECT)));
  return { text, clauses, plain };
}

function skipBy(text: string, clause: Clause | undefined): void {
  const by = clause && /^\s+BY\b/i.exec(text.slice(clause.body, clause.to));
  if (clause && by) clause.body += by[0].length;
}

/** What is listed stands beside more: a comment would swallow that. */
function withoutComments(text: string): string {
  return text.replace(/'(?:[^']|'')*'?|"(?:[^"]|"")*"?|--[^\n]*|\/\*[\s\S]*?\*\//g, (found) =>
    /^['"]/.test(found) ? found : " ",
  );
}

function withoutStrings(text: string): string {
  return text.replace(/'(?:[^']|'')*'?/g, "''");
}

function body(text: string, clause: Clause | undefined): string {
  return clause ? text.slice(clause.body, clause.to) : "";
}

/** What the hub asks for `SHOW ..` and `FIND ..`, as SQL; `null` for what answers no rows. */
export function asSelect(statement: string): string | null {
  const text = trimmed(statement);
  if (parseSelect(text)) return text;
  const show = /^SHOW\s+(FUNCTIONS|INSTANCES|PROBES|TRACES)\s*$/i.exec(text);
  if (show) return `SELECT * FROM ${(show[1] as string).toLowerCase()}`;
  const find = /^FIND\s+'((?:[^']|'')*)'(?:\s+SINCE\s+(\d+)\s*(s|m|h|d)\w*)?\s*$/i.exec(text);
  if (!find) return null;
  const mentions = ["args", "returned", "error"].map((of) => `mentions(${of}, '${find[1]}')`).join(" OR ");
  const unit = { s: "seconds", m: "minutes", h: "hours", d: "days" }[find[3]?.toLowerCase() ?? ""];
  const since = find[2] ? `\n  AND started_at >= now() - INTERVAL '${find[2]} ${unit}'` : "";
  return `SELECT started_at, duration_ns, service, instance, function, outcome, args, returned, error, call_id, trace_id
FROM calls WHERE (${mentions})${since}
ORDER BY started_at DESC`;
}

/** Words that stand for something else unless they are quoted. */
const RESERVED = new Set(
  "release all and as asc between by case cast desc distinct else end exists false from group having in is join left like limit not null on or order right select table then true union user using when where with".split(
    " ",
  ),
);

/** A name as SQL writes it. */
export function quoteName(name: string): string {
  const bare = /^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name);
  return bare ? name : `"${name.replaceAll('"', '""')}"`;
}

export interface Item {
  expression: string;
  /** Its title in the answer, as far as it is written. */
  alias: string | null;
}

/** What a SELECT lists. */
export function items(select: Select): Item[] {
  return listOf(select).map((text) => {
    const alias = /^([\s\S]*?)\s+AS\s+("(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_]*)$/i.exec(text);
    if (!alias) return { expression: text, alias: null };
    const name = alias[2] as string;
    const bare = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
    return { expression: (alias[1] as string).trim(), alias: bare };
  });
}

function listOf(select: Select): string[] {
  return splitAtCommas(withoutComments(body(select.text, select.clauses.SELECT)));
}

function splitAtCommas(list: string): string[] {
  const parts: string[] = [];
  let [depth, from] = [0, 0];
  for (const match of list.matchAll(/'(?:[^']|'')*'?|"(?:[^"]|"")*"?|--[^\n]*|\/\*[\s\S]*?\*\/|[()[\],]/g)) {
    if (match[0] === "(" || match[0] === "[") depth += 1;
    else if (match[0] === ")" || match[0] === "]") depth -= 1;
    else if (match[0] === "," && depth === 0) {
      parts.push(list.slice(from, match.index).trim());
      from = match.index + 1;
    }
  }
  parts.push(list.slice(from).trim());
  return parts.filter(Boolean);
}

const squeezed = (text: string) => text.replace(/\s+/g, "").toLowerCase();

/** The expression behind a column of the answer; `null` where it cannot be told. */
export function expressionOf(select: Select, column: string): string | null {
  const listed = items(select);
  const named = listed.find((item) => item.alias === column);
  if (named) return named.expression;
  const untitled = listed.filter((item) => item.alias === null);
  const same = untitled.find((item) => squeezed(item.expression.replaceAll('"', "")) === squeezed(column));
  if (same) return same.expression;
  return untitled.some((item) => item.expression === "*") ? quoteName(column) : null;
}

/** Where rows come from, before anything is listed, ordered or cut: what charts, profiles and differences are made of. */
export interface Source {
  /** `calls`, or a sub-select in parentheses. */
  from: string;
  /** Empty where all rows are meant. */
  where: string;
  /** Whether the rows are those of the table `calls`. */
  ofCalls: boolean;
  /** The expression behind a column of the answer. */
  expression: (column: string) => string;
}

/** The source of a statement's rows; `null` for what answers no rows. */
export function sourceOf(statement: string): Source | null {
  const text = asSelect(statement);
  const select = text === null ? null : parseSelect(text);
  if (!select) return null;
  const from = body(select.text, select.clauses.FROM).trim();
  if (select.plain && from) {
    const known = (column: string) => expressionOf(select, column);
    const where = body(select.text, select.clauses.WHERE).trim();
    const ofCalls = /^calls$/i.test(from);
    return { from, where, ofCalls, expression: (column) => known(column) ?? quoteName(column) };
  }
  return { from: `(${unordered(select)}) AS answer`, where: "", ofCalls: false, expression: quoteName };
}

/** Without ORDER BY, which says nothing in a sub-select, unless a LIMIT makes it say something. */
function unordered(select: Select): string {
  const { ORDER, LIMIT, OFFSET } = select.clauses;
  if (!ORDER || LIMIT || OFFSET) return select.text;
  return (select.text.slice(0, ORDER.from) + select.text.slice(ORDER.to)).trim();
}

/** `FROM .. WHERE ..` of a source, with further conditions. */
export function fromWhere(source: Source, ...conditions: string[]): string {
  const all = [source.where, ...conditions].filter(Boolean);
  const where = all.length > 1 ? all.map(inParentheses).join(" AND ") : (all[0] ?? "");
  return `FROM ${source.from}${where ? `\nWHERE ${where}` : ""}`;
}

/** A condition that can stand beside an AND. */
function inParentheses(condition: string): string {
  for (const { word, depth } of words(condition)) if (word === "OR" && depth === 0) return `(${condition})`;
  return condition;
}

/** The statement with one condition more. */
export function withCondition(statement: string, condition: string): string | null {
  const text = asSelect(statement);
  const select = text === null ? null : parseSelect(text);
  if (!select) return null;
  if (!select.plain) return `SELECT * FROM (\n${indented(select.text)}\n)\nWHERE ${condition}`;
  const { WHERE, FROM } = select.clauses;
  const more = inParentheses(condition);
  if (WHERE) {
    const before = body(select.text, WHERE).trim();
    if (conjuncts(before).some((one) => squeezed(one) === squeezed(more))) return select.text;
    return replaced(select.text, WHERE, `WHERE ${inParentheses(before)}\n  AND ${more}`);
  }
  const end = (FROM as Clause).to;
  const [head, tail] = [select.text.slice(0, end).trimEnd(), select.text.slice(end).trim()];
  return `${head}\nWHERE ${condition}${tail ? `\n${tail}` : ""}`;
}

/** The statement with one condition more, about one of the answer's columns. */
export function withConditionOn(
  statement: string,
  column: string,
  condition: (expression: string) => string,
): string | null {
  const text = asSelect(statement);
  const select = text === null ? null : parseSelect(text);
  if (!select) return null;
  const expression = select.plain ? expressionOf(select, column) : null;
  if (expression !== null) return withCondition(select.text, condition(comparable(expression)));
  return `SELECT * FROM (\n${indented(select.text)}\n)\nWHERE ${condition(quoteName(column))}`;
}

/** What `->` finds is JSON, which compares with nothing; `->>` finds it as text. */
export function comparable(expression: string): string {
  const last = /^([\s\S]*[^-\s])\s*->(?!>)\s*('(?:[^']|'')*'|\d+)$/.exec(expression);
  return last ? `${last[1]}->>${last[2]}` : expression;
}

/** The conditions an AND joins. */
export function conjuncts(condition: string): string[] {
  const parts: string[] = [];
  let [from, between] = [0, false];
  for (const { word, at, depth } of words(condition)) {
    if (depth !== 0) continue;
    if (word === "BETWEEN") between = true;
    else if (word === "AND" && between) between = false;
    else if (word === "AND") {
      parts.push(condition.slice(from, at).trim());
      from = at + word.length;
    }
  }
  return [...parts, condition.slice(from).trim()].filter(Boolean);
}

/** The statement without one of the conditions it has. */
export function withoutCondition(statement: string, condition: string): string {
  const select = parseSelect(statement);
  const WHERE = select?.clauses.WHERE;
  if (!select || !WHERE) return statement;
  const left = conjuncts(body(select.text, WHERE)).filter((one) => squeezed(one) !== squeezed(condition));
  return replaced(select.text, WHERE, left.length > 0 ? `WHERE ${left.join("\n  AND ")}` : "");
}

/** The conditions of a statement, one by one. */
export function conditionsOf(statement: string): string[] {
  const select = parseSelect(statement);
  return select?.plain && select.clauses.WHERE ? conjuncts(body(select.text, select.clauses.WHERE)) : [];
}

function replaced(text: string, clause: Clause, by: string): string {
  const parts = [text.slice(0, clause.from).trimEnd(), by, text.slice(clause.to).trim()];
  return parts.filter(Boolean).join("\n");
}

function indented(text: string): string {
  return text.replace(/^/gm, "  ");
}

/** How many rows a statement asks for at most; `null`: all there are. */
export function limitOf(statement: string): number | null {
  const text = asSelect(statement);
  const select = text === null ? null : parseSelect(text);
  const limit = select?.clauses.LIMIT && body(select.text, select.clauses.LIMIT).trim();
  return limit && /^\d+$/.test(limit) ? Number(limit) : null;
}

/** The statement in another order: rows are sorted by the hub, before any limit cuts them. */
export function withOrder(statement: string, column: string, descending: boolean): string | null {
  const text = asSelect(statement);
  const select = text === null ? null : parseSelect(text);
  if (!select) return null;
  const order = `ORDER BY ${quoteName(column)}${descending ? " DESC NULLS LAST" : " NULLS LAST"}`;
  const { ORDER, LIMIT, OFFSET } = select.clauses;
  if (ORDER) return replaced(select.text, ORDER, order);
  const end = Math.min(LIMIT?.from ?? Infinity, OFFSET?.from ?? Infinity, select.text.length);
  return replaced(select.text, { from: end, body: end, to: end }, order);
}

/** The statement with one column more, before the ids at its end. */
export function withColumn(statement: string, expression: string, name: string): string | null {
  const text = asSelect(statement);
  const select = text === null ? null : parseSelect(text);
  if (!select) return null;
  const item = expression === name ? expression : `${expression} AS ${quoteName(name)}`;
  if (!select.plain) return `SELECT *, ${item} FROM (\n${indented(select.text)}\n)`;
  const listed = listOf(select);
  if (listed.some((one) => squeezed(one) === squeezed(item))) return select.text;
  const ids = listed.findIndex((one) => /^(call_id|trace_id|parent_id)$/i.test(one));
  listed.splice(ids < 0 ? listed.length : ids, 0, item);
  return replaced(select.text, select.clauses.SELECT as Clause, `SELECT ${listed.join(", ")}`);
}

/** How often each value of an expression is there, and how long its calls took, where they have a duration. */
export function grouped(statement: string, column: string, expression?: string): string | null {
  const source = sourceOf(statement);
  if (!source) return null;
  const by = expression ?? source.expression(column);
  const item = by === quoteName(column) ? by : `${by} AS ${quoteName(column)}`;
  const measures = ["count(*) AS calls", ...(source.ofCalls ? GROUP_MEASURES : [])];
  return `SELECT ${[item, ...measures].join(",\n  ")}\n${fromWhere(source)}\nGROUP BY 1 ORDER BY calls DESC LIMIT 1000`;
}

const GROUP_MEASURES = [
  "count(*) FILTER (WHERE outcome IN ('error', 'panicked')) AS failed",
  "sum(duration_ns) AS total_ns",
  "approx_percentile_cont(duration_ns, 0.5) AS p50_ns",
  "approx_percentile_cont(duration_ns, 0.99) AS p99_ns",
  "max(duration_ns) AS max_ns",
];

/** How many rows a statement has, without its limit of what is shown. */
export function counting(statement: string): string | null {
  const text = asSelect(statement);
  const select = text === null ? null : parseSelect(text);
  if (!select) return null;
  if (select.plain && !select.clauses.LIMIT && !select.clauses.OFFSET) {
    const source = sourceOf(statement) as Source;
    return `SELECT count(*) AS rows ${fromWhere(source)}`;
  }
  return `SELECT count(*) AS rows FROM (${unordered(select)}) AS answer`;
}

/** Rows of a statement from one on, where they do not all fit. */
export function pageOf(statement: string, from: number): string | null {
  const text = asSelect(statement);
  if (text === null || from === 0) return text;
  return `SELECT * FROM (\n${indented(text)}\n) OFFSET ${from}`;
}

/** The way into a JSON value: `args->'order'->>'coupon'`; `as` says what the last step gives. */
export function jsonPath(column: string, path: readonly (string | number)[], as: "text" | "json"): string {
  const step = (key: string | number) => (typeof key === "number" ? String(key) : quote(key));
  return path.reduce<string>((before, key, place) => {
    const arrow = as === "text" && place === path.length - 1 ? "->>" : "->";
    return `${before}${arrow}${step(key)}`;
  }, column);
}

/** A value as SQL writes it; times as nanoseconds since 1970, JSON as text. */
export type SqlValue = string | number | bigint | boolean | null;

/** `expression = value`, also for what is not there. */
export function equals(expression: string, value: SqlValue, type?: string): string {
  if (value === null) return `${expression} IS NULL`;
  return `${expression} = ${literal(valueFor(expression, value) as Exclude<SqlValue, null>, type)}`;
}

/** The opposite of [`equals`]: what is not there is no such value either. */
export function differs(expression: string, value: SqlValue, type?: string): string {
  if (value === null) return `${expression} IS NOT NULL`;
  return `${expression} IS DISTINCT FROM ${literal(valueFor(expression, value) as Exclude<SqlValue, null>, type)}`;
}

/** Steps into JSON give text. */
const STEP = /->>/;

/** As [`equals`] and [`differs`] would write it beside such an expression. */
export function valueFor(expression: string, value: SqlValue): SqlValue {
  return STEP.test(expression) && value !== null && typeof value !== "string" && !/cast/i.test(expression)
    ? String(value)
    : value;
}

export function literal(value: Exclude<SqlValue, null>, type?: string): string {
  if (type === "time" && typeof value === "bigint") return `TIMESTAMP ${quote(isoTime(value))}`;
  return typeof value === "string" ? quote(value) : String(value);
}

/** Nanoseconds since 1970 as RFC 3339 text with all digits. */
export function isoTime(ns: bigint): string {
  const second = 1_000_000_000n;
  const rest = ((ns % second) + second) % second;
  const whole = new Date(Number((ns - rest) / 1_000_000n));
  if (Number.isNaN(whole.getTime())) return String(ns);
  return `${whole.toISOString().slice(0, 19)}.${String(rest).padStart(9, "0")}Z`;
}
