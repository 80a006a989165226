// The language of the client.
import type { ReactNode } from "react";
import { preferences, usePreferences } from "../app/preferences.js";
import { isLanguageCode, LANGUAGES } from "../i18n/languages.js";
import { useMoreText } from "../i18n/text.js";
import { RadioGroup } from "../ui/choice.js";
import { Frame } from "./page-frame.js";

const BROWSERS = "browser";

export function LanguagePage(): ReactNode {
  const { settings: text } = useMoreText();
  const { language } = usePreferences();
  const choices = [
    { value: BROWSERS, label: text.browserLanguage },
    ...LANGUAGES.map(({ code, name }) => ({ value: code as string, label: name })),
  ];
  return (
    <Frame title={text.pages.language}>
      <RadioGroup
        label={text.pages.language}
        value={language ?? BROWSERS}
        choices={choices}
        onChange={(chosen) => preferences.set({ language: isLanguageCode(chosen) ? chosen : null })}
      />
      <p>{text.languageHint}</p>
    </Frame>
  );
}
