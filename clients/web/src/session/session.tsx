// Signing in and out, and the client of whoever is signed in.
import { indexedDbStore, Parlor } from "@parlor/client";
import { ParlorProvider } from "@parlor/react";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { type Account, deviceId, storeAccount, storedAccount, takeHandedToken } from "./account.js";
import { readConfig, type WebConfig } from "./config.js";
import { SignIn } from "./sign-in.js";

interface Session {
  readonly config: WebConfig | null;
  /** Ends the session on this browser. */
  readonly signOut: () => void;
}

const SessionContext = createContext<Session | null>(null);

/** The session of whoever is signed in. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("nobody is signed in here");
  return session;
}

/** Fetches a token with the cookies of the operator's site. */
async function fetchToken(url: string): Promise<string> {
  const response = await fetch(url, { credentials: "include", cache: "no-store" });
  if (!response.ok) throw new Error(`no token: the site answers ${response.status}`);
  return (await response.text()).trim();
}

function clientOf({ userId, token }: Account, tokenUrl: string | null): Parlor {
  return new Parlor({
    url: location.origin,
    deviceId: deviceId(),
    store: indexedDbStore(),
    ...(userId === null ? {} : { userId }),
    ...(tokenUrl === null ? { token: token ?? "" } : { getToken: () => fetchToken(tokenUrl) }),
  });
}

/** Who was signed in, or was handed over by the operator's site just now. */
function initialAccount(): Account | null {
  const token = takeHandedToken();
  if (token === null) return storedAccount();
  const account = { userId: null, token };
  storeAccount(account);
  return account;
}

/** Shows how to sign in, or all that is within once somebody is. */
export function SessionProvider({ children }: { children: ReactNode }): ReactNode {
  const [account, setAccount] = useState(initialAccount);
  const [config, setConfig] = useState<WebConfig | null>(null);
  const [error, setError] = useState<Error | null>(null);

  const read = useCallback(() => {
    setError(null);
    readConfig().then(setConfig, setError);
  }, []);
  useEffect(read, [read]);

  const enter = useCallback((entered: Account | null) => {
    storeAccount(entered);
    setAccount(entered);
  }, []);
  const signOut = useCallback(() => enter(null), [enter]);

  // A token that was handed over works at once; only where tokens are fetched it must be known from where.
  const tokenUrl = config?.tokenUrl ?? null;
  const isKnown = account !== null && (account.token !== null || config !== null);
  const parlor = useMemo(
    () => (isKnown && account !== null ? clientOf(account, account.token === null ? tokenUrl : null) : null),
    [account, isKnown, tokenUrl],
  );
  useEffect(() => {
    if (parlor === null) return;
    parlor.connect();
    return () => parlor.close();
  }, [parlor]);

  // Who it is, is remembered, so that what waits in the outbox is shown without a connection.
  useEffect(() => {
    if (parlor === null || account === null || account.userId !== null) return;
    return parlor.status.subscribe(() => {
      if (parlor.userId !== null) storeAccount({ ...account, userId: parlor.userId });
    });
  }, [parlor, account]);

  const session = useMemo(() => ({ config, signOut }), [config, signOut]);
  if (parlor === null) return <SignIn config={config} error={error} onRetry={read} onSignIn={enter} />;
  return (
    <SessionContext value={session}>
      <ParlorProvider parlor={parlor}>{children}</ParlorProvider>
    </SessionContext>
  );
}
