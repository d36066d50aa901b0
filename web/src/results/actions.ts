/** What a click on a cell offers: each action is a statement, so that people learn the language by clicking. */
import type { Cell } from "../api/columns";
import type { Column } from "../api/types";
import {
  comparable,
  differs,
  equals,
  grouped,
  jsonPath,
  literal,
  sourceOf,
  type SqlValue,
  valueFor,
  withColumn,
  withCondition,
  withConditionOn,
} from "../language/select";
import { callsWithValue } from "../language/statement";
import { markOf } from "../values/marker";
import { isId, jsonValue } from "./table";

export interface Action {
  label: string;
  /** The statement it runs; without one, it marks the rows on which `detail` holds, to see what is different about them. */
  statement?: string;
  /** The condition it adds, to be shown beside it. */
  detail?: string;
}

/** Texts worth looking for elsewhere, in characters. */
const FINDABLE = { least: 3, most: 200 };

/** The actions about one cell of an answer. */
export function cellActions(statement: string, column: Column, cell: Cell): Action[] {
  const on = (label: string, condition: (expression: string) => string): Action[] => {
    let detail = "";
    const changed = withConditionOn(statement, column.name, (expression) => (detail = condition(expression)));
    return changed === null ? [] : [{ label, statement: changed, detail }];
  };
  const type = column.type;
  return [
    ...on("Only these", (expression) => equals(expression, cell, type)),
    ...on("Without these", (expression) => differs(expression, cell, type)),
    ...(isMeasure(column) && cell !== null
      ? [
          ...on("This and more", (expression) => compared(expression, ">=", cell, type)),
          ...on("This and less", (expression) => compared(expression, "<=", cell, type)),
        ]
      : []),
    ...(isId(column) ? [] : unlike(statement, column, cell)),
    ...(type === "json" || isMeasure(column) || isId(column) ? [] : groupBy(statement, column.name)),
    ...find(cell, column),
  ];
}

/** What is different about rows with this value; of a measure, also with more. */
function unlike(statement: string, column: Column, cell: Cell): Action[] {
  const source = sourceOf(statement);
  if (!source) return [];
  const expression = comparable(source.expression(column.name));
  const more = isMeasure(column) && cell !== null;
  return [
    more
      ? asked(compared(expression, ">=", cell, column.type), "these and more")
      : asked(equals(expression, cell, column.type)),
  ];
}

function asked(condition: string, which = "these"): Action {
  return { label: `What is different about ${which}?`, detail: condition };
}

function isMeasure(column: Column): boolean {
  return column.type === "number" || column.type === "duration" || column.type === "time";
}

function compared(expression: string, sign: string, cell: Exclude<Cell, null>, type: string): string {
  const number = valueFor(expression, cell) === cell ? expression : `TRY_CAST(${expression} AS double)`;
  return `${number} ${sign} ${literal(cell, type)}`;
}

function groupBy(statement: string, column: string, expression?: string): Action[] {
  const changed = grouped(statement, column, expression);
  return changed === null ? [] : [{ label: `Group by ${column}`, statement: changed }];
}

function find(cell: Cell, column: Column): Action[] {
  const text = typeof cell === "string" ? cell : typeof cell === "number" ? String(cell) : "";
  if (text.length < FINDABLE.least || text.length > FINDABLE.most) return [];
  if (column.type !== "text" && column.type !== "number") return [];
  return [{ label: "Find everywhere", statement: callsWithValue(text) }];
}

/** A value inside a JSON cell. */
export interface Leaf {
  path: (string | number)[];
  value: SqlValue;
}

/** So many values inside a cell are offered, and looked at so deep. */
const MAX_LEAVES = 40;
const MAX_DEPTH = 6;

/** The values inside a JSON cell, in their order. */
export function leavesOf(cell: Cell): Leaf[] {
  const leaves: Leaf[] = [];
  collect(jsonValue(cell), [], leaves);
  return leaves;
}

function collect(value: unknown, path: (string | number)[], leaves: Leaf[]): void {
  if (leaves.length >= MAX_LEAVES || path.length > MAX_DEPTH || markOf(value)) return;
  if (typeof value === "object" && value !== null) {
    const entries = Array.isArray(value)
      ? value.map((item, at) => [at, item] as const)
      : Object.entries(value);
    for (const [key, item] of entries.slice(0, MAX_LEAVES)) collect(item, [...path, key], leaves);
  } else if (path.length > 0 && value !== undefined) leaves.push({ path, value: value as SqlValue });
}

/** A path as people read it: `order.lines[0].sku`. */
export function pathText(path: readonly (string | number)[]): string {
  return path.map((key, at) => (typeof key === "number" ? `[${key}]` : at === 0 ? key : `.${key}`)).join("");
}

/** The name of a column made of a path. */
export function columnName(path: readonly (string | number)[]): string {
  const words = path.filter((key) => typeof key === "string");
  return String(words.at(-1) ?? path.at(-1) ?? "value");
}

/** The actions about a value inside a JSON cell. */
export function leafActions(statement: string, column: Column, leaf: Leaf): Action[] {
  const source = sourceOf(statement);
  if (!source) return [];
  const base = source.expression(column.name);
  const text = jsonPath(base, leaf.path, "text");
  const name = columnName(leaf.path);
  const on = (label: string, condition: string): Action[] => {
    const changed = withCondition(statement, condition);
    return changed === null ? [] : [{ label, statement: changed, detail: condition }];
  };
  const number = typeof leaf.value === "number";
  const added = withColumn(statement, number ? `TRY_CAST(${text} AS double)` : text, name);
  return [
    ...on("Only these", equals(text, leaf.value)),
    ...on("Without these", differs(text, leaf.value)),
    ...(number ? on("This and more", `TRY_CAST(${text} AS double) >= ${leaf.value}`) : []),
    ...(number ? on("This and less", `TRY_CAST(${text} AS double) <= ${leaf.value}`) : []),
    asked(equals(text, leaf.value)),
    ...(added === null ? [] : [{ label: `Column ${name}`, statement: added }]),
    ...groupBy(statement, name, text),
    ...find(leaf.value, { name, type: number ? "number" : "text" }),
  ];
}
