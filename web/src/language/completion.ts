/** What the live system offers while one types: functions, probes, instances' labels, columns, words. */
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import type { FunctionEntry, Instance, Probe, Schema } from "../api/types";
import { OWN_WORDS, SQL_WORDS } from "./dialect";
import { type JsonColumn, type Members, membersAt, pathAt, type PathPlace, valuesCondition } from "./paths";
import { firstWord, quote } from "./statement";

/** What there is to offer. */
export interface Known {
  functions: FunctionEntry[];
  instances: Instance[];
  probes: Probe[];
  schema: Schema;
}

/** Options beyond these help nobody choose. */
const MAX_OPTIONS = 400;
const DURATIONS = ["10s", "60s", "5m", "15m", "1h", "24h"];
const CAPTURED = ["200 ITEMS", "12 DEEP", "16 KIB VALUES", "4 KIB TEXTS"];
const STATEMENTS = ["SELECT", "TRACE", "UNTRACE", "SHOW", "TREE", "FIND", "WITH", "EXPLAIN", "DESCRIBE"];
const LABELS = ["service", "instance", "class", "release", "host"] as const;
/** The clauses of `TRACE`. */
const LIMITS = ["LIMIT", "RATE", "SAMPLE", "CAPTURE"];
const CLAUSES = ["ON", "WHERE", "FOR", ...LIMITS];
/** The last of them; a path may begin with such a word. */
const CLAUSE = new RegExp(
  `\\b(TRACE|${CLAUSES.join("|")})\\b(?!::)(?!.*\\b(?:${CLAUSES.join("|")})\\b(?!::))`,
  "is",
);
const CONDITION_WORDS = ["args", "returned", "error", "outcome", "duration"];

/** A word as it is typed, with the colons and stars of paths. */
const WORD = /[\w:*.<>]*$/;

/** Behind an odd number of quotes; what was typed behind the last. A string that is closed is none. */
const OPEN_STRING = /^[^']*(?:'[^']*'[^']*)*'([^']*)$/;

/** Tells which members the values of calls have for which a condition holds. */
export type MembersOf = (condition: string) => Promise<Record<JsonColumn, Members>>;

export function complete(
  context: CompletionContext,
  known: Known,
  membersOf: MembersOf,
): CompletionResult | null | Promise<CompletionResult | null> {
  const before = context.state.sliceDoc(0, context.pos);
  const place = pathAt(before, firstWord(before) === "TRACE");
  return place ? memberOptions(context, place, membersOf) : completeWords(context, before, known);
}

/** The members that captured values have at a path. */
async function memberOptions(
  context: CompletionContext,
  place: PathPlace,
  membersOf: MembersOf,
): Promise<CompletionResult | null> {
  const { column, above, typed, quoted } = place;
  const members = await membersOf(valuesCondition(context.state.doc.toString(), place));
  const names = membersAt(members[column], above);
  if (names.length === 0 || context.aborted) return null;
  const detail = `in ${column}`;
  const options = names.map((name) => ({
    label: name,
    type: "property",
    detail,
    apply: quoted ? quote(name).slice(1, -1) : quote(name),
  }));
  return {
    from: context.pos - typed.length,
    options: options.slice(0, MAX_OPTIONS),
    validFor: /^[^'\s,()=<>.]*$/,
  };
}

function completeWords(context: CompletionContext, before: string, known: Known): CompletionResult | null {
  const inString = OPEN_STRING.exec(before);
  if (inString) return insideString(context, before, inString[1] ?? "", known);
  const word = WORD.exec(before)?.[0] ?? "";
  if (!word && !context.explicit && !/(\s|=|,|\(|\.)$/.test(before)) return null;
  const options = optionsAt(before.slice(0, before.length - word.length), word, known);
  if (options.length === 0 || (!word && !context.explicit && !offersUnasked(before))) return null;
  return {
    from: context.pos - word.length,
    options: options.slice(0, MAX_OPTIONS),
    validFor: /^[\w:*.<>]*$/,
  };
}

/** After these one cannot go on without knowing the names. */
function offersUnasked(before: string): boolean {
  return /\b(UNTRACE|TRACE|SHOW|ON|FOR|SINCE|CAPTURE)\s+$|=\s*$/i.test(before);
}

/** Within quotes: the functions and labels a column can be compared with. */
function insideString(
  context: CompletionContext,
  before: string,
  typed: string,
  known: Known,
): CompletionResult | null {
  const column = /(\w+)\s*(?:=|<>|!=|LIKE|ILIKE)\s*'[^']*$/i.exec(before)?.[1]?.toLowerCase();
  const values =
    column === "function" ? known.functions.map((f) => f.function) : labelValues(column ?? "", known);
  if (values.length === 0) return null;
  const options = unique(values).map((value) => ({
    label: value,
    type: "text",
    apply: quote(value).slice(1, -1),
  }));
  return { from: context.pos - typed.length, options: options.slice(0, MAX_OPTIONS), validFor: /^[^']*$/ };
}

function optionsAt(before: string, word: string, known: Known): Completion[] {
  const head = firstWord(before);
  if (!head) return words(STATEMENTS, known);
  if (head === "TRACE") return traceOptions(before, known);
  if (head === "UNTRACE")
    return [...probeOptions(known), ...words(["ALL"], known), ...functionOptions(known)];
  if (head === "SHOW") return words(["FUNCTIONS", "INSTANCES", "PROBES", "TRACES", "LIKE"], known);
  if (head === "FIND")
    return /\bSINCE\s+$/i.test(before) ? DURATIONS.map(plain("constant")) : words(["SINCE"], known);
  if (head === "TREE" && !/\bSELECT\b/i.test(before))
    return words(["ANCESTORS", "DESCENDANTS", "SIBLINGS", "OF"], known);
  return sqlOptions(before, word, known);
}

function traceOptions(before: string, known: Known): Completion[] {
  const label = /(\w+)\s*=\s*$/.exec(before)?.[1];
  if (label && /\bON\b/i.test(before)) return unique(labelValues(label, known)).map(plain("enum"));
  const clause = CLAUSE.exec(before);
  const started = /,\s*$/.test(before) || /\b(TRACE|ON|FOR)\s+$/i.test(before);
  switch (clause?.[1]?.toUpperCase()) {
    case "TRACE":
      return started ? functionOptions(known) : words(CLAUSES, known);
    case "ON":
      return started ? labelOptions(known) : words(["WHERE", "FOR", ...LIMITS], known);
    case "FOR":
      return started ? DURATIONS.map(plain("constant")) : words(LIMITS, known);
    case "WHERE":
      return [
        ...CONDITION_WORDS.map(plain("property")),
        ...words(["AND", "OR", "NOT", "FOR", "LIMIT"], known),
      ];
    case "CAPTURE":
      return captureOptions(before, known);
    default:
      return words(["CALLS", "PER", "SECOND", "IN", ...LIMITS], known);
  }
}

/** Behind a number what it counts, behind a unit of bytes what is measured, else what can be asked for. */
function captureOptions(before: string, known: Known): Completion[] {
  if (/\d\s*(KIB|BYTES)\s+$/i.test(before)) return words(["VALUES", "TEXTS"], known);
  if (/\d\s*$/.test(before)) return words(["ITEMS", "DEEP", "KIB", "BYTES"], known);
  if (/(CAPTURE|,)\s*$/i.test(before)) return CAPTURED.map(plain("constant"));
  return words(["ON", "WHERE", "FOR", "LIMIT", "RATE", "SAMPLE"], known);
}

function sqlOptions(before: string, word: string, known: Known): Completion[] {
  if (/\b(FROM|JOIN)\s+$/i.test(before)) return tableOptions(known);
  const capitals = word === "" || word === word.toUpperCase();
  const sqlWords = SQL_WORDS.map((one) => ({ label: capitals ? one : one.toLowerCase(), type: "keyword" }));
  return [...columnOptions(before, known), ...tableOptions(known), ...sqlWords];
}

function tableOptions({ schema }: Known): Completion[] {
  return schema.tables.map(({ name, doc }) => ({
    label: name,
    type: "class",
    detail: "table",
    info: doc,
    boost: 1,
  }));
}

/** The columns of the tables the statement names; of `calls` while it names none. */
function columnOptions(before: string, { schema }: Known): Completion[] {
  const named = schema.tables.filter((table) =>
    new RegExp(`\\b(FROM|JOIN)\\s+${table.name}\\b`, "i").test(before),
  );
  const tables = named.length > 0 ? named : schema.tables.filter((table) => table.name === "calls");
  return tables.flatMap((table) =>
    table.columns.map(({ name, type, doc }) => ({
      label: name,
      type: "property",
      detail: type,
      info: doc,
      boost: 2,
    })),
  );
}

function functionOptions({ functions }: Known): Completion[] {
  const modules = new Set<string>();
  for (const { function: path } of functions) {
    const segments = path.split("::");
    // A pattern may leave the crate out.
    for (let depth = 1; depth < segments.length; depth += 1) {
      modules.add(`${segments.slice(0, depth).join("::")}::*`);
      if (depth > 1) modules.add(`${segments.slice(1, depth).join("::")}::*`);
    }
  }
  const whole = [...modules].sort().map((label) => ({ label, type: "namespace", boost: 1 }));
  const single = functions.map((f) => ({ label: f.function, type: "function", detail: f.service }));
  return [...whole, ...single];
}

function probeOptions({ probes }: Known): Completion[] {
  const running = probes.filter((probe) => !probe.ended_at);
  return running.map((probe) => ({
    label: probe.id,
    type: "variable",
    detail: probe.patterns.join(", "),
    boost: 3,
  }));
}

function labelOptions(known: Known): Completion[] {
  const tags = known.instances.flatMap((instance) => Object.keys(instance.tags));
  return unique([...LABELS, ...tags]).map((label) => ({ label, apply: `${label}=`, type: "property" }));
}

function labelValues(label: string, { instances }: Known): string[] {
  const known = LABELS.find((one) => one === label.toLowerCase());
  return instances
    .map((instance) => (known ? instance[known] : (instance.tags[label] ?? "")))
    .filter(Boolean);
}

function words(labels: readonly string[], { schema }: Known): Completion[] {
  const docs = new Map(schema.statements.map((statement) => [statement.word, statement]));
  return labels.map((label) => {
    const doc = docs.get(label);
    return doc ? { label, type: "keyword", info: `${doc.syntax}\n\n${doc.doc}` } : { label, type: "keyword" };
  });
}

const plain =
  (type: string) =>
  (label: string): Completion => ({ label, type });

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

export { OWN_WORDS };
