// Who has read a message, and who has it and has not read it yet.
import type { Conversation, MemberReceipt } from "@parlor/client";
import { useConversation, useParlor } from "@parlor/react";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { useErrorText } from "../../app/errors.js";
import { useLanguage, useText } from "../../i18n/text.js";
import { PersonAvatar, PersonName } from "../../people/person.js";
import { Button } from "../../ui/button.js";
import { EmptyState } from "../../ui/empty-state.js";
import { PageHeader } from "../../ui/page.js";
import { Loading } from "../../ui/wait.js";
import { briefTimeOf } from "../times.js";
import css from "./panels.module.css";

const PAGE = 100;

interface Known {
  readonly receipts: readonly MemberReceipt[];
  readonly cursor: string | null;
}

export interface ReceiptsPanelProps {
  readonly conversation: Conversation;
  readonly messageId: string;
  readonly onClose: () => void;
}

export function ReceiptsPanel({ conversation, messageId, onClose }: ReceiptsPanelProps): ReactNode {
  const parlor = useParlor();
  const { watermarks } = useConversation(conversation);
  const text = useText();
  const words = useErrorText();
  const [known, setKnown] = useState<Known | null>(null);
  const [error, setError] = useState<unknown>(null);
  const seq = Number(messageId.slice(messageId.lastIndexOf(":") + 1));

  const read = useCallback(
    async (before: Known | null) => {
      const { id } = conversation;
      if (id === null || !Number.isSafeInteger(seq)) return;
      try {
        const more = before?.cursor ? { cursor: before.cursor } : {};
        const page = await parlor.command("receipts", { conversationId: id, seq, limit: PAGE, ...more });
        setKnown({ receipts: [...(before?.receipts ?? []), ...page.receipts], cursor: page.cursor });
        setError(null);
      } catch (thrown) {
        setError(thrown);
      }
    },
    [parlor, conversation, seq],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: marks have moved
  useEffect(() => void read(null), [read, watermarks]);

  return (
    <section className={css.panel} aria-label={text.conversation.receipts}>
      <PageHeader title={text.conversation.receipts} onClose={onClose} />
      <div className={css.scroll}>
        {error !== null ? (
          <EmptyState title={words(error)} />
        ) : known === null ? (
          <Loading />
        ) : (
          <>
            <People title={text.conversation.readByTitle} receipts={known.receipts.filter((receipt) => receipt.read)} />
            <People
              title={text.conversation.deliveredToTitle}
              receipts={known.receipts.filter((receipt) => !receipt.read)}
            />
            {known.cursor !== null && (
              <div className={css.more}>
                <Button kind="quiet" onClick={() => void read(known)}>
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
