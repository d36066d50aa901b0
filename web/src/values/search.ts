/** Looking for a text within a value. */
import { isPlainObject } from "./compact";

/** Values looked at; larger ones are not looked through to their end. */
const MOST_LOOKED_AT = 20_000;

/** Whether a name or a value in it holds the text, in either case. */
export function holdsText(name: string | undefined, value: unknown, text: string): boolean {
  const wanted = text.toLowerCase();
  const left: unknown[] = [value];
  if (name?.toLowerCase().includes(wanted)) return true;
  for (let looked = 0; left.length > 0 && looked < MOST_LOOKED_AT; looked += 1) {
    const next = left.pop();
    if (Array.isArray(next)) left.push(...next.slice(0, MOST_LOOKED_AT));
    else if (isPlainObject(next)) {
      const entries = Object.entries(next);
      if (entries.some(([key]) => key.toLowerCase().includes(wanted))) return true;
      left.push(...entries.slice(0, MOST_LOOKED_AT).map(([, item]) => item));
    } else if (leafText(next).toLowerCase().includes(wanted)) return true;
  }
  return false;
}

export function leafText(value: unknown): string {
  return value === undefined ? "null" : String(value);
}
