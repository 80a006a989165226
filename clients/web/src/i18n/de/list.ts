import { plurals } from "../plural.js";

const many = plurals("de");

export const list = {
  title: "Chats",
  conversations: "Unterhaltungen",
  empty: "Noch keine Unterhaltungen",
  emptyHint: "Suche jemanden und sag hallo.",
  newConversation: "Neue Unterhaltung",
  unread: (count: number) => many(count, { one: "# ungelesene Nachricht", other: "# ungelesene Nachrichten" }),
  nothingOpen: "Wähle eine Unterhaltung",
  nothingOpenHint: "Was du schreibst, bleibt aufgehoben, bis der Server es hat, auch ohne Verbindung.",
};
