/** The key of a hub that asks for one. It stays in this tab: closing it forgets the key. */

const STORAGE = "glasshull.key";

export function authorization(): Record<string, string> {
  const key = read();
  return key ? { authorization: `Bearer ${key}` } : {};
}

export function setKey(key: string): void {
  try {
    sessionStorage.setItem(STORAGE, key);
  } catch {
    // Storage is forbidden here: the hub asks again after a reload.
    fallback = key;
  }
}

let fallback = "";

function read(): string {
  try {
    return sessionStorage.getItem(STORAGE) ?? fallback;
  } catch {
    return fallback;
  }
}

/** Whether requests carry one. */
export function keyInUse(): boolean {
  return read() !== "";
}
