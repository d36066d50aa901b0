/** CodeMirror, set up for statements. It lives in a shadow root, where its styles are constructed sheets, not inline. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { Compartment, EditorState, type Extension, Prec } from "@codemirror/state";
import { drawSelection, EditorView, keymap, placeholder } from "@codemirror/view";
import { complete, type Known } from "../language/completion";
import { statementLanguage } from "../language/dialect";
import type { Bindings } from "../state/settings.svelte";
import { failureMark } from "./failure-mark";

export interface EditorActions {
  run: () => void;
  cancel: () => boolean;
  changed: (text: string) => void;
  older: () => boolean;
  newer: () => boolean;
  known: () => Known;
}

const look = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "transparent", fontSize: "13px", maxHeight: "40vh" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: "var(--mono)",
    fontVariantLigatures: "none",
    lineHeight: "20px",
    overflow: "auto",
  },
  ".cm-content": { padding: "10px 0", caretColor: "var(--text)", minHeight: "60px" },
  ".cm-line": { padding: "0 12px" },
  ".cm-cursor": { borderLeftColor: "var(--text)", borderLeftWidth: "1.5px" },
  ".cm-placeholder": { color: "var(--text-faint)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--accent) 24%, transparent)",
  },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": {
    backgroundColor: "var(--accent-soft)",
    outline: "none",
  },
  ".cm-failure": {
    textDecoration: "underline wavy var(--error) 1.25px",
    textUnderlineOffset: "3px",
    textDecorationSkipInk: "none",
    backgroundColor: "var(--error-soft)",
  },
  ".cm-tooltip": {
    border: "1px solid var(--line-strong)",
    borderRadius: "6px",
    backgroundColor: "var(--surface-raised)",
    color: "var(--text)",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--mono)",
    fontSize: "12px",
    maxHeight: "260px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 10px 3px 6px", lineHeight: "18px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--surface-selected)",
    color: "var(--text)",
  },
  ".cm-vim-panel, .cm-panels": {
    backgroundColor: "var(--surface-sunk)",
    color: "var(--text-muted)",
    fontFamily: "var(--mono)",
    fontSize: "12px",
  },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-vim-panel input": { color: "var(--text)" },
  ".cm-completionMatchedText": { textDecoration: "none", color: "var(--accent)", fontWeight: "600" },
  ".cm-completionDetail": { color: "var(--text-faint)", fontStyle: "normal", marginLeft: "12px" },
  ".cm-completionIcon": { color: "var(--text-faint)", opacity: "1" },
  ".cm-tooltip.cm-completionInfo": {
    padding: "8px 12px",
    maxWidth: "340px",
    fontSize: "12px",
    lineHeight: "17px",
    whiteSpace: "pre-wrap",
  },
});

function keys(actions: EditorActions): Extension {
  const run = (view: EditorView) => {
    closeCompletion(view);
    actions.run();
    return true;
  };
  return [
    Prec.highest(
      keymap.of([
        { key: "Mod-Enter", run, preventDefault: true },
        { key: "Alt-ArrowUp", run: actions.older },
        { key: "Alt-ArrowDown", run: actions.newer },
      ]),
    ),
    keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
    Prec.lowest(keymap.of([{ key: "Escape", run: actions.cancel }])),
  ];
}

/** Bindings go before all other keys. */
const bindings = new Compartment();

/** Changes how keys are read. Vim's are loaded when they are chosen; `:w` runs the statement. */
export async function useBindings(view: EditorView, which: Bindings, run: () => void): Promise<void> {
  if (which === "default") return view.dispatch({ effects: bindings.reconfigure([]) });
  const { vim, Vim } = await import("@replit/codemirror-vim");
  Vim.defineEx("write", "w", run);
  view.dispatch({ effects: bindings.reconfigure(vim({ status: true })) });
}

export function createEditor(root: ShadowRoot, text: string, actions: EditorActions): EditorView {
  const extensions: Extension[] = [
    bindings.of([]),
    keys(actions),
    history(),
    drawSelection(),
    bracketMatching(),
    closeBrackets(),
    EditorView.lineWrapping,
    placeholder(
      "SELECT …   TRACE pricing::* ON class=blue FOR 60s   FIND 'ORD-12345'   SHOW FUNCTIONS   TREE …",
    ),
    autocompletion({ override: [(context) => complete(context, actions.known())], icons: false }),
    statementLanguage,
    failureMark,
    look,
    EditorView.contentAttributes.of({ "aria-label": "Statement", spellcheck: "false" }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) actions.changed(update.state.doc.toString());
    }),
  ];
  return new EditorView({ root, parent: root, state: EditorState.create({ doc: text, extensions }) });
}

export function setText(view: EditorView, text: string): void {
  if (view.state.doc.toString() === text) return;
  view.dispatch({
    changes: { from: 0, to: view.state.doc.length, insert: text },
    selection: { anchor: text.length },
  });
}
