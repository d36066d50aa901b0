/** For tests: traces drawn as lines of text. */
import type { TreeColumns } from "../api/types";
import { type Trace, traceOf } from "./model";

/** A time in these lines is so many nanoseconds. */
export const MS = 1_000_000;

/**
 * One line a call, its level as indent: `name start+duration`, then what else there is: `@service`, `!` an error, `*` asked for,
 * `?` not captured above. Times in milliseconds.
 */
export function columnsOf(text: string): TreeColumns {
  const lines = text.split("\n").filter((line) => line.trim());
  const indent = Math.min(...lines.map((line) => line.length - line.trimStart().length));
  const calls = lines.map((line) => {
    const [name = "", time = "0+0", ...rest] = line.trim().split(/\s+/);
    const [start = 0, length = 0] = time.split("+").map(Number);
    const service = rest.find((word) => word.startsWith("@"))?.slice(1) ?? "shop";
    const level = (line.length - line.trimStart().length - indent) / 2;
    return { name, start, length, service, level, rest };
  });
  const paths = [...new Set(calls.map((call) => call.name))];
  const services = [...new Set(calls.map((call) => call.service))];
  const letter = (rest: string[]) => (rest.includes("!") ? "e" : rest.includes("…") ? "u" : "r");
  return {
    started_at: "2026-11-20T10:00:00.000000000Z",
    traces: ["0".repeat(32)],
    functions: paths.map((path) => ({ function: path, file: "src/lib.rs", line: 1 })),
    instances: services.map((service) => ({ service, instance: `${service}-1`, class: "", release: "" })),
    threads: ["main"],
    call_ids: calls.map((_, at) => at.toString(16).padStart(16, "0")).join(""),
    level: calls.map((call) => call.level),
    trace: [],
    function: calls.map((call) => paths.indexOf(call.name)),
    instance: calls.map((call) => services.indexOf(call.service)),
    thread: calls.map(() => 0),
    start_after_ns: calls.map((call, at) => (call.start - (calls[at - 1]?.start ?? 0)) * MS),
    duration_ns: calls.map((call) => call.length * MS),
    outcomes: calls.map((call) => letter(call.rest)).join(""),
    marks: calls
      .map((call) => (call.rest.includes("*") ? 1 : 0) + (call.rest.includes("?") ? 2 : 0))
      .join(""),
    hidden_children: [],
    elapsed_ms: 0,
  };
}

export function drawnTrace(text: string): Trace {
  return traceOf(columnsOf(text));
}

/** A job with many calls: so many callers with so many calls each. */
export function largeTrace(callers: number, calls: number): Trace {
  const count = 1 + callers * (calls + 1);
  const level = [0];
  const after = [0];
  const duration = [count * 1000];
  for (let caller = 0; caller < callers; caller += 1) {
    for (let call = 0; call <= calls; call += 1) {
      level.push(call === 0 ? 1 : 2);
      after.push(call === 1 ? 0 : 1000);
      duration.push(call === 0 ? calls * 1000 : 900);
    }
  }
  return traceOf({
    ...columnsOf("run 0+1\nstep 0+1\nitem 0+1"),
    call_ids: Array.from({ length: count }, (_, at) => at.toString(16).padStart(16, "0")).join(""),
    level,
    function: level,
    instance: level.map(() => 0),
    thread: level.map(() => 0),
    start_after_ns: after,
    duration_ns: duration,
    outcomes: "r".repeat(count),
    marks: "0".repeat(count),
  });
}
