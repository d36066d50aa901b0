/** Rows as other programs take them. */
import type { Cell, Values } from "../api/columns";
import { isoTime } from "../language/select";
import { plainText } from "./table";

export type Format = "CSV" | "JSON" | "Markdown";

/** More rows than anybody pastes; a file of them is asked for with curl. */
export const MAX_COPIED = 50_000;

/** The rows at these places of the order, the columns as they are shown. */
export function copied(format: Format, columns: readonly Values[], order: Uint32Array): string {
  const rows = order.subarray(0, MAX_COPIED);
  if (format === "JSON") return json(columns, rows);
  return format === "CSV" ? csv(columns, rows) : markdown(columns, rows);
}

function csv(columns: readonly Values[], rows: Uint32Array): string {
  const line = (cells: string[]) => cells.map(csvCell).join(",");
  const head = line(columns.map((column) => column.name));
  return [head, ...Array.from(rows, (row) => line(texts(columns, row)))].join("\r\n") + "\r\n";
}

/** A leading sign that spreadsheets would compute is made text. */
function csvCell(text: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function texts(columns: readonly Values[], row: number): string[] {
  return columns.map((column) => plainText(column.at(row), column));
}

function json(columns: readonly Values[], rows: Uint32Array): string {
  const member = (column: Values, row: number) =>
    `${JSON.stringify(column.name)}:${jsonText(column.at(row), column)}`;
  const object = (row: number) => `{${columns.map((column) => member(column, row)).join(",")}}`;
  return `[\n${Array.from(rows, object).join(",\n")}\n]\n`;
}

/** Captured values as they were captured, to the digit. */
function jsonText(cell: Cell, column: Values): string {
  if (cell === null) return "null";
  if (column.type === "json" && typeof cell === "string" && isJson(cell)) return cell;
  if (column.type === "time" && typeof cell === "bigint") return JSON.stringify(isoTime(cell));
  return typeof cell === "bigint" ? cell.toString() : JSON.stringify(cell);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function markdown(columns: readonly Values[], rows: Uint32Array): string {
  const line = (cells: string[]) => `| ${cells.map(markdownCell).join(" | ")} |`;
  const right = (column: Values) => column.type === "number" || column.type === "duration";
  const rule = `| ${columns.map((column) => (right(column) ? "---:" : "---")).join(" | ")} |`;
  const lines = Array.from(rows, (row) => line(texts(columns, row)));
  return [line(columns.map((column) => column.name)), rule, ...lines].join("\n") + "\n";
}

function markdownCell(text: string): string {
  return text.replace(/[\\|`*_<>[\]]/g, "\\$&").replace(/\s*[\r\n]+\s*/g, " ");
}

/** The question on a command line; the key, where there is one, stays out of it. */
export function curl(origin: string, statement: string, withKey: boolean): string {
  const body = shellQuoted(JSON.stringify({ statement }));
  const key = withKey ? ` \\\n  -H "authorization: Bearer $GLASSHULL_KEY"` : "";
  return `curl -s ${origin}/api/v1/statements \\\n  -H 'content-type: application/json'${key} \\\n  -d ${body}\n`;
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
