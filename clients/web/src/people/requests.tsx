// Message requests: what strangers wrote, to be accepted or declined without their noticing that it was read.
import type { ChatMessage, ConversationView } from "@parlor/client";
import { useMessages, useParlor, useRequests } from "@parlor/react";
import { Inbox } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useAttempt, useErrorText } from "../app/errors.js";
import { go } from "../app/route.js";
import { distanceText } from "../asking/dates.js";
import { PlainText } from "../conversation/format/plain-text.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import { Button } from "../ui/button.js";
import { ConfirmDialog } from "../ui/confirm-dialog.js";
import { EmptyState } from "../ui/empty-state.js";
import { List } from "../ui/list-row.js";
import { Page } from "../ui/page.js";
import { showToast } from "../ui/toast.js";
import { SkeletonRows } from "../ui/wait.js";
import panel from "./panel.module.css";
import { PersonAvatar, PersonName } from "./person.js";
import { usePerson } from "./profiles.js";
import css from "./requests.module.css";

/** More of a message is not shown here. */
const SHOWN_CHARS = 600;

export function Requests(): ReactNode {
  const text = useMoreText();
  const words = useErrorText();
  const { conversations, hasMore, isLoading, error, loadMore } = useRequests();
  return (
    <Page title={text.people.requests} onBack={() => go({ name: "home" })} isBackNarrow>
      {conversations.length > 0 ? (
        <>
          <p className={panel.lead}>{text.people.requestsHint}</p>
          {conversations.map((request) => (
            <RequestCard key={request.conversation.key} request={request} />
          ))}
        </>
      ) : error !== null ? (
        <EmptyState
          icon={<Inbox />}
          title={words(error)}
          action={<Button onClick={() => void loadMore()}>{text.common.tryAgain}</Button>}
        />
      ) : isLoading ? (
        <SkeletonRows rows={3} />
      ) : (
        <EmptyState icon={<Inbox />} title={text.people.requestsEmpty} hint={text.people.requestsEmptyHint} />
      )}
      {hasMore && (
        <Button className={panel.more} disabled={isLoading} onClick={() => void loadMore()}>
          {text.people.showMore}
        </Button>
      )}
    </Page>
  );
}

function RequestCard({ request }: { request: ConversationView }): ReactNode {
  const { conversation, lastMessage, name: userId } = request;
  const parlor = useParlor();
  const text = useMoreText();
  const language = useLanguage();
  const attempt = useAttempt();
  const [isBlocking, setBlocking] = useState(false);
  const { name } = usePerson(userId);
  // Looking does not mark anything as read.
  const { messages } = useMessages(conversation);
  const accept = async () => {
    if (!(await attempt(() => parlor.requests.accept(conversation)))) return;
    showToast({ text: text.people.accepted(name) });
    go({ name: "conversation", key: conversation.key });
  };
  const decline = async () => {
    const isDone = await attempt(() => parlor.requests.decline(conversation));
    if (isDone) showToast({ text: text.people.declined(name) });
  };
  const block = async () => {
    if (!(await attempt(() => parlor.requests.decline(conversation)))) return;
    if (await attempt(() => parlor.blocked.block(userId))) showToast({ text: text.people.blocked(name) });
  };
  return (
    <List>
      <li className={css.request}>
        <PersonAvatar userId={userId} />
        <span className={css.names}>
          <strong>
            <PersonName userId={userId} />
          </strong>
          <small>
            {name !== userId && <bdi>{userId} · </bdi>}
            {lastMessage !== null && distanceText(lastMessage.ts, Date.now(), language)}
          </small>
        </span>
        <Preview messages={messages} />
        <div className={css.deeds}>
          <Button kind="danger" onClick={() => setBlocking(true)}>
            {text.people.block}
          </Button>
          <Button onClick={() => void decline()}>{text.people.decline}</Button>
          <Button kind="primary" onClick={() => void accept()}>
            {text.people.accept}
          </Button>
        </div>
        {isBlocking && (
          <ConfirmDialog
            title={text.people.blockTitle(name)}
            action={text.people.block}
            isDanger
            onConfirm={() => void block()}
            onClose={() => setBlocking(false)}
          >
            {text.people.blockHint}
          </ConfirmDialog>
        )}
      </li>
    </List>
  );
}

function Preview({ messages }: { messages: readonly ChatMessage[] }): ReactNode {
  const text = useMoreText();
  return (
    <ul className={css.messages} aria-label={text.conversation.messages}>
      {messages.map((message) => (
        <li key={message.key} className={css.message} dir="auto">
          {message.content === undefined ? (
            text.conversation.deleted
          ) : (
            <PlainText message={message} charactersMax={SHOWN_CHARS} />
          )}
        </li>
      ))}
    </ul>
  );
}
