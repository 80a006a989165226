// The whole client: the list, the place where the user is, and what is shown beside it.
import type { Conversation } from "@parlor/client";
import { useConversations, useParlor } from "@parlor/react";
import { MessagesSquare } from "lucide-react";
import { lazy, type ReactNode, Suspense, useEffect, useMemo, useState } from "react";
import { useText } from "../i18n/text.js";
import { ListPane } from "../list/list-pane.js";
import { Button } from "../ui/button.js";
import { EmptyState } from "../ui/empty-state.js";
import { Toaster } from "../ui/toast.js";
import { Loading } from "../ui/wait.js";
import css from "./app.module.css";
import { ConnectionBanner } from "./connection-banner.js";
import { ErrorBoundary } from "./error-boundary.js";
import { focusMain, useFocusFollows } from "./focus.js";
import { Notices } from "./notices.js";
import { usePageTitle } from "./page-title.js";
import { pageOf, panelOf } from "./places.js";
import { go, hrefOf, type Panel, type Route, useRoute } from "./route.js";
import { useShortcuts } from "./use-shortcuts.js";

// The list is there first; the service worker fetches this meanwhile.
const ConversationView = lazy(async () => ({
  default: (await import("../conversation/conversation-view.js")).ConversationView,
}));
const Background = lazy(async () => ({ default: (await import("../offline/background.js")).Background }));
const ShortcutsDialog = lazy(async () => ({ default: (await import("./shortcuts-dialog.js")).ShortcutsDialog }));

/** What nobody sees is loaded so long after the list is there, or after the start where there is no list. */
const LATER_MS = 1_000;
const LATER_WITHOUT_LIST_MS = 10_000;

/** Which pane is seen where there is room for one alone. */
function paneOf(route: Route): "list" | "main" | "panel" {
  if (route.name === "conversation") return route.panel === undefined ? "main" : "panel";
  return route.name === "home" || (route.name === "new" && route.kind === "direct") ? "list" : "main";
}

/** Up to three panes beside each other. */
export function App(): ReactNode {
  const route = useRoute();
  const text = useText();
  const [isHelpOpen, setHelpOpen] = useState(false);
  usePageTitle(route);
  useFocusFollows(route);
  useShortcuts(route, () => setHelpOpen(true));
  return (
    <>
      <button type="button" className={css.skip} onClick={focusMain}>
        {text.app.skip}
      </button>
      <div className={css.page}>
        <ConnectionBanner />
        <Notices />
        <div className={css.app} data-pane={paneOf(route)}>
          <ListPane route={route} onHelp={() => setHelpOpen(true)} />
          <main className={css.main} id="main" tabIndex={-1}>
            <ErrorBoundary place={hrefOf(route)}>
              <Suspense fallback={<Loading />}>
                <Place route={route} />
              </Suspense>
            </ErrorBoundary>
          </main>
          {route.name === "conversation" && route.panel !== undefined && <Aside route={route} panel={route.panel} />}
        </div>
      </div>
      <Toaster />
      <Later />
      {isHelpOpen && (
        <Suspense>
          <ShortcutsDialog onClose={() => setHelpOpen(false)} />
        </Suspense>
      )}
    </>
  );
}

/** What goes on behind the page, once that is there. */
function Later(): ReactNode {
  const { isLoading } = useConversations();
  const [isDue, setDue] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setDue(true), isLoading ? LATER_WITHOUT_LIST_MS : LATER_MS);
    return () => clearTimeout(timer);
  }, [isLoading]);
  return (
    isDue && (
      <Suspense>
        <Background />
      </Suspense>
    )
  );
}

/** The conversation of a route's key. */
function useKeyed(key: string): Conversation {
  const parlor = useParlor();
  return useMemo(() => {
    const id = key.slice(key.indexOf(":") + 1);
    return key.startsWith("group:") ? parlor.group(id) : parlor.direct(id);
  }, [parlor, key]);
}

/** What is in the middle. */
function Place({ route }: { route: Route }): ReactNode {
  const text = useText();
  if (route.name === "conversation") return <OpenConversation conversationKey={route.key} />;
  return (
    pageOf(route) ?? (
      <div className={css.nothing}>
        <EmptyState
          icon={<MessagesSquare />}
          title={text.list.nothingOpen}
          hint={text.list.nothingOpenHint}
          action={<Button onClick={() => go({ name: "new", kind: "direct" })}>{text.list.newConversation}</Button>}
        />
      </div>
    )
  );
}

function OpenConversation({ conversationKey }: { conversationKey: string }): ReactNode {
  return <ConversationView key={conversationKey} conversation={useKeyed(conversationKey)} />;
}

type InConversation = Extract<Route, { name: "conversation" }>;

/** What is beside a conversation. */
function Aside({ route, panel }: { route: InConversation; panel: Panel }): ReactNode {
  const text = useText();
  const conversation = useKeyed(route.key);
  const close = () => go({ name: "conversation", key: route.key });
  return (
    <aside className={css.aside} aria-label={text.app.panel}>
      <ErrorBoundary place={hrefOf(route)}>
        <Suspense fallback={<Loading />}>{panelOf(panel, { conversation, onClose: close })}</Suspense>
      </ErrorBoundary>
    </aside>
  );
}
