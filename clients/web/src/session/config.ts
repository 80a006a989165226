// What the server says about itself before anybody is signed in: `/web-config.json`.

/** How one signs in here. */
export interface WebConfig {
  /** Whether any name is a token. */
  readonly dev: boolean;
  /** A page of the operator's site that signs in and comes back with `#token=…`. */
  readonly signInUrl: string | null;
  /** Where a fresh token is fetched with the browser's cookies; answers it as text. */
  readonly tokenUrl: string | null;
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
  return { dev: config.dev === true, signInUrl: urlOf(config.signInUrl), tokenUrl: urlOf(config.tokenUrl) };
}
