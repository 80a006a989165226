// All keys that do something, over everything else.
import type { ReactNode } from "react";
import { useText } from "../i18n/text.js";
import { Dialog } from "../ui/dialog.js";
import { ShortcutList } from "./shortcut-list.js";

export function ShortcutsDialog({ onClose }: { onClose: () => void }): ReactNode {
  const { app } = useText();
  return (
    <Dialog title={app.shortcuts.title} onClose={onClose} isText>
      <ShortcutList />
    </Dialog>
  );
}
