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
  oldVersion: "Der Server ist neuer als diese Seite. Bitte lade die Seite neu.",
  suspendedUntil: (time: string) => `Bis ${time} kannst du hier weder lesen noch schreiben.`,
  ended: {
    suspended: {
      title: "Dein Konto ist gesperrt",
      hint: "Ein Ende ist nicht vorgesehen. Wenn du das für einen Irrtum hältst, schreib denen, die diesen Server betreiben.",
    },
    device_revoked: {
      title: "Dieser Browser wurde abgemeldet",
      hint: "Das geschah von einem anderen deiner Geräte. Was du hier geschrieben hast und noch nicht gesendet ist, bleibt für dich aufbewahrt.",
    },
    unauthorized: { title: "Du bist abgemeldet", hint: "Deine Anmeldung gilt nicht mehr. Bitte melde dich neu an." },
    token_expired: { title: "Du bist abgemeldet", hint: "Deine Anmeldung ist abgelaufen. Bitte melde dich neu an." },
    another_user: {
      title: "Inzwischen ist jemand anderes angemeldet",
      hint: "Melde dich neu an, um fortzufahren. Was vorher hier war, wird anderen nicht gezeigt.",
    },
    signed_out: {
      title: "Du bist auf der Seite abgemeldet",
      hint: "Parlor fragt die Seite, mit der du es benutzt, wer du bist. Melde dich dort an, dann geht es hier gleich weiter.",
    },
  },
  serverUnreachable: "Der Server ist nicht erreichbar.",
};
