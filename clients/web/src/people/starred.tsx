// The messages that the user has starred, those starred last first, and the way to each.
import type { LoggedMessage, StarredMessage } from "@parlor/client";
import { useParlor, useStarred } from "@parlor/react";
import { Star, StarOff } from "lucide-react";
import type { ReactNode } from "react";
import { useAttempt, useErrorText } from "../app/errors.js";
import { go, hrefOf } from "../app/route.js";
import { momentText } from "../asking/dates.js";
import { PlainText } from "../conversation/format/plain-text.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
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

export function Starred(): ReactNode {
  const text = useMoreText();
  const attempt = useAttempt();
  const words = useErrorText();
  const { starred, hasMore, isLoading, error, loadMore, unstar } = useStarred();
  const take = async (messageId: string) => {
    if (await attempt(() => unstar(messageId))) showToast({ text: text.people.unstarred });
  };
  return (
    <Page title={text.people.starred} onBack={() => go({ name: "home" })} isBackNarrow>
      {starred.length > 0 ? (
        <List>
          {starred.map((line) => (
            <StarredRow key={line.messageId} line={line} onUnstar={() => void take(line.messageId)} />
          ))}
        </List>
      ) : error !== null ? (
        <EmptyState
          icon={<Star />}
          title={words(error)}
          action={<Button onClick={() => void loadMore()}>{text.common.tryAgain}</Button>}
        />
      ) : isLoading ? (
        <SkeletonRows />
      ) : (
        <EmptyState icon={<Star />} title={text.people.starredEmpty} hint={text.people.starredEmptyHint} />
      )}
      {hasMore && (
        <Button className={panel.more} disabled={isLoading} onClick={() => void loadMore()}>
          {text.people.showMore}
        </Button>
      )}
    </Page>
  );
}

function StarredRow({ line, onUnstar }: { line: StarredMessage; onUnstar: () => void }): ReactNode {
  const text = useMoreText();
  const { message } = line;
  const isThere = message !== null && message.deleted !== true && message.expired !== true;
  return (
    <li className={css.message}>
      {isThere ? <StarredLink message={message} /> : <p className={css.gone}>{text.people.starredGone}</p>}
      <IconButton label={text.people.unstar} icon={<StarOff />} onClick={onUnstar} />
    </li>
  );
}

function StarredLink({ message }: { message: LoggedMessage }): ReactNode {
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
function Where({ message }: { message: LoggedMessage }): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const sender = usePerson(message.from).name;
  const to = usePerson(message.to ?? message.from).name;
  const isMine = message.from === parlor.userId;
  const name = isMine ? text.common.you : sender;
  if (message.groupId !== undefined) {
    return <span>{text.people.inGroup(name, parlor.group(message.groupId).view.get().name)}</span>;
  }
  return <span>{isMine ? text.people.toYou(to) : name}</span>;
}
