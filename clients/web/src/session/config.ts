// What the server says about itself before anybody is signed in: `/web-config.json`.

/** How one signs in here. */
export interface WebConfig {
  /** Whether any name is a token. */
  readonly dev: boolean;
  /** A page of the operator's site that signs in and comes back with `#token=…`. */
  readonly signInUrl: string | null;
  /** Where a fresh token is fetched with the browser's cookies; answers it as text. */
  readonly tokenUrl: string | null;
  /** The path of Socket.IO at the server. */
  readonly path: string;
}

const PATH = "parlor.path";
const USUAL_PATH = "/socket.io/";

function isPath(value: unknown): value is string {
  return typeof value === "string" && /^\/[^?#]+\/$/u.test(value);
}

/** The path of Socket.IO as the server last said it, for before it says it again. */
export function lastPath(): string {
  const kept = localStorage.getItem(PATH);
  return isPath(kept) ? kept : USUAL_PATH;
}

function urlOf(value: unknown): string | null {
  if (typeof value !== "string" || !URL.canParse(value, location.href)) return null;
  const url = new URL(value, location.href);
  return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
}

/** Asks the server. Rejects when there is no sensible answer. */
export async function readConfig(): Promise<WebConfig> {
  const response = await fetch("/web-config.json", { headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  const config: Record<string, unknown> = await response.json();
  const path = isPath(config.path) ? config.path : USUAL_PATH;
  localStorage.setItem(PATH, path);
  return { dev: config.dev === true, signInUrl: urlOf(config.signInUrl), tokenUrl: urlOf(config.tokenUrl), path };
}
