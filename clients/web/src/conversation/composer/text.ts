// What becomes of a text before it is sent, and how large it is.

/** Characters that no content may have: all that steer, but for line ends and tabs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** The text as it is sent: without what the server would refuse it for, and without empty ends. */
export function contentOf(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(STEERING, "").replace(LONE_SURROGATE, "\ufffd").trim();
}

/** The bytes of its JSON. */
export function bytesOf(text: string): number {
  return new TextEncoder().encode(JSON.stringify(text)).length;
}

/** How many bytes there is room for, once that is worth telling; negative if there are too many. */
export function roomLeft(text: string, bytesMax: number): number | null {
  // A character is at most six bytes of JSON: most texts need no counting.
  if (text.length * 6 < bytesMax * 0.9) return null;
  const left = bytesMax - bytesOf(text);
  return left < bytesMax * 0.1 ? left : null;
}

/** Those of the members who are mentioned in a text by `@` and their id. */
export function mentionsIn(text: string, ids: Iterable<string>, max = 50): string[] {
  const found: string[] = [];
  for (const id of ids) {
    const name = `@${id === "@all" ? "all" : id}`;
    for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
      const before = text[at - 1] ?? " ";
      const after = text[at + name.length] ?? " ";
      if (/[\p{L}\p{N}@]/u.test(before) || /[\p{L}\p{N}]/u.test(after)) continue;
      found.push(id);
      break;
    }
    if (found.length === max) break;
  }
  return found;
}

/** What is being completed at the caret: a mention or an emoji, and where it begins. */
export interface Completing {
  readonly kind: "mention" | "emoji";
  readonly query: string;
  readonly from: number;
}

const MENTION = /(?:^|[^\p{L}\p{N}@])@([^\s@]{0,64})$/u;
const EMOJI = /(?:^|\s):([\p{L}\p{N}_+-]{2,32})$/u;
const LOOKED_BACK = 100;

/** What a user may want to complete before the caret; `null` if nothing. */
export function completingAt(text: string, caret: number, hasMentions: boolean): Completing | null {
  const before = text.slice(Math.max(0, caret - LOOKED_BACK), caret);
  const mention = hasMentions ? MENTION.exec(before) : null;
  if (mention !== null) {
    const query = mention[1] ?? "";
    return { kind: "mention", query, from: caret - query.length - 1 };
  }
  const query = EMOJI.exec(before)?.[1];
  return query === undefined ? null : { kind: "emoji", query, from: caret - query.length - 1 };
}
