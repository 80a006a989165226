// What a text is made of once it was parsed. Every character of it is somewhere in here: `sourceOf` gives it back.

/** A piece of a line. */
export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "link"; readonly text: string; readonly href: string }
  | { readonly kind: "mention"; readonly text: string; readonly userId: string }
  | { readonly kind: Emphasis; readonly children: readonly Inline[] };

export type Emphasis = "bold" | "italic" | "strike";

/** Lines that belong together. `before` parts it from the block before: a line's end, or nothing. */
export type Block =
  | { readonly kind: "paragraph"; readonly before: string; readonly inline: readonly Inline[] }
  | { readonly kind: "quote"; readonly before: string; readonly lines: readonly QuoteLine[] }
  | { readonly kind: "code"; readonly before: string; readonly text: string };

/** A line that is quoted, and the mark that says so. */
export interface QuoteLine {
  readonly mark: string;
  readonly inline: readonly Inline[];
}

export const MARKS: Readonly<Record<Emphasis, string>> = { bold: "*", italic: "_", strike: "~" };
export const FENCE = "```";

function inlineSource(inline: readonly Inline[]): string {
  return inline
    .map((node) => {
      switch (node.kind) {
        case "text":
        case "link":
        case "mention":
          return node.text;
        case "code":
          return `\`${node.text}\``;
        default:
          return `${MARKS[node.kind]}${inlineSource(node.children)}${MARKS[node.kind]}`;
      }
    })
    .join("");
}

/** The text that was parsed. */
export function sourceOf(blocks: readonly Block[]): string {
  return blocks
    .map((block) => {
      switch (block.kind) {
        case "paragraph":
          return block.before + inlineSource(block.inline);
        case "quote":
          return block.before + block.lines.map(({ mark, inline }) => mark + inlineSource(inline)).join("\n");
        default:
          return block.before + FENCE + block.text + FENCE;
      }
    })
    .join("");
}
