// The whole client: the list, the conversation that is open, and what is shown beside it.
import { useParlor } from "@parlor/react";
import { MessagesSquare } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { ConversationView } from "../conversation/conversation-view.js";
import { useText } from "../i18n/text.js";
import { ConversationList } from "../list/conversation-list.js";
import css from "./app.module.css";
import { type Route, useRoute } from "./route.js";

/** Two panes beside each other, or one where the screen is narrow. */
export function App(): ReactNode {
  const route = useRoute();
  return (
    <div className={css.app} data-open={route.name !== "home"}>
      <ConversationList selected={route.name === "conversation" ? route.key : null} />
      <div className={css.main}>
        <Place route={route} />
      </div>
    </div>
  );
}

/** What the place shows. */
function Place({ route }: { route: Route }): ReactNode {
  switch (route.name) {
    case "conversation":
      return <OpenConversation conversationKey={route.key} />;
    default:
      return <NothingOpen />;
  }
}

function OpenConversation({ conversationKey }: { conversationKey: string }): ReactNode {
  const parlor = useParlor();
  const conversation = useMemo(() => {
    const id = conversationKey.slice(conversationKey.indexOf(":") + 1);
    return conversationKey.startsWith("group:") ? parlor.group(id) : parlor.direct(id);
  }, [parlor, conversationKey]);
  return <ConversationView key={conversationKey} conversation={conversation} />;
}

function NothingOpen(): ReactNode {
  const text = useText();
  return (
    <div className={css.nothing}>
      <MessagesSquare aria-hidden="true" />
      <h2>{text.list.nothingOpen}</h2>
      <p>{text.list.nothingOpenHint}</p>
    </div>
  );
}
