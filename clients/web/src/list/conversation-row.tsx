// One line of the list: whom with, what was said last, what is unread.
import type { ConversationView } from "@parlor/client";
import type { ReactNode } from "react";
import { hrefOf } from "../app/route.js";
import { textOf } from "../conversation/content.js";
import { useText } from "../i18n/text.js";
import { Avatar } from "../ui/avatar.js";
import css from "./conversation-row.module.css";

export function ConversationRow({ view, isSelected }: { view: ConversationView; isSelected: boolean }): ReactNode {
  const { conversation, name, lastMessage, unread } = view;
  const text = useText();
  return (
    <li>
      <a
        className={css.row}
        href={hrefOf({ name: "conversation", key: conversation.key })}
        aria-current={isSelected ? "page" : undefined}
      >
        <Avatar id={conversation.key} name={name} />
        <span className={css.name}>{name}</span>
        <span className={css.last}>{lastMessage && textOf(lastMessage.content)}</span>
        {unread > 0 && (
          <span className={css.badge}>
            <span aria-hidden="true">{unread}</span>
            <span className="visually-hidden">{text.list.unread(unread)}</span>
          </span>
        )}
      </a>
    </li>
  );
}
