/** The page's keys, as they are told and as they are handled. */

export interface KeyGroup {
  title: string;
  keys: { keys: string[]; does: string }[];
}

const MOD = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

export const KEYS: KeyGroup[] = [
  {
    title: "Anywhere",
    keys: [
      { keys: ["?"], does: "this sheet" },
      { keys: ["e"], does: "write a statement" },
      { keys: ["/"], does: "search functions" },
      { keys: ["1"], does: "table" },
      { keys: ["2"], does: "chart" },
      { keys: ["l"], does: "live on or off" },
      { keys: ["b"], does: "functions and probes" },
      { keys: ["Esc"], does: "cancel, or back to the table" },
    ],
  },
  {
    title: "Statement",
    keys: [
      { keys: [MOD, "Enter"], does: "run" },
      { keys: ["Alt", "↑"], does: "earlier statement" },
      { keys: ["Alt", "↓"], does: "later statement" },
      { keys: [MOD, "Space"], does: "complete" },
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
];

/** Whether a key is meant as text where the focus is. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
