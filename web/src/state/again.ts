/**
 * Asks again and again while somebody looks, `pause` milliseconds after each answer that took so many; not while the page
 * is hidden. What is returned ends it.
 */
export function askAgain(ask: () => Promise<void>, pause: (tookMs: number) => number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  async function next(): Promise<void> {
    const began = Date.now();
    if (!document.hidden) await ask();
    if (!stopped) timer = setTimeout(() => void next(), pause(Date.now() - began));
  }
  void next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
