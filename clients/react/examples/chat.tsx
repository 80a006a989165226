import type { Conversation, Parlor } from "@parlor/client";
import {
  ParlorProvider,
  useConversations,
  useMessages,
  useParlor,
  usePresence,
  useSend,
  useStatus,
  useTyping,
} from "@parlor/react";

export function App({ parlor }: { parlor: Parlor }) {
  return (
    <ParlorProvider parlor={parlor}>
      <Inbox />
      <Chat with="bob" />
    </ParlorProvider>
  );
}

function Inbox() {
  const { conversations, hasMore, loadMore } = useConversations();
  return (
    <nav>
      <ul>
        {conversations.map(({ conversation, name, unread }) => (
          <li key={conversation.key}>
            {name} ({unread})
          </li>
        ))}
      </ul>
      {hasMore && (
        <button type="button" onClick={loadMore}>
          More
        </button>
      )}
    </nav>
  );
}

function Chat({ with: userId }: { with: string }) {
  const conversation = useParlor().direct(userId);
  const { state } = useStatus();
  const { online } = usePresence(userId);
  const { messages, hasOlder, loadOlder } = useMessages(conversation);
  return (
    <main>
      <h1>
        {userId} {online ? "is here" : "is away"}
      </h1>
      {state !== "live" && <p>Not connected: what you write is sent later.</p>}
      {hasOlder && (
        <button type="button" onClick={loadOlder}>
          Older
        </button>
      )}
      <ol>
        {messages.map((message) => (
          <li key={message.key}>
            {message.from}: {String(message.content ?? "(deleted)")} {message.state !== "sent" && `(${message.state})`}
          </li>
        ))}
      </ol>
      <Composer conversation={conversation} />
    </main>
  );
}

function Composer({ conversation }: { conversation: Conversation }) {
  const { send } = useSend(conversation);
  const { userIds, types } = useTyping(conversation);
  return (
    <form
      action={(form) => {
        const text = form.get("text");
        if (text) send(String(text));
      }}
    >
      <input name="text" aria-label="Message" onChange={types} />
      <output>{userIds.length > 0 && `${userIds.join(", ")} typing…`}</output>
    </form>
  );
}
