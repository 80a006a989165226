// The language of the whole page: the one that the user chose, or the browser's.
import { type ReactNode, useDeferredValue } from "react";
import { preferredLanguage } from "../i18n/languages.js";
import { LanguageProvider } from "../i18n/text.js";
import { usePreferences } from "./preferences.js";

/** Another language appears once its texts are there; until then the page stays as it is. */
export function Language({ children }: { children: ReactNode }): ReactNode {
  const { language } = usePreferences();
  const code = useDeferredValue(language ?? preferredLanguage(navigator.languages));
  return <LanguageProvider code={code}>{children}</LanguageProvider>;
}
