// All keys that do something.
import type { ReactNode } from "react";
import { useText } from "../i18n/text.js";
import { Dialog } from "../ui/dialog.js";
import { keysOf, SHORTCUT_GROUPS } from "./shortcuts.js";
import css from "./shortcuts-dialog.module.css";

export function ShortcutsDialog({ onClose }: { onClose: () => void }): ReactNode {
  const { app } = useText();
  const groups = Object.keys(SHORTCUT_GROUPS) as (keyof typeof SHORTCUT_GROUPS)[];
  return (
    <Dialog title={app.shortcuts.title} onClose={onClose}>
      <div className={css.groups}>
        {groups.map((group) => (
          <section key={group}>
            <h3>{app.shortcuts.groups[group]}</h3>
            <dl>
              {SHORTCUT_GROUPS[group].map((shortcut) => (
                <div key={shortcut} className={css.line}>
                  <dt>{app.shortcuts.names[shortcut]}</dt>
                  <dd>
                    {keysOf(shortcut).map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <p className={css.hint}>{app.shortcuts.hint}</p>
      </div>
    </Dialog>
  );
}
