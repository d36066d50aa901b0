/** Finds what somebody means who types a few letters of it. */

/** What is searched, made ready once: 10,000 of them are looked through at each key. */
export interface Candidate<T> {
  item: T;
  text: string;
  lower: string;
  /** Stands before others that fit as well. */
  weight: number;
}

export interface Match<T> {
  item: T;
  score: number;
  /** Places in the text that were typed. */
  places: number[];
}

export function candidate<T>(item: T, text: string, weight = 0): Candidate<T> {
  return { item, text, lower: text.toLowerCase(), weight };
}

/** What fits so much worse than the best, as such a share, is not what is meant. */
const WORTH = 0.4;

/** The best so many, the best first. Words may stand in any order; the letters of each in theirs. */
export function search<T>(candidates: readonly Candidate<T>[], typed: string, most: number): Match<T>[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found: Match<T>[] = [];
  for (const one of candidates) {
    const match = matchAll(one, words);
    if (match) found.push(match);
  }
  found.sort((a, b) => b.score - a.score);
  const least = words.length > 0 ? (found[0]?.score ?? 0) * WORTH : -Infinity;
  return found.slice(0, most).filter(({ score }) => score >= least);
}

function matchAll<T>(one: Candidate<T>, words: string[]): Match<T> | null {
  // While nothing is typed things stand in their own order.
  let score = one.weight - (words.length > 0 ? one.text.length * 0.01 : 0);
  const places: number[] = [];
  for (const word of words) {
    const match = matchWord(one, word);
    if (!match) return null;
    score += match.score;
    places.push(...match.places);
  }
  return { item: one.item, score, places };
}

const WHOLE = 40;
const START = 12;
const NEXT = 6;
const GAP = 0.4;

function matchWord<T>(
  { text, lower }: Candidate<T>,
  word: string,
): { score: number; places: number[] } | null {
  const at = bestWhole(text, lower, word);
  if (at >= 0) {
    const places = Array.from(word, (_, index) => at + index);
    const begins = startsWord(text, at);
    const start = (begins ? START : 0) + (at === 0 ? START : 0);
    // The whole of a name says more than how another begins.
    const end = begins && !isLetter(text.charCodeAt(at + word.length)) ? START : 0;
    return { score: WHOLE + word.length * NEXT + start + end, places };
  }
  return letters(text, lower, word);
}

/** Where the word stands whole: at the beginning of a part where it does, else where it stands last. */
function bestWhole(text: string, lower: string, word: string): number {
  const last = lower.lastIndexOf(word);
  for (let at = last; at >= 0; at = at === 0 ? -1 : lower.lastIndexOf(word, at - 1)) {
    if (startsWord(text, at)) return at;
  }
  return last;
}

/** Its letters in their order, those that begin a part or follow each other counting most. */
function letters(text: string, lower: string, word: string): { score: number; places: number[] } | null {
  const places: number[] = [];
  let score = 0;
  let from = 0;
  for (const letter of word) {
    const at = lower.indexOf(letter, from);
    if (at < 0) return null;
    score +=
      at === from && from > 0 ? NEXT : startsWord(text, at) ? START / 2 : -GAP * Math.min(10, at - from);
    places.push(at);
    from = at + 1;
  }
  return { score, places };
}

function startsWord(text: string, at: number): boolean {
  if (at === 0) return true;
  const before = text.charCodeAt(at - 1);
  return !isLetter(before) || (isLower(before) && isUpper(text.charCodeAt(at)));
}

const isLower = (code: number) => code >= 97 && code <= 122;
const isUpper = (code: number) => code >= 65 && code <= 90;
const isLetter = (code: number) => isLower(code) || isUpper(code) || (code >= 48 && code <= 57) || code > 127;
