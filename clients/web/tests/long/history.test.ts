// A long history: scrolled up page by page, it stays small in the page and where it is on the screen.
//
// Not part of the gate: where the machine is so busy that the connection is cut meanwhile, it fails at times.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { App } from "../support/app.js";
import { addressOf } from "../support/page.js";
import { connect, sayMany, UNLIMITED } from "../support/seed.js";

const MESSAGES = Number(process.env.HISTORY_MESSAGES ?? 20_000);
const PAGES = Number(process.env.HISTORY_PAGES ?? 40);
const ROWS_MAX = 120;
const MOVED_MAX_PX = 4;

/** Where on the screen the first message is that is seen whole. */
async function firstSeen(page: Page): Promise<{ key: string; top: number }> {
  const seen = await page.waitForFunction(() => {
    const box = document.querySelector('[role="feed"]')?.parentElement?.getBoundingClientRect();
    if (box === undefined) return null;
    const tops = [...document.querySelectorAll<HTMLElement>("article")].map((row) => ({
      key: row.dataset.key ?? "",
      top: row.getBoundingClientRect().top,
    }));
    return tops.find(({ top }) => top >= box.top && top < box.bottom) ?? null;
  });
  const found = await seen.jsonValue();
  if (found === null) throw new Error("there is no message on the screen");
  return found;
}

describe("a long history", () => {
  it("is scrolled up without growing the page or moving what is seen", { timeout: 600_000 }, async () => {
    const app = await App.start({ env: UNLIMITED });
    const seed = await connect(app.server.url, "bob");
    await sayMany(seed, "alice", 1, MESSAGES);
    const alice = await app.open("alice", { at: addressOf("user:bob") });
    await alice.getByText(`message ${MESSAGES}`, { exact: true }).last().waitFor();
    // As by the wheel, to where more is loaded, but without the browser's animation.
    const scrollUp = () =>
      alice.evaluate(() => {
        const box = document.querySelector('[role="feed"]')?.parentElement;
        box?.dispatchEvent(new WheelEvent("wheel", { bubbles: true }));
        if (box) box.scrollTop = Math.min(box.scrollTop, 1_100);
      });
    const loaded = () => alice.evaluate(() => document.querySelector('[role="feed"]')?.scrollHeight ?? 0);
    // A device that is new is told everything that was said: until then the timeline is not at rest.
    await alice.getByText("Catching up…").waitFor({ state: "detached", timeout: 60_000 });
    await alice.waitForFunction(() => {
      const height = document.querySelector('[role="feed"]')?.scrollHeight ?? 0;
      const isAtRest = height === window.height && performance.now() - window.since > 2_000;
      if (height !== window.height) window.since = performance.now();
      window.height = height;
      return isAtRest;
    });
    const beginning = alice.getByText("message 1", { exact: true });
    let worst = 0;
    let rows = 0;
    for (let page = 0; page < PAGES; page += 1) {
      const before = await loaded();
      await scrollUp();
      const seen = await firstSeen(alice);
      // What a new device is told may have reached the beginning: then there is nothing older.
      const isGrown = async () => (await loaded()) > before || (await beginning.count()) > 0;
      await expect.poll(isGrown, { timeout: 30_000, interval: 20 }).toBe(true);
      if ((await loaded()) <= before) break;
      await alice.waitForTimeout(60);
      const top = await alice.evaluate(
        (key) => document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.getBoundingClientRect().top ?? null,
        seen.key,
      );
      expect(top, "what was seen is still there").not.toBeNull();
      worst = Math.max(worst, Math.abs((top ?? 0) - seen.top));
      rows = Math.max(rows, await alice.getByRole("article").count());
    }
    process.stdout.write(
      `${MESSAGES} messages, ${PAGES} pages up: moved at most ${worst} px, ${rows} rows in the page\n`,
    );
    expect(worst).toBeLessThanOrEqual(MOVED_MAX_PX);
    expect(rows).toBeLessThan(ROWS_MAX);
    await alice.getByRole("button", { name: "To the newest message" }).click();
    await alice.getByText(`message ${MESSAGES}`, { exact: true }).last().waitFor();

    // A place far back is read by itself, and what one says leads back to the end.
    await alice.evaluate(() => location.assign("#/c/user%3Abob?seq=500"));
    await alice.getByText("message 500", { exact: true }).waitFor();
    expect(await alice.getByRole("article").count()).toBeLessThan(ROWS_MAX);
    await alice.locator("[data-composer]").fill("back at the end");
    await alice.keyboard.press("Enter");
    await alice.getByText("back at the end", { exact: true }).last().waitFor();
    await expect.poll(() => alice.getByText(`message ${MESSAGES}`, { exact: true }).count()).toBeGreaterThan(0);
  });
});

declare global {
  interface Window {
    height: number;
    since: number;
  }
}
