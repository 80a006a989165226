import { plurals } from "../plural.js";

const many = plurals("de");

export const happened = {
  you: "Du",
  youToo: "dich",
  others: (count: number) => many(count, { one: "# weitere Person", other: "# weitere" }),
  until: "(bis {time})",
  created: { other: "{by} hat die Gruppe „{name}“ erstellt", you: "Du hast die Gruppe „{name}“ erstellt" },
  renamed: { other: "{by} hat die Gruppe „{name}“ genannt", you: "Du hast die Gruppe „{name}“ genannt" },
  settings: {
    other: "{by} hat die Einstellungen der Gruppe geändert",
    you: "Du hast die Einstellungen der Gruppe geändert",
  },
  rules: { other: "{by} hat die Wortregeln geändert", you: "Du hast die Wortregeln geändert" },
  deleted: { other: "{by} hat die Gruppe gelöscht", you: "Du hast die Gruppe gelöscht" },
  timer: {
    other: "{by} hat verschwindende Nachrichten eingeschaltet ({time})",
    you: "Du hast verschwindende Nachrichten eingeschaltet ({time})",
  },
  timerOff: {
    other: "{by} hat verschwindende Nachrichten ausgeschaltet",
    you: "Du hast verschwindende Nachrichten ausgeschaltet",
  },
  added: {
    other: "{by} hat {whom} hinzugefügt",
    byYou: "Du hast {whom} hinzugefügt",
    toYou: "{by} hat dich hinzugefügt",
    toYouAnd: "{by} hat {whom} hinzugefügt",
  },
  removed: {
    other: "{by} hat {whom} entfernt",
    byYou: "Du hast {whom} entfernt",
    toYou: "{by} hat dich entfernt",
    toYouAnd: "{by} hat {whom} entfernt",
  },
  banned: {
    other: "{by} hat {whom} verbannt",
    byYou: "Du hast {whom} verbannt",
    toYou: "{by} hat dich verbannt",
    toYouAnd: "{by} hat {whom} verbannt",
  },
  unbanned: {
    other: "{by} hat {whom} wieder zugelassen",
    byYou: "Du hast {whom} wieder zugelassen",
    toYou: "{by} hat dich wieder zugelassen",
    toYouAnd: "{by} hat {whom} wieder zugelassen",
  },
  muted: {
    other: "{by} hat {whom} stummgeschaltet",
    byYou: "Du hast {whom} stummgeschaltet",
    toYou: "{by} hat dich stummgeschaltet",
    toYouAnd: "{by} hat {whom} stummgeschaltet",
  },
  unmuted: {
    other: "{by} lässt {whom} wieder schreiben",
    byYou: "Du lässt {whom} wieder schreiben",
    toYou: "{by} lässt dich wieder schreiben",
    toYouAnd: "{by} lässt {whom} wieder schreiben",
  },
  joined: {
    one: "{whom} ist beigetreten",
    you: "Du bist beigetreten",
    many: "{whom} sind beigetreten",
    youAnd: "{whom} seid beigetreten",
  },
  left: {
    one: "{whom} hat die Gruppe verlassen",
    you: "Du hast die Gruppe verlassen",
    many: "{whom} haben die Gruppe verlassen",
    youAnd: "{whom} habt die Gruppe verlassen",
  },
  roles: {
    owner: {
      one: "{whom} ist jetzt Inhaber",
      you: "Du bist jetzt Inhaber",
      many: "{whom} sind jetzt Inhaber",
      youAnd: "{whom} seid jetzt Inhaber",
    },
    admin: {
      one: "{whom} ist jetzt Admin",
      you: "Du bist jetzt Admin",
      many: "{whom} sind jetzt Admins",
      youAnd: "{whom} seid jetzt Admins",
    },
    moderator: {
      one: "{whom} ist jetzt Moderator",
      you: "Du bist jetzt Moderator",
      many: "{whom} sind jetzt Moderatoren",
      youAnd: "{whom} seid jetzt Moderatoren",
    },
    member: {
      one: "{whom} ist jetzt einfaches Mitglied",
      you: "Du bist jetzt einfaches Mitglied",
      many: "{whom} sind jetzt einfache Mitglieder",
      youAnd: "{whom} seid jetzt einfache Mitglieder",
    },
  },
};
