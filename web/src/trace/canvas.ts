/** What the drawings share: inks of the page's tokens, a sharp canvas, a ruler of time. */
import { duration } from "../format/time";

const SERVICES = 8;

export interface Inks {
  text: string;
  muted: string;
  faint: string;
  line: string;
  surface: string;
  sunk: string;
  hover: string;
  selected: string;
  accent: string;
  focus: string;
  error: string;
  panic: string;
  warn: string;
  warnSoft: string;
  onBar: string;
  services: string[];
  font: string;
  mono: string;
}

export function inks(): Inks {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: token("--text"),
    muted: token("--text-muted"),
    faint: token("--text-faint"),
    line: token("--line"),
    surface: token("--surface"),
    sunk: token("--surface-sunk"),
    hover: token("--surface-hover"),
    selected: token("--surface-selected"),
    accent: token("--accent"),
    focus: token("--focus"),
    error: token("--error"),
    panic: token("--panic"),
    warn: token("--warn"),
    warnSoft: token("--warn-soft"),
    onBar: token("--on-accent"),
    services: Array.from({ length: SERVICES }, (_, at) => token(`--service-${at}`)),
    font: token("--font"),
    mono: token("--mono"),
  };
}

/** The colour of the service at this place among all; unknown ones are grey. */
export function serviceInk(ink: Inks, index: number): string {
  return ink.services[index < 0 ? SERVICES - 1 : index % SERVICES] ?? ink.muted;
}

/** Makes the canvas as large as it is shown, on any display; its context, cleared. */
export function sharp(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const scale = devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d");
  context?.setTransform(scale, 0, 0, scale, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** Round places in time, so many pixels apart at least. */
export function ticks(from: number, until: number, width: number, apart: number): number[] {
  const wanted = ((until - from) / Math.max(1, width)) * apart;
  if (!(wanted > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= wanted) ?? 10 * power;
  const all: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= until; at += step) all.push(at);
  return all;
}

/** Lines and times above a drawing. */
export function drawRuler(
  context: CanvasRenderingContext2D,
  ink: Inks,
  area: { left: number; width: number; head: number; height: number },
  span: readonly [number, number],
): void {
  const { left, width, head, height } = area;
  context.font = `11px ${ink.font}`;
  context.textBaseline = "middle";
  for (const at of ticks(span[0], span[1], width, 90)) {
    const x = Math.round(left + ((at - span[0]) / (span[1] - span[0])) * width) + 0.5;
    context.fillStyle = ink.line;
    context.fillRect(x - 0.5, 0, 1, height);
    context.fillStyle = ink.muted;
    if (x + 60 < left + width + 20) context.fillText(shortTime(at), x + 4, head / 2);
  }
}

/** Without digits that say nothing. */
export function shortTime(ns: number): string {
  const text = duration(ns);
  return text.replace(/^(\d+)\.0+ /, "$1 ").replace(/^(\d+\.\d*?)0+ /, "$1 ");
}

/** A text in a monospaced face cut to a width, where a character takes so much. */
export function cutText(text: string, width: number, character: number): string {
  const fits = Math.floor(width / character);
  if (text.length <= fits) return text;
  return fits > 1 ? `${text.slice(0, fits - 1)}…` : "";
}
