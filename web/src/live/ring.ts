/** The last so many of what comes in, and how much came: memory stays as it is, however long one looks. */

export class Ring<T> {
  #items: T[] = [];
  #next = 0;

  constructor(readonly most: number) {}

  push(item: T): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.most;
  }

  get length(): number {
    return this.#items.length;
  }

  /** The newest first. */
  newestFirst(): T[] {
    const older = this.#items.slice(this.#next);
    return [...older, ...this.#items.slice(0, this.#next)].reverse();
  }

  clear(): void {
    this.#items = [];
    this.#next = 0;
  }
}

/** How many there were each second, of late. */
export class PerSecond {
  #counts = new Map<number, number>();

  constructor(readonly seconds: number) {}

  add(many: number, nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + many);
    for (const old of this.#counts.keys()) if (old < second - this.seconds) this.#counts.delete(old);
  }

  /** The mean of the last whole seconds. */
  rate(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    let all = 0;
    for (const [at, many] of this.#counts) if (at < second && at >= second - this.seconds) all += many;
    return all / this.seconds;
  }
}
