// Addresses in texts: where one ends, and whether it may be followed.

/** What ends an address: spaces, brackets that are written around addresses, and all that is invisible or turns the direction. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in an address
const END = /[\s<>"`\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u;
const SCHEME = /^https?:\/\//iu;
const SCHEME_LENGTH_MAX = "https://".length;
const CLOSING = new Map([
  [")", "("],
  ["]", "["],
  ["}", "{"],
]);
const TRAILING = ".,;:!?'*_~…";

/** Whether an address may begin here. */
export function isSchemeAt(text: string, at: number): boolean {
  return SCHEME.test(text.slice(at, at + SCHEME_LENGTH_MAX));
}

function countOf(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  return counts;
}

/** Leaves off what belongs to the sentence around: its punctuation, and brackets that were opened outside. */
function trimmed(text: string): string {
  const counts = countOf(text);
  let end = text.length;
  while (end > 0) {
    const last = text[end - 1] ?? "";
    const opening = CLOSING.get(last);
    const isLoose = opening !== undefined && (counts.get(last) ?? 0) > (counts.get(opening) ?? 0);
    if (!isLoose && !TRAILING.includes(last)) break;
    if (isLoose) counts.set(last, (counts.get(last) ?? 0) - 1);
    end -= 1;
  }
  return text.slice(0, end);
}

/** An address in a text. */
export interface FoundLink {
  /** Everything up to its end, whether it may be followed or not. */
  readonly whole: string;
  /** What of that is the address, and where it leads; `null` if it may not be followed. */
  readonly link: { readonly text: string; readonly href: string } | null;
}

/** The address that begins here: http and https alone, and nobody's name before the host. */
export function linkAt(text: string, at: number): FoundLink {
  const rest = text.slice(at);
  const end = rest.search(END);
  const whole = end === -1 ? rest : rest.slice(0, end);
  const address = trimmed(whole);
  if (!URL.canParse(address)) return { whole, link: null };
  const url = new URL(address);
  const isFair = /^https?:$/u.test(url.protocol) && url.username === "" && url.password === "" && url.hostname !== "";
  return { whole, link: isFair ? { text: address, href: url.href } : null };
}

/**
 * The host as browsers will call it, where the text may look like another: letters beyond ASCII can be
 * look-alikes. `null` where the text says it plainly.
 */
export function disguisedHost(text: string, href: string): string | null {
  const { host } = new URL(href);
  const written = /^https?:\/\/([^/?#\\]*)/iu.exec(text)?.[1] ?? "";
  const isPlain = /^[\x21-\x7e]*$/u.test(written) && !/(^|\.)xn--/iu.test(written);
  return isPlain ? null : host;
}
