/** A depth-first list of calls as a tree that can be folded, with times relative to its start. */
import type { TreeCall } from "../api/types";
import { parseNanoseconds } from "../format/time";

export interface TraceNode {
  index: number;
  call: TreeCall;
  /** Index of the parent in the list; -1 at the top. */
  parent: number;
  /** Index after the last call below this one. */
  end: number;
  /** Nanoseconds from the start of the trace. */
  offset: number;
  /** Nanoseconds not spent in the calls below it that are shown. */
  self: number;
  /** It runs in another service than its parent. */
  hop: boolean;
}

export interface Trace {
  nodes: TraceNode[];
  /** Nanoseconds from the first start to the last end. */
  span: number;
  /** The first start as RFC 3339 text. */
  startedAt: string;
}

/** Larger traces open folded below the second level, but for the way to what was asked for. */
const OPEN_WHOLE_UP_TO = 500;

export function buildTrace(calls: readonly TreeCall[]): Trace {
  const starts = calls.map((call) => parseNanoseconds(call.started_at) ?? 0n);
  const first = starts.reduce((least, start) => (start < least ? start : least), starts[0] ?? 0n);
  const nodes = linked(calls);
  let span = 0;
  nodes.forEach((node, index) => {
    node.offset = Number((starts[index] ?? first) - first);
    span = Math.max(span, node.offset + node.call.duration_ns);
  });
  subtractChildren(nodes);
  const startedAt = calls[starts.indexOf(first)]?.started_at ?? "";
  return { nodes, span, startedAt };
}

function linked(calls: readonly TreeCall[]): TraceNode[] {
  const path: TraceNode[] = [];
  const nodes: TraceNode[] = [];
  calls.forEach((call, index) => {
    while (path.length > 0 && (path.at(-1)?.call.level ?? 0) >= call.level) end(path.pop(), index);
    const parent = path.at(-1);
    const hop = parent !== undefined && parent.call.service !== call.service;
    const node = { index, call, parent: parent?.index ?? -1, end: 0, offset: 0, self: call.duration_ns, hop };
    nodes.push(node);
    path.push(node);
  });
  path.forEach((node) => end(node, calls.length));
  return nodes;
}

function end(node: TraceNode | undefined, index: number): void {
  if (node) node.end = index;
}

/** Time spent in children counts once even when they ran side by side. */
function subtractChildren(nodes: TraceNode[]): void {
  const covered = nodes.map((node) => node.offset);
  for (const node of nodes) {
    const parent = nodes[node.parent];
    if (!parent) continue;
    const until = Math.min(node.offset + node.call.duration_ns, parent.offset + parent.call.duration_ns);
    const from = Math.max(node.offset, covered[parent.index] ?? 0);
    if (until <= from) continue;
    parent.self -= until - from;
    covered[parent.index] = until;
  }
}

/** The nodes that are drawn: those without a folded one above. */
export function visibleNodes(nodes: readonly TraceNode[], folded: ReadonlySet<string>): TraceNode[] {
  const visible: TraceNode[] = [];
  for (let index = 0; index < nodes.length;) {
    const node = nodes[index] as TraceNode;
    visible.push(node);
    index = folded.has(node.call.call_id) ? node.end : index + 1;
  }
  return visible;
}

/** What is folded when a trace opens. */
export function initialFolds(nodes: readonly TraceNode[], selected: string | null): Set<string> {
  const folded = new Set<string>();
  if (nodes.length <= OPEN_WHOLE_UP_TO) return folded;
  for (const node of nodes) {
    if (node.call.level >= 1 && node.end > node.index + 1) folded.add(node.call.call_id);
  }
  unfoldWay(nodes, selected, folded);
  return folded;
}

/** Opens everything above the call. */
export function unfoldWay(nodes: readonly TraceNode[], callId: string | null, folded: Set<string>): void {
  let node = nodes.find((candidate) => candidate.call.call_id === callId);
  while (node && node.parent >= 0) {
    node = nodes[node.parent];
    if (node) folded.delete(node.call.call_id);
  }
}

export function hasChildren(node: TraceNode): boolean {
  return node.end > node.index + 1;
}
