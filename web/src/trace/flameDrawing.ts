/** Draws the flame graph: boxes on lines, the outermost on top. */
import { cutText, drawRuler, type Inks, serviceInk } from "./canvas";
import type { Lines, Merged } from "./flame";
import { hasFailed, instanceOf, isRunning, outcomeOf, shortPath, type Trace } from "./model";
import type { Reading } from "./reading.svelte";

export const LINE = 20;
export const HEAD = 24;
const CHARACTER = 6.7;
/** Narrower boxes have no name. */
const NAMED = 26;

/** What a drawing of boxes needs to know of them. */
export interface Boxes {
  lines: Lines;
  from: (box: number) => number;
  until: (box: number) => number;
  look: (box: number) => Look;
}

export interface Look {
  name: string;
  /** Place of the service among all. */
  service: number;
  /** Neighbours that differ in this are told apart. */
  shade: number;
  failed: boolean;
  panicked: boolean;
  running: boolean;
  chosen: boolean;
  found: boolean;
  critical: boolean;
}

export interface FlameArea {
  width: number;
  height: number;
  top: number;
  span: readonly [number, number];
  hovered: number;
  /** Whether the span is time since the trace's start. */
  ruler: boolean;
}

export function timeBoxes(reading: Reading, lines: Lines, service: (name: string) => number): Boxes {
  const { trace } = reading;
  return {
    lines,
    from: (call) => trace.start[call] as number,
    until: (call) => (trace.start[call] as number) + (trace.duration[call] as number),
    look: (call) => ({
      ...plainLook(trace, call, service),
      failed: hasFailed(trace, call),
      panicked: outcomeOf(trace, call) === "panicked",
      running: isRunning(trace, call),
      chosen: call === reading.selected,
      found: reading.isFound(call),
      critical: reading.view.critical && (reading.critical.time[call] as number) > 0,
    }),
  };
}

export function mergedBoxes(reading: Reading, merged: Merged, service: (name: string) => number): Boxes {
  const { trace } = reading;
  const chosen = merged.of[reading.selected];
  return {
    lines: merged,
    from: (box) => merged.left[box] as number,
    until: (box) => (merged.left[box] as number) + (merged.total[box] as number),
    look: (box) => {
      const call = merged.slowest[box] as number;
      const count = merged.calls[box] as number;
      const look = plainLook(trace, call, service);
      return {
        ...look,
        name: count > 1 ? `${look.name} × ${count.toLocaleString("en")}` : look.name,
        failed: (merged.errors[box] as number) > 0,
        panicked: false,
        running: false,
        chosen: box === chosen,
        found: reading.isFound(call),
        critical: false,
      };
    },
  };
}

function plainLook(
  trace: Trace,
  call: number,
  service: (name: string) => number,
): Pick<Look, "name" | "service" | "shade"> {
  const path = trace.path[call] as number;
  return {
    name: shortPath(trace.paths[path] ?? ""),
    service: service(instanceOf(trace, call)?.service ?? ""),
    shade: path % 3,
  };
}

export function drawFlame(context: CanvasRenderingContext2D, ink: Inks, boxes: Boxes, area: FlameArea): void {
  const first = Math.max(0, Math.floor(area.top / LINE));
  const last = Math.min(boxes.lines.count, first + Math.ceil(area.height / LINE) + 1);
  for (let line = first; line < last; line += 1)
    drawLine(context, ink, boxes, area, line, HEAD + line * LINE - area.top);
  context.fillStyle = ink.sunk;
  context.fillRect(0, 0, area.width, HEAD);
  if (area.ruler)
    drawRuler(context, ink, { left: 0, width: area.width, head: HEAD, height: HEAD }, area.span);
  context.fillStyle = ink.line;
  context.fillRect(0, HEAD - 1, area.width, 1);
}

function drawLine(
  context: CanvasRenderingContext2D,
  ink: Inks,
  boxes: Boxes,
  area: FlameArea,
  line: number,
  y: number,
): void {
  const { lines } = boxes;
  const [from, until] = area.span;
  const scale = area.width / (until - from);
  const end = lines.begins[line + 1] as number;
  let drawn = -1;
  for (let at = firstFrom(boxes, line, from); at < end; at += 1) {
    const box = lines.boxes[at] as number;
    const start = boxes.from(box);
    if (start > until) break;
    const x = Math.max(-2, (start - from) * scale);
    const right = Math.min(area.width + 2, (boxes.until(box) - from) * scale);
    // What lies within a pixel that is drawn already would only be drawn over it.
    if (right < drawn + 0.5 && right - x < 0.5) continue;
    drawBox(context, ink, boxes.look(box), {
      x,
      y,
      width: Math.max(0.75, right - x - 0.5),
      hovered: box === area.hovered,
    });
    drawn = Math.max(drawn, right);
  }
}

/** The first box of a line that may reach into what is shown. */
function firstFrom({ lines, from }: Boxes, line: number, time: number): number {
  let [low, high] = [lines.begins[line] as number, lines.begins[line + 1] as number];
  const begin = low;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (from(lines.boxes[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return Math.max(begin, low - 1);
}

interface Place {
  x: number;
  y: number;
  width: number;
  hovered: boolean;
}

const SHADES = [0.3, 0.42, 0.22];

function drawBox(
  context: CanvasRenderingContext2D,
  ink: Inks,
  look: Look,
  { x, y, width, hovered }: Place,
): void {
  const high = LINE - 1;
  const colour = look.failed ? (look.panicked ? ink.panic : ink.error) : serviceInk(ink, look.service);
  context.fillStyle = look.found ? ink.warn : colour;
  context.globalAlpha = look.found ? 0.5 : hovered ? 0.6 : (SHADES[look.shade] ?? 0.3);
  if (width < 3) context.globalAlpha = Math.min(1, context.globalAlpha + 0.35);
  context.fillRect(x, y, width, high);
  context.globalAlpha = 1;
  if (width >= 3) {
    context.fillStyle = colour;
    context.fillRect(x, y, 2, high);
  }
  if (look.critical) {
    context.fillStyle = ink.warn;
    context.fillRect(x, y + high - 3, width, 3);
  }
  if (look.chosen) {
    context.strokeStyle = ink.focus;
    context.lineWidth = 2;
    context.strokeRect(x + 1, y + 1, Math.max(1, width - 2), high - 2);
  }
  if (width > NAMED) drawName(context, ink, look, x, y, width);
}

function drawName(
  context: CanvasRenderingContext2D,
  ink: Inks,
  look: Look,
  x: number,
  y: number,
  width: number,
): void {
  // A box that begins left of what is shown has its name where it can be read.
  const left = Math.max(x, 0) + 6;
  const sign = look.failed ? (look.panicked ? "✕ " : "▲ ") : look.running ? "◐ " : "";
  const text = cutText(sign + look.name, x + width - left - 4, CHARACTER);
  if (!text) return;
  context.font = `11px ${ink.mono}`;
  context.textBaseline = "middle";
  context.fillStyle = ink.text;
  context.fillText(text, left, y + LINE / 2);
}
