// The whole client in a real browser beside a real server, for the browser tests.
//
//   const app = await App.start();
//   const alice = await app.open("alice");
//   await say(alice, "Hello!");
//
// The client is the one of these sources, built once for the run (`built.ts`) and served in front of the server with
// the server's own headers (`site.ts`); with EMBEDDED=1 it is the one within the binary. Any error of a page, in
// its console, and any violation of its policy fails the test. Everything ends with the test.
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import axe from "axe-core";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect, inject, onTestFinished } from "vitest";
import { Server, type ServerOptions } from "../../../typescript/tests/support/server.js";
import { Site } from "./site.js";

const SHOTS = resolve(import.meta.dirname, "../shots");
export const WIDE = { width: 1280, height: 800 };
export const NARROW = { width: 390, height: 844 };
/** What a browser says of a server that is down, which is no error of the page. */
const UNREACHABLE = /Failed to load resource: net::ERR_|WebSocket connection to .* failed|ERR_INTERNET_DISCONNECTED/u;

export class App {
  readonly #errors: string[] = [];
  #tolerated: RegExp[] = [];

  private constructor(
    readonly server: Server,
    /** `null` where the binary serves the client. */
    readonly site: Site | null,
    readonly browser: Browser,
  ) {}

  static async start(options: ServerOptions = {}): Promise<App> {
    const server = await Server.start(options);
    const site = process.env.EMBEDDED === "1" ? null : await Site.start(inject("built"), server.port);
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
    const app = new App(server, site, browser);
    onTestFinished(async () => {
      await browser.close();
      expect(app.#errors).toEqual([]);
    });
    return app;
  }

  /** Where the client is. */
  get url(): string {
    return this.site?.url ?? this.server.url;
  }

  /** Lets errors pass that say this; without a pattern, that the server cannot be reached. */
  tolerate(pattern: RegExp = UNREACHABLE): void {
    this.#tolerated = [...this.#tolerated, pattern];
  }

  /** A browser of its own, with nothing kept, whose pages are watched for errors. */
  async context(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({ viewport: WIDE, locale: "en", ...options });
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) => {
        console.error(`policy violated: ${effectiveDirective} ${blockedURI} ${sample}`);
      });
    });
    context.on("page", (page) => {
      page.on("pageerror", (error) => this.#note(error.stack ?? String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") this.#note(message.text());
      });
    });
    return context;
  }

  /** A page where somebody is signed in, in a browser of its own. */
  async open(user: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await this.context(options)).newPage();
    await page.goto(this.url);
    await signIn(page, user);
    return page;
  }

  #note(error: string): void {
    if (!this.#tolerated.some((pattern) => pattern.test(error))) this.#errors.push(error);
  }
}

/** Signs in by a name, on the page of a server in which any name will do. */
export async function signIn(page: Page, user: string): Promise<void> {
  await page.getByRole("textbox").fill(user);
  await page.locator("form button[type=submit]").click();
  await page.locator("#main").waitFor({ state: "attached" });
}

/** Opens a conversation by its key: `user:bob`, `group:…`. */
export async function openConversation(page: Page, key: string): Promise<void> {
  await page.evaluate(
    (hash) => {
      location.hash = hash;
    },
    `#/c/${encodeURIComponent(key)}`,
  );
  await composer(page).waitFor();
}

/** Where one writes. */
export function composer(page: Page) {
  return page
    .locator(
      "main form textarea, main form [contenteditable=true], main form input[type=text], main form input:not([type])",
    )
    .first();
}

/** Writes a message into the conversation that is open. */
export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** The messages of the conversation that is open that contain a text. */
export function said(page: Page, text: string) {
  return page.locator("main").getByText(text);
}

/** Waits until the page has the service worker and has kept a text, so that both are there without a connection. */
export async function untilKept(page: Page, text: string): Promise<void> {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  const kept = () =>
    page.evaluate(async () => {
      const request = indexedDB.open("parlor:cache");
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      const all = db.transaction("pieces").objectStore("pieces").getAll();
      await new Promise((resolve) => {
        all.onsuccess = resolve;
      });
      db.close();
      return JSON.stringify(all.result);
    });
  await expect.poll(kept, { timeout: 10_000 }).toContain(text);
}

/** Looks for barriers; serious and critical ones fail the test. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  const { violations } = (await page.evaluate(`${axe.source}; axe.run()`)) as axe.AxeResults;
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const shown = grave.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  expect(shown).toEqual([]);
}

/** Keeps a picture of the page under `tests/shots`, for people to look at. */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: resolve(SHOTS, `${name}.png`) });
}
