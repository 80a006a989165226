// Tokens of the operator's site, where they are fetched.

/** The site says that nobody is signed in there. */
export class SignedOutError extends Error {
  override name = "SignedOutError";
}

/** Fetches a token with the cookies of the operator's site. Rejects with {@link SignedOutError} if these are of nobody. */
export async function fetchToken(url: string): Promise<string> {
  const response = await fetch(url, { credentials: "include", cache: "no-store" });
  if (response.status === 401 || response.status === 403) throw new SignedOutError("nobody is signed in at the site");
  if (!response.ok) throw new Error(`no token: the site answers ${response.status}`);
  return (await response.text()).trim();
}
