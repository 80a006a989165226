// A thread: the message that it hangs on, what was answered there, and where one answers.
import type { Conversation } from "@parlor/client";
import { useSend, useThread } from "@parlor/react";
import { SendHorizontal } from "lucide-react";
import { type FormEvent, type ReactNode, useRef, useState } from "react";
import { useErrorText } from "../../app/errors.js";
import { usePreferences } from "../../app/preferences.js";
import { useText } from "../../i18n/text.js";
import { Button, IconButton } from "../../ui/button.js";
import { EmptyState } from "../../ui/empty-state.js";
import { PageHeader } from "../../ui/page.js";
import { Loading } from "../../ui/wait.js";
import { contentOf } from "../composer/text.js";
import { PanelMessage } from "./panel-message.js";
import css from "./panels.module.css";

export interface ThreadPanelProps {
  readonly conversation: Conversation;
  readonly messageId: string;
  readonly onClose: () => void;
}

export function ThreadPanel({ conversation, messageId, onClose }: ThreadPanelProps): ReactNode {
  const text = useText();
  const words = useErrorText();
  const { root, messages, hasMore, isLoading, error, loadMore } = useThread(conversation, messageId);
  const said = messages.filter((message) => message.state === "sent");
  return (
    <section className={css.panel} aria-label={text.conversation.thread}>
      <PageHeader title={text.conversation.thread} onClose={onClose} />
      <div className={css.scroll} role="log" aria-label={text.conversation.thread}>
        {root !== null && <PanelMessage message={{ ...root, pos: 0 }} conversationKey={conversation.key} />}
        {error !== null ? (
          <EmptyState title={words(error)} />
        ) : root === null && isLoading ? (
          <Loading />
        ) : (
          <>
            <h3 className={css.heading}>
              {said.length === 0 ? text.conversation.threadHint : text.conversation.replies(said.length)}
            </h3>
            {said.map((message) => (
              <PanelMessage key={message.id} message={{ ...message, pos: 0 }} conversationKey={conversation.key} />
            ))}
            {hasMore && (
              <div className={css.more}>
                <Button kind="quiet" onClick={() => void loadMore()}>
                  {text.common.more}
                </Button>
              </div>
            )}
          </>
        )}
      </div>
      {error === null && <Answer conversation={conversation} messageId={messageId} />}
    </section>
  );
}

function Answer({ conversation, messageId }: { conversation: Conversation; messageId: string }): ReactNode {
  const { send } = useSend(conversation);
  const { enterSends } = usePreferences();
  const text = useText();
  const [value, setValue] = useState("");
  const form = useRef<HTMLFormElement>(null);
  const content = contentOf(value);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (content === "") return;
    send(content, { thread: messageId });
    setValue("");
  };
  return (
    <form ref={form} className={css.reply} onSubmit={submit}>
      <textarea
        rows={1}
        dir="auto"
        value={value}
        aria-label={text.conversation.reply}
        placeholder={text.conversation.reply}
        onChange={(event) => setValue(event.target.value)}
        onKeyDown={(event) => {
          const isSending = event.key === "Enter" && (enterSends ? !event.shiftKey : event.ctrlKey || event.metaKey);
          if (!isSending || event.nativeEvent.isComposing) return;
          event.preventDefault();
          form.current?.requestSubmit();
        }}
      />
      <IconButton type="submit" label={text.conversation.send} icon={<SendHorizontal />} disabled={content === ""} />
    </form>
  );
}
