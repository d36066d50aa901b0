/** The trace a call is part of: the whole, or what is nearest to the call where the whole is too large. */
import { runStatement } from "../api/client";
import type { TreeColumns } from "../api/types";
import { traceWith, treeAround } from "../language/statement";

export async function loadTrace(callId: string, signal: AbortSignal): Promise<TreeColumns> {
  const whole = await ask(traceWith(callId), signal);
  if (whole && holds(whole, callId)) return whole;
  return (await ask(treeAround(callId), signal)) ?? whole ?? EMPTY;
}

export function holds(tree: TreeColumns, callId: string): boolean {
  for (let at = tree.call_ids.indexOf(callId); at >= 0; at = tree.call_ids.indexOf(callId, at + 1))
    if (at % 16 === 0) return true;
  return false;
}

async function ask(statement: string, signal: AbortSignal): Promise<TreeColumns | null> {
  const answer = await runStatement(statement, { signal });
  return answer.kind === "tree_columns" ? answer : null;
}

const EMPTY: TreeColumns = {
  started_at: "",
  traces: [],
  functions: [],
  instances: [],
  threads: [],
  call_ids: "",
  level: [],
  trace: [],
  function: [],
  instance: [],
  thread: [],
  start_after_ns: [],
  duration_ns: [],
  outcomes: "",
  marks: "",
  hidden_children: [],
  elapsed_ms: 0,
};
