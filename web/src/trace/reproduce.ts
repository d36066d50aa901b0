/** One call, taken home: its arguments, a test, an order to replay it, a request that asks for it again. */
import { stringifyExact } from "../api/exact";
import { rustTest } from "./rustTest";

/** A call as it was captured. */
export interface Captured {
  function: string;
  file: string;
  line: number;
  isAsync: boolean;
  /** Names of the function's parameters in their order; empty where they are not known. */
  parameters: readonly string[];
  service: string;
  instance: string;
  release: string;
  callId: string;
  traceId: string;
  startedAt: string;
  outcome: string;
  args: unknown;
  returned: unknown;
  error: unknown;
}

export type Way = "json" | "rust" | "replay" | "text" | "curl";

export const WAYS: readonly { way: Way; word: string; file: (call: Captured) => string }[] = [
  { way: "rust", word: "Rust test", file: (call) => `${nameOf(call)}_as_captured.rs` },
  { way: "json", word: "Arguments", file: (call) => `${nameOf(call)}-arguments.json` },
  { way: "replay", word: "Replay order", file: (call) => `${nameOf(call)}-replay.json` },
  { way: "text", word: "Text tree", file: (call) => `${nameOf(call)}-tree.txt` },
  { way: "curl", word: "curl", file: () => "question.sh" },
];

export function nameOf(call: Captured): string {
  return call.function.split("::").at(-1) || "call";
}

/** All but the text tree, for which more than one call is needed. */
export function reproduce(call: Captured, way: Exclude<Way, "text">, hub: string, withKey: boolean): string {
  if (way === "json") return `${stringifyExact(call.args ?? {}, 2)}\n`;
  if (way === "rust") return rustTest(call);
  if (way === "replay") return `${stringifyExact(replayOrder(call), 2)}\n`;
  return curl(hub, `TREE ${call.callId}`, withKey);
}

/** What a replay needs to know. Version 1: later ones add to it. */
function replayOrder(call: Captured): Record<string, unknown> {
  return {
    glasshull_replay: 1,
    function: call.function,
    source: { file: call.file, line: call.line },
    arguments: call.args ?? {},
    whole: isWhole(call.args),
    expected: {
      outcome: call.outcome,
      ...(call.returned === undefined ? {} : { returned: call.returned }),
      ...(call.error === undefined ? {} : { error: call.error }),
    },
    captured: {
      call_id: call.callId,
      trace_id: call.traceId,
      started_at: call.startedAt,
      service: call.service,
      instance: call.instance,
      release: call.release,
    },
  };
}

/** Whether nothing in it stands for a value: nothing was cut, withheld or not to be had. */
export function isWhole(value: unknown): boolean {
  const left: unknown[] = [value];
  for (let next = left.pop(); next !== undefined || left.length > 0; next = left.pop()) {
    if (typeof next !== "object" || next === null) continue;
    if (Object.hasOwn(next, "$glasshull")) return false;
    for (const item of Object.values(next)) left.push(item);
  }
  return true;
}

/** The same question from a terminal. The key is never written out. */
export function curl(hub: string, statement: string, withKey: boolean): string {
  const key = withKey ? ` \\\n  -H "Authorization: Bearer $GLASSHULL_KEY"` : "";
  const body = JSON.stringify({ statement });
  return `curl -s ${shell(`${hub}/api/v1/statements`)} \\\n  -H 'Content-Type: application/json'${key} \\\n  -d ${shell(body)}\n`;
}

/** As a shell takes it for one word, whatever is in it. */
export function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
