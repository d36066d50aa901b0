/** Light, dark, or as the system says. */
import { isText, load, store } from "./storage";

export type Theme = "system" | "light" | "dark";

const systemDark = matchMedia("(prefers-color-scheme: dark)");

class ThemeChoice {
  choice = $state<Theme>(load("theme", "system", isText) as Theme);
  #systemDark = $state(systemDark.matches);
  readonly dark = $derived(this.choice === "system" ? this.#systemDark : this.choice === "dark");

  constructor() {
    systemDark.addEventListener("change", (event) => {
      this.#systemDark = event.matches;
      this.apply();
    });
    this.apply();
  }

  toggle(): void {
    const wanted: Theme = this.dark ? "light" : "dark";
    this.choose(wanted === (this.#systemDark ? "dark" : "light") ? "system" : wanted);
  }

  choose(choice: Theme): void {
    this.choice = choice;
    store("theme", choice);
    this.apply();
  }

  apply(): void {
    document.documentElement.dataset["theme"] = this.dark ? "dark" : "light";
  }
}

export const theme = new ThemeChoice();
