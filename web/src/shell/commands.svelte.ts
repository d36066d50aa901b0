/** What the page can be told to do by a key or from the palette. The sheet of keys is made of the same list. */
import { tick } from "svelte";
import { format } from "../language/format";
import { session, tabs } from "../state/session.svelte";
import { theme } from "../state/theme.svelte";
import { ROOMS } from "./rooms";
import { ui } from "./ui.svelte";

export interface Command {
  id: string;
  does: string;
  /** Keys that do it: one, or two after each other (`g f`); `Mod-` is Ctrl, or Cmd on a Mac. */
  key?: string;
  run: () => void;
  /** Where it can be done; everywhere where this is silent. */
  when?: () => boolean;
}

const exploring = () => session.url.room === "explore";
const several = () => exploring() && tabs.all.length > 1;
const hasRows = () => exploring() && session.rows !== null;

/** Goes to where statements are written, and does something there once it is shown. */
function exploreAnd(then: () => void): void {
  session.enter("explore");
  setTimeout(then);
}

const GO: Command[] = ROOMS.map(({ room, word, key, about }) => ({
  id: `go-${room}`,
  does: `${word}: ${about}`,
  key: `g ${key}`,
  run: () => session.enter(room),
}));

const TABS: Command[] = [
  {
    id: "tab-new",
    does: "a new tab",
    key: "g n",
    when: () => exploring() && !tabs.isFull,
    run: () => tabs.open(),
  },
  { id: "tab-next", does: "the next tab", key: "g t", when: () => several(), run: () => tabs.next() },
  {
    id: "tab-close",
    does: "close this tab",
    key: "g x",
    when: () => several(),
    run: () => tabs.close(tabs.seen),
  },
];

const ACT: Command[] = [
  { id: "palette", does: "find anything, do anything", key: "Mod-k", run: () => (ui.palette = true) },
  { id: "help", does: "keys and statements", key: "?", run: () => (ui.help = true) },
  { id: "write", does: "write a statement", key: "e", run: () => exploreAnd(() => ui.focusEditor()) },
  {
    id: "search",
    does: "search functions, or what a room lists",
    key: "/",
    run: () => {
      // At once where it can be: the next key may already be meant for it.
      if (ui.sidebar || !exploring()) return ui.focusSearch();
      ui.sidebar = true;
      void tick().then(() => ui.focusSearch());
    },
  },
  {
    id: "table",
    does: "the answer as a table",
    key: "1",
    when: hasRows,
    run: () => session.change({ view: "table", call: null }, "push"),
  },
  {
    id: "chart",
    does: "the answer as a chart",
    key: "2",
    when: hasRows,
    run: () => session.change({ view: "chart", call: null }, "push"),
  },
  {
    id: "profile",
    does: "where the time of these calls goes, by function",
    key: "3",
    when: hasRows,
    run: () => session.change({ view: "profile", call: null }, "push"),
  },
  {
    id: "compare",
    does: "two sides of these calls compared",
    key: "4",
    when: hasRows,
    run: () => session.change({ view: "compare", call: null }, "push"),
  },
  {
    id: "live",
    does: "ask again all the time, or not",
    key: "l",
    when: hasRows,
    run: () => session.setLive(!session.url.live),
  },
  {
    id: "sidebar",
    does: "functions and probes beside the answer",
    key: "b",
    when: exploring,
    run: () => (ui.sidebar = !ui.sidebar),
  },
  {
    id: "settings",
    does: "settings: colours, keys, links into your editor",
    key: "Mod-,",
    run: () => (ui.settings = true),
  },
  {
    id: "fix",
    does: "change the statement to what was meant",
    key: "Mod-.",
    when: () => exploring() && !!session.failure?.fix && session.failureIsHere,
    run: () => session.applyFix(),
  },
  {
    id: "format",
    does: "format the statement (Shift Alt F)",
    when: exploring,
    run: () => session.type(format(session.text)),
  },
  { id: "theme", does: "light or dark colours", run: () => theme.toggle() },
  {
    id: "copy-address",
    does: "copy the address of this view",
    run: () => void navigator.clipboard.writeText(location.href),
  },
  { id: "untrace-all", does: "stop all probes", run: () => void session.command("UNTRACE ALL") },
];

export const COMMANDS: readonly Command[] = [...ACT, ...GO, ...TABS];

export function isPossible({ when }: Command): boolean {
  return when?.() ?? true;
}
