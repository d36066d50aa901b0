/** What this reader has chosen, kept in this browser. */
import { isText, load, store } from "./storage";

export type Bindings = "default" | "vim";

class Settings {
  bindings = $state<Bindings>(load("bindings", "default", isText) === "vim" ? "vim" : "default");
  /** How a place in the source is opened: `vscode://file/{root}/{file}:{line}`; empty where not at all. */
  editorLink = $state(load("editor-link", "", isText));
  /** The folder the paths of sources begin in, on the reader's machine. */
  sourceRoot = $state(load("source-root", "", isText));

  setBindings(bindings: Bindings): void {
    this.bindings = bindings;
    store("bindings", bindings);
  }

  setEditorLink(template: string): void {
    this.editorLink = template;
    store("editor-link", template);
  }

  setSourceRoot(root: string): void {
    this.sourceRoot = root;
    store("source-root", root);
  }
}

export const settings = new Settings();
