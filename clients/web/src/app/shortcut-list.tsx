// All keys that do something, in groups.
import type { ReactNode } from "react";
import { useText } from "../i18n/text.js";
import css from "./shortcut-list.module.css";
import { keysOf, SHORTCUT_GROUPS } from "./shortcuts.js";

export function ShortcutList(): ReactNode {
  const { app } = useText();
  const groups = Object.keys(SHORTCUT_GROUPS) as (keyof typeof SHORTCUT_GROUPS)[];
  return (
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
  );
}
