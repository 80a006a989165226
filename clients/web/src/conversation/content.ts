// The text of a message. A content is any JSON: text itself, or something that has one as `text`.
import type { Json } from "@parlor/client";

/** The text in a content; `null` where there is none. */
export function ownTextOf(content: Json | undefined): string | null {
  if (typeof content === "string") return content;
  if (typeof content === "object" && content !== null && "text" in content && typeof content.text === "string") {
    return content.text;
  }
  return null;
}

/** What there is to read in a content; what this client does not know is shown as JSON. */
export function textOf(content: Json | undefined): string {
  if (content === undefined) return "";
  return ownTextOf(content) ?? JSON.stringify(content);
}

const EMOJI_TEXT_MAX = 64;
const EMOJI_MAX = 3;
const EMOJI = /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3)/u;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Whether a text is so few emoji, and nothing else, that they are shown large. */
export function isFewEmoji(text: string): boolean {
  if (text.length > EMOJI_TEXT_MAX) return false;
  const parts = [...graphemes.segment(text)].map(({ segment }) => segment).filter((part) => part.trim() !== "");
  return parts.length > 0 && parts.length <= EMOJI_MAX && parts.every((part) => EMOJI.test(part));
}

/** A beginning of a long text that says enough to fold the rest: cut between words. `null` if it is not long. */
export function foldOf(text: string, charactersMax = 900, linesMax = 18): string | null {
  let end = text.length > charactersMax * 1.3 ? charactersMax : text.length;
  let line = -1;
  for (let lines = 0; lines < linesMax; lines += 1) {
    line = text.indexOf("\n", line + 1);
    if (line === -1 || line >= end) break;
  }
  if (line !== -1 && line < end && text.length - line > 120) end = line;
  if (end === text.length) return null;
  const space = text.lastIndexOf(" ", end);
  const cut = space > end * 0.8 ? space : end;
  // Not between the halves of a pair.
  return text.slice(0, /[\ud800-\udbff]/u.test(text[cut - 1] ?? "") ? cut - 1 : cut);
}
