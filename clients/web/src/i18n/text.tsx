// The texts of the client in the user's language. English is the catalogue that the others are held to: its
// type is theirs, and they are loaded when they are wanted.
import { createContext, type ReactNode, use, useContext, useLayoutEffect } from "react";
import { en } from "./en/index.js";
import { type LanguageCode, languageOf } from "./languages.js";

/** The same tree with texts of any wording. */
type Translated<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { readonly [K in keyof T]: Translated<T[K]> };

export type Catalogue = Translated<typeof en>;

const LOADERS: Record<LanguageCode, () => Promise<Catalogue>> = {
  en: () => Promise.resolve(en),
  de: async () => (await import("./de/index.js")).de,
  ar: async () => (await import("./ar/index.js")).ar,
};

const loaded = new Map<LanguageCode, Promise<Catalogue>>();

/** A language's texts; English ones where they cannot be loaded. */
function catalogueOf(code: LanguageCode): Promise<Catalogue> {
  let catalogue = loaded.get(code);
  if (catalogue === undefined) {
    catalogue = LOADERS[code]().catch(() => {
      loaded.delete(code);
      return en;
    });
    loaded.set(code, catalogue);
  }
  return catalogue;
}

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

/** The language's code, for `Intl`. */
export function useLanguage(): LanguageCode {
  return useContext(LanguageContext).code;
}
