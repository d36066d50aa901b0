/** What of the page is open besides the view itself; no part of the address. */
import { isNumber, load, store } from "../state/storage";

/** Below this the sidebar lies over the answer. */
const NARROW = 900;

class Ui {
  sidebar = $state(innerWidth > NARROW);
  sidebarWidth = $state(load("sidebar", 300, isNumber));
  help = $state(false);
  palette = $state(false);
  settings = $state(false);
  /** Set by the editor and the sidebar while they are there. */
  focusEditor: () => void = () => undefined;
  focusSearch: () => void = () => undefined;

  /** Whether something lies over the page and has the keys. */
  get covered(): boolean {
    return this.help || this.palette || this.settings;
  }

  setSidebarWidth(width: number): void {
    this.sidebarWidth = width;
    store("sidebar", width);
  }
}

export const ui = new Ui();
