// Texts of signing in, and of the connection.

export const session = {
  welcome: "Welcome to Parlor",
  devHint: "This server runs with --dev: any name will do, and nobody is asked for a password.",
  name: "Your name",
  nameHint: "Letters, digits, whatever you like",
  signIn: "Start chatting",
  signInElsewhere: "Sign in",
  needsToken: "You are not signed in. Open Parlor from the site that you use it with.",
  ended: "You were signed out. Please sign in again.",
  suspended: "Your account is suspended.",
  connecting: "Connecting…",
  catchingUp: "Catching up…",
  offline: "No connection",
  offlineRetry: (seconds: number) => `No connection. Trying again in ${seconds} s`,
  serverUnreachable: "The server cannot be reached.",
};
