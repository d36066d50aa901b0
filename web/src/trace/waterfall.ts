/** Draws the waterfall: names on the left, bars in time on the right. */
import { counted } from "../format/number";
import { duration } from "../format/time";
import { cutText, drawRuler, type Inks, serviceInk } from "./canvas";
import {
  ENDS_AFTER,
  hasChildren,
  hasFailed,
  instanceOf,
  isHop,
  isRunning,
  LEFT_OUT,
  NOT_CAPTURED,
  outcomeOf,
  pathOf,
  shortPath,
  STARTS_BEFORE,
} from "./model";
import type { Reading } from "./reading.svelte";
import { callAt, groupAt, membersAt } from "./rows";
import { clockDistance } from "./stats";

export const ROW = 22;
export const HEAD = 24;
/** The share of the width that names have. */
export const LABELS = 0.4;
/** Pixels from the left to the outermost sign for folding. */
export const TOGGLE = 10;
const INDENT = 12;
const DEEPEST_INDENT = 24;
/** Pixels of a character in the monospaced face. */
const WIDE = 7.25;

export interface Area {
  width: number;
  height: number;
  labels: number;
  lane: number;
  /** Pixels scrolled. */
  top: number;
  hovered: number;
  service: (name: string) => number;
}

export function drawWaterfall(
  context: CanvasRenderingContext2D,
  ink: Inks,
  reading: Reading,
  area: Area,
): void {
  const first = Math.floor(area.top / ROW);
  const last = Math.min(reading.rows.count, first + Math.ceil(area.height / ROW) + 1);
  const path = reading.view.critical ? segments(reading) : null;
  const ruler = { left: area.labels, width: area.lane, head: HEAD };
  // Lines below the bars, times above all.
  drawRuler(context, ink, { ...ruler, height: area.height }, reading.span);
  context.save();
  context.beginPath();
  context.rect(0, HEAD, area.width, area.height - HEAD);
  context.clip();
  for (let row = first; row < last; row += 1) drawRow(context, ink, reading, area, row, path);
  context.restore();
  context.fillStyle = ink.sunk;
  context.fillRect(0, 0, area.width, HEAD);
  drawRuler(context, ink, { ...ruler, height: HEAD }, reading.span);
  context.fillStyle = ink.line;
  context.fillRect(0, HEAD - 1, area.width, 1);
  context.fillRect(area.labels - 6, HEAD, 1, area.height);
}

/** The stretches of the critical path of each call. */
function segments(reading: Reading): Map<number, number[]> {
  const { critical } = reading;
  const of = new Map<number, number[]>();
  for (let at = 0; at < critical.count; at += 1) {
    const call = critical.call[at] as number;
    const known = of.get(call);
    if (known) known.push(at);
    else of.set(call, [at]);
  }
  return of;
}

function drawRow(
  context: CanvasRenderingContext2D,
  ink: Inks,
  reading: Reading,
  area: Area,
  row: number,
  path: Map<number, number[]> | null,
): void {
  const y = HEAD + row * ROW - area.top;
  const call = callAt(reading.rows, reading.repeats, row);
  if (reading.row === row || area.hovered === row) {
    context.fillStyle = reading.row === row ? ink.selected : ink.hover;
    context.fillRect(0, y, area.width, ROW);
  } else if (reading.isFound(call)) {
    context.fillStyle = ink.warnSoft;
    context.fillRect(0, y, area.width, ROW);
  }
  drawLabel(context, ink, reading, area, row, y);
  context.save();
  context.beginPath();
  context.rect(area.labels - 1, y, area.lane + 12, ROW);
  context.clip();
  drawBars(context, ink, reading, area, row, y, path);
  context.restore();
}

function drawLabel(
  context: CanvasRenderingContext2D,
  ink: Inks,
  reading: Reading,
  area: Area,
  row: number,
  y: number,
): void {
  const { trace } = reading;
  const call = callAt(reading.rows, reading.repeats, row);
  const group = groupAt(reading.rows, row);
  let x = TOGGLE + Math.min(reading.rows.level[row] ?? 0, DEEPEST_INDENT) * INDENT;
  const middle = y + ROW / 2;
  if (group >= 0 || hasChildren(trace, call))
    drawToggle(context, ink, x, middle, group >= 0 ? reading.isGroupOpen(group) : !reading.isFolded(call));
  x += 14;
  context.fillStyle = serviceInk(ink, area.service(instanceOf(trace, call)?.service ?? ""));
  context.fillRect(x, middle - 4, 8, 8);
  x += 13;
  context.textBaseline = "middle";
  context.font = `12px ${ink.mono}`;
  const path = pathOf(trace, call);
  const room = area.labels - 12 - x;
  const count = group >= 0 ? `× ${membersAt(reading.repeats, group).length.toLocaleString("en")} ` : "";
  const sign = signs(reading, call, group >= 0);
  for (const [text, fill] of [
    [sign, hasFailed(trace, call) ? ink.error : ink.warn],
    [count, ink.accent],
    [
      nameFor(path, room - (sign.length + count.length) * WIDE),
      hasFailed(trace, call) ? ink.error : ink.text,
    ],
  ] as const) {
    const cut = cutText(text, area.labels - 12 - x, WIDE);
    context.fillStyle = fill;
    context.fillText(cut, x, middle);
    x += context.measureText(cut).width;
  }
}

/** With its module or type where there is room for it. */
function nameFor(path: string, room: number): string {
  const short = shortPath(path);
  return short.length * WIDE <= room ? short : (short.split("::").at(-1) ?? short);
}

/** What is to be known of a call before its name: shapes, as colour says nothing alone. */
function signs(reading: Reading, call: number, many: boolean): string {
  const { trace } = reading;
  const outcome = outcomeOf(trace, call);
  const words: Record<string, string> = { error: "▲ ", panicked: "✕ ", cancelled: "– ", running: "◐ " };
  const gap = (trace.marks[call] as number) & (NOT_CAPTURED | LEFT_OUT) ? "⋯ " : "";
  const hop = isHop(trace, call) ? "→ " : "";
  const odd = trace.odd[call] && !many ? "◷ " : "";
  return gap + hop + (words[outcome] ?? "") + odd;
}

function drawToggle(context: CanvasRenderingContext2D, ink: Inks, x: number, y: number, open: boolean): void {
  context.strokeStyle = ink.faint;
  context.lineWidth = 1.5;
  context.beginPath();
  const points = open ? [x, y - 2, x + 4, y + 2, x + 8, y - 2] : [x + 2, y - 4, x + 6, y, x + 2, y + 4];
  context.moveTo(points[0] as number, points[1] as number);
  context.lineTo(points[2] as number, points[3] as number);
  context.lineTo(points[4] as number, points[5] as number);
  context.stroke();
}

function drawBars(
  context: CanvasRenderingContext2D,
  ink: Inks,
  reading: Reading,
  area: Area,
  row: number,
  y: number,
  path: Map<number, number[]> | null,
): void {
  const group = groupAt(reading.rows, row);
  const call = callAt(reading.rows, reading.repeats, row);
  const { trace } = reading;
  const colour = barInk(ink, reading, area, call);
  const [from, until] = reading.span;
  const at = (ns: number) => area.labels + ((ns - from) / (until - from)) * area.lane;
  if (group >= 0) return drawMany(context, colour, reading, membersAt(reading.repeats, group), at, y);
  const [x, end] = [
    at(trace.start[call] as number),
    at((trace.start[call] as number) + (trace.duration[call] as number)),
  ];
  const own =
    (trace.duration[call] as number) > 0
      ? (trace.self[call] as number) / (trace.duration[call] as number)
      : 1;
  drawBar(context, colour, x, Math.max(2, end - x), y, own, isRunning(trace, call));
  for (const segment of path?.get(call) ?? []) {
    const [begin, stop] = [
      at(reading.critical.from[segment] as number),
      at(reading.critical.until[segment] as number),
    ];
    context.fillStyle = ink.warn;
    context.fillRect(begin, y + ROW - 4, Math.max(1, stop - begin), 3);
  }
  drawTime(context, ink, area, duration(trace.duration[call] as number), x, Math.max(2, end - x), y, own);
}

function barInk(ink: Inks, reading: Reading, area: Area, call: number): string {
  if (!hasFailed(reading.trace, call))
    return serviceInk(ink, area.service(instanceOf(reading.trace, call)?.service ?? ""));
  return outcomeOf(reading.trace, call) === "panicked" ? ink.panic : ink.error;
}

/** Solid for as much as is the call's own time, pale for what it spent in others. */
function drawBar(
  context: CanvasRenderingContext2D,
  colour: string,
  x: number,
  width: number,
  y: number,
  own: number,
  running: boolean,
): void {
  context.fillStyle = colour;
  context.globalAlpha = 0.38;
  context.fillRect(x, y + 5, width, ROW - 11);
  context.globalAlpha = 1;
  context.fillRect(x, y + 5, Math.max(1, width * own), ROW - 11);
  if (running) {
    context.beginPath();
    context.moveTo(x + width, y + 3);
    context.lineTo(x + width + 6, y + ROW / 2);
    context.lineTo(x + width, y + ROW - 4);
    context.fill();
  }
}

/** Behind the bar where there is room, else before it. */
function drawTime(
  context: CanvasRenderingContext2D,
  ink: Inks,
  area: Area,
  text: string,
  x: number,
  width: number,
  y: number,
  own: number,
): void {
  const right = area.labels + area.lane;
  if (x + width < area.labels || x > right) return;
  context.font = `11px ${ink.font}`;
  context.fillStyle = ink.muted;
  const room = text.length * 6 + 10;
  if (x + width + room < right + 8) return context.fillText(text, x + width + 8, y + ROW / 2);
  if (x - room > area.labels) return context.fillText(text, x - room + 4, y + ROW / 2);
  const end = Math.min(right, x + width);
  context.fillStyle = x + width * own > end - room ? ink.surface : ink.text;
  context.fillText(text, end - room + 6, y + ROW / 2);
}

/** A mark for each call; those too near to each other flow together. */
function drawMany(
  context: CanvasRenderingContext2D,
  colour: string,
  reading: Reading,
  members: Uint32Array,
  at: (ns: number) => number,
  y: number,
): void {
  const { trace } = reading;
  context.fillStyle = colour;
  context.globalAlpha = 0.75;
  let drawn = -Infinity;
  for (const call of members) {
    const x = at(trace.start[call] as number);
    const end = Math.max(x + 1, at((trace.start[call] as number) + (trace.duration[call] as number)));
    if (end <= drawn) continue;
    context.fillRect(Math.max(x, drawn), y + 6, end - Math.max(x, drawn), ROW - 12);
    drawn = end;
  }
  context.globalAlpha = 1;
}

export interface Hint {
  name: string;
  total: number;
  self: number;
  start: number;
  remarks: string[];
}

/** What is said under the pointer. */
export function hintAt(reading: Reading, row: number): Hint {
  const { trace, repeats } = reading;
  const call = callAt(reading.rows, repeats, row);
  const group = groupAt(reading.rows, row);
  if (group < 0) return hintOf(reading, call);
  const members = membersAt(repeats, group);
  const sum = (of: Float64Array) => members.reduce((all, at) => all + (of[at] as number), 0);
  return {
    name: pathOf(trace, call),
    total: sum(trace.duration),
    self: sum(trace.self),
    start: trace.start[call] as number,
    remarks: [`${counted(members.length, "call")} together`],
  };
}

export function hintOf(reading: Reading, call: number): Hint {
  const { trace } = reading;
  const outcome = outcomeOf(trace, call);
  return {
    name: pathOf(trace, call),
    total: trace.duration[call] as number,
    self: trace.self[call] as number,
    start: trace.start[call] as number,
    remarks: [...(outcome === "returned" ? [] : [outcome]), ...oddRemarks(reading, call)],
  };
}

/** Why a call's times do not fit its caller's, as sentences. */
export function oddRemarks(reading: Reading, call: number): string[] {
  const { trace } = reading;
  const odd = trace.odd[call] as number;
  const clocks = clockDistance(trace, call);
  const remarks: string[] = [];
  if (odd && clocks > 0)
    remarks.push(
      `Lies outside of its caller's time by ${duration(clocks)}: the clocks of the two services differ, or it went on.`,
    );
  else if (odd & ENDS_AFTER) remarks.push("It went on after its caller had ended.");
  else if (odd & STARTS_BEFORE) remarks.push("It began before its caller, by their clocks.");
  const marks = trace.marks[call] as number;
  if (marks & NOT_CAPTURED) remarks.push("What called it was not captured: there is a gap above it.");
  if (marks & LEFT_OUT) remarks.push("Calls between it and the one above are not part of this answer.");
  return remarks;
}
