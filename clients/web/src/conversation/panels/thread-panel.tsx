// A thread: the message that it hangs on, what was answered there, and where one answers.
import type { Conversation, Message } from "@parlor/client";
import { useMessages, useParlor, useSend } from "@parlor/react";
import { SendHorizontal } from "lucide-react";
import { type FormEvent, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useErrorText } from "../../app/errors.js";
import { usePreferences } from "../../app/preferences.js";
import { useText } from "../../i18n/text.js";
import { Button, IconButton } from "../../ui/button.js";
import { EmptyState } from "../../ui/empty-state.js";
import { PageHeader } from "../../ui/page.js";
import { Loading } from "../../ui/wait.js";
import { contentOf } from "../composer/text.js";
import { messageOf } from "../timeline/loaded.js";
import { PanelMessage } from "./panel-message.js";
import css from "./panels.module.css";

const PAGE = 50;

interface Known {
  readonly messages: readonly Message[];
  readonly cursor: string | null;
}

export interface ThreadPanelProps {
  readonly conversation: Conversation;
  readonly messageId: string;
  readonly onClose: () => void;
}

export function ThreadPanel({ conversation, messageId, onClose }: ThreadPanelProps): ReactNode {
  const { messages } = useMessages(conversation);
  const text = useText();
  const { known, error, readMore } = useThread(conversation, messageId);
  const words = useErrorText();
  const root = messageOf(messages, messageId);
  // What is said now is in the conversation; what was said before was read.
  const all = useMemo(() => {
    const read = new Map((known?.messages ?? []).map((message) => [message.id, message]));
    for (const message of messages) {
      const isBehind = known?.cursor === null || (message.state === "sent" && read.has(message.id));
      if (message.state === "sent" && message.thread === messageId && isBehind) {
        read.set(message.id, { ...message, pos: 0 });
      }
    }
    return [...read.values()].sort((a, b) => a.seq - b.seq);
  }, [known, messages, messageId]);
  return (
    <section className={css.panel} aria-label={text.conversation.thread}>
      <PageHeader title={text.conversation.thread} onClose={onClose} />
      <div className={css.scroll} role="log" aria-label={text.conversation.thread}>
        {root !== null && <PanelMessage message={{ ...root, pos: 0 }} conversationKey={conversation.key} />}
        {error !== null ? (
          <EmptyState title={words(error)} />
        ) : known === null ? (
          <Loading />
        ) : (
          <>
            <h3 className={css.heading}>
              {all.length === 0 ? text.conversation.threadHint : text.conversation.replies(all.length)}
            </h3>
            {all.map((message) => (
              <PanelMessage key={message.id} message={message} conversationKey={conversation.key} />
            ))}
            {known.cursor !== null && (
              <div className={css.more}>
                <Button kind="quiet" onClick={readMore}>
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

function useThread(conversation: Conversation, messageId: string) {
  const parlor = useParlor();
  const [known, setKnown] = useState<Known | null>(null);
  const [error, setError] = useState<unknown>(null);
  const read = useCallback(
    async (before: Known | null) => {
      try {
        const more = before?.cursor ? { cursor: before.cursor } : {};
        const page = await parlor.command("thread", { messageId, limit: PAGE, ...more });
        setKnown({ messages: [...(before?.messages ?? []), ...page.messages], cursor: page.cursor });
        setError(null);
      } catch (thrown) {
        setError(thrown);
      }
    },
    [parlor, messageId],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: another conversation is another thread
  useEffect(() => void read(null), [read, conversation]);
  return { known, error, readMore: () => void read(known) };
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
