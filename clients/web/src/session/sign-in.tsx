// The page for who is not signed in: a name where any will do, else the way to the operator's site.
import { X } from "lucide-react";
import { type FormEvent, type ReactNode, useState } from "react";
import { useText } from "../i18n/text.js";
import { Avatar } from "../ui/avatar.js";
import { Button, IconButton } from "../ui/button.js";
import { TextField } from "../ui/field.js";
import { Loading } from "../ui/wait.js";
import { type Account, forgetName, recentNames, storeAccount } from "./account.js";
import type { WebConfig } from "./config.js";
import css from "./sign-in.module.css";
import { fetchToken, SignedOutError } from "./tokens.js";

const USER_ID_BYTES_MAX = 128;
/** Whoever the operator's site says. */
const FETCHED: Account = { userId: null, token: null };

export interface SignInProps {
  /** `null` until the server has said it. */
  readonly config: WebConfig | null;
  /** Why the server has not said it. */
  readonly error: Error | null;
  readonly onRetry: () => void;
  readonly onSignIn: (account: Account) => void;
}

export function SignIn({ config, error, onRetry, onSignIn }: SignInProps): ReactNode {
  const text = useText();
  return (
    <main className={css.page}>
      <div className={css.card}>
        <img src="/icon.svg" alt="" width="80" height="80" />
        <div className={css.head}>
          <h1>{text.session.welcome}</h1>
          <p className={css.hint}>{text.session.tagline}</p>
        </div>
        {config !== null ? (
          config.dev ? (
            <Names onSignIn={onSignIn} />
          ) : (
            <Elsewhere config={config} onSignIn={onSignIn} />
          )
        ) : error !== null ? (
          <div role="alert" className={css.form}>
            <p>{text.session.serverUnreachable}</p>
            <Button kind="primary" onClick={onRetry}>
              {text.common.tryAgain}
            </Button>
          </div>
        ) : (
          <Loading />
        )}
      </div>
    </main>
  );
}

/** Any name will do. */
function Names({ onSignIn }: Pick<SignInProps, "onSignIn">): ReactNode {
  const text = useText();
  const [name, setName] = useState("");
  const [recent, setRecent] = useState(recentNames);
  const userId = name.trim();
  const isTooLong = new TextEncoder().encode(userId).length > USER_ID_BYTES_MAX;
  const enter = (userId: string) => onSignIn({ userId, token: userId });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (userId !== "" && !isTooLong) enter(userId);
  };
  return (
    <>
      {recent.length > 0 && (
        <ul className={css.recent} aria-label={text.session.recent}>
          {recent.map((known) => (
            <li key={known}>
              <button type="button" className={css.person} onClick={() => enter(known)}>
                <Avatar id={`user:${known}`} name={known} size="sm" />
                <span>{text.session.continueAs(known)}</span>
              </button>
              <IconButton
                label={text.session.forget(known)}
                icon={<X />}
                onClick={() => {
                  forgetName(known);
                  setRecent(recentNames());
                }}
              />
            </li>
          ))}
        </ul>
      )}
      <form className={css.form} onSubmit={submit}>
        <TextField
          label={recent.length > 0 ? text.session.anotherName : text.session.name}
          value={name}
          onChange={setName}
          placeholder={text.session.nameHint}
          error={isTooLong ? text.errors.codes.too_large : null}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
        />
        <Button type="submit" kind="primary" disabled={userId === "" || isTooLong}>
          {text.session.signIn}
        </Button>
      </form>
      <p className={css.note}>{text.session.devHint}</p>
    </>
  );
}

/** Whether the operator's site says so; what else may go wrong is told within. */
function isSignedOut(tokenUrl: string): Promise<boolean> {
  return fetchToken(tokenUrl).then(
    () => false,
    (error) => error instanceof SignedOutError,
  );
}

/** The operator's site knows who it is. */
function Elsewhere({ config, onSignIn }: { config: WebConfig } & Pick<SignInProps, "onSignIn">): ReactNode {
  const text = useText();
  const { signInUrl, tokenUrl } = config;
  const [isBusy, setBusy] = useState(false);
  const enter = async () => {
    setBusy(true);
    // Who has no session at the operator's site yet gets one there, and is signed in here when they come back.
    if (signInUrl !== null && (tokenUrl === null || (await isSignedOut(tokenUrl)))) {
      if (tokenUrl !== null) storeAccount(FETCHED);
      location.assign(signInUrl);
    } else onSignIn(FETCHED);
  };
  if (signInUrl === null && tokenUrl === null) return <p className={css.hint}>{text.session.needsToken}</p>;
  return (
    <div className={css.form}>
      <Button kind="primary" disabled={isBusy} onClick={() => void enter()}>
        {text.session.signInElsewhere}
      </Button>
    </div>
  );
}
