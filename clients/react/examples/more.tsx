import type { Conversation, Happening, SearchQuery } from "@parlor/client";
import {
  useContacts,
  useDraft,
  useMessages,
  useReceipts,
  useRequests,
  useSearch,
  useStarred,
  useWindow,
} from "@parlor/react";

/** What is said in a group, and between it what happens. */
export function Log({ group }: { group: Conversation }) {
  const { items } = useMessages(group);
  const { star } = useStarred();
  return (
    <ol>
      {items.map((item) =>
        item.state === "happened" ? (
          <li key={item.key}>{happened(item)}</li>
        ) : (
          <li key={item.key}>
            {String(item.content)}
            {item.state === "sent" && (
              <button type="button" onClick={() => star(item.id)}>
                Star
              </button>
            )}
          </li>
        ),
      )}
    </ol>
  );
}

function happened(entry: Happening): string {
  switch (entry.kind) {
    case "member_added":
      return `${entry.by} brought in ${entry.userIds.join(", ")}`;
    case "member_left":
      return `${entry.by} left`;
    case "group_updated":
      return `${entry.by} changed the group`;
    default:
      return entry.kind;
  }
}

/** A field that goes on with what was begun, here or on another device. */
export function Draft({ conversation }: { conversation: Conversation }) {
  const { content, setDraft } = useDraft(conversation);
  return (
    <textarea
      aria-label="Message"
      value={typeof content === "string" ? content : ""}
      onChange={(event) => setDraft(event.target.value || null)}
    />
  );
}

export function ReadBy({ conversation, seq }: { conversation: Conversation; seq: number }) {
  const { receipts, counts } = useReceipts(conversation, { seq });
  const readers = receipts.filter(({ read }) => read).map(({ userId }) => userId);
  return (
    <p>
      Read by {counts?.read ?? readers.length}: {readers.join(", ")}
    </p>
  );
}

export function Found({ query }: { query: SearchQuery | null }) {
  const { messages, hasMore, loadMore } = useSearch(query);
  return (
    <>
      {messages.map((message) => (
        <p key={message.key}>Found: {String(message.content)}</p>
      ))}
      {hasMore && (
        <button type="button" onClick={loadMore}>
          More
        </button>
      )}
    </>
  );
}

/** The messages around one that was found, or that something answers. */
export function Around({ conversation, messageId }: { conversation: Conversation; messageId: string }) {
  const { messages, hasNewer, loadNewer, error } = useWindow(conversation, { messageId });
  if (error !== null) return <p>{error.message}</p>;
  return (
    <>
      {messages.map((message) => (
        <p key={message.key}>Around: {String(message.content)}</p>
      ))}
      {hasNewer && (
        <button type="button" onClick={loadNewer}>
          Newer
        </button>
      )}
    </>
  );
}

export function Strangers() {
  const { conversations, accept, decline } = useRequests();
  const { byUserId, add } = useContacts();
  return conversations.map(({ conversation, name, lastMessage }) => (
    <form key={conversation.key}>
      <p>
        {byUserId.get(name)?.name ?? name} wants to write to you: {String(lastMessage?.content)}
      </p>
      <button type="button" onClick={() => accept(conversation).then(() => add(name))}>
        Accept
      </button>
      <button type="button" onClick={() => decline(conversation)}>
        Decline
      </button>
    </form>
  ));
}
