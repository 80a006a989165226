// Parses the text of a message: `code`, ```blocks of it```, *bold*, _italic_, ~struck~, > quotes, addresses,
// and mentions of those who were mentioned.
//
// One pass over the text; what is no mark after all stays text. Emphasis ends with its line, and is open
// once of a kind, so that nothing nests deeper than there are kinds. No character is lost: see `sourceOf`.
import { isSchemeAt, linkAt } from "./links.js";
import { type Block, type Emphasis, FENCE, type Inline, MARKS, type QuoteLine } from "./nodes.js";

const KINDS = new Map<string, Emphasis>(
  (Object.entries(MARKS) as [Emphasis, string][]).map(([kind, mark]) => [mark, kind]),
);
const WORD = /[\p{L}\p{N}]/u;
const SPACE = /\s/u;
const SPECIAL = /[*_~`@hH]/gu;

interface Open {
  readonly kind: Emphasis;
  readonly into: Inline[];
}

/** What is behind the `@` of a mention, and whom it means. */
interface Mentioned {
  readonly name: string;
  readonly userId: string;
}

/** Parses one line. */
class Line {
  #text: string;
  #mentions: readonly Mentioned[];
  #root: Inline[] = [];
  #open: Open[] = [];
  /** From here on nothing was put anywhere yet. */
  #from = 0;
  #hasBackticks = true;

  constructor(text: string, mentions: readonly Mentioned[]) {
    this.#text = text;
    this.#mentions = mentions;
  }

  parse(): Inline[] {
    const text = this.#text;
    for (let at = this.#next(0); at < text.length; at = this.#next(at)) at = this.#special(at);
    this.#flush(text.length);
    while (this.#open.length > 0) this.#giveUp();
    return this.#root;
  }

  #next(at: number): number {
    SPECIAL.lastIndex = at;
    return SPECIAL.exec(this.#text)?.index ?? this.#text.length;
  }

  /** Takes what may be special here, and tells where to go on. */
  #special(at: number): number {
    const char = this.#text[at] ?? "";
    if (char === "`") return this.#code(at);
    if (char === "@") return this.#mention(at);
    const kind = KINDS.get(char);
    return kind === undefined ? this.#link(at) : this.#mark(at, char, kind);
  }

  #code(at: number): number {
    if (!this.#hasBackticks) return at + 1;
    const end = this.#text.indexOf("`", at + 1);
    if (end === -1) this.#hasBackticks = false;
    if (end === -1) return at + 1;
    if (end === at + 1) return at + 2;
    this.#take(at, end + 1, { kind: "code", text: this.#text.slice(at + 1, end) });
    return end + 1;
  }

  #mention(at: number): number {
    const before = this.#text[at - 1] ?? " ";
    if (before === "@" || WORD.test(before)) return at + 1;
    const found = this.#mentions.find(
      ({ name }) => this.#text.startsWith(name, at + 1) && this.#isWordEnd(at + 1 + name.length),
    );
    if (found === undefined) return at + 1;
    const end = at + 1 + found.name.length;
    this.#take(at, end, { kind: "mention", text: this.#text.slice(at, end), userId: found.userId });
    return end;
  }

  #link(at: number): number {
    if (WORD.test(this.#text[at - 1] ?? " ") || !isSchemeAt(this.#text, at)) return at + 1;
    const { whole, link } = linkAt(this.#text, at);
    // What cannot be followed is passed over as a whole: it is not looked into again and again.
    if (link === null) return at + whole.length;
    this.#take(at, at + link.text.length, { kind: "link", ...link });
    return at + link.text.length;
  }

  #mark(at: number, mark: string, kind: Emphasis): number {
    const before = this.#text[at - 1] ?? " ";
    const after = this.#text[at + 1] ?? " ";
    if (before === mark || after === mark) return at + 1;
    const depth = this.#open.findIndex((open) => open.kind === kind);
    const closes = depth !== -1 && !SPACE.test(before) && this.#isWordEnd(at + 1);
    const opens = depth === -1 && !WORD.test(before) && !SPACE.test(after);
    if (!closes && !opens) return at + 1;
    this.#flush(at);
    this.#from = at + 1;
    if (opens) this.#open.push({ kind, into: [] });
    else this.#close(depth, kind);
    return at + 1;
  }

  /** What was opened within and is not closed is text. */
  #close(depth: number, kind: Emphasis): void {
    while (this.#open.length > depth + 1) this.#giveUp();
    const closed = this.#open.pop();
    if (closed !== undefined) this.#into.push({ kind, children: closed.into });
  }

  /** The innermost emphasis is none. */
  #giveUp(): void {
    const open = this.#open.pop();
    if (open === undefined) return;
    put(this.#into, { kind: "text", text: MARKS[open.kind] });
    for (const node of open.into) put(this.#into, node);
  }

  #take(from: number, to: number, node: Inline): void {
    this.#flush(from);
    this.#into.push(node);
    this.#from = to;
  }

  #flush(to: number): void {
    if (to > this.#from) put(this.#into, { kind: "text", text: this.#text.slice(this.#from, to) });
  }

  get #into(): Inline[] {
    return this.#open.at(-1)?.into ?? this.#root;
  }

  #isWordEnd(at: number): boolean {
    return !WORD.test(this.#text[at] ?? " ");
  }
}

/** Puts a node behind others; texts beside each other are one. */
function put(into: Inline[], node: Inline): void {
  const last = into.at(-1);
  if (node.kind === "text" && last?.kind === "text")
    into[into.length - 1] = { kind: "text", text: last.text + node.text };
  else into.push(node);
}

const QUOTED = /^>(?: |$)/u;

/** Parses what stands outside of blocks of code. */
function* prose(text: string, before: string, mentions: readonly Mentioned[]): Generator<Block> {
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; ) {
    const isQuote = QUOTED.test(lines[at] ?? "");
    const start = at;
    while (at < lines.length && QUOTED.test(lines[at] ?? "") === isQuote) at += 1;
    const parted = start === 0 ? before : "\n";
    const own = lines.slice(start, at);
    if (isQuote) {
      yield { kind: "quote", before: parted, lines: own.map((line) => quoted(line, mentions)) };
    } else {
      const inline: Inline[] = [];
      for (const [index, line] of own.entries()) {
        if (index > 0) put(inline, { kind: "text", text: "\n" });
        for (const node of new Line(line, mentions).parse()) put(inline, node);
      }
      yield { kind: "paragraph", before: parted, inline };
    }
  }
}

function quoted(line: string, mentions: readonly Mentioned[]): QuoteLine {
  const mark = line.startsWith("> ") ? "> " : ">";
  return { mark, inline: new Line(line.slice(mark.length), mentions).parse() };
}

/** Parses a text. `mentions` are those whom the message mentions: nobody else's name is one. */
export function parse(text: string, mentions: readonly string[] = []): Block[] {
  // Longer names first, so that none hides one that begins like it.
  const ids = mentions
    .map((userId) => ({ userId, name: userId === "@all" ? "all" : userId }))
    .sort((a, b) => b.name.length - a.name.length);
  const blocks: Block[] = [];
  let at = 0;
  let parted = "";
  while (at < text.length) {
    const start = text.indexOf(FENCE, at);
    const end = start === -1 ? -1 : text.indexOf(FENCE, start + FENCE.length + 1);
    if (end === -1) break;
    let between = text.slice(at, start);
    if (at > 0 && between.startsWith("\n")) {
      parted = "\n";
      between = between.slice(1);
    }
    let before = parted;
    if (between !== "") {
      if (between.endsWith("\n")) {
        before = "\n";
        between = between.slice(0, -1);
      } else before = "";
      blocks.push(...prose(between, parted, ids));
    }
    blocks.push({ kind: "code", before, text: text.slice(start + FENCE.length, end) });
    at = end + FENCE.length;
    parted = "";
  }
  if (at === text.length) return blocks;
  const isParted = at > 0 && text[at] === "\n";
  blocks.push(...prose(text.slice(isParted ? at + 1 : at), isParted ? "\n" : "", ids));
  return blocks;
}
