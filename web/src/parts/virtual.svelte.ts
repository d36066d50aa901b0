/** TanStack's virtualizer for rows of one height, as a rune. */
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualItem,
} from "@tanstack/virtual-core";
import { untrack } from "svelte";

export interface VirtualOptions {
  count: number;
  rowHeight: number;
  /** Pixels a sticky head covers at the top. */
  head: number;
}

const OVERSCAN = 12;

export class VirtualRows {
  items = $state.raw<VirtualItem[]>([]);
  height = $state(0);
  #virtualizer: Virtualizer<HTMLElement, Element>;

  constructor(element: () => HTMLElement | null, options: () => VirtualOptions) {
    this.#virtualizer = new Virtualizer(this.#options(element, options()));
    $effect(() => this.#virtualizer._didMount());
    $effect(() => {
      this.#virtualizer.setOptions(this.#options(element, options()));
      // The virtualizer calls back while it measures; what that reads must not run this effect again.
      untrack(() => {
        this.#virtualizer._willUpdate();
        this.#draw();
      });
    });
  }

  show(index: number): void {
    this.#virtualizer.scrollToIndex(index, { align: "auto" });
  }

  /** Rows that fit, for page up and page down. */
  page(rowHeight: number): number {
    return Math.max(1, Math.floor((this.#virtualizer.scrollRect?.height ?? 0) / rowHeight) - 2);
  }

  #draw(): void {
    this.items = this.#virtualizer.getVirtualItems();
    this.height = this.#virtualizer.getTotalSize();
  }

  #options(element: () => HTMLElement | null, { count, rowHeight, head }: VirtualOptions) {
    return {
      count,
      getScrollElement: element,
      estimateSize: () => rowHeight,
      overscan: OVERSCAN,
      paddingStart: head,
      scrollPaddingStart: head,
      scrollToFn: elementScroll,
      observeElementRect,
      observeElementOffset,
      onChange: () => this.#draw(),
    };
  }
}
