/** Statements with names. They are kept in this browser until there are accounts; the address of a view is what one sends. */
import { load, store } from "./storage";

export interface Saved {
  name: string;
  statement: string;
  /** The address's fragment: what was shown of the answer. */
  view: string;
}

/** More than anybody looks through. */
const MAX_SAVED = 200;
/** Longer ones are not kept: local storage holds some MB for all. */
const MAX_CHARACTERS = 16_384;
const MAX_NAME = 80;

const isSaved = (value: unknown): value is Saved =>
  typeof value === "object" &&
  value !== null &&
  ["name", "statement", "view"].every((key) => typeof (value as Record<string, unknown>)[key] === "string");
const areSaved = (value: unknown): value is Saved[] => Array.isArray(value) && value.every(isSaved);

class SavedStatements {
  all = $state.raw<Saved[]>(load("saved", [], areSaved));

  /** Keeps a statement under a name, in place of the one that had it; whether it could be kept. */
  add(saved: Saved): boolean {
    const name = saved.name.trim().slice(0, MAX_NAME);
    if (!name || saved.statement.length + saved.view.length > MAX_CHARACTERS) return false;
    const others = this.all.filter((other) => other.name !== name);
    if (others.length >= MAX_SAVED) return false;
    this.#set([{ ...saved, name }, ...others].sort((a, b) => a.name.localeCompare(b.name)));
    return true;
  }

  remove(name: string): void {
    this.#set(this.all.filter((other) => other.name !== name));
  }

  named(name: string): Saved | undefined {
    return this.all.find((saved) => saved.name === name.trim());
  }

  #set(all: Saved[]): void {
    this.all = all;
    store("saved", all);
  }
}

export const saved = new SavedStatements();
