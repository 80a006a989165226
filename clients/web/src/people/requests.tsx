// Message requests: what strangers wrote, to be accepted or declined without their noticing that it was read.
import type { ConversationSummary, Message } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Inbox } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useAttempt, useErrorText } from "../app/errors.js";
import { go } from "../app/route.js";
import { useAsked, useEvent, usePaged } from "../asking/asked.js";
import { distanceText } from "../asking/dates.js";
import { PlainText } from "../conversation/format/plain-text.js";
import { useLanguage, useText } from "../i18n/text.js";
import { Button } from "../ui/button.js";
import { ConfirmDialog } from "../ui/confirm-dialog.js";
import { EmptyState } from "../ui/empty-state.js";
import { List } from "../ui/list-row.js";
import { Page } from "../ui/page.js";
import { showToast } from "../ui/toast.js";
import { SkeletonRows } from "../ui/wait.js";
import { setBlocked } from "./contacts.js";
import panel from "./panel.module.css";
import { PersonAvatar, PersonName } from "./person.js";
import { usePerson } from "./profiles.js";
import css from "./requests.module.css";

const PAGE = 50;
/** A request holds no more. */
const MESSAGES_MAX = 3;
/** More of a message is not shown here. */
const SHOWN_CHARS = 600;

export function Requests(): ReactNode {
  const parlor = useParlor();
  const text = useText();
  const words = useErrorText();
  const { items, hasMore, isLoading, error, loadMore, reload, change } = usePaged<ConversationSummary>(
    "requests",
    async (cursor) => {
      const page = await parlor.command("requests", { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      return { items: page.conversations, cursor: page.cursor };
    },
  );
  const drop = (conversationId: string) =>
    change((requests) => requests.filter((request) => request.conversationId !== conversationId));
  useEvent("request", ({ conversationId, state }) => {
    if (state === "pending") reload();
    else drop(conversationId);
  });
  useEvent("private_message", (message) => {
    if (message.request === true) reload();
  });
  return (
    <Page title={text.people.requests} onBack={() => go({ name: "home" })} isBackNarrow>
      {items.length > 0 ? (
        <>
          <p className={panel.lead}>{text.people.requestsHint}</p>
          {items.map((request) => (
            <RequestCard
              key={request.conversationId}
              request={request}
              onDecided={() => drop(request.conversationId)}
              onFailed={reload}
            />
          ))}
        </>
      ) : error !== null ? (
        <EmptyState
          icon={<Inbox />}
          title={words(error)}
          action={<Button onClick={reload}>{text.common.tryAgain}</Button>}
        />
      ) : isLoading ? (
        <SkeletonRows rows={3} />
      ) : (
        <EmptyState icon={<Inbox />} title={text.people.requestsEmpty} hint={text.people.requestsEmptyHint} />
      )}
      {hasMore && (
        <Button className={panel.more} disabled={isLoading} onClick={loadMore}>
          {text.people.showMore}
        </Button>
      )}
    </Page>
  );
}

interface RequestCardProps {
  readonly request: ConversationSummary;
  readonly onDecided: () => void;
  readonly onFailed: () => void;
}

function RequestCard({ request, onDecided, onFailed }: RequestCardProps): ReactNode {
  const parlor = useParlor();
  const text = useText();
  const language = useLanguage();
  const attempt = useAttempt();
  const [isBlocking, setBlocking] = useState(false);
  const { conversationId, head } = request;
  const userId = request.with ?? "";
  const { name } = usePerson(userId);
  // Looking does not mark anything as read.
  const messages = useAsked(`${conversationId} ${head}`, () =>
    parlor.command("history", { conversationId, limit: MESSAGES_MAX }),
  );
  const decide = async (command: "request_accept" | "request_decline") => {
    onDecided();
    const isDone = await attempt(() => parlor.command(command, { conversationId }));
    if (!isDone) onFailed();
    return isDone;
  };
  const accept = async () => {
    if (!(await decide("request_accept"))) return;
    showToast({ text: text.people.accepted(name) });
    go({ name: "conversation", key: `user:${userId}` });
  };
  const decline = async () => {
    if (await decide("request_decline")) showToast({ text: text.people.declined(name) });
  };
  const block = async () => {
    if (!(await decide("request_decline"))) return;
    if (await attempt(() => setBlocked(parlor, userId, true))) showToast({ text: text.people.blocked(name) });
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
            {distanceText(request.last.ts, Date.now(), language)}
          </small>
        </span>
        <Preview messages={[...(messages.value?.messages ?? [])].reverse()} />
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

function Preview({ messages }: { messages: readonly Message[] }): ReactNode {
  const text = useText();
  return (
    <ul className={css.messages} aria-label={text.conversation.messages}>
      {messages.map((message) => (
        <li key={message.id} className={css.message} dir="auto">
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
