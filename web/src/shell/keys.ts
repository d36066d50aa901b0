/** Keys: how they are told, and which command they mean. */

export interface KeyGroup {
  title: string;
  keys: { keys: string[]; does: string }[];
}

export const MAC = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);

/** `Mod-k` as it stands on the keyboard: `Ctrl`, `k`. */
export function shown(key: string): string[] {
  const names: Record<string, string> = {
    Mod: MAC ? "⌘" : "Ctrl",
    Escape: "Esc",
    ArrowUp: "↑",
    ArrowDown: "↓",
  };
  return key
    .split(" ")
    .flatMap((step) => step.split(/-(?=.)/))
    .map((part) => names[part] ?? part);
}

/** Keys that belong to what has the focus. */
export const PLACES: KeyGroup[] = [
  {
    title: "Statement",
    keys: [
      { keys: shown("Mod-Enter"), does: "run, or run what is selected" },
      { keys: shown("Shift-Alt-f"), does: "format" },
      { keys: shown("Mod-s"), does: "saved statements: keep this one" },
      { keys: shown("Alt-ArrowUp"), does: "earlier statement" },
      { keys: shown("Alt-ArrowDown"), does: "later statement" },
      { keys: ["Ctrl", "Space"], does: "complete" },
    ],
  },
  {
    title: "Table and tree",
    keys: [
      { keys: ["↑", "↓"], does: "move" },
      { keys: ["Enter"], does: "open the call, fold" },
      { keys: ["→", "←"], does: "unfold, fold" },
      { keys: ["Shift", "→"], does: "widen a column (on its head)" },
      { keys: ["t"], does: "trace the function (in the list)" },
    ],
  },
  {
    title: "Trace",
    keys: [
      { keys: ["/"], does: "search in it" },
      { keys: ["n", "N"], does: "next found, the one before" },
      { keys: ["x", "X"], does: "next that failed, the one before" },
      { keys: ["h", "H"], does: "next in another service, the one before" },
      { keys: ["c"], does: "critical path" },
      { keys: ["w", "s"], does: "zoom in, out (waterfall, flame)" },
      { keys: ["a", "d"], does: "earlier, later" },
      { keys: ["f", "0"], does: "fit to the call, show all" },
    ],
  },
];

/** Whether a key is meant as text where the focus is. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** A second key comes within this time of the first, or begins anew. */
const SEQUENCE_MS = 1_200;

/** Which of the keys (such as `g f`, `?`, `Mod-k`) an event is the end of. */
export class KeySequence {
  #first = "";
  #at = 0;

  constructor(readonly keys: readonly string[]) {}

  /** The key that is complete with this event; `null` where none is, also where one has begun. */
  push(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">, now: number): string | null {
    if (event.altKey || /^(Shift|Control|Meta)$/.test(event.key)) return null;
    const mod = event.ctrlKey || event.metaKey;
    const step = mod ? `Mod-${event.key.toLowerCase()}` : event.key;
    const first = now - this.#at < SEQUENCE_MS ? this.#first : "";
    this.#first = "";
    const whole = [`${first} ${step}`, step].find((key) => this.keys.includes(key));
    if (whole) return whole;
    if (this.keys.some((key) => key.startsWith(`${step} `))) [this.#first, this.#at] = [step, now];
    return null;
  }
}
