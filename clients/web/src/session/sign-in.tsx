// The page for who is not signed in: a name where any will do, else the way to the operator's site.
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { useText } from "../i18n/text.js";
import { Button } from "../ui/button.js";
import type { Account } from "./account.js";
import type { WebConfig } from "./config.js";
import css from "./sign-in.module.css";

const USER_ID_BYTES_MAX = 128;

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
        <img src="/icon.svg" alt="" width="72" height="72" />
        <h1>{text.session.welcome}</h1>
        {config === null ? (
          error && (
            <div role="alert" className={css.form}>
              <p>{text.session.serverUnreachable}</p>
              <Button onClick={onRetry}>{text.common.tryAgain}</Button>
            </div>
          )
        ) : config.dev ? (
          <NameForm onSignIn={onSignIn} />
        ) : (
          <Elsewhere config={config} onSignIn={onSignIn} />
        )}
      </div>
    </main>
  );
}

function NameForm({ onSignIn }: Pick<SignInProps, "onSignIn">): ReactNode {
  const text = useText();
  const [name, setName] = useState("");
  const field = useId();
  const userId = name.trim();
  const isGood = userId !== "" && new TextEncoder().encode(userId).length <= USER_ID_BYTES_MAX;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isGood) onSignIn({ userId, token: userId });
  };
  return (
    <form className={css.form} onSubmit={submit}>
      <label htmlFor={field}>{text.session.name}</label>
      <input
        id={field}
        value={name}
        placeholder={text.session.nameHint}
        autoComplete="username"
        autoCapitalize="none"
        onChange={(event) => setName(event.target.value)}
      />
      <Button type="submit" kind="primary" disabled={!isGood}>
        {text.session.signIn}
      </Button>
      <p className={css.hint}>{text.session.devHint}</p>
    </form>
  );
}

function Elsewhere({ config, onSignIn }: { config: WebConfig } & Pick<SignInProps, "onSignIn">): ReactNode {
  const text = useText();
  const { signInUrl, tokenUrl } = config;
  const enter = () => {
    if (tokenUrl !== null) onSignIn({ userId: null, token: null });
    else if (signInUrl !== null) location.assign(signInUrl);
  };
  if (signInUrl === null && tokenUrl === null) return <p className={css.hint}>{text.session.needsToken}</p>;
  return (
    <Button kind="primary" onClick={enter}>
      {text.session.signInElsewhere}
    </Button>
  );
}
