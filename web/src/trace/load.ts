/** The trace a call is part of: the whole, or what is nearest to the call where the whole is too large. */
import { runStatement } from "../api/client";
import type { Tree } from "../api/types";
import { traceOf, treeAround, treeOf } from "../language/statement";

export async function loadTrace(callId: string, signal: AbortSignal): Promise<Tree> {
  const traceId = await traceIdOf(callId, signal);
  const whole = traceId ? await ask(treeOf(traceId), signal) : null;
  if (whole?.calls.some((call) => call.call_id === callId)) return whole;
  const near = await ask(treeAround(callId), signal);
  return near ?? { calls: [], elapsed_ms: 0 };
}

async function traceIdOf(callId: string, signal: AbortSignal): Promise<string | null> {
  const answer = await runStatement(traceOf(callId), { signal });
  const cell = answer.kind === "rows" ? answer.rows[0]?.[0] : null;
  return typeof cell === "string" ? cell : null;
}

async function ask(statement: string, signal: AbortSignal): Promise<Tree | null> {
  const answer = await runStatement(statement, { signal });
  return answer.kind === "tree" ? answer : null;
}
