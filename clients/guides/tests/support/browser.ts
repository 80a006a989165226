// A real browser, and people in it who share nothing. Chromium is found by the variable CHROMIUM, or where Debian
// puts it.
import { type Browser, chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";

/** A browser that ends with the test. `errors` are those of all pages. */
export async function browser(): Promise<{ errors: string[]; visit: (url: string) => Promise<Page> }> {
  const running: Browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
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
