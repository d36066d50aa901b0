/** Rows of the tree of functions, each with how it did. */
import type { FunctionEntry } from "../api/types";
import { type GridColumn, sorted } from "../parts/grid";
import type { Sort } from "../state/url";
import { type Rate, rateKey, together } from "./rates";
import { functionRows, type FunctionRow } from "./tree";

export interface Measured {
  row: FunctionRow;
  rate: Rate | null;
  instances: number;
}

type Rates = ReadonlyMap<string, Rate>;

/** As a tree of service, module, function. */
export function treeRows(
  entries: FunctionEntry[],
  search: string,
  rates: Rates,
  toggled: ReadonlySet<string>,
): Measured[] {
  return functionRows(entries, search, toggled).map((row) => measured(row, rates));
}

/** As a flat list in the order of a column; what was not called lately stands below. */
export function flatRows(
  entries: FunctionEntry[],
  search: string,
  rates: Rates,
  sort: Sort,
  columns: readonly GridColumn<Measured>[],
): readonly Measured[] {
  const rows = functionRows(entries, search, "all").filter((row) => row.kind === "function");
  return sorted(
    rows.map((row) => measured(row, rates)),
    columns,
    sort,
  );
}

function measured(row: FunctionRow, rates: Rates): Measured {
  if (row.kind === "function") {
    const { service, function: path, instances } = row.entry;
    return { row, rate: rates.get(rateKey(service, path)) ?? null, instances };
  }
  return { row, rate: together(ratesBelow(row, rates)), instances: 0 };
}

function* ratesBelow(row: FunctionRow, rates: Rates): Generator<Rate> {
  if (row.kind === "function") return;
  const start = row.kind === "service" ? `${row.name} ` : `${row.service} ${row.path}::`;
  for (const [key, rate] of rates) if (key.startsWith(start)) yield rate;
}
