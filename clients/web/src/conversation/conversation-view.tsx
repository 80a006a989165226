// One conversation: whom with, what was said, and where one writes.
import type { Conversation } from "@parlor/client";
import { useConversation, useMessages } from "@parlor/react";
import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { go } from "../app/route.js";
import { useText } from "../i18n/text.js";
import { Avatar } from "../ui/avatar.js";
import { IconButton } from "../ui/button.js";
import { Composer } from "./composer.js";
import { textOf } from "./content.js";
import css from "./conversation-view.module.css";

export function ConversationView({ conversation }: { conversation: Conversation }): ReactNode {
  const { name } = useConversation(conversation);
  const { messages } = useMessages(conversation);
  const text = useText();
  return (
    <section className={css.pane} aria-label={name}>
      <header className={css.header}>
        <IconButton
          className={css.back}
          label={text.common.back}
          icon={<ArrowLeft />}
          onClick={() => go({ name: "home" })}
        />
        <Avatar id={conversation.key} name={name} size="sm" />
        <h2>{name}</h2>
      </header>
      <ol className={css.messages} aria-label={text.conversation.messages}>
        {messages.map((message) => (
          <li key={message.key}>
            {message.from}: {textOf(message.content)} ({message.state})
          </li>
        ))}
      </ol>
      <Composer conversation={conversation} />
    </section>
  );
}
