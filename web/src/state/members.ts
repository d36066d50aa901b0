/** Asks which members captured values have, for completion; what was told is kept for a while. */
import { runStatement } from "../api/client";
import { addMembers, JSON_COLUMNS, type JsonColumn, type Members } from "../language/paths";
import { jsonValue } from "../results/table";

/** Calls that are looked at: most values of a function have the same members. */
const MAX_CALLS = 300;
const KEPT_MS = 30_000;
/** Conditions that are remembered. */
const MAX_KEPT = 20;

type ByColumn = Record<JsonColumn, Members>;
const kept = new Map<string, { at: number; members: Promise<ByColumn> }>();

/** The members of the values of the newest calls for which a condition holds; nothing where they cannot be asked for. */
export function membersOf(condition: string): Promise<ByColumn> {
  const known = kept.get(condition);
  if (known && Date.now() - known.at < KEPT_MS) return known.members;
  const members = ask(condition).catch(() => {
    kept.delete(condition);
    return { args: {}, returned: {}, error: {} };
  });
  const oldest = kept.keys().next().value;
  if (kept.size >= MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  kept.set(condition, { at: Date.now(), members });
  return members;
}

async function ask(condition: string): Promise<ByColumn> {
  const members: ByColumn = { args: {}, returned: {}, error: {} };
  const where = condition ? `WHERE ${condition} ` : "";
  const statement = `SELECT ${JSON_COLUMNS.join(", ")} FROM calls ${where}ORDER BY started_at DESC LIMIT ${MAX_CALLS}`;
  const answer = await runStatement(statement, { maxRows: MAX_CALLS });
  if (answer.kind !== "rows") return members;
  for (const row of answer.rows) {
    JSON_COLUMNS.forEach((column, place) => addMembers(members[column], jsonValue(row[place])));
  }
  return members;
}
