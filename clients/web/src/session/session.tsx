// Signing in and out, and the client of whoever is signed in.
import { Parlor } from "@parlor/client";
import { ParlorProvider } from "@parlor/react";
import {
  createContext,
  lazy,
  type ReactNode,
  Suspense,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
} from "react";
import { clearToasts } from "../ui/toast.js";
import { type Account, deviceId, rememberName, storeAccount, storedAccount, takeHandedToken } from "./account.js";
import { lastPath, readConfig, type WebConfig } from "./config.js";
import { Gate } from "./gate.js";
import { dropWaiting, type KeptStore, keptStore } from "./kept.js";
import { SignIn } from "./sign-in.js";
import { fetchToken } from "./tokens.js";

const SignOutDialog = lazy(async () => ({ default: (await import("./sign-out-dialog.js")).SignOutDialog }));

interface Session {
  readonly config: WebConfig | null;
  /** Asks, and then ends the session on this browser. */
  readonly askToSignOut: () => void;
  /** Ends the session on this browser, and forgets what was kept of the user here. */
  readonly signOut: () => Promise<void>;
  /** Back to the way in, for who is no longer let in. What waits to be sent is kept. */
  readonly signInAgain: () => void;
}

const SessionContext = createContext<Session | null>(null);

/** The session of whoever is signed in. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("nobody is signed in here");
  return session;
}

interface Client {
  readonly parlor: Parlor;
  readonly store: KeptStore;
}

function clientOf({ userId, token }: Account, tokenUrl: string | null, path: string): Client {
  const store = keptStore();
  const parlor = new Parlor({
    url: location.origin,
    path,
    deviceId: deviceId(),
    store,
    ...(userId === null ? {} : { userId }),
    ...(tokenUrl === null ? { token: token ?? "" } : { getToken: () => fetchToken(tokenUrl) }),
  });
  return { parlor, store };
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
  const [isLeaving, setLeaving] = useState(false);

  const read = useCallback(() => {
    setError(null);
    readConfig().then(setConfig, setError);
  }, []);
  useEffect(read, [read]);

  const enter = useCallback((entered: Account | null) => {
    if (entered?.userId) rememberName(entered.userId);
    storeAccount(entered);
    setAccount(entered);
  }, []);

  // A token that was handed over works at once; only where tokens are fetched it must be known from where.
  const tokenUrl = config?.tokenUrl ?? null;
  const path = config?.path ?? lastPath();
  const isKnown = account !== null && (account.token !== null || config !== null);
  const [client, setClient] = useState<ReturnType<typeof clientOf> | null>(null);
  const parlor = client?.parlor ?? null;
  // Made where it is closed: React may take an effect back and do it again, and a client that was closed stays so.
  useEffect(() => {
    if (!isKnown || account === null) return;
    const made = clientOf(account, account.token === null ? tokenUrl : null, path);
    made.parlor.connect();
    setClient(made);
    return () => {
      made.parlor.close();
      setClient(null);
    };
  }, [account, isKnown, tokenUrl, path]);

  // Who it is, is remembered, so that what waits in the outbox is shown without a connection.
  useEffect(() => {
    if (parlor === null || account === null || account.userId !== null) return;
    return parlor.status.subscribe(() => {
      if (parlor.userId !== null) storeAccount({ ...account, userId: parlor.userId });
    });
  }, [parlor, account]);

  const leave = useCallback(() => {
    setLeaving(false);
    clearToasts();
    enter(null);
    history.replaceState(null, "", location.pathname);
  }, [enter]);
  const signOut = useCallback(async () => {
    if (client === null) return;
    const waiting = await client.store.waiting();
    await client.parlor.forget();
    await dropWaiting(waiting);
    leave();
  }, [client, leave]);

  const session = useMemo(
    () => ({ config, signOut, askToSignOut: () => setLeaving(true), signInAgain: () => enter(null) }),
    [config, signOut, enter],
  );
  if (!isKnown) return <SignIn config={config} error={error} onRetry={read} onSignIn={enter} />;
  if (client === null) return null;
  return (
    <SessionContext value={session}>
      <ParlorProvider parlor={client.parlor}>
        <Gate>{children}</Gate>
      </ParlorProvider>
      {isLeaving && (
        <Suspense>
          <SignOutDialog waiting={client.store.waiting} onSignOut={signOut} onClose={() => setLeaving(false)} />
        </Suspense>
      )}
    </SessionContext>
  );
}
