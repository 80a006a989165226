// The list of conversations, those that moved last first.
import { useConversations } from "@parlor/react";
import { Plus } from "lucide-react";
import type { ReactNode } from "react";
import { go } from "../app/route.js";
import { useText } from "../i18n/text.js";
import { IconButton } from "../ui/button.js";
import css from "./conversation-list.module.css";
import { ConversationRow } from "./conversation-row.js";

/** `selected` is the key of the one that is open. */
export function ConversationList({ selected }: { selected: string | null }): ReactNode {
  const { conversations, isLoading } = useConversations();
  const text = useText();
  return (
    <nav className={css.pane} aria-label={text.list.conversations}>
      <header className={css.header}>
        <h1>{text.list.title}</h1>
        <IconButton
          label={text.list.newConversation}
          icon={<Plus />}
          onClick={() => go({ name: "new", kind: "direct" })}
        />
      </header>
      {conversations.length === 0 && !isLoading ? (
        <div className={css.empty}>
          <p>{text.list.empty}</p>
          <p>{text.list.emptyHint}</p>
        </div>
      ) : (
        <ul className={css.list}>
          {conversations.map((view) => (
            <ConversationRow key={view.conversation.key} view={view} isSelected={view.conversation.key === selected} />
          ))}
        </ul>
      )}
    </nav>
  );
}
