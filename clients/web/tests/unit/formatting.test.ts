import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldOf, isFewEmoji } from "../../src/conversation/content.js";
import { disguisedHost } from "../../src/conversation/format/links.js";
import { type Block, type Inline, sourceOf } from "../../src/conversation/format/nodes.js";
import { parse } from "../../src/conversation/format/parse.js";

/** Texts that are full of what may be a mark. */
const marked = fc
  .array(
    fc.constantFrom(
      "*",
      "_",
      "~",
      "`",
      "```",
      ">",
      "> ",
      "\n",
      " ",
      "a",
      "é",
      "🦉",
      "@bob",
      "@",
      "http://",
      "https://a.b/c_d",
      ")",
      "(",
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(""));

function inlineOf(text: string, mentions: string[] = []): readonly Inline[] {
  const [block] = parse(text, mentions);
  return block?.kind === "paragraph" ? block.inline : [];
}

function depthOf(nodes: readonly Inline[]): number {
  return Math.max(0, ...nodes.map((node) => ("children" in node ? 1 + depthOf(node.children) : 0)));
}

function depth(blocks: readonly Block[]): number {
  return Math.max(
    0,
    ...blocks.map((block) => {
      if (block.kind === "code") return 0;
      const lines = block.kind === "quote" ? block.lines.map(({ inline }) => inline) : [block.inline];
      return Math.max(0, ...lines.map(depthOf));
    }),
  );
}

describe("formatting", () => {
  it("loses no character of any text", () => {
    fc.assert(
      fc.property(fc.oneof(marked, fc.string({ unit: "binary" })), (text) => {
        expect(sourceOf(parse(text, ["bob", "@all"]))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it("nests no deeper than there are kinds", () => {
    fc.assert(fc.property(marked, (text) => depth(parse(text)) <= 3));
  });

  it.each(["*", "_*~", "*a ", "`", "```", "http://[", "http://a)", "@", "@bob", "> ", "*_~a", "(http://", "*\n"])(
    "takes linear time for very many of %j",
    (part) => {
      const text = part.repeat(Math.ceil(100_000 / part.length));
      const started = performance.now();
      expect(sourceOf(parse(text, ["bob"]))).toBe(text);
      expect(performance.now() - started).toBeLessThan(1_000);
    },
  );

  it("makes emphasis of words in marks", () => {
    expect(inlineOf("a *b _c_* ~d~")).toEqual([
      { kind: "text", text: "a " },
      {
        kind: "bold",
        children: [
          { kind: "text", text: "b " },
          { kind: "italic", children: [{ kind: "text", text: "c" }] },
        ],
      },
      { kind: "text", text: " " },
      { kind: "strike", children: [{ kind: "text", text: "d" }] },
    ]);
  });

  it.each(["snake_case_name", "2*3*4", "* item", "a * b * c", "*open", "**", "_a\nb_", "``", "a@bob.example"])(
    "leaves %j as it is",
    (text) => {
      expect(inlineOf(text, ["bob"])).toEqual([{ kind: "text", text }]);
    },
  );

  it("keeps code and quotes apart", () => {
    expect(parse("> said\nand\n```\n*x*\n```\nend").map(({ kind }) => kind)).toEqual([
      "quote",
      "paragraph",
      "code",
      "paragraph",
    ]);
    expect(inlineOf("`*a*`")).toEqual([{ kind: "code", text: "*a*" }]);
  });

  it("finds those alone who were mentioned", () => {
    expect(inlineOf("@bob and @eve", ["bob"])).toEqual([
      { kind: "mention", text: "@bob", userId: "bob" },
      { kind: "text", text: " and @eve" },
    ]);
    expect(inlineOf("@all", ["@all"])).toEqual([{ kind: "mention", text: "@all", userId: "@all" }]);
  });
});

describe("an address in a text", () => {
  it.each([
    ["see https://a.example/b.", "https://a.example/b"],
    ["(https://a.example/b_(c))", "https://a.example/b_(c)"],
    ["*https://a.example*", "https://a.example"],
  ])("ends where people mean it to: %s", (text, address) => {
    const links: string[] = [];
    const look = (nodes: readonly Inline[]) => {
      for (const node of nodes) {
        if (node.kind === "link") links.push(node.text);
        if ("children" in node) look(node.children);
      }
    };
    look(inlineOf(text));
    expect(links).toEqual([address]);
  });

  it.each([
    "javascript:alert(1)",
    "https://user:secret@evil.example",
    "ftp://a.example",
    "http://",
    "data:text/html,x",
  ])("is none in %s", (text) => {
    expect(inlineOf(text).some(({ kind }) => kind === "link")).toBe(false);
  });

  it("ends at what turns the direction of text", () => {
    expect(inlineOf("https://a.example/\u202egpj.exe")[0]).toMatchObject({ text: "https://a.example/" });
  });

  it("tells the real host where the written one may look like another", () => {
    expect(disguisedHost("https://а.example/", "https://xn--80a.example/")).toBe("xn--80a.example");
    expect(disguisedHost("https://a.example/ä", "https://a.example/%C3%A4")).toBeNull();
  });
});

describe("a text", () => {
  it.each([
    ["🦉", true],
    ["❤️ 🇩🇪", true],
    ["👩‍👩‍👧‍👦", true],
    ["🦉🦉🦉🦉", false],
    ["1", false],
    ["🦉 owl", false],
    ["", false],
  ])("of a few emoji is large: %s", (text, isLarge) => {
    expect(isFewEmoji(text)).toBe(isLarge);
  });

  it("is folded where it is long, between words", () => {
    expect(foldOf("short")).toBeNull();
    const folded = foldOf("word ".repeat(1_000)) ?? "";
    expect(folded.length).toBeLessThanOrEqual(900);
    expect(folded.endsWith("word")).toBe(true);
    expect(foldOf("line\n".repeat(200))?.split("\n").length).toBeLessThanOrEqual(18);
  });
});
