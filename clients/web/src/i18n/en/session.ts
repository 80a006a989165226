// Texts of signing in and out, and of the connection.
import { plurals } from "../plural.js";

const many = plurals("en");

export const session = {
  welcome: "Welcome to Parlor",
  tagline: "A place to talk.",
  devHint: "This server runs with --dev: any name will do, and nobody is asked for a password.",
  name: "Your name",
  anotherName: "Another name",
  nameHint: "Letters, digits, whatever you like",
  recent: "Used here before",
  continueAs: (name: string) => `Continue as ${name}`,
  forget: (name: string) => `Forget ${name}`,
  signIn: "Start chatting",
  signInElsewhere: "Sign in",
  needsToken: "You are not signed in. Open Parlor from the site that you use it with.",
  signInAgain: "Sign in again",
  signOut: "Sign out",
  signOutOf: (name: string) => `Sign out ${name}`,
  signOutTitle: "Sign out?",
  signOutHint: "Your conversations stay on the server. What this browser keeps of them is removed.",
  signOutAnyway: "Sign out and lose them",
  unsent: (count: number) =>
    many(count, {
      one: "One message is not sent yet and would be lost.",
      other: "# messages are not sent yet and would be lost.",
    }),
  connecting: "Connecting…",
  catchingUp: "Catching up…",
  offline: "No connection",
  offlineRetry: (seconds: number) => `No connection. Trying again in ${seconds} s`,
  tryNow: "Try now",
  noToken: "No connection: the site that you sign in with does not answer.",
  oldVersion: "The server is newer than this page. Please load the page again.",
  suspendedUntil: (time: string) => `Until ${time} you can neither read nor write here.`,
  /** Why somebody is no longer let in. */
  ended: {
    suspended: {
      title: "Your account is suspended",
      hint: "It has no end. If you think that this is a mistake, write to those who run this server.",
    },
    device_revoked: {
      title: "This browser was signed out",
      hint: "It was done from another of your devices. What you wrote here and is not sent yet is kept for you.",
    },
    unauthorized: { title: "You are signed out", hint: "Your sign-in is no longer good. Please sign in again." },
    token_expired: { title: "You are signed out", hint: "Your sign-in has run out. Please sign in again." },
    another_user: {
      title: "Somebody else is signed in now",
      hint: "Sign in again to go on. What was here before is not shown to them.",
    },
    signed_out: {
      title: "You are signed out at the site",
      hint: "Parlor asks the site that you use it with who you are. Sign in there, and you are back here at once.",
    },
  },
  serverUnreachable: "The server cannot be reached.",
};
