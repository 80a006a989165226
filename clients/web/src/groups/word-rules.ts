// A group's own word rules as they are typed: one word, or a few in a row, on each line.

export const WORDS_MAX = 200;
export const WORD_CHARS_MAX = 64;

/** What was typed as a list: without empty lines and repeats. */
export function wordsOf(typed: string): string[] {
  const words = typed
    .split("\n")
    .map((line) => line.trim().replace(/\s+/gu, " "))
    .filter((line) => line !== "");
  return [...new Set(words)];
}

/** What the server would refuse. */
export type WordFault = { readonly kind: "many" } | { readonly kind: "long"; readonly word: string };

export function faultOf(words: readonly string[]): WordFault | null {
  if (words.length > WORDS_MAX) return { kind: "many" };
  const long = words.find((word) => [...word].length > WORD_CHARS_MAX);
  return long === undefined ? null : { kind: "long", word: long };
}
