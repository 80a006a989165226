// The keys that do something.
import type { ReactNode } from "react";
import { ShortcutList } from "../app/shortcut-list.js";
import { useMoreText } from "../i18n/text.js";
import { Frame } from "./page-frame.js";

export function ShortcutsPage(): ReactNode {
  const { settings: text } = useMoreText();
  return (
    <Frame title={text.pages.shortcuts}>
      <ShortcutList />
    </Frame>
  );
}
