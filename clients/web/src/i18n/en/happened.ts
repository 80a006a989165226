// Texts of the lines that say what happened in a conversation. `{by}` did it, to `{whom}`; both are names, or lists of
// them. Where it is the user, `you` stands in the list, and the sentence is another one.
import { plurals } from "../plural.js";

const many = plurals("en");

export const happened = {
  /** In a list of people who do something. */
  you: "You",
  /** In a list of people to whom something is done. */
  youToo: "you",
  others: (count: number) => many(count, { one: "# other", other: "# others" }),
  /** After a sentence. */
  until: "(until {time})",
  created: { other: "{by} created the group “{name}”", you: "You created the group “{name}”" },
  renamed: { other: "{by} named the group “{name}”", you: "You named the group “{name}”" },
  settings: { other: "{by} changed the group’s settings", you: "You changed the group’s settings" },
  rules: { other: "{by} changed the word rules", you: "You changed the word rules" },
  deleted: { other: "{by} deleted the group", you: "You deleted the group" },
  timer: {
    other: "{by} set new messages to disappear after {time}",
    you: "You set new messages to disappear after {time}",
  },
  timerOff: { other: "{by} turned off disappearing messages", you: "You turned off disappearing messages" },
  added: {
    other: "{by} added {whom}",
    byYou: "You added {whom}",
    toYou: "{by} added you",
    toYouAnd: "{by} added {whom}",
  },
  removed: {
    other: "{by} removed {whom}",
    byYou: "You removed {whom}",
    toYou: "{by} removed you",
    toYouAnd: "{by} removed {whom}",
  },
  banned: {
    other: "{by} banned {whom}",
    byYou: "You banned {whom}",
    toYou: "{by} banned you",
    toYouAnd: "{by} banned {whom}",
  },
  unbanned: {
    other: "{by} lifted the ban of {whom}",
    byYou: "You lifted the ban of {whom}",
    toYou: "{by} lifted your ban",
    toYouAnd: "{by} lifted the ban of {whom}",
  },
  muted: {
    other: "{by} muted {whom}",
    byYou: "You muted {whom}",
    toYou: "{by} muted you",
    toYouAnd: "{by} muted {whom}",
  },
  unmuted: {
    other: "{by} unmuted {whom}",
    byYou: "You unmuted {whom}",
    toYou: "{by} unmuted you",
    toYouAnd: "{by} unmuted {whom}",
  },
  joined: { one: "{whom} joined", you: "You joined", many: "{whom} joined", youAnd: "{whom} joined" },
  left: { one: "{whom} left", you: "You left", many: "{whom} left", youAnd: "{whom} left" },
  roles: {
    owner: {
      one: "{whom} is now the owner",
      you: "You are now the owner",
      many: "{whom} are now owners",
      youAnd: "{whom} are now owners",
    },
    admin: {
      one: "{whom} is now an admin",
      you: "You are now an admin",
      many: "{whom} are now admins",
      youAnd: "{whom} are now admins",
    },
    moderator: {
      one: "{whom} is now a moderator",
      you: "You are now a moderator",
      many: "{whom} are now moderators",
      youAnd: "{whom} are now moderators",
    },
    member: {
      one: "{whom} is now an ordinary member",
      you: "You are now an ordinary member",
      many: "{whom} are now ordinary members",
      youAnd: "{whom} are now ordinary members",
    },
  },
};
