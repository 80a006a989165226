// How one writes.
import type { ReactNode } from "react";
import { preferences, usePreferences } from "../app/preferences.js";
import { useMoreText } from "../i18n/text.js";
import { List, SwitchRow } from "../ui/list-row.js";
import { Frame } from "./page-frame.js";

export function ChatsPage(): ReactNode {
  const { settings: text } = useMoreText();
  const { enterSends } = usePreferences();
  return (
    <Frame title={text.pages.chats}>
      <List>
        <SwitchRow
          title={text.enterSends}
          detail={text.enterSendsHint}
          checked={enterSends}
          onChange={(isOn) => preferences.set({ enterSends: isOn })}
        />
      </List>
    </Frame>
  );
}
