// The text of a message. A content is any JSON: text itself, or something that has one as `text`.
import type { Json } from "@parlor/client";

/** What there is to read in a content; what this client does not know is shown as JSON. */
export function textOf(content: Json | undefined): string {
  if (content === undefined) return "";
  if (typeof content === "string") return content;
  if (typeof content === "object" && content !== null && "text" in content && typeof content.text === "string") {
    return content.text;
  }
  return JSON.stringify(content);
}
