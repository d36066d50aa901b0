/** What a word of a statement means: statements, clauses, columns, tables, functions, instances, probes. */
import type { FunctionEntry } from "../api/types";
import { counted } from "../format/number";
import type { Known } from "./completion";
import { firstWord } from "./statement";

export interface Doc {
  title: string;
  /** What kind of thing it is. */
  kind: string;
  text: string;
  /** Further lines, in the face of code. */
  code: string[];
}

const CLAUSES: Record<string, string> = {
  ON: "On which instances: service, instance, class, release, host or a tag. Values of one key are alternatives, all keys must hold.",
  WHERE: "Only calls for which this holds: args.sku, returned.total, error, outcome, duration.",
  FOR: "How long, such as 60s, 5m, 24h. Where silent: 5m.",
  LIMIT: "It ends after so many calls, over all instances. Where silent: 100000.",
  RATE: "At most so many calls a second on each instance. Where silent: 10000.",
  SAMPLE: "Of so many requests one is captured, with all that it calls.",
  CAPTURE: "How much of each value is kept: 200 ITEMS, 12 DEEP, 16 KIB VALUES, 4 KIB TEXTS.",
  SINCE: "Only calls that began so long ago or later.",
  ANCESTORS: "With the calls above, up to the root or so many levels.",
  DESCENDANTS: "With the calls below, all or so many levels.",
  SIBLINGS: "With the other calls of the same parent.",
};

const FUNCTIONS: Record<string, [string, string]> = {
  count: ["count(*)", "How many rows; count(*) FILTER (WHERE outcome = 'error') how many of them."],
  approx_percentile_cont: [
    "approx_percentile_cont(duration_ns, 0.99)",
    "The value that this share of the rows does not exceed. By function and time it is told without reading calls.",
  ],
  date_bin: [
    "date_bin(INTERVAL '10 seconds', started_at)",
    "The beginning of the part of time it falls into.",
  ],
  date_trunc: ["date_trunc('minute', started_at)", "The time, cut to the minute, hour or day."],
  mentions: [
    "mentions(args, 'ORD-12345')",
    "Whether a value holds a text, as whole words; found by an index.",
  ],
  now: ["now() - INTERVAL '5 minutes'", "The hub's time."],
  coalesce: ["coalesce(a, b)", "The first that is not null."],
  approx_distinct: ["approx_distinct(args->>'user')", "About how many different values."],
};

/** The documentation of a word at a place in a statement; `null` where there is none. */
export function docOf(word: string, statement: string, known: Known): Doc | null {
  const upper = word.toUpperCase();
  return (
    ofStatement(upper, statement, known) ??
    ofPath(word, known) ??
    ofClause(upper, statement) ??
    ofColumn(word, statement, known) ??
    ofTable(word, known) ??
    ofSqlFunction(word.toLowerCase()) ??
    ofProbe(word, known) ??
    ofInstance(word, known)
  );
}

function ofStatement(upper: string, statement: string, { schema }: Known): Doc | null {
  const found = schema.statements.find(({ word }) => word === upper);
  if (!found || firstWord(statement) !== upper) return null;
  return { title: found.word, kind: "statement", text: found.doc, code: [found.syntax, found.example] };
}

function ofClause(upper: string, statement: string): Doc | null {
  const text = CLAUSES[upper];
  if (!text || !/^(TRACE|TREE|FIND)$/.test(firstWord(statement))) return null;
  return { title: upper, kind: "clause", text, code: [] };
}

function ofPath(word: string, { functions }: Known): Doc | null {
  if (!word.includes("::")) return null;
  const exact = functions.filter((one) => one.function === word || one.function.endsWith(`::${word}`));
  const [first] = exact;
  if (first) return ofFunction(first, exact);
  const start = word.replace(/\*.*$/, "");
  const below = functions.filter(
    (one) => one.function.startsWith(start) || one.function.includes(`::${start}`),
  );
  if (!word.includes("*") || below.length === 0) return null;
  const shown = below.slice(0, 6).map((one) => one.function);
  return { title: word, kind: "pattern", text: `Matches ${counted(below.length, "function")}.`, code: shown };
}

function ofFunction(entry: FunctionEntry, all: FunctionEntry[]): Doc {
  const services = [...new Set(all.map((one) => one.service))].join(", ");
  const probes = entry.probes.length > 0 ? ` Captured by ${entry.probes.join(", ")}.` : " Not captured now.";
  return {
    title: entry.function,
    kind: entry.is_async ? "async function" : "function",
    text: `In ${services}, on ${counted(entry.instances, "connected instance")}.${probes}`,
    code: [
      `fn ${entry.function.split("::").at(-1)}(${entry.arguments.join(", ")})`,
      `${entry.file}:${entry.line}`,
    ],
  };
}

/** A column of the tables the statement names; of `calls` where it names none. */
function ofColumn(word: string, statement: string, { schema }: Known): Doc | null {
  const named = schema.tables.filter(({ name }) =>
    new RegExp(`\\b(FROM|JOIN)\\s+${name}\\b`, "i").test(statement),
  );
  const tables = named.length > 0 ? named : schema.tables.filter(({ name }) => name === "calls");
  for (const table of tables) {
    const column = table.columns.find(({ name }) => name === word.toLowerCase());
    if (column)
      return {
        title: column.name,
        kind: `${column.type}, column of ${table.name}`,
        text: column.doc,
        code: [],
      };
  }
  return null;
}

function ofTable(word: string, { schema }: Known): Doc | null {
  const table = schema.tables.find(({ name }) => name === word.toLowerCase());
  if (!table) return null;
  return {
    title: table.name,
    kind: "table",
    text: table.doc,
    code: [table.columns.map(({ name }) => name).join(", ")],
  };
}

function ofSqlFunction(lower: string): Doc | null {
  const found = FUNCTIONS[lower];
  return found ? { title: lower, kind: "function of SQL", text: found[1], code: [found[0]] } : null;
}

function ofProbe(word: string, { probes }: Known): Doc | null {
  const probe = probes.find(({ id }) => id === word.toLowerCase());
  return probe
    ? {
        title: probe.id,
        kind: `probe, ${probe.state.replace("_", " ")}`,
        text: probe.reason,
        code: [probe.statement],
      }
    : null;
}

function ofInstance(word: string, { instances }: Known): Doc | null {
  const found = instances.find(({ instance }) => instance === word);
  if (!found) return null;
  const labels = [found.class && `class ${found.class}`, found.release && `release ${found.release}`].filter(
    Boolean,
  );
  const text = `${found.service} on ${found.host}, ${found.connected ? "connected" : "not connected"}.`;
  return { title: found.instance, kind: "instance", text, code: labels as string[] };
}
