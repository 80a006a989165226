// Searches what was said in one conversation.
import type { Conversation } from "@parlor/client";
import { useSearch } from "@parlor/react";
import { Search } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
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
  const text = useText();
  const words = useErrorText();
  const [settled, settle] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => settle(query), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [query]);
  const { messages, hasMore, isLoading, error, loadMore } = useSearch({ text: settled, conversation });

  if (error !== null) {
    return (
      <EmptyState
        title={words(error)}
        action={<Button onClick={() => void loadMore()}>{text.common.tryAgain}</Button>}
      />
    );
  }
  if (messages.length === 0 && (isLoading || settled === "")) return <Loading />;
  return (
    <>
      {messages.length === 0 && !hasMore && <EmptyState title={text.conversation.noResults} />}
      {messages.map((message) => (
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
  );
}
