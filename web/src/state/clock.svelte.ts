/** The time now, twice a second, on the hub's clock: time left must not depend on how wrong this machine's clock is. */

const TICK_MS = 500;

class Clock {
  #now = $state(Date.now());
  /** The hub's clock minus this machine's, in milliseconds. */
  #skew = $state(0);
  readonly now = $derived(this.#now + this.#skew);
  /** This machine's own clock. */
  readonly local = $derived(this.#now);

  constructor() {
    setInterval(() => (this.#now = Date.now()), TICK_MS);
  }

  /** The hub said it was this time just now. */
  set(hubTime: string): void {
    const skew = Date.parse(hubTime) - Date.now();
    // Small differences are the way of the message, not the clock.
    if (Number.isFinite(skew)) this.#skew = Math.abs(skew) < 1_500 ? 0 : skew;
  }
}

export const clock = new Clock();
