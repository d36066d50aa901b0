/** Everything the palette finds: views, commands, statements, functions, probes, instances. */
import type { FunctionEntry, Instance, Probe } from "../api/types";
import { callsOfProbe, callsWithValue, RECENT_CALLS, traceStatement } from "../language/statement";
import { COMMANDS, isPossible } from "../shell/commands.svelte";
import { history } from "../state/history.svelte";
import { hub } from "../state/hub.svelte";
import { saved } from "../state/saved.svelte";
import { session } from "../state/session.svelte";
import { rateKey } from "../functions/rates";
import { type Candidate, candidate } from "./fuzzy";

export interface Item {
  kind: "Command" | "Saved" | "Template" | "Probe" | "Instance" | "Function" | "Earlier" | "Find";
  text: string;
  detail: string;
  key?: string;
  run: () => void;
  /** What Ctrl-Enter does. */
  also?: { does: string; run: () => void };
}

/** Earlier statements that are searched. */
const MAX_EARLIER = 50;

/** Questions people come with, to be changed. */
const TEMPLATES: readonly [text: string, statement: string][] = [
  ["newest calls", RECENT_CALLS],
  [
    "slowest calls of the last 5 minutes",
    "SELECT started_at, function, duration_ns, outcome, args, returned, error, service, call_id\nFROM calls WHERE started_at > now() - INTERVAL '5 minutes'\nORDER BY duration_ns DESC LIMIT 500",
  ],
  [
    "calls that failed",
    "SELECT started_at, function, error->>'message' AS message, args, error, service, call_id\nFROM calls WHERE outcome IN ('error', 'panicked')\nORDER BY started_at DESC LIMIT 500",
  ],
  [
    "calls, errors and percentiles by function",
    "SELECT service, function, count(*) AS calls, count(*) FILTER (WHERE outcome IN ('error', 'panicked')) AS errors,\n  approx_percentile_cont(duration_ns, 0.5) AS p50, approx_percentile_cont(duration_ns, 0.99) AS p99\nFROM calls GROUP BY service, function ORDER BY calls DESC",
  ],
  [
    "calls that run now, the longest first",
    "SELECT started_at, function, duration_ns, args, service, instance, thread, call_id\nFROM calls WHERE outcome = 'running' ORDER BY duration_ns DESC LIMIT 500",
  ],
  ["traces with errors", "SELECT * FROM traces WHERE errors > 0 ORDER BY started_at DESC LIMIT 500"],
  ["find a value in every argument and result", "FIND 'ORD-12345' SINCE 1h"],
];

/** What changes with every key or event: few. */
export function fewItems(): Candidate<Item>[] {
  const commands = COMMANDS.filter((one) => isPossible(one) && one.id !== "palette").map(
    ({ does, key, run }): Item => ({ kind: "Command", text: does, detail: "", run, ...(key ? { key } : {}) }),
  );
  return [
    // Where one can go stands first: it is what most come for.
    ...commands.map((item) => candidate(item, item.text, item.key?.startsWith("g ") ? 12 : 10)),
    ...saved.all.map(({ name, statement, view }) => {
      const run = () => session.goTo(view, statement);
      return candidate<Item>({ kind: "Saved", text: name, detail: line(statement), run }, name, 9);
    }),
    ...templates().map((item) => candidate(item, item.text, -2)),
    ...hub.runningProbes.map((probe) =>
      candidate(probeItem(probe), `${probe.id} ${probe.patterns.join(" ")}`, 6),
    ),
    ...history.statements.slice(0, MAX_EARLIER).map((statement) => {
      const run = () => void session.run(statement);
      return candidate<Item>(
        { kind: "Earlier", text: line(statement), detail: "", run },
        line(statement),
        -12,
      );
    }),
  ];
}

/** What there may be 10,000 of, made anew only when it changes. */
export function manyItems(functions: FunctionEntry[], instances: Instance[]): Candidate<Item>[] {
  return [
    ...instances.map((one) => candidate(instanceItem(one), `${one.instance} ${one.service} ${one.class}`, 3)),
    ...functions.map((one) => candidate(functionItem(one), `${one.service} ${one.function}`)),
  ];
}

/** What can be done with any text: an id may be all that one has. */
export function lastItems(typed: string): { item: Item; places: number[] }[] {
  const text = typed.trim();
  if (!text) return [];
  const run = () => void session.run(callsWithValue(text));
  return [
    { item: { kind: "Find", text, detail: "in every argument, returned value and error", run }, places: [] },
  ];
}

function templates(): Item[] {
  const own = TEMPLATES.map(([text, statement]) => ({ text, statement }));
  // Of what the hub tells of a statement, its first words: examples in it would be found for what they are about.
  const told = hub.schema.statements.map(({ word, example, doc }) => ({
    text: `${word}: ${(/^[^.(:]*/.exec(doc)?.[0] ?? "").trim()}`,
    statement: example,
  }));
  return [...own, ...told].map(({ text, statement }) => ({
    kind: "Template",
    text,
    detail: line(statement),
    run: () => session.propose(statement),
  }));
}

function functionItem({ service, function: path }: FunctionEntry): Item {
  const statement = traceStatement({ pattern: path, selectors: [], duration: "60s" });
  return {
    kind: "Function",
    text: path,
    detail: service,
    run: () => session.enter("functions", rateKey(service, path), path),
    also: { does: "trace it", run: () => void session.run(statement) },
  };
}

function probeItem(probe: Probe): Item {
  return {
    kind: "Probe",
    text: `${probe.id} ${probe.patterns.join(", ")}`,
    detail: probe.state,
    run: () => session.enter("probes", probe.id),
    also: { does: "show its calls", run: () => void session.run(callsOfProbe(probe, hub.paths)) },
  };
}

function instanceItem({ id, instance, service, host, connected }: Instance): Item {
  const detail = `${service} on ${host}${connected ? "" : ", left"}`;
  return { kind: "Instance", text: instance, detail, run: () => session.enter("instances", id) };
}

/** A statement in one line. */
function line(statement: string): string {
  return statement.replace(/\s+/g, " ").slice(0, 200);
}
