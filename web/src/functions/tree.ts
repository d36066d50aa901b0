/** Functions as a tree of service, module, function. */
import type { FunctionEntry } from "../api/types";

export interface ServiceNode {
  kind: "service";
  key: string;
  name: string;
  level: 0;
  /** The path all its functions are below; empty where there are several. */
  root: string;
  functions: number;
  open: boolean;
}

export interface ModuleNode {
  kind: "module";
  key: string;
  service: string;
  /** Its path below the parent, such as `quote::rules`. */
  name: string;
  path: string;
  level: number;
  functions: number;
  open: boolean;
}

export interface FunctionNode {
  kind: "function";
  key: string;
  name: string;
  level: number;
  entry: FunctionEntry;
}

export type FunctionRow = ServiceNode | ModuleNode | FunctionNode;

interface Module {
  name: string;
  path: string;
  modules: Map<string, Module>;
  functions: FunctionEntry[];
}

/** What one traces with a click on this row. */
export function patternOf(row: FunctionRow): string {
  if (row.kind === "service") return row.root ? `${row.root}::*` : "*";
  return row.kind === "module" ? `${row.path}::*` : row.entry.function;
}

export function serviceOf(row: FunctionRow): string {
  if (row.kind === "service") return row.name;
  return row.kind === "module" ? row.service : row.entry.service;
}

/** Whether other services have functions of the row's pattern too, so that the service must be named. */
export function isElsewhere(row: FunctionRow, entries: readonly FunctionEntry[]): boolean {
  const pattern = patternOf(row);
  const service = serviceOf(row);
  const start = pattern.replace(/\*$/, "");
  const named = (path: string) => (start === pattern ? path === pattern : path.startsWith(start));
  return entries.some((entry) => entry.service !== service && named(entry.function));
}

/** With more functions modules are closed at first. */
const OPEN_UP_TO = 80;

/**
 * The visible rows, top to bottom. Rows in `toggled` are not as they were at first; while something is searched
 * everything that matches is open; with `all` everything is.
 */
export function functionRows(
  entries: FunctionEntry[],
  search: string,
  toggled: ReadonlySet<string> | "all",
): FunctionRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = words.length ? entries.filter((entry) => matches(entry, words)) : entries;
  const first = entries.length <= OPEN_UP_TO;
  const isOpen = (key: string, atFirst: boolean) =>
    words.length > 0 || toggled === "all" || toggled.has(key) !== atFirst;
  const rows: FunctionRow[] = [];
  for (const [service, functions] of byService(matching)) {
    const [root, top] = withoutRoot(service, rootModule(functions));
    const open = isOpen(service, true);
    rows.push({
      kind: "service",
      key: service,
      name: service,
      level: 0,
      root,
      functions: functions.length,
      open,
    });
    if (open) addModule(rows, service, top, 1, (key) => isOpen(key, first));
  }
  return rows;
}

function matches(entry: FunctionEntry, words: string[]): boolean {
  const text = `${entry.service} ${entry.function} ${entry.file}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function byService(entries: FunctionEntry[]): Map<string, FunctionEntry[]> {
  const services = new Map<string, FunctionEntry[]>();
  for (const entry of entries) {
    const list = services.get(entry.service);
    if (list) list.push(entry);
    else services.set(entry.service, [entry]);
  }
  return services;
}

function rootModule(functions: FunctionEntry[]): Module {
  const root: Module = { name: "", path: "", modules: new Map(), functions: [] };
  for (const entry of functions) {
    const segments = entry.function.split("::");
    let module = root;
    for (const segment of segments.slice(0, -1)) module = childModule(module, segment);
    module.functions.push(entry);
  }
  return root;
}

/** A service whose functions are all in one crate, or in its module of the service's name, has no row for that. */
function withoutRoot(service: string, top: Module): [root: string, module: Module] {
  const crate = onlyModule(top);
  const inner = crate && onlyModule(crate);
  const root = inner?.name === service ? inner : crate;
  return root ? [root.path, root] : ["", top];
}

function onlyModule(module: Module): Module | undefined {
  const [only, second] = module.modules.values();
  return second || module.functions.length > 0 ? undefined : only;
}

function childModule(parent: Module, name: string): Module {
  const known = parent.modules.get(name);
  if (known) return known;
  const path = parent.path ? `${parent.path}::${name}` : name;
  const module: Module = { name, path, modules: new Map(), functions: [] };
  parent.modules.set(name, module);
  return module;
}

function addModule(
  rows: FunctionRow[],
  service: string,
  module: Module,
  level: number,
  isOpen: (key: string) => boolean,
) {
  for (const child of module.modules.values()) addChild(rows, service, joined(child), level, isOpen);
  for (const entry of module.functions) {
    const name = entry.function.slice(entry.function.lastIndexOf(":") + 1);
    rows.push({ kind: "function", key: `${service} ${entry.function}`, name, level, entry });
  }
}

function addChild(
  rows: FunctionRow[],
  service: string,
  module: Module,
  level: number,
  isOpen: (key: string) => boolean,
) {
  const { name, path } = module;
  const key = `${service} ${path}::`;
  const open = isOpen(key);
  rows.push({ kind: "module", key, service, name, path, level, functions: size(module), open });
  if (open) addModule(rows, service, module, level + 1, isOpen);
}

/** A module that holds nothing but one module is drawn in one row with it. */
function joined(module: Module): Module {
  const only = onlyModule(module);
  if (!only) return module;
  const inner = joined(only);
  return { ...inner, name: `${module.name}::${inner.name}` };
}

function size(module: Module): number {
  let total = module.functions.length;
  for (const child of module.modules.values()) total += size(child);
  return total;
}
