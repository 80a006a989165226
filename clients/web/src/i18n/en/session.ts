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
  signInOther: "Sign in at the site first",
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
  anotherUser: "Somebody else is signed in now. Please sign in again.",
  oldVersion: "The server is newer than this page. Please load the page again.",
  suspendedUntil: (time: string) => `Your account is suspended until ${time}.`,
  serverUnreachable: "The server cannot be reached.",
};
