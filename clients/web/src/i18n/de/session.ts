import { plurals } from "../plural.js";

const many = plurals("de");

export const session = {
  welcome: "Willkommen bei Parlor",
  tagline: "Ein Ort zum Reden.",
  devHint: "Dieser Server läuft mit --dev: Jeder Name genügt, und niemand wird nach einem Passwort gefragt.",
  name: "Dein Name",
  anotherName: "Ein anderer Name",
  nameHint: "Buchstaben, Ziffern, was du möchtest",
  recent: "Hier schon benutzt",
  continueAs: (name: string) => `Weiter als ${name}`,
  forget: (name: string) => `${name} vergessen`,
  signIn: "Loslegen",
  signInElsewhere: "Anmelden",
  signInOther: "Zuerst auf der Seite anmelden",
  needsToken: "Du bist nicht angemeldet. Öffne Parlor von der Seite aus, mit der du es benutzt.",
  signInAgain: "Neu anmelden",
  signOut: "Abmelden",
  signOutOf: (name: string) => `${name} abmelden`,
  signOutTitle: "Abmelden?",
  signOutHint: "Deine Unterhaltungen bleiben auf dem Server. Was dieser Browser davon aufbewahrt, wird entfernt.",
  signOutAnyway: "Abmelden und verlieren",
  unsent: (count: number) =>
    many(count, {
      one: "Eine Nachricht ist noch nicht gesendet und ginge verloren.",
      other: "# Nachrichten sind noch nicht gesendet und gingen verloren.",
    }),
  connecting: "Verbindung wird hergestellt …",
  catchingUp: "Nachrichten werden geholt …",
  offline: "Keine Verbindung",
  offlineRetry: (seconds: number) => `Keine Verbindung. Nächster Versuch in ${seconds} s`,
  tryNow: "Jetzt versuchen",
  noToken: "Keine Verbindung: Die Seite, mit der du dich anmeldest, antwortet nicht.",
  anotherUser: "Inzwischen ist jemand anderes angemeldet. Bitte melde dich noch einmal an.",
  oldVersion: "Der Server ist neuer als diese Seite. Bitte lade die Seite neu.",
  suspendedUntil: (time: string) => `Dein Konto ist bis ${time} gesperrt.`,
  serverUnreachable: "Der Server ist nicht erreichbar.",
};
