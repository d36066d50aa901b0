/** Tabs over a reload: they are this browser tab's own, and gone with it. */

const STORAGE = "glasshull.tabs";

export interface KeptTabs {
  /** The view's fragment, and what stands in its editor. */
  tabs: { view: string; text: string }[];
  seen: number;
}

function isKept(value: unknown): value is KeptTabs {
  if (typeof value !== "object" || value === null || !("tabs" in value) || !("seen" in value)) return false;
  const { tabs, seen } = value;
  const isTab = (tab: unknown): boolean =>
    typeof tab === "object" &&
    tab !== null &&
    typeof (tab as { view?: unknown }).view === "string" &&
    typeof (tab as { text?: unknown }).text === "string";
  return Array.isArray(tabs) && tabs.length > 0 && tabs.every(isTab) && Number.isInteger(seen);
}

export const keptTabs = {
  /** What was kept; `null` where there was one tab only, or storage is forbidden. */
  load(): KeptTabs | null {
    try {
      const value: unknown = JSON.parse(sessionStorage.getItem(STORAGE) ?? "null");
      return isKept(value) && value.tabs.length > 1 ? value : null;
    } catch {
      return null;
    }
  },

  save(kept: KeptTabs): void {
    try {
      sessionStorage.setItem(STORAGE, JSON.stringify(kept));
    } catch {
      // Full or forbidden: a reload brings one tab back.
    }
  },
};
