// A real browser, and people in it who share nothing.
import type { Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { launch } from "../../../typescript/tests/support/chromium.js";

/** A browser that ends with the test. `errors` are those of all pages. */
export async function browser(): Promise<{ errors: string[]; visit: (url: string) => Promise<Page> }> {
  const running = await launch("shell");
  onTestFinished(() => running.close());
  const errors: string[] = [];
  const visit = async (url: string) => {
    const context = await running.newContext();
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(url);
    return page;
  };
  return { errors, visit };
}
