// The messages that the user has starred, those starred last first, and the way to each.
import type { Message, StarredLine } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Star, StarOff } from "lucide-react";
import type { ReactNode } from "react";
import { useAttempt, useErrorText } from "../app/errors.js";
import { go, hrefOf } from "../app/route.js";
import { type Paged, useEvent, usePaged } from "../asking/asked.js";
import { momentText } from "../asking/dates.js";
import { PlainText } from "../conversation/format/plain-text.js";
import { useLanguage, useText } from "../i18n/text.js";
import { Button, IconButton } from "../ui/button.js";
import { EmptyState } from "../ui/empty-state.js";
import { List } from "../ui/list-row.js";
import { Page } from "../ui/page.js";
import { showToast } from "../ui/toast.js";
import { SkeletonRows } from "../ui/wait.js";
import { keyOfMessage } from "./message-key.js";
import panel from "./panel.module.css";
import { PersonAvatar } from "./person.js";
import { usePerson } from "./profiles.js";
import css from "./starred.module.css";

/** More of a message is not shown here. */
const SHOWN_CHARS = 600;

const PAGE = 50;

function useStarred(): Paged<StarredLine> {
  const parlor = useParlor();
  const paged = usePaged<StarredLine>("starred", async (cursor) => {
    const page = await parlor.command("starred", { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    return { items: page.starred, cursor: page.cursor };
  });
  useEvent("starred", ({ messageId, starred }) => {
    if (starred) paged.reload();
    else paged.change((lines) => lines.filter((line) => line.messageId !== messageId));
  });
  return paged;
}

export function Starred(): ReactNode {
  const parlor = useParlor();
  const text = useText();
  const attempt = useAttempt();
  const words = useErrorText();
  const { items, hasMore, isLoading, error, loadMore, reload, change } = useStarred();
  const unstar = async (line: StarredLine) => {
    change((lines) => lines.filter((other) => other !== line));
    const isDone = await attempt(() => parlor.command("unstar", { messageId: line.messageId }));
    if (isDone) showToast({ text: text.people.unstarred });
    else reload();
  };
  return (
    <Page title={text.people.starred} onBack={() => go({ name: "home" })} isBackNarrow>
      {items.length > 0 ? (
        <List>
          {items.map((line) => (
            <StarredRow key={line.messageId} line={line} onUnstar={() => void unstar(line)} />
          ))}
        </List>
      ) : error !== null ? (
        <EmptyState
          icon={<Star />}
          title={words(error)}
          action={<Button onClick={reload}>{text.common.tryAgain}</Button>}
        />
      ) : isLoading ? (
        <SkeletonRows />
      ) : (
        <EmptyState icon={<Star />} title={text.people.starredEmpty} hint={text.people.starredEmptyHint} />
      )}
      {hasMore && (
        <Button className={panel.more} disabled={isLoading} onClick={loadMore}>
          {text.people.showMore}
        </Button>
      )}
    </Page>
  );
}

function StarredRow({ line, onUnstar }: { line: StarredLine; onUnstar: () => void }): ReactNode {
  const text = useText();
  const { message } = line;
  const isThere = message !== null && message.deleted !== true && message.expired !== true;
  return (
    <li className={css.message}>
      {isThere ? <StarredMessage message={message} /> : <p className={css.gone}>{text.people.starredGone}</p>}
      <IconButton label={text.people.unstar} icon={<StarOff />} onClick={onUnstar} />
    </li>
  );
}

function StarredMessage({ message }: { message: Message }): ReactNode {
  const parlor = useParlor();
  const language = useLanguage();
  const target = keyOfMessage(message, parlor.userId ?? "");
  const href = hrefOf({ name: "conversation", key: target, seq: message.seq });
  return (
    <>
      <PersonAvatar userId={message.from} />
      <a className={css.link} href={href}>
        <span className={css.meta}>
          <Where message={message} />
          <time dateTime={new Date(message.ts).toISOString()}>{momentText(message.ts, language)}</time>
        </span>
        <span className={css.body} dir="auto">
          <PlainText message={message} charactersMax={SHOWN_CHARS} />
        </span>
      </a>
    </>
  );
}

/** Who said it, and where. */
function Where({ message }: { message: Message }): ReactNode {
  const parlor = useParlor();
  const text = useText();
  const sender = usePerson(message.from).name;
  const to = usePerson(message.to ?? message.from).name;
  const isMine = message.from === parlor.userId;
  const name = isMine ? text.common.you : sender;
  if (message.groupId !== undefined) {
    return <span>{text.people.inGroup(name, parlor.group(message.groupId).view.get().name)}</span>;
  }
  return <span>{isMine ? text.people.toYou(to) : name}</span>;
}
