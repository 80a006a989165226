// What moderators have done, newest first, each with the hash that proves its place.
import type { AuditLine } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Copy, ScrollText } from "lucide-react";
import type { ReactNode } from "react";
import { useErrorText } from "../app/errors.js";
import { usePaged } from "../asking/asked.js";
import { isForGood, momentText } from "../asking/dates.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import panel from "../people/panel.module.css";
import { PersonName } from "../people/person.js";
import { Button, IconButton } from "../ui/button.js";
import { useCopy } from "../ui/copy.js";
import { EmptyState } from "../ui/empty-state.js";
import { List } from "../ui/list-row.js";
import { Loading } from "../ui/wait.js";
import css from "./audit-log.module.css";

const PAGE = 50;

export function AuditLog(): ReactNode {
  const parlor = useParlor();
  const { moderation: text, common } = useMoreText();
  const words = useErrorText();
  const { items, hasMore, isLoading, error, loadMore, reload } = usePaged<AuditLine>("audit", async (cursor) => {
    const page = await parlor.command("audit", { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    return { items: page.entries, cursor: page.cursor };
  });
  return (
    <div className={css.log}>
      {items.length > 0 && (
        <List hint={text.hashHint}>
          {items.map((line) => (
            <AuditRow key={line.number} line={line} />
          ))}
        </List>
      )}
      {items.length === 0 &&
        (error !== null ? (
          <EmptyState title={words(error)} action={<Button onClick={reload}>{common.tryAgain}</Button>} />
        ) : isLoading ? (
          <Loading />
        ) : (
          <EmptyState icon={<ScrollText />} title={text.noAudit} />
        ))}
      {hasMore && (
        <Button className={panel.more} disabled={isLoading} onClick={loadMore}>
          {text.showMore}
        </Button>
      )}
    </div>
  );
}

function AuditRow({ line }: { line: AuditLine }): ReactNode {
  const { moderation: text } = useMoreText();
  const language = useLanguage();
  const copy = useCopy();
  const { number, at, by, action, userId, until, text: said, note, hash } = line;
  const actions: Partial<Record<string, string>> = text.actions;
  const isAboutUser = action === "warn" || action === "suspend" || action === "unsuspend" || action === "remove";
  return (
    <li className={css.row}>
      <span className={css.number}>{number}</span>
      <span className={css.text}>
        <span>
          <strong>
            <PersonName userId={by} />
          </strong>{" "}
          {actions[action] ?? action}
          {isAboutUser ? " " : ": "}
          <strong>
            <PersonName userId={userId} />
          </strong>
          {until !== undefined &&
            !isForGood(until) &&
            `, ${text.until.toLocaleLowerCase(language)} ${momentText(until, language)}`}
        </span>
        {said !== undefined && (
          <q className={css.said} dir="auto">
            {said}
          </q>
        )}
        {note !== undefined && (
          <span className={css.note} dir="auto">
            {text.note}: {note}
          </span>
        )}
        <time dateTime={new Date(at).toISOString()}>{momentText(at, language)}</time>
        <span className={css.hash}>
          <code title={hash}>{hash}</code>
        </span>
      </span>
      <IconButton label={text.copyHash} icon={<Copy />} onClick={() => void copy(hash)} />
    </li>
  );
}
