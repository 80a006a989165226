// A message's text for where there is no room for its formatting: without the signs of it, cut at people's names.

/** A piece of a text: as it was written, or a mention. */
export type Piece = string | { readonly userId: string };

const EVERYBODY = "@all";
const LETTER = "[\\p{L}\\p{N}]";

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/gu, "\\$&");
}

/** Cuts a text. `mentions` are those whom the message mentions: nobody else's name is one. */
export function mentionPieces(text: string, mentions: readonly string[] = []): Piece[] {
  const ids = mentions.filter((userId) => userId !== EVERYBODY && text.includes(`@${userId}`));
  if (ids.length === 0) return [text];
  // Longer names first, so that none hides one that begins like it.
  const names = ids.sort((a, b) => b.length - a.length).map(escaped);
  const mention = new RegExp(`(?<!${LETTER}|@)@(${names.join("|")})(?!${LETTER})`, "gu");
  const pieces: Piece[] = [];
  let at = 0;
  for (const { index, 0: whole, 1: userId = "" } of text.matchAll(mention)) {
    if (index > at) pieces.push(text.slice(at, index));
    pieces.push({ userId });
    at = index + whole.length;
  }
  if (at < text.length) pieces.push(text.slice(at));
  return pieces;
}

/** What marks a few words, or the beginning of a quoted line. */
const EMPHASIS = /(?<![\p{L}\p{N}*_~`])([*_~]|`+)(?=\S)([^\n]*?\S)\1(?![\p{L}\p{N}*_~`])/gu;
const QUOTE = /^> ?/gmu;

/** A text without the signs that format it. */
export function unmarked(text: string): string {
  const once = text.replace(QUOTE, "").replace(EMPHASIS, "$2");
  // What is bold may be struck through as well.
  return once.replace(EMPHASIS, "$2");
}

/** The text with people under their names in place of their ids. */
export function namedText(
  text: string,
  mentions: readonly string[] | undefined,
  nameOf: (id: string) => string,
): string {
  return mentionPieces(text, mentions)
    .map((piece) => (typeof piece === "string" ? piece : `@${nameOf(piece.userId)}`))
    .join("");
}
