// Finding names by what somebody types, and the pieces of a text in which words were found.

function plain(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .toLocaleLowerCase();
}

/** Whether each word of the query begins a word of the name. Case and accents make no difference. */
export function matches(name: string, query: string): boolean {
  const words = plain(name).split(/[^\p{Letter}\p{Number}]+/u);
  const wanted = plain(query)
    .split(/\s+/u)
    .filter((word) => word !== "");
  const whole = plain(name);
  return wanted.every((word) => whole.startsWith(word) || words.some((other) => other.startsWith(word)));
}

/** A piece of a text, and whether it is what was looked for. */
export interface Piece {
  readonly text: string;
  readonly isFound: boolean;
}

/** So much is shown before the first place. */
const LEAD_CHARS = 24;

/** Cuts a text at `[offset, length]` places, beginning a little before the first of them. */
export function piecesOf(text: string, places: readonly (readonly [number, number])[], charsMax = 140): Piece[] {
  const first = places[0]?.[0] ?? 0;
  let start = 0;
  if (first > LEAD_CHARS * 2) {
    const space = text.indexOf(" ", first - LEAD_CHARS);
    start = space >= 0 && space < first ? space + 1 : first;
  }
  const end = Math.min(text.length, start + charsMax);
  const pieces: Piece[] = start > 0 ? [{ text: "…", isFound: false }] : [];
  let at = start;
  for (const [offset, length] of places) {
    if (offset < at || offset + length > end) continue;
    if (offset > at) pieces.push({ text: text.slice(at, offset), isFound: false });
    pieces.push({ text: text.slice(offset, offset + length), isFound: true });
    at = offset + length;
  }
  if (at < end) pieces.push({ text: text.slice(at, end), isFound: false });
  return pieces;
}
