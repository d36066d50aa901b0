/** Markers in captured values: an object with the single key `$glasshull` says that the value is not whole. */

const KEY = "$glasshull";

export interface Mark {
  /** What is drawn: `truncated`, `failed`, `redacted`, `opaque`, `skipped`. */
  word: string;
  /** What stands behind the colon, where anything does. */
  detail: string;
}

const MEANINGS: Record<string, string> = {
  truncated: "The value was cut here: it reached a limit.",
  failed: "The value could not be captured.",
  redacted: "The value was withheld by redaction.",
  opaque: "The type can neither be serialized nor printed.",
  skipped: "The argument is named in skip(..).",
};

export function markOf(value: unknown): Mark | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const keys = Object.keys(value);
  if (keys.length !== 1 || keys[0] !== KEY) return null;
  const text = (value as Record<string, unknown>)[KEY];
  return typeof text === "string" ? markIn(text) : null;
}

function markIn(text: string): Mark {
  const colon = text.indexOf(":");
  if (colon < 0) return { word: text, detail: "" };
  return { word: text.slice(0, colon), detail: text.slice(colon + 1).trim() };
}

/** A sentence for those who wonder. */
export function meaning(mark: Mark): string {
  const known = MEANINGS[mark.word] ?? "The value is not whole.";
  return mark.detail ? `${known} ${mark.detail}` : known;
}
