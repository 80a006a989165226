// Who has read a message, and who has it and has not read it yet.
import type { Conversation, MemberReceipt } from "@parlor/client";
import { useReceipts } from "@parlor/react";
import type { ReactNode } from "react";
import { useErrorText } from "../../app/errors.js";
import { useLanguage, useText } from "../../i18n/text.js";
import { PersonAvatar, PersonName } from "../../people/person.js";
import { Button } from "../../ui/button.js";
import { EmptyState } from "../../ui/empty-state.js";
import { PageHeader } from "../../ui/page.js";
import { Loading } from "../../ui/wait.js";
import { briefTimeOf } from "../times.js";
import css from "./panels.module.css";

export interface ReceiptsPanelProps {
  readonly conversation: Conversation;
  readonly messageId: string;
  readonly onClose: () => void;
}

export function ReceiptsPanel({ conversation, messageId, onClose }: ReceiptsPanelProps): ReactNode {
  const text = useText();
  const words = useErrorText();
  const seq = Number(messageId.slice(messageId.lastIndexOf(":") + 1));
  const { receipts, hasMore, isLoading, error, loadMore } = useReceipts(conversation, { seq });

  return (
    <section className={css.panel} aria-label={text.conversation.receipts}>
      <PageHeader title={text.conversation.receipts} onClose={onClose} />
      <div className={css.scroll}>
        {error !== null ? (
          <EmptyState title={words(error)} />
        ) : isLoading && receipts.length === 0 ? (
          <Loading />
        ) : (
          <>
            <People title={text.conversation.readByTitle} receipts={receipts.filter((receipt) => receipt.read)} />
            <People title={text.conversation.deliveredToTitle} receipts={receipts.filter((receipt) => !receipt.read)} />
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
    </section>
  );
}

function People({ title, receipts }: { title: string; receipts: readonly MemberReceipt[] }): ReactNode {
  const text = useText();
  const language = useLanguage();
  return (
    <>
      <h3 className={css.heading}>{title}</h3>
      {receipts.length === 0 && <p className={css.none}>{text.conversation.nobodyYet}</p>}
      <ul>
        {receipts.map(({ userId, at }) => (
          <li key={userId} className={css.person}>
            <PersonAvatar userId={userId} size="sm" />
            <span>
              <PersonName userId={userId} />
              {at > 0 && <small>{briefTimeOf(language, at)}</small>}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
