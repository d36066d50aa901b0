/** Which columns stand where, how wide, and which stay in sight: as people chose, and as the address says. */

export interface Place {
  name: string;
  /** Stays in sight at the left while others scroll. */
  pinned: boolean;
  hidden: boolean;
  /** Pixels, where somebody chose them. */
  width: number | null;
}

/** So many columns the address tells of: more nobody arranges by hand. */
const MAX_TOLD = 200;

/**
 * Columns in the order of the address, the others behind them. `*` before a name pins, `-` hides, `~120` behind it is a
 * width; the rest of the name is written as in addresses.
 */
export function layoutOf(names: readonly string[], told: string | null): Place[] {
  const left = new Set(names);
  const places: Place[] = [];
  for (const place of readLayout(told)) {
    if (!left.delete(place.name)) continue;
    places.push(place);
  }
  for (const name of names)
    if (left.delete(name)) places.push({ name, pinned: false, hidden: false, width: null });
  return [...places.filter((place) => place.pinned), ...places.filter((place) => !place.pinned)];
}

function readLayout(told: string | null): Place[] {
  if (!told) return [];
  return told
    .split(",")
    .slice(0, MAX_TOLD)
    .flatMap((text) => {
      const match = /^([*-]?)([^~]*)(?:~(\d{1,5}))?$/.exec(text);
      if (!match) return [];
      const width = match[3] ? Number(match[3]) : null;
      return [
        { name: decoded(match[2] as string), pinned: match[1] === "*", hidden: match[1] === "-", width },
      ];
    });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A layout as the address tells it; `null` where nothing was chosen. */
export function toldLayout(places: readonly Place[], names: readonly string[]): string | null {
  const chosen = places.some(({ pinned, hidden, width }) => pinned || hidden || width !== null);
  const moved = places.some((place, index) => place.name !== names[index]);
  if (!chosen && !moved) return null;
  const told = places.map(({ name, pinned, hidden, width }) => {
    const sign = hidden ? "-" : pinned ? "*" : "";
    return (
      sign +
      encodeURIComponent(name)
        .replaceAll("~", "%7E")
        .replace(/^([*-])/, escaped) +
      (width === null ? "" : `~${width}`)
    );
  });
  return told.join(",");
}

function escaped(sign: string): string {
  return sign === "*" ? "%2A" : "%2D";
}

/** A place changed. */
export function changed(places: readonly Place[], name: string, change: Partial<Place>): Place[] {
  return places.map((place) => (place.name === name ? { ...place, ...change } : place));
}

/** A column moved by so many steps. */
export function moved(places: readonly Place[], name: string, by: number): Place[] {
  const from = places.findIndex((place) => place.name === name);
  const to = Math.max(0, Math.min(places.length - 1, from + by));
  if (from < 0 || from === to) return [...places];
  const next = places.filter((place) => place.name !== name);
  next.splice(to, 0, places[from] as Place);
  return next;
}
