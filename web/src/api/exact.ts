/** JSON as it was written: whole numbers beyond 2^53 become `bigint` instead of being rounded. */

/** A run of digits long enough that a double may not hold it. */
const LONG_NUMBER = /[0-9]{16}/;
const WHOLE = /^-?[0-9]+$/;

interface ReviverContext {
  source?: string;
}

/** Parses `text`; throws `SyntaxError` as `JSON.parse` does. */
export function parseExact(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  try {
    return JSON.parse(text, exactNumber as (key: string, value: unknown) => unknown);
  } catch (thrown) {
    // Too deep to be looked through: better rounded than not at all.
    if (thrown instanceof RangeError) return JSON.parse(text);
    throw thrown;
  }
}

function exactNumber(_key: string, value: unknown, context?: ReviverContext): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && WHOLE.test(source) ? BigInt(source) : value;
}

/** Written in place of what is nested more deeply than can be written. */
const TOO_DEEP = '"…"';

/** The inverse of [`parseExact`]. */
export function stringifyExact(value: unknown, indent?: number): string {
  const raw = (JSON as { rawJSON?: (text: string) => unknown }).rawJSON;
  try {
    const text = JSON.stringify(
      value,
      (_key, item: unknown) =>
        typeof item === "bigint" ? (raw?.(item.toString()) ?? item.toString()) : item,
      indent,
    );
    return text ?? "null";
  } catch (thrown) {
    if (thrown instanceof RangeError) return TOO_DEEP;
    throw thrown;
  }
}
