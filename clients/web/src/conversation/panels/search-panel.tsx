// Searches what was said in one conversation.
import type { Conversation, Message } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Search } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { useErrorText } from "../../app/errors.js";
import { useText } from "../../i18n/text.js";
import { Button } from "../../ui/button.js";
import { EmptyState } from "../../ui/empty-state.js";
import { SearchField } from "../../ui/field.js";
import { PageHeader } from "../../ui/page.js";
import { Loading } from "../../ui/wait.js";
import { PanelMessage } from "./panel-message.js";
import css from "./panels.module.css";

const PAUSE_MS = 300;
/** Pages that hold nothing are passed over, this many at a time. */
const EMPTY_PAGES_MAX = 5;

interface Found {
  readonly messages: readonly Message[];
  readonly cursor: string | null;
}

export interface SearchPanelProps {
  readonly conversation: Conversation;
  readonly onClose: () => void;
}

export function SearchPanel({ conversation, onClose }: SearchPanelProps): ReactNode {
  const text = useText();
  const [query, setQuery] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <section className={css.panel} aria-label={text.conversation.search}>
      <PageHeader title={text.conversation.search} onClose={onClose} />
      <div className={css.field}>
        <SearchField ref={field} label={text.conversation.search} value={query} onChange={setQuery} />
      </div>
      <div className={css.scroll} aria-live="polite">
        {query.trim() === "" ? (
          <EmptyState icon={<Search />} title={text.conversation.searchHint} />
        ) : (
          <Results conversation={conversation} query={query.trim()} />
        )}
      </div>
    </section>
  );
}

function Results({ conversation, query }: { conversation: Conversation; query: string }): ReactNode {
  const parlor = useParlor();
  const text = useText();
  const words = useErrorText();
  const [found, setFound] = useState<Found | null>(null);
  const [error, setError] = useState<unknown>(null);
  const turn = useRef(0);

  const read = useCallback(
    async (before: Found | null) => {
      turn.current += 1;
      const mine = turn.current;
      const { id } = conversation;
      if (id === null) return;
      try {
        let messages = before?.messages ?? [];
        let cursor = before?.cursor ?? null;
        const count = messages.length;
        for (let page = 0; page < EMPTY_PAGES_MAX && messages.length === count; page += 1) {
          const more = cursor === null ? {} : { cursor };
          const answer = await parlor.command("search", { text: query, conversationId: id, ...more });
          if (turn.current !== mine) return;
          messages = [...messages, ...answer.messages];
          cursor = answer.cursor;
          if (cursor === null) break;
        }
        setFound({ messages, cursor });
        setError(null);
      } catch (thrown) {
        if (turn.current === mine) setError(thrown);
      }
    },
    [parlor, conversation, query],
  );
  useEffect(() => {
    const timer = setTimeout(() => void read(null), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      turn.current += 1;
    };
  }, [read]);

  if (error !== null) {
    return (
      <EmptyState
        title={words(error)}
        action={<Button onClick={() => void read(null)}>{text.common.tryAgain}</Button>}
      />
    );
  }
  if (found === null) return <Loading />;
  return (
    <>
      {found.messages.length === 0 && found.cursor === null && <EmptyState title={text.conversation.noResults} />}
      {found.messages.map((message) => (
        <PanelMessage key={message.id} message={message} conversationKey={conversation.key} />
      ))}
      {found.cursor !== null && (
        <div className={css.more}>
          <Button kind="quiet" onClick={() => void read(found)}>
            {text.common.more}
          </Button>
        </div>
      )}
    </>
  );
}
