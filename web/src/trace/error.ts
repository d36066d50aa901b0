import { isPlainObject } from "../values/compact";

/** The message of a captured error. */
export function errorText(error: unknown): string {
  if (typeof error === "string") return error;
  const message = isPlainObject(error) ? error["message"] : undefined;
  return typeof message === "string" ? message : "";
}
