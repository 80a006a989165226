// What entries do to the messages that they are about. Pure functions: each gives a new message.
import type { AnyEntry, Entry, Message, Reaction } from "../protocol/types.js";

/** Whether it is a message, and not something that happened beside messages. */
export function isMessage(entry: AnyEntry): entry is Message {
  return !("kind" in entry);
}

/** Whether it is shown by itself, and not in the message that it is about. */
export function isShown(entry: AnyEntry): boolean {
  return isMessage(entry) || !("messageId" in entry);
}

/** The message without its content, its reactions and its pin. */
export function emptied(message: Message, how: "deleted" | "expired"): Message {
  const { content: _, reactions: _r, pinned: _p, editedAt: _e, highlights: _h, ...rest } = message;
  return { ...rest, [how]: true };
}

function without<K extends keyof Message>(message: Message, field: K): Message {
  const copy = { ...message };
  delete copy[field];
  return copy;
}

function reacted(message: Message, emoji: string, mine: boolean, by: 1 | -1): Message {
  const before = message.reactions ?? [];
  const known = before.find((reaction) => reaction.emoji === emoji);
  const after: Reaction = {
    emoji,
    count: (known?.count ?? 0) + by,
    mine: mine ? by === 1 : (known?.mine ?? false),
  };
  const reactions = known
    ? before.map((reaction) => (reaction === known ? after : reaction)).filter(({ count }) => count > 0)
    : [...before, after].filter(({ count }) => count > 0);
  return reactions.length > 0 ? { ...message, reactions } : without(message, "reactions");
}

/** The message that an entry is about, by id; `null` if it is about none. */
export function aboutOf(entry: AnyEntry): string | null {
  if (isMessage(entry)) return entry.thread ?? null;
  return "messageId" in entry ? entry.messageId : null;
}

/** The message after an entry that is about it. `me` is who looks at it. */
export function after(message: Message, entry: AnyEntry, me: string | null): Message {
  if (isMessage(entry)) return { ...message, threadCount: (message.threadCount ?? 0) + 1 };
  if (message.deleted || message.expired) return message;
  return changed(message, entry, me);
}

function changed(message: Message, entry: Entry, me: string | null): Message {
  switch (entry.kind) {
    case "message_edited":
      // An edit of what was deleted later comes without its content.
      return entry.content === undefined ? message : { ...message, content: entry.content, editedAt: entry.ts };
    case "message_deleted": {
      const gone = emptied(message, "deleted");
      return entry.moderated ? { ...gone, moderated: true } : gone;
    }
    case "reaction_added":
      return reacted(message, entry.emoji, entry.by === me, 1);
    case "reaction_removed":
      return reacted(message, entry.emoji, entry.by === me, -1);
    case "message_pinned":
      return { ...message, pinned: true };
    case "message_unpinned":
      return without(message, "pinned");
    default:
      return message;
  }
}
