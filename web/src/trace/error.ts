import { isPlainObject } from "../values/compact";

/** The message of a captured error. */
export function errorText(error: unknown): string {
  if (typeof error === "string") return error;
  const message = isPlainObject(error) ? error["message"] : undefined;
  return typeof message === "string" ? message : "";
}

/** What a captured error tells beyond its message; `null` where that is nothing. */
export function besidesMessage(error: unknown): unknown {
  if (!errorText(error)) return error ?? null;
  if (!isPlainObject(error)) return null;
  const { message: _, ...rest } = error;
  return Object.keys(rest).length > 0 ? rest : null;
}
