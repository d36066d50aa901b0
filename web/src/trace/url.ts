/** How a trace is looked at, as part of the address. */

export type Form = "tree" | "waterfall" | "flame" | "text";
export type Panel = "call" | "functions" | "compare" | "reproduce";
export type FlameOrder = "time" | "merged";

export interface TraceView {
  form: Form;
  panel: Panel;
  /** What is searched for within the trace. */
  find: string;
  regex: boolean;
  /** Only what is found is shown. */
  only: boolean;
  critical: boolean;
  flame: FlameOrder;
  /** The call the chosen one is compared with. */
  against: string | null;
  /** The stretch of time that is shown, in nanoseconds from the trace's start; all of it where it is `null`. */
  span: readonly [from: number, until: number] | null;
}

export const TRACE_START: TraceView = {
  form: "tree",
  panel: "call",
  find: "",
  regex: false,
  only: false,
  critical: false,
  flame: "time",
  against: null,
  span: null,
};

const FORMS: readonly Form[] = ["tree", "waterfall", "flame", "text"];
const PANELS: readonly Panel[] = ["call", "functions", "compare", "reproduce"];

/** Adds what differs from the start. */
export function writeTraceView(view: TraceView, set: (key: string, value: string | null) => void): void {
  set("form", view.form === "tree" ? null : view.form);
  set("panel", view.panel === "call" ? null : view.panel);
  set("seek", view.find);
  set("how", (view.regex ? "r" : "") + (view.only ? "o" : ""));
  set("critical", view.critical ? "1" : null);
  set("flame", view.flame === "time" ? null : view.flame);
  set("against", view.against);
  set("span", view.span && view.span.map(Math.round).join("-"));
}

/** The inverse; whatever cannot be understood is as at the start. */
export function readTraceView(parameters: URLSearchParams): TraceView {
  const how = parameters.get("how") ?? "";
  return {
    form: FORMS.find((form) => form === parameters.get("form")) ?? "tree",
    panel: PANELS.find((panel) => panel === parameters.get("panel")) ?? "call",
    find: parameters.get("seek") ?? "",
    regex: how.includes("r"),
    only: how.includes("o"),
    critical: parameters.get("critical") === "1",
    flame: parameters.get("flame") === "merged" ? "merged" : "time",
    against: parameters.get("against"),
    span: spanIn(parameters.get("span")),
  };
}

function spanIn(text: string | null): TraceView["span"] {
  const [from, until] = (/^(\d{1,18})-(\d{1,18})$/.exec(text ?? "") ?? []).slice(1).map(Number);
  return from !== undefined && until !== undefined && from < until ? [from, until] : null;
}
