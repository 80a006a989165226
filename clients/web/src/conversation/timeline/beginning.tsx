// What stands above a row with which a day, or what is unread, begins.
import type { ReactNode } from "react";
import { useLanguage, useText } from "../../i18n/text.js";
import { dayNameOf } from "../times.js";
import css from "./beginning.module.css";
import type { Row } from "./rows.js";

export function Beginning({ row: { ts, beginsDay, beginsUnread } }: { row: Row }): ReactNode {
  const language = useLanguage();
  const text = useText();
  return (
    <>
      {beginsDay && (
        <div className={css.day}>
          <span>{dayNameOf(language, ts)}</span>
        </div>
      )}
      {beginsUnread && (
        <div className={css.unread}>
          <span>{text.conversation.unreadMessages}</span>
        </div>
      )}
    </>
  );
}
