// Texts of what is around everything: places, shortcuts, notices.

export const app = {
  skip: "Skip to the conversation",
  menu: "Menu",
  panel: "Beside the conversation",
  notice: "From the moderators",
  understood: "Understood",
  /** Names of places, by their routes. */
  places: {
    settings: "Settings",
    starred: "Starred messages",
    requests: "Message requests",
    moderation: "Moderation",
  },
  shortcuts: {
    title: "Keyboard shortcuts",
    hint: "In the list, arrow keys, Home, End and the first letters of a name go from one to the next; the menu key shows what can be done. In a conversation, just begin to type.",
    groups: {
      everywhere: "Everywhere",
      conversations: "From one conversation to the next",
      thisConversation: "The open conversation",
    },
    names: {
      search: "Search",
      newConversation: "New conversation",
      settings: "Settings",
      shortcuts: "Show these shortcuts",
      back: "Back, or close what is beside",
      nextConversation: "Next conversation",
      previousConversation: "Previous conversation",
      nextUnread: "Next unread conversation",
      previousUnread: "Previous unread conversation",
      mute: "Mute, or not any more",
      pin: "Pin, or not any more",
      archive: "Archive, or take it back",
      markUnread: "Mark as unread, or as read",
    },
  },
};
