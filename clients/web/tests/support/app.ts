// The whole client in a real browser beside a real server: the one way in which browser tests start it.
//
//   const app = await App.start();
//   const alice = await app.open("alice");
//   await say(alice, "Hello!");
//
// The client is the one of these sources, built once for the run (`built.ts`) and served in front of the server with
// the server's own headers (`site.ts`); with EMBEDDED=1 it is the one within the binary. Each test has a server of its
// own, and each person a browser context of their own; the browser is one for all tests of a file. Any error of a
// page, in its console, and any violation of its policy fails the test. Everything ends with the test.
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, expect, inject, onTestFinished } from "vitest";
import { launch } from "../../../typescript/tests/support/chromium.js";
import { Server, type ServerOptions } from "../../../typescript/tests/support/server.js";
import { signIn, visit } from "./page.js";
import { Site } from "./site.js";

export const WIDE = { width: 1280, height: 800 };
export const NARROW = { width: 390, height: 844 };

/** What a browser says of a server that is down, which is no error of the page. */
const UNREACHABLE = /Failed to load resource: net::ERR_|WebSocket connection to .* failed|ERR_INTERNET_DISCONNECTED/u;

/** The client within the binary is tried in what people have, the one of these sources where that makes a difference. */
const IS_EMBEDDED = process.env.EMBEDDED === "1";

const browsers: { whole?: Promise<Browser>; shell?: Promise<Browser> } = {};

function theBrowser({ permissions }: BrowserContextOptions): Promise<Browser> {
  const which = IS_EMBEDDED || permissions?.includes("notifications") ? "whole" : "shell";
  browsers[which] ??= launch(which);
  return browsers[which];
}

afterAll(async () => {
  for (const browser of Object.values(browsers)) await (await browser).close();
});

/** How somebody opens the client. */
export interface OpenOptions extends BrowserContextOptions {
  /** Where to go first, such as `#/settings`. */
  readonly at?: string;
}

export class App {
  readonly #errors: string[] = [];
  #tolerated: RegExp[] = [];

  private constructor(
    readonly server: Server,
    /** `null` where the binary serves the client. */
    readonly site: Site | null,
  ) {}

  static async start(options: ServerOptions = {}): Promise<App> {
    const server = await Server.start(options);
    const site = IS_EMBEDDED ? null : await Site.start(inject("built"), server.port);
    const app = new App(server, site);
    onTestFinished(() => expect(app.#errors).toEqual([]));
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

  /** A browser as of somebody's own, with nothing kept, whose pages are watched for errors. */
  async context(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await (await theBrowser(options)).newContext({ viewport: WIDE, locale: "en", ...options });
    onTestFinished(() => context.close());
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

  /** A page where somebody is signed in, in a browser of their own, once it has heard what a new device is told. */
  async open(user: string, { at, ...options }: OpenOptions = {}): Promise<Page> {
    const page = await (await this.context(options)).newPage();
    const isLive = caughtUp(page);
    await page.goto(this.url);
    await signIn(page, user);
    await isLive;
    if (at !== undefined) await visit(page, at);
    return page;
  }

  #note(error: string): void {
    if (!this.#tolerated.some((pattern) => pattern.test(error))) this.#errors.push(error);
  }
}

/** Resolves once a page's socket is told that it has heard everything. */
function caughtUp(page: Page): Promise<void> {
  return new Promise((live) => {
    page.on("websocket", (socket) => {
      socket.on("framereceived", ({ payload }) => {
        if (payload.toString().startsWith('42["caught_up"')) live();
      });
    });
  });
}
