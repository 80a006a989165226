// The messages that are pinned in a conversation, the last one first.
import type { Conversation } from "@parlor/client";
import { usePins } from "@parlor/react";
import { Pin } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../../i18n/text.js";
import { EmptyState } from "../../ui/empty-state.js";
import { PageHeader } from "../../ui/page.js";
import { Loading } from "../../ui/wait.js";
import { PanelMessage } from "./panel-message.js";
import css from "./panels.module.css";

export interface PinsPanelProps {
  readonly conversation: Conversation;
  readonly onClose: () => void;
}

export function PinsPanel({ conversation, onClose }: PinsPanelProps): ReactNode {
  const { pins, isLoading } = usePins(conversation);
  const text = useText();
  return (
    <section className={css.panel} aria-label={text.conversation.pins}>
      <PageHeader title={text.conversation.pins} onClose={onClose} />
      <div className={css.scroll}>
        {pins.length === 0 && isLoading ? (
          <Loading />
        ) : pins.length === 0 ? (
          <EmptyState icon={<Pin />} title={text.conversation.noPins} />
        ) : (
          pins.map(({ message }) => (
            <PanelMessage key={message.id} message={message} conversationKey={conversation.key} />
          ))
        )}
      </div>
    </section>
  );
}
