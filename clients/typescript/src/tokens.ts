// Where tokens come from, and when to renew one.
import { sleep } from "./backoff.js";
import { TokenError } from "./errors.js";

const TOKEN_TIMEOUT_MS = 30_000;
/** How much of a token's remaining life passes before it is renewed. */
const RENEW_AT_SHARE = 0.8;
const RENEW_DELAY_MIN_MS = 1_000;
const RENEW_DELAY_MAX_MS = 2 ** 31 - 1;

/** Why a token is asked for: to connect, to go on before the last one ends, or since it has ended. */
export type TokenReason = "connect" | "renew" | "expired";

/** Gives a token; `reason` says whether a kept one is good enough. */
export type GetToken = (reason: TokenReason) => string | Promise<string>;

/** Asks for a token, for at most 30 seconds. Rejects with {@link TokenError}. */
export async function fetchToken(getToken: GetToken, reason: TokenReason): Promise<string> {
  const patience = new AbortController();
  try {
    const late = sleep(TOKEN_TIMEOUT_MS, patience.signal).then(() => {
      throw new TokenError("no token came in time");
    });
    late.catch(() => {});
    const token = await Promise.race([Promise.resolve().then(() => getToken(reason)), late]);
    if (typeof token !== "string" || token === "") throw new TokenError("getToken gave no token");
    return token;
  } catch (cause) {
    if (cause instanceof TokenError) throw cause;
    throw new TokenError("getToken failed", { cause });
  } finally {
    patience.abort();
  }
}

/** The times within a JWT, unverified: they only decide when to ask for another. */
function times(token: string): { exp: number; iat: number | null } | null {
  const payload = token.split(".")[1];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const { exp, iat } = claims as Record<string, unknown>;
    if (typeof exp !== "number") return null;
    return { exp: exp * 1_000, iat: typeof iat === "number" ? iat * 1_000 : null };
  } catch {
    return null;
  }
}

/**
 * Milliseconds after which to renew a token that was just given; `null` if it does not end or does not say.
 * `now` is the server's time as far as it is known: if that is out of the token's life, the clock is wrong,
 * and the token is taken to be new.
 */
export function renewDelay(token: string, now: number): number | null {
  const claims = times(token);
  if (claims === null) return null;
  const { exp, iat } = claims;
  const life = iat === null ? null : exp - iat;
  const left = exp - now;
  const rest = life !== null && (left <= 0 || left > life) ? life : left;
  return Math.min(Math.max(rest * RENEW_AT_SHARE, RENEW_DELAY_MIN_MS), RENEW_DELAY_MAX_MS);
}
