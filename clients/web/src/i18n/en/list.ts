// Texts of the list of conversations.
import { plurals } from "../plural.js";

const many = plurals("en");

export const list = {
  title: "Chats",
  conversations: "Conversations",
  empty: "No conversations yet",
  emptyHint: "Find somebody by name and say hello.",
  newConversation: "New conversation",
  unread: (count: number) => many(count, { one: "# unread message", other: "# unread messages" }),
  nothingOpen: "Choose a conversation",
  nothingOpenHint: "What you write is kept until the server has it, even without a connection.",
};
