// A real browser, and pages that have the client.
import { createServer } from "node:http";
import { resolve } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { build } from "vite";
import { onTestFinished } from "vitest";
import { launch } from "./chromium.js";

const HTML = '<!doctype html><title>Parlor</title><script type="module" src="/page.js"></script>';

/** Bundles `tests/browser/page.ts` as an app would. */
async function bundle(): Promise<string> {
  const root = resolve(import.meta.dirname, "../..");
  const output = await build({
    root,
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      minify: false,
      lib: { entry: resolve(root, "tests/browser/page.ts"), formats: ["es"], fileName: "page" },
    },
  });
  const [first] = Array.isArray(output) ? output : [output];
  const chunk = first && "output" in first ? first.output[0] : null;
  if (chunk === null) throw new Error("nothing was bundled");
  return chunk.code;
}

/** A site that serves one page, and a browser that visits it. Both end with the test. */
export async function visit(): Promise<{ context: BrowserContext; open: () => Promise<Page>; errors: string[] }> {
  const script = await bundle();
  const site = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : HTML);
  });
  await new Promise<void>((ready) => site.listen(0, "127.0.0.1", ready));
  const address = site.address();
  if (address === null || typeof address === "string") throw new Error("the site does not listen");
  const browser = await launch("shell");
  onTestFinished(async () => {
    await browser.close();
    site.close();
  });
  const context = await browser.newContext();
  const errors: string[] = [];
  const open = async () => {
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(`http://127.0.0.1:${address.port}/`);
    await page.waitForFunction(() => "chat" in window);
    return page;
  };
  return { context, open, errors };
}
