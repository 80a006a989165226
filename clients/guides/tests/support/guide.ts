// A guide of docs/guides as its snippets. Each fenced block says behind its language what becomes of it:
//
//   file=NAME      it is that file of the reader's project, whole
//   run            it is run as it is
//   install        it installs npm packages, which have to be those that the tests have
//   shown="WHY"    it is not run, for that reason
//
// Blocks without a language, or of `text`, are no code. A test takes what it runs; `end` finds what none took.
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

const FOLDER = resolve(import.meta.dirname, "../../../../docs/guides");

export interface Snippet {
  readonly line: number;
  readonly language: string;
  /** What is behind the language. */
  readonly info: string;
  readonly code: string;
}

/** The names of all guides. */
export function guides(): string[] {
  return readdirSync(FOLDER).filter((name) => name.endsWith(".md"));
}

/** What a block says of itself, or what is wrong with it. */
export function kindOf(info: string): "file" | "run" | "install" | "shown" | null {
  if (/^file=\S+$/.test(info)) return "file";
  if (info === "run" || info === "install") return info;
  return /^shown="[^"]{10,}"$/.test(info) ? "shown" : null;
}

/** The fenced blocks of a text, in order. */
export function snippets(text: string): Snippet[] {
  const found: Snippet[] = [];
  let open: { line: number; fence: string; language: string; info: string; code: string[] } | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^\s*(`{3,})\s*(\S*)\s*(.*)$/.exec(line);
    if (open !== null && line.trim() === open.fence) {
      found.push({ ...open, code: open.code.map((code) => `${code}\n`).join("") });
      open = null;
    } else if (open !== null) open.code.push(line);
    else if (fence !== null) {
      const [, ticks = "", language = "", info = ""] = fence;
      open = { line: index + 1, fence: ticks, language, info: info.trim(), code: [] };
    }
  }
  if (open !== null) throw new Error(`the block of line ${open.line} has no end`);
  return found;
}

export class Guide {
  readonly text: string;
  readonly snippets: readonly Snippet[];
  readonly #taken = new Set<Snippet>();

  constructor(readonly name: string) {
    this.text = readFileSync(resolve(FOLDER, name), "utf8");
    this.snippets = snippets(this.text).filter(({ language }) => language !== "" && language !== "text");
  }

  /** The files that the guide shows, by name. */
  files(): Map<string, string> {
    const files = this.#take("file").map(({ info, code }) => [info.slice("file=".length), code] as const);
    const map = new Map(files);
    if (map.size !== files.length) throw new Error(`${this.name} shows a file twice`);
    return map;
  }

  /** What it says to run, in order. */
  runs(language: string): string[] {
    return this.#take("run", language).map(({ code }) => code);
  }

  /** The npm packages that it installs. */
  packages(): string[] {
    const lines = this.#take("install").flatMap(({ code }) => code.split("\n"));
    const installs = lines.filter((line) => line.startsWith("npm install "));
    return installs.flatMap((line) => line.split(/\s+/).slice(2)).filter((word) => !word.startsWith("-"));
  }

  /** What is to be run and no test has taken, by line. */
  left(): number[] {
    const isLeft = (snippet: Snippet) => kindOf(snippet.info) !== "shown" && !this.#taken.has(snippet);
    return this.snippets.filter(isLeft).map(({ line }) => line);
  }

  #take(kind: string, language?: string): Snippet[] {
    const fits = (it: Snippet) => kindOf(it.info) === kind && (language === undefined || it.language === language);
    const found = this.snippets.filter(fits);
    for (const snippet of found) this.#taken.add(snippet);
    return found;
  }
}

/** The packages that the tests have, with their versions. */
export function packagesHere(): Record<string, string> {
  const text = readFileSync(resolve(import.meta.dirname, "../../package.json"), "utf8");
  const shared = readFileSync(resolve(import.meta.dirname, "../../../package.json"), "utf8");
  return { ...JSON.parse(shared).devDependencies, ...JSON.parse(text).devDependencies };
}
