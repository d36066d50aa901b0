/** Rows of one height in a scroller: which of them are in sight. Any number of them costs the same. */

const OVERSCAN = 10;

export interface FixedOptions {
  count: number;
  rowHeight: number;
  /** Pixels a sticky head covers at the top. */
  head: number;
}

export class FixedRows {
  /** Pixels scrolled, and pixels in sight. */
  top = $state(0);
  sight = $state(0);
  readonly #element: () => HTMLElement | null;
  readonly #options: () => FixedOptions;

  /** The first row that is drawn, and the one after the last. */
  readonly first = $derived.by(() => {
    const { rowHeight, count } = this.#options();
    return Math.max(0, Math.min(count, Math.floor(this.top / rowHeight)) - OVERSCAN);
  });
  readonly last = $derived.by(() => {
    const { rowHeight, count } = this.#options();
    return Math.min(count, Math.ceil((this.top + this.sight) / rowHeight) + OVERSCAN);
  });
  readonly height = $derived.by(() => {
    const { rowHeight, count, head } = this.#options();
    return head + rowHeight * count;
  });
  readonly rows = $derived(
    Array.from({ length: Math.max(0, this.last - this.first) }, (_, at) => this.first + at),
  );

  constructor(element: () => HTMLElement | null, options: () => FixedOptions) {
    this.#element = element;
    this.#options = options;
    $effect(() => this.#observe(element()));
  }

  #observe(element: HTMLElement | null): (() => void) | undefined {
    if (!element) return undefined;
    const scrolled = () => (this.top = element.scrollTop);
    const sized = new ResizeObserver(() => {
      this.sight = element.clientHeight;
      scrolled();
    });
    sized.observe(element);
    element.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      sized.disconnect();
      element.removeEventListener("scroll", scrolled);
    };
  }

  /** Scrolls as little as is needed for a row to be in sight. */
  show(row: number): void {
    const element = this.#element();
    if (!element) return;
    const { rowHeight, head } = this.#options();
    const [from, until] = [row * rowHeight, (row + 1) * rowHeight + head];
    if (from < element.scrollTop) element.scrollTop = from;
    else if (until > element.scrollTop + element.clientHeight)
      element.scrollTop = until - element.clientHeight;
  }

  /** Scrolls so that a row stands in the middle, where it is not in sight. */
  reveal(row: number): void {
    const element = this.#element();
    if (!element) return;
    const { rowHeight, head } = this.#options();
    const top = row * rowHeight;
    if (top >= element.scrollTop && top + rowHeight + head <= element.scrollTop + element.clientHeight)
      return;
    element.scrollTop = top - (element.clientHeight - head - rowHeight) / 2;
  }

  /** Rows that fit, for page up and page down. */
  page(): number {
    return Math.max(1, Math.floor(this.sight / this.#options().rowHeight) - 2);
  }
}
