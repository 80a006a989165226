// Emoji by their names in the user's language, loaded when somebody looks for one. Where there are no names in
// the language, English ones do.
import type { LanguageCode } from "../../i18n/languages.js";

export const QUICK_REACTIONS = ["👍", "❤️", "😂", "😮", "😢", "🙏"] as const;

/** An emoji. `words` are what it is found by, in small letters. */
export interface Emoji {
  readonly emoji: string;
  readonly name: string;
  readonly words: readonly string[];
  readonly group: number;
}

/** Emoji that belong together, in the order of Unicode's groups. */
export interface EmojiGroup {
  readonly group: number;
  readonly emoji: readonly Emoji[];
}

interface Line {
  readonly unicode: string;
  readonly label: string;
  readonly hexcode: string;
  readonly group?: number;
  readonly tags?: readonly string[];
}

type Shortcodes = Readonly<Record<string, string | readonly string[]>>;

const NAMES: Record<LanguageCode, () => Promise<readonly Line[]>> = {
  en: async () => (await import("emojibase-data/en/compact.json")).default,
  de: async () => (await import("emojibase-data/de/compact.json")).default,
  ar: async () => (await import("emojibase-data/en/compact.json")).default,
};

/** Unicode's group of what only makes up others. */
const COMPONENTS = 2;

const loading = new Map<LanguageCode, Promise<readonly Emoji[]>>();

async function load(language: LanguageCode): Promise<readonly Emoji[]> {
  const [lines, codes] = await Promise.all([
    NAMES[language](),
    import("emojibase-data/en/shortcodes/github.json").then((module) => module.default as Shortcodes),
  ]);
  return lines.flatMap(({ unicode, label, hexcode, group, tags = [] }) => {
    if (group === undefined || group === COMPONENTS) return [];
    const words = [codes[hexcode] ?? [], label, ...tags].flat().map((word) => word.toLocaleLowerCase(language));
    return [{ emoji: unicode, name: label, words, group }];
  });
}

/** All emoji. Rejects where they cannot be loaded, and tries again the next time. */
export function allEmoji(language: LanguageCode): Promise<readonly Emoji[]> {
  let emoji = loading.get(language);
  if (emoji === undefined) {
    emoji = load(language);
    loading.set(language, emoji);
    emoji.catch(() => loading.delete(language));
  }
  return emoji;
}

/** Those with a word that begins like the query, names that are it first. */
export function findEmoji(all: readonly Emoji[], query: string, max: number): Emoji[] {
  const wanted = query.trim().toLocaleLowerCase();
  const ranked: Emoji[][] = [[], [], []];
  for (const emoji of all) {
    if (emoji.words.includes(wanted)) ranked[0]?.push(emoji);
    else if (emoji.words.some((word) => word.startsWith(wanted))) ranked[1]?.push(emoji);
    else if (emoji.words.some((word) => word.includes(wanted))) ranked[2]?.push(emoji);
  }
  return ranked.flat().slice(0, max);
}

export function groupsOf(all: readonly Emoji[]): EmojiGroup[] {
  const groups = new Map<number, Emoji[]>();
  for (const emoji of all) {
    const group = groups.get(emoji.group);
    if (group === undefined) groups.set(emoji.group, [emoji]);
    else group.push(emoji);
  }
  return [...groups].map(([group, emoji]) => ({ group, emoji }));
}
