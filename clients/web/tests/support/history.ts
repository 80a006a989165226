// Scrolling up a long history, and what is seen of it.
import type { Page } from "playwright-core";
import { expect } from "vitest";

/**
 * A message and how far it is below the top of what scrolls, which itself moves down when the strip above it says that
 * there is no connection.
 */
export interface SeenAt {
  readonly key: string;
  readonly top: number;
}

/** Where the first message is that is seen whole. */
export async function firstSeen(page: Page): Promise<SeenAt> {
  const seen = await page.waitForFunction(() => {
    const box = document.querySelector('[role="feed"]')?.parentElement?.getBoundingClientRect();
    if (box === undefined) return null;
    const tops = [...document.querySelectorAll<HTMLElement>("article")].map((row) => ({
      key: row.dataset.key ?? "",
      top: row.getBoundingClientRect().top - box.top,
    }));
    return tops.find(({ top }) => top >= 0 && top < box.height) ?? null;
  });
  const found = await seen.jsonValue();
  if (found === null) throw new Error("there is no message on the screen");
  return found;
}

/** Where a message is by now; `null` if it is not in the page. */
export function topOf(page: Page, { key }: SeenAt): Promise<number | null> {
  return page.evaluate((key) => {
    const box = document.querySelector('[role="feed"]')?.parentElement;
    const row = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    return row && box ? row.getBoundingClientRect().top - box.getBoundingClientRect().top : null;
  }, key);
}

/** Scrolls as by the wheel, to where more is loaded, but without the browser's animation. */
export function scrollUp(page: Page): Promise<void> {
  return scrollUpTo(page, 1_100);
}

/** Scrolls so, to so far below the top at most. More is loaded from 1,200 pixels on. */
export function scrollUpTo(page: Page, top: number): Promise<void> {
  return page.evaluate((top) => {
    const box = document.querySelector('[role="feed"]')?.parentElement;
    box?.dispatchEvent(new WheelEvent("wheel", { bubbles: true }));
    if (box) box.scrollTop = Math.min(box.scrollTop, top);
  }, top);
}

/** How high all is that is loaded. */
export function loadedOf(page: Page): Promise<number> {
  return page.evaluate(() => document.querySelector('[role="feed"]')?.scrollHeight ?? 0);
}

/** Waits until a new device was told everything, and nothing more was loaded for two seconds. */
export async function untilAtRest(page: Page): Promise<void> {
  await page.getByText("Catching up…").waitFor({ state: "detached", timeout: 60_000 });
  await page.waitForFunction(() => {
    const height = document.querySelector('[role="feed"]')?.scrollHeight ?? 0;
    const isAtRest = height === window.height && performance.now() - window.since > 2_000;
    if (height !== window.height) window.since = performance.now();
    window.height = height;
    return isAtRest;
  });
}

export interface Scrolled {
  /** How far what was seen has moved at most, in pixels. */
  readonly worst: number;
  /** How many rows there were in the page at most. */
  readonly rows: number;
}

/** Scrolls up page by page, and measures. `meanwhile` is done before each page is waited for. */
export async function scrollUpPages(
  page: Page,
  pages: number,
  meanwhile: (page: number) => Promise<void> = async () => {},
): Promise<Scrolled> {
  const beginning = page.getByText("message 1", { exact: true });
  let worst = 0;
  let rows = 0;
  for (let at = 0; at < pages; at += 1) {
    const before = await loadedOf(page);
    await scrollUp(page);
    const seen = await firstSeen(page);
    await meanwhile(at);
    // What a new device is told may have reached the beginning: then there is nothing older.
    const isGrown = async () => (await loadedOf(page)) > before || (await beginning.count()) > 0;
    await expect.poll(isGrown, { timeout: 30_000, interval: 20 }).toBe(true);
    if ((await loadedOf(page)) <= before) break;
    await page.waitForTimeout(60);
    const top = await topOf(page, seen);
    expect(top, "what was seen is still there").not.toBeNull();
    worst = Math.max(worst, Math.abs((top ?? 0) - seen.top));
    rows = Math.max(rows, await page.getByRole("article").count());
  }
  return { worst, rows };
}

declare global {
  interface Window {
    height: number;
    since: number;
  }
}
