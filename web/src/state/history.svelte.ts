/** Statements that were run, the newest first, surviving reload. */
import { isText, isTexts, load, store } from "./storage";

/** So many are kept: enough for weeks, little enough to look through. */
const MAX_STATEMENTS = 200;
/** Longer ones are not kept: local storage holds some MB for all. */
const MAX_CHARACTERS = 16_384;

class History {
  statements = $state.raw<string[]>(load("history", [], isTexts));

  add(statement: string): void {
    const text = statement.trim();
    if (!text || text.length > MAX_CHARACTERS) return;
    this.statements = [text, ...this.statements.filter((other) => other !== text)].slice(0, MAX_STATEMENTS);
    store("history", this.statements);
  }

  clear(): void {
    this.statements = [];
    store("history", []);
  }
}

export const history = new History();

/** What stands in the editor, run or not. */
export const draft = {
  load: (): string => load("draft", "", isText),
  save: (text: string): void => store("draft", text.length > MAX_CHARACTERS ? "" : text),
};
