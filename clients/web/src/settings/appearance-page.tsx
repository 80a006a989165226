// How the client looks on this browser.
import type { ReactNode } from "react";
import { DENSITIES, preferences, TEXT_SIZES, THEMES, usePreferences } from "../app/preferences.js";
import { useMoreText } from "../i18n/text.js";
import { Segments } from "../ui/choice.js";
import css from "./appearance-page.module.css";
import { Frame } from "./page-frame.js";

export function AppearancePage(): ReactNode {
  const { settings: text } = useMoreText();
  const { theme, textSize, density } = usePreferences();
  return (
    <Frame title={text.pages.appearance}>
      <div className={css.preview} role="img" aria-label={text.preview}>
        <p className={css.theirs}>{text.previewTheirs}</p>
        <p className={css.mine}>{text.previewMine}</p>
      </div>
      <Segments
        label={text.theme}
        value={theme}
        choices={THEMES.map((value) => ({ value, label: text.themes[value] }))}
        onChange={(chosen) => preferences.set({ theme: chosen })}
      />
      <Segments
        label={text.textSize}
        value={textSize}
        choices={TEXT_SIZES.map((value) => ({ value, label: text.textSizes[value] }))}
        onChange={(chosen) => preferences.set({ textSize: chosen })}
      />
      <Segments
        label={text.density}
        value={density}
        choices={DENSITIES.map((value) => ({ value, label: text.densities[value] }))}
        onChange={(chosen) => preferences.set({ density: chosen })}
      />
    </Frame>
  );
}
