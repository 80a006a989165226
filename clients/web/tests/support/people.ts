// The built client beside a real server, and people who use it in browsers of their own.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { build, preview } from "vite";
import { afterAll, onTestFinished } from "vitest";

import { Server, type ServerOptions } from "../../../typescript/tests/support/server.js";

/** A browser in which people open the client. */
export interface App {
  readonly server: Server;
  /** What went wrong in any page. */
  readonly errors: string[];
  /** Signs somebody in, in a context of their own. */
  readonly enter: (user: string) => Promise<Page>;
}

async function browser(): Promise<Browser> {
  const launched = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  onTestFinished(() => launched.close());
  return launched;
}

const root = resolve(import.meta.dirname, "../..");
const configFile = resolve(root, "vite.config.ts");
let built: Promise<string> | null = null;

/** Builds the client, once for a file of tests. */
function client(): Promise<string> {
  built ??= (async () => {
    const outDir = await mkdtemp(join(tmpdir(), "parlor-web-"));
    await build({ root, configFile, logLevel: "error", build: { outDir, emptyOutDir: true } });
    return outDir;
  })();
  return built;
}

afterAll(async () => {
  if (built !== null) await rm(await built, { recursive: true, force: true });
});

/** Starts all of it; it ends with the test. */
export async function app(options: ServerOptions = {}): Promise<App> {
  const server = await Server.start(options);
  const site = await preview({
    root,
    configFile,
    logLevel: "error",
    build: { outDir: await client() },
    preview: { port: 0, host: "127.0.0.1", proxy: { "/socket.io": { target: server.url, ws: true } } },
  });
  onTestFinished(() => site.close());
  const address = site.httpServer.address();
  if (!address || typeof address === "string") throw new Error("the site does not listen");
  const url = `http://127.0.0.1:${address.port}/`;
  const launched = await browser();
  const errors: string[] = [];
  const enter = async (user: string) => {
    const context = await launched.newContext({ viewport: { width: 1280, height: 800 }, locale: "en" });
    await context.route("**/web-config.json", (route) => route.fulfill({ json: { dev: true } }));
    const page = await context.newPage();
    page.setDefaultTimeout(12_000);
    page.on("pageerror", (error) => errors.push(`${user}: ${error}`));
    await page.goto(url);
    await page.getByLabel("Your name").fill(user);
    await page.keyboard.press("Enter");
    await page.getByLabel("Your name").waitFor({ state: "detached" });
    return page;
  };
  return { server, errors, enter };
}

/** Goes to a place of the client. */
export async function visit(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
}
