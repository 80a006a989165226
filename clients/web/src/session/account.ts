// Who is signed in on this browser, kept over reloads. One account at a time.

/** Who is signed in, and by what right. */
export interface Account {
  /** `null` until the first connection says it, where only a token is known. */
  readonly userId: string | null;
  /** The token that was handed over; `null` where it is fetched. */
  readonly token: string | null;
}

const ACCOUNT = "parlor.account";
const DEVICE = "parlor.device";

function isAccount(value: unknown): value is Account {
  if (typeof value !== "object" || value === null) return false;
  const { userId, token } = value as Record<string, unknown>;
  return (userId === null || typeof userId === "string") && (token === null || typeof token === "string");
}

/** Who was signed in when the page was left. */
export function storedAccount(): Account | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(ACCOUNT) ?? "null");
    return isAccount(value) ? value : null;
  } catch {
    return null;
  }
}

export function storeAccount(account: Account | null): void {
  if (account === null) localStorage.removeItem(ACCOUNT);
  else localStorage.setItem(ACCOUNT, JSON.stringify(account));
}

const RECENT = "parlor.recent";
const RECENT_MAX = 5;

/** Names that were signed in with before, the last one first. */
export function recentNames(): readonly string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(RECENT) ?? "[]");
    return Array.isArray(value) ? value.filter((name) => typeof name === "string").slice(0, RECENT_MAX) : [];
  } catch {
    return [];
  }
}

/** Puts a name first. */
export function rememberName(name: string): void {
  const names = [name, ...recentNames().filter((other) => other !== name)].slice(0, RECENT_MAX);
  localStorage.setItem(RECENT, JSON.stringify(names));
}

/** Takes a name out. */
export function forgetName(name: string): void {
  localStorage.setItem(RECENT, JSON.stringify(recentNames().filter((other) => other !== name)));
}

/** The name of this device, the same for as long as the browser keeps it. */
export function deviceId(): string {
  const known = localStorage.getItem(DEVICE);
  if (known !== null) return known;
  const made = `web-${crypto.getRandomValues(new Uint32Array(4)).join("").slice(0, 24)}`;
  localStorage.setItem(DEVICE, made);
  return made;
}

/** Takes a token out of the address, where `#token=…` hands one over, so that it is in no history and no link. */
export function takeHandedToken(): string | null {
  const params = new URLSearchParams(location.hash.replace(/^#/u, ""));
  const token = params.get("token");
  if (token === null || token === "") return null;
  history.replaceState(null, "", `${location.pathname}${location.search}`);
  return token;
}
