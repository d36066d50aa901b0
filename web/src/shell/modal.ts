import { ui } from "./ui.svelte";

/** What every dialog over the page does: open as long as it is there, it is closed by Escape and by a click beside it. */
export class Modal {
  #dialog: HTMLDialogElement | null = null;

  /** `closed` takes it away. */
  constructor(readonly closed: () => void) {}

  /** For `{@attach modal.open}`. */
  readonly open = (dialog: HTMLDialogElement): void => {
    this.#dialog = dialog;
    dialog.addEventListener("close", this.closed);
    dialog.addEventListener("cancel", this.shut);
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) this.shut();
    });
    dialog.showModal();
  };

  /** Closes at once, giving the focus back; the dialog's own word of it comes later than the next key may. */
  readonly shut = (): void => {
    this.#dialog?.close();
    // Chromium gives the focus back to what lies in a shadow root, but not the place where one was writing.
    if (document.activeElement?.shadowRoot) ui.focusEditor();
    this.closed();
  };
}
