// The texts of the client in the user's language. English is the catalogue that the others are held to: its
// type is theirs, and they are loaded when they are wanted. What only pages need that are loaded later is loaded later
// as well, in each language.
import { createContext, type ReactNode, use, useContext, useLayoutEffect, useMemo } from "react";
import { en } from "./en/index.js";
import type { more as enMore } from "./en/more.js";
import { type LanguageCode, languageOf } from "./languages.js";

/** The same tree with texts of any wording. */
type Translated<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { readonly [K in keyof T]: Translated<T[K]> };

export type Catalogue = Translated<typeof en>;
/** The texts of pages that are loaded when somebody goes there. */
export type More = Translated<typeof enMore>;

const LOADERS: Record<LanguageCode, () => Promise<Catalogue>> = {
  en: () => Promise.resolve(en),
  de: async () => (await import("./de/index.js")).de,
  ar: async () => (await import("./ar/index.js")).ar,
};

const englishMore = async (): Promise<More> => (await import("./en/more.js")).more;
const MORE_LOADERS: Record<LanguageCode, () => Promise<More>> = {
  en: englishMore,
  de: async () => (await import("./de/more.js")).more,
  ar: async () => (await import("./ar/more.js")).more,
};

/** Loads a language's texts once; English ones where they cannot be loaded, and those anew the next time. */
function onceLoaded<T>(
  loaders: Record<LanguageCode, () => Promise<T>>,
  english: () => Promise<T>,
): (code: LanguageCode) => Promise<T> {
  const loaded = new Map<LanguageCode, Promise<T>>();
  return (code) => {
    let texts = loaded.get(code);
    if (texts === undefined) {
      texts = loaders[code]().catch(() => {
        loaded.delete(code);
        return english();
      });
      loaded.set(code, texts);
    }
    return texts;
  };
}

const catalogueOf = onceLoaded(LOADERS, () => Promise.resolve(en));
const moreOf = onceLoaded(MORE_LOADERS, englishMore);

interface Language {
  readonly code: LanguageCode;
  readonly text: Catalogue;
}

const LanguageContext = createContext<Language>({ code: "en", text: en });

/** Gives a language to all within, and tells the page of it. Suspends until the texts are there. */
export function LanguageProvider({ code, children }: { code: LanguageCode; children: ReactNode }): ReactNode {
  const text = code === "en" ? en : use(catalogueOf(code));
  useLayoutEffect(() => {
    document.documentElement.lang = code;
    document.documentElement.dir = languageOf(code).dir;
  }, [code]);
  return <LanguageContext value={{ code, text }}>{children}</LanguageContext>;
}

/** The texts. */
export function useText(): Catalogue {
  return useContext(LanguageContext).text;
}

/** These and the texts of pages that are loaded later. Suspends until those are there; for such pages alone. */
export function useMoreText(): Catalogue & More {
  const { code, text } = useContext(LanguageContext);
  const more = use(moreOf(code));
  return useMemo(() => ({ ...text, ...more }), [text, more]);
}

/** The language's code, for `Intl`. */
export function useLanguage(): LanguageCode {
  return useContext(LanguageContext).code;
}
