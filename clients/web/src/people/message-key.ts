// Where a message was said, as a key of the client.
import type { Message } from "@parlor/client";

/** The key of the conversation that a message is of, as `userId` sees it. */
export function keyOfMessage(message: Pick<Message, "groupId" | "from" | "to">, userId: string): string {
  if (message.groupId !== undefined) return `group:${message.groupId}`;
  return `user:${message.from === userId ? (message.to ?? userId) : message.from}`;
}
