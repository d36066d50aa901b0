/** The browser's local storage, for what is this reader's own (history, theme, widths) and no part of a shared view. */

const PREFIX = "glasshull.";

export function load<T>(key: string, fallback: T, fits: (value: unknown) => value is T): T {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(PREFIX + key) ?? "null");
    return fits(value) ? value : fallback;
  } catch {
    return fallback;
  }
}

/** Storing is best effort: a full or forbidden storage must not disturb the page. */
export function store(key: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // Kept for this page's life only.
  }
}

export const isText = (value: unknown): value is string => typeof value === "string";
export const isNumber = (value: unknown): value is number => typeof value === "number";
export const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
