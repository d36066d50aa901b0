/** A value on one line, as coloured pieces, cut after so many characters. */
import { markOf } from "./marker";

export type PieceKind = "name" | "string" | "number" | "word" | "mark" | "plain";

export interface Piece {
  text: string;
  kind: PieceKind;
}

const PLAIN_NAME = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u;

/** The pieces of `value` with about `limit` characters of text. */
export function compact(value: unknown, limit: number): Piece[] {
  const line = new Line(limit);
  line.value(value);
  return line.pieces;
}

/** Arguments without braces: `sku: "A-1", quantity: 2`. A `self` that could not be captured says nothing. */
export function compactArguments(value: unknown, limit: number): Piece[] {
  const line = new Line(limit);
  if (isPlainObject(value) && !markOf(value)) line.fields(withoutEmptySelf(value));
  else line.value(value);
  return line.pieces;
}

function withoutEmptySelf(value: Record<string, unknown>): Record<string, unknown> {
  const { self, ...others } = value;
  return markOf(self) ? others : value;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

class Line {
  readonly pieces: Piece[] = [];
  #left: number;

  constructor(limit: number) {
    this.#left = limit;
  }

  value(value: unknown): void {
    const mark = markOf(value);
    if (mark) this.#add(mark.word, "mark");
    else if (Array.isArray(value)) this.#list(value);
    else if (isPlainObject(value)) this.#object(value);
    else this.#leaf(value);
  }

  fields(value: Record<string, unknown>): void {
    this.#sequence(Object.keys(value), (key) => {
      this.#add(PLAIN_NAME.test(key) ? key : JSON.stringify(key), "name");
      this.#add(": ", "plain");
      this.value(value[key]);
    });
  }

  #object(value: Record<string, unknown>): void {
    this.#add("{", "plain");
    this.fields(value);
    this.#add("}", "plain");
  }

  #list(value: unknown[]): void {
    this.#add("[", "plain");
    this.#sequence(value, (item) => this.value(item));
    this.#add("]", "plain");
  }

  #sequence<T>(items: T[], each: (item: T) => void): void {
    for (let index = 0; index < items.length; index += 1) {
      if (index > 0) this.#add(", ", "plain");
      if (this.#left <= 0) return;
      each(items[index] as T);
    }
  }

  #leaf(value: unknown): void {
    if (typeof value === "string") this.#add(quoted(value, this.#left), "string");
    else if (typeof value === "number" || typeof value === "bigint") this.#add(String(value), "number");
    else this.#add(value === undefined ? "null" : String(value), "word");
  }

  #add(text: string, kind: PieceKind): void {
    if (this.#left <= 0) return;
    const cut = text.length > this.#left;
    this.pieces.push({ text: cut ? `${text.slice(0, this.#left)}…` : text, kind });
    this.#left -= text.length;
  }
}

/** Quoting only as much of a long string as will be shown. */
function quoted(value: string, limit: number): string {
  return JSON.stringify(value.length > limit ? value.slice(0, limit + 1) : value);
}
