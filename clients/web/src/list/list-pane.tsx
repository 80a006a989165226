// The left pane: who one is, a search, and the conversations; or what is looked for; or whom to write to anew.
import { lazy, type ReactNode, Suspense } from "react";
import type { Route } from "../app/route.js";
import { useText } from "../i18n/text.js";
import { Loading } from "../ui/wait.js";
import { ConversationList } from "./conversation-list.js";
import { ListHeader } from "./list-header.js";
import css from "./list-pane.module.css";
import { useListState } from "./list-state.js";
import { SearchAll } from "./search-all.js";

const NewConversation = lazy(async () => ({ default: (await import("./new-conversation.js")).NewConversation }));

export function ListPane({ route, onHelp }: { route: Route; onHelp: () => void }): ReactNode {
  const text = useText();
  const { query } = useListState();
  const selected = route.name === "conversation" ? route.key : null;
  const isNew = route.name === "new" && route.kind === "direct";
  return (
    <nav className={css.pane} aria-label={text.list.conversations}>
      {isNew ? (
        <Suspense fallback={<Loading />}>
          <NewConversation />
        </Suspense>
      ) : (
        <>
          <ListHeader onHelp={onHelp} />
          <SearchAll query={query} />
          {query.trim() === "" && <ConversationList selected={selected} />}
        </>
      )}
    </nav>
  );
}
