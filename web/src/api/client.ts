/** The hub's HTTP API. Every refusal arrives as an [`ApiFailure`] that says what happened and what to do. */
import { ARROW, readArrow } from "./arrow";
import { type Columns, columnsOfRows } from "./columns";
import { parseExact } from "./exact";
import { authorization } from "./key";
import type {
  DifferenceRequest,
  Differences,
  Failure,
  FailureBody,
  Functions,
  Instances,
  Probe,
  Probes,
  Schema,
  StatementAnswer,
  Status,
  TreeColumns,
} from "./types";

const API = "/api/v1";

/** The hub asks for a key, or for another one. */
export const KEY_REFUSED = "GH1003";

/** The code of failures the page itself notices: the hub could not be asked. */
export const NO_ANSWER = "no answer";

export class ApiFailure extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
    this.name = "ApiFailure";
  }
}

/** Any thrown thing as a failure people can act on. */
export function asFailure(thrown: unknown): Failure {
  if (thrown instanceof ApiFailure) return thrown.failure;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: "page", message: `The page failed: ${message}`, hint: "Reload; what you typed is kept." };
}

export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === "AbortError";
}

async function request<T>(path: string, init: RequestInit): Promise<T> {
  const response = await send(path, init);
  return readAs<T>(await response.text(), response);
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const headers = { ...init.headers, ...authorization() };
  const response = await fetch(API + path, { cache: "no-store", ...init, headers }).catch(
    (thrown: unknown) => {
      throw isAbort(thrown) ? thrown : new ApiFailure(unreachable());
    },
  );
  if (!response.ok) throw new ApiFailure(failureIn(await response.text(), response));
  return response;
}

/** How a tree as columns begins: it holds whole numbers that a double holds, and ids that look like longer ones. */
const COLUMNS = '{"kind":"tree_columns"';

function readAs<T>(text: string, response: Response): T {
  try {
    return (text.startsWith(COLUMNS) ? JSON.parse(text) : parseExact(text)) as T;
  } catch {
    throw new ApiFailure(notOurs(response));
  }
}

function failureIn(text: string, response: Response): Failure {
  try {
    const body = JSON.parse(text) as Partial<FailureBody>;
    if (body.error) return body.error;
  } catch {
    // Not the hub's own answer: told below.
  }
  return notOurs(response);
}

function unreachable(): Failure {
  return {
    code: NO_ANSWER,
    message: "The hub does not answer.",
    hint: "Is `glasshull up` still running, and this address reachable? Nothing you typed is lost: run it again when the hub is back.",
  };
}

function notOurs(response: Response): Failure {
  return {
    code: `HTTP ${response.status}`,
    message: `The answer (${response.status} ${response.statusText}) did not come from a Glasshull hub.`,
    hint: "Look at what stands between this page and the hub, such as a proxy.",
  };
}

export interface StatementOptions {
  maxRows?: number;
  signal?: AbortSignal;
}

export function runStatement(statement: string, options: StatementOptions = {}): Promise<StatementAnswer> {
  return request("/statements", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ statement, max_rows: options.maxRows, tree: "columns" }),
    signal: options.signal ?? null,
  });
}

/** What a statement answers; rows in columns, up to a million of them. */
export type Answer =
  | { kind: "rows"; columns: Columns }
  | { kind: "tree"; tree: TreeColumns }
  | { kind: "probes"; probes: Probe[] };

/** Runs a statement whose answer may be large. */
export async function runInColumns(statement: string, options: StatementOptions = {}): Promise<Answer> {
  const response = await send("/statements", {
    method: "POST",
    headers: { "content-type": "application/json", accept: `${ARROW}, application/json` },
    body: JSON.stringify({ statement, max_rows: options.maxRows, tree: "columns" }),
    signal: options.signal ?? null,
  });
  if (!response.headers.get("content-type")?.startsWith(ARROW)) return readAnswer(response);
  return { kind: "rows", columns: await columnsIn(response) };
}

async function columnsIn(response: Response): Promise<Columns> {
  const body = await response.arrayBuffer().catch((thrown: unknown) => {
    throw isAbort(thrown) ? thrown : new ApiFailure(unreachable());
  });
  try {
    return readArrow(new Uint8Array(body));
  } catch {
    throw new ApiFailure(notOurs(response));
  }
}

async function readAnswer(response: Response): Promise<Answer> {
  const answer = readAs<StatementAnswer>(await response.text(), response);
  if (answer.kind === "tree_columns") return { kind: "tree", tree: answer };
  if (answer.kind === "probes") return { kind: "probes", probes: answer.probes };
  if (answer.kind === "rows") return { kind: "rows", columns: columnsOfRows(answer) };
  throw new ApiFailure(notOurs(response));
}

/** Rows of a statement that answers rows. */
export async function askColumns(statement: string, signal?: AbortSignal): Promise<Columns> {
  const answer = await runInColumns(statement, signal ? { signal } : {});
  if (answer.kind !== "rows") throw new Error("The statement answers no rows.");
  return answer.columns;
}

/** What distinguishes some rows of a statement from its others. */
export function fetchDifferences(wanted: DifferenceRequest, signal: AbortSignal): Promise<Differences> {
  const headers = { "content-type": "application/json" };
  return request("/differences", { method: "POST", headers, body: JSON.stringify(wanted), signal });
}

/** Server-sent events, as a stream of bytes. */
export async function openEvents(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const response = await send(path, { signal, headers: { accept: "text/event-stream" } });
  if (!response.body) throw new ApiFailure(notOurs(response));
  return response.body;
}

export const fetchFunctions = (): Promise<Functions> => request("/functions", {});
export const fetchInstances = (): Promise<Instances> => request("/instances", {});
export const fetchProbes = (): Promise<Probes> => request("/probes", {});
export const fetchSchema = (): Promise<Schema> => request("/schema", {});
export const fetchStatus = (): Promise<Status> => request("/status", {});
