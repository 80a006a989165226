// What people do on a page of the client, and what they see there.
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import axe from "axe-core";
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

const SHOTS = resolve(import.meta.dirname, "../shots");

/** Signs in by a name, on the page of a server in which any name will do. */
export async function signIn(page: Page, user: string): Promise<void> {
  await page.getByRole("textbox").fill(user);
  await page.locator("form button[type=submit]").click();
  await page.locator("#main").waitFor({ state: "attached" });
}

/** Goes to a place of the client, such as `#/settings`. */
export async function visit(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
}

/** The address of a conversation, by its key: `user:bob`, `group:…`. */
export function addressOf(key: string, more = ""): string {
  return `#/c/${encodeURIComponent(key)}${more}`;
}

/** Opens a conversation by its key. */
export async function openConversation(page: Page, key: string): Promise<void> {
  await visit(page, addressOf(key));
  await composer(page).waitFor();
}

/** Where one writes. */
export const composer = (page: Page) => page.locator("[data-composer]");

/** A conversation's line in the list. */
export const row = (page: Page, key: string) => page.locator(`[data-conversation="${key}"]`);

/** The messages and lines of the open conversation that contain a text. */
export const message = (page: Page, text: string) => page.getByRole("article").filter({ hasText: text });

/** A button by its whole name. */
export const button = (within: Page | Locator, name: string) => within.getByRole("button", { name, exact: true });

/** Writes a message into the conversation that is open. */
export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** Chooses something in a message's menu. */
export async function choose(page: Page, text: string, item: string): Promise<void> {
  await message(page, text).first().click({ button: "right" });
  await page.getByRole("menuitem", { name: item }).click();
}

/** Picks somebody where people are searched for. */
export async function pick(page: Page, userId: string): Promise<void> {
  await page.getByLabel("Search people").fill(userId);
  await page.getByRole("checkbox", { name: userId }).click();
}

/** Makes a group of the page's user and others, and gives its id. */
export async function makeGroup(page: Page, name: string, others: readonly string[]): Promise<string> {
  await visit(page, "#/new/group");
  await page.getByLabel("Group name").fill(name);
  for (const userId of others) await pick(page, userId);
  await button(page, "Create group").click();
  await page.waitForURL(/#\/c\/group%3A/u);
  return page.url().split("group%3A")[1] ?? "";
}

/** Waits until the page has the service worker and has kept a text, so that both are there without a connection. */
export async function untilKept(page: Page, text: string): Promise<void> {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  await untilStored(page, "parlor:cache", "pieces", text);
}

/** Waits until a message that is to be sent is on the disk: only then does it outlive its page. */
export function untilQueued(page: Page, text: string): Promise<void> {
  return untilStored(page, "parlor", "outbox", text);
}

async function untilStored(page: Page, database: string, store: string, text: string): Promise<void> {
  const stored = () =>
    page.evaluate(
      async ([database, store]) => {
        const request = indexedDB.open(database);
        const db = await new Promise<IDBDatabase>((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
        const all = db.transaction(store).objectStore(store).getAll();
        await new Promise((resolve) => {
          all.onsuccess = resolve;
        });
        db.close();
        return JSON.stringify(all.result);
      },
      [database, store] as const,
    );
  await expect.poll(stored, { timeout: 10_000 }).toContain(text);
}

/** Looks for barriers; serious and critical ones fail the test. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  // What fades in has other colours on its way.
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .filter(({ effect }) => effect?.getTiming().iterations !== Number.POSITIVE_INFINITY)
      .every(({ playState }) => playState !== "running"),
  );
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run({ resultTypes: ["violations"] })')) as axe.AxeResults;
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const shown = grave.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  expect(shown).toEqual([]);
}

/** Keeps a picture of the page under `tests/shots`, for people to look at. */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: resolve(SHOTS, `${name}.png`) });
}
