/** What is not whole of the calls a probe captured, and what its condition could not decide: only what there is. */
import type { Probe } from "../api/types";
import { brief, count, counted } from "../format/number";

export type Flaw = { text: string; title: string };

/** `12 cut`, `3 failed`, `5 printed`, `7 undecided`, each with what that means. */
export function flaws({ values, skipped }: Probe): Flaw[] {
  const calls = (many: number) => counted(many, "call");
  const first = values.printed_at ? ` First: ${values.printed_at}.` : "";
  const all: [number, string, string][] = [
    [
      values.truncated_calls,
      "cut",
      `In ${calls(values.truncated_calls)} a value was cut at a limit. CAPTURE says how much is captured.`,
    ],
    [
      values.failed_values,
      "failed",
      `In ${calls(values.failed_values)} a value could not be captured: its own code failed, panicked or did not end.`,
    ],
    [
      values.printed_values,
      "printed",
      `In ${calls(values.printed_values)} a value is the text of its Debug, in which redaction sees no fields.${first}`,
    ],
    [
      skipped.undecided,
      "undecided",
      `${count(skipped.undecided)} of the calls left out by the condition: it could not be decided, as what it asks for was withheld, cut or of another type.`,
    ],
  ];
  return all
    .filter(([many]) => many > 0)
    .map(([many, what, title]) => ({ text: `${brief(many)} ${what}`, title }));
}
