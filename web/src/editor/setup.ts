/** CodeMirror, set up for statements. It lives in a shadow root, where its styles are constructed sheets, not inline. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, isolateHistory } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { Compartment, EditorState, type Extension, Prec } from "@codemirror/state";
import { drawSelection, EditorView, keymap, placeholder } from "@codemirror/view";
import { complete, type Known, type MembersOf } from "../language/completion";
import { statementLanguage } from "../language/dialect";
import type { Bindings } from "../state/settings.svelte";
import { failureMark } from "./failure-mark";
import { hoverDocs } from "./hover";

export interface EditorActions {
  /** Runs the statement, or what is selected of it, which begins at this place. */
  run: (part: { text: string; from: number } | null) => void;
  format: () => void;
  save: () => void;
  cancel: () => boolean;
  changed: (text: string) => void;
  older: () => boolean;
  newer: () => boolean;
  known: () => Known;
  membersOf: MembersOf;
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
  ".cm-tooltip.cm-tooltip-hover": { fontFamily: "var(--font)", fontSize: "12px", lineHeight: "17px" },
  ".cm-doc": { display: "grid", gap: "5px", maxWidth: "460px", padding: "8px 12px" },
  ".cm-doc p": { margin: "0" },
  ".cm-doc-head": { display: "flex", gap: "8px", alignItems: "baseline" },
  ".cm-doc-head strong": { fontFamily: "var(--mono)", overflowWrap: "anywhere" },
  ".cm-doc-kind": { color: "var(--text-muted)", whiteSpace: "nowrap" },
  ".cm-doc code": {
    fontFamily: "var(--mono)",
    color: "var(--text-muted)",
    whiteSpace: "pre-wrap",
    overflowWrap: "anywhere",
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

/** What is selected, where it is more than blanks. */
export function selected({ state }: EditorView): { text: string; from: number } | null {
  const { from, to } = state.selection.main;
  const text = state.sliceDoc(from, to);
  return text.trim() ? { text, from } : null;
}

function keys(actions: EditorActions): Extension {
  const run = (view: EditorView) => {
    closeCompletion(view);
    actions.run(selected(view));
    return true;
  };
  const act = (action: () => void) => () => {
    action();
    return true;
  };
  return [
    Prec.highest(
      keymap.of([
        { key: "Mod-Enter", run, preventDefault: true },
        { key: "Shift-Alt-f", run: act(actions.format), preventDefault: true },
        { key: "Mod-s", run: act(actions.save), preventDefault: true },
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

/** The editor, and what it is like with another text that has no history yet. */
export interface MadeEditor {
  view: EditorView;
  fresh: (text: string) => EditorState;
}

export function createEditor(root: ShadowRoot, text: string, actions: EditorActions): MadeEditor {
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
    autocompletion({
      override: [(context) => complete(context, actions.known(), actions.membersOf)],
      icons: false,
    }),
    statementLanguage,
    hoverDocs(actions.known),
    failureMark,
    look,
    EditorView.contentAttributes.of({ "aria-label": "Statement", spellcheck: "false" }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) actions.changed(update.state.doc.toString());
    }),
  ];
  const fresh = (doc: string) => EditorState.create({ doc, extensions });
  return { view: new EditorView({ root, parent: root, state: fresh(text) }), fresh };
}

export function setText(view: EditorView, text: string): void {
  if (view.state.doc.toString() === text) return;
  view.dispatch({
    changes: { from: 0, to: view.state.doc.length, insert: text },
    selection: { anchor: text.length },
    // To be undone for itself, not together with what was typed before.
    annotations: isolateHistory.of("full"),
  });
}
