// In a real browser: what was shown is there after a reload, also without a server, and tabs share it.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { visit } from "../support/browser.js";
import { eventually, live, numbers } from "../support/client.js";
import { log } from "../support/judge.js";
import { Server } from "../support/server.js";

const contents = (page: Page) => page.evaluate(() => window.now.shown.map(({ content }) => content));
const list = (page: Page) => page.evaluate(() => window.now.list);
const faults = (page: Page) => page.evaluate(() => window.now.witness.faults);

async function begin(page: Page, url: string, tab = "one"): Promise<void> {
  await page.waitForFunction(() => "chat" in window);
  await page.evaluate(([url, tab]) => window.chat(url ?? "", "alice", "bob", tab ?? ""), [url, tab]);
}

async function shows(page: Page, count: number): Promise<void> {
  await page.waitForFunction((count) => window.now.shown.length === count, count);
}

/** Waits until a text is kept. A page that goes at once may take what came in the last moment with it. */
async function keeps(page: Page, text: string): Promise<void> {
  const kept = () =>
    page.evaluate(async () => {
      const opening = indexedDB.open("parlor-test:cache");
      await new Promise((resolve) => opening.addEventListener("success", resolve));
      const all = opening.result.transaction("pieces").objectStore("pieces").getAll();
      await new Promise((resolve) => all.addEventListener("success", resolve));
      opening.result.close();
      return JSON.stringify(all.result);
    });
  await eventually(async () => (await kept()).includes(text), `${text} to be kept`);
}

test("a_reload_without_a_server_shows_what_was_there", async () => {
  const server = await Server.start();
  const { open, errors } = await visit();
  const bob = await live(server.url, "bob");
  for (const n of numbers(1, 20)) await bob.direct("alice").send(n).sent;
  await (await live(server.url, "carol")).direct("alice").send("hello").sent;
  const page = await open();
  await begin(page, server.url);
  await shows(page, 20);
  await page.waitForFunction(() => window.now.list.length === 2);
  await bob.direct("alice").send("the last").sent;
  await shows(page, 21);
  await keeps(page, "the last");
  const before = await list(page);
  await server.kill();
  await page.reload();
  await begin(page, server.url);
  await shows(page, 21);
  expect([await contents(page), await list(page)]).toEqual([[...numbers(1, 20), "the last"], before]);
  await server.run();
  await page.waitForFunction(() => window.now.state === "live");
  await bob.live();
  await bob.direct("alice").send(22).sent;
  await shows(page, 22);
  expect([await faults(page), errors]).toEqual([[], []]);
});

test("tabs_that_are_reloaded_while_the_server_is_killed_show_the_whole_log", async () => {
  const server = await Server.start();
  const { open, errors } = await visit();
  const bob = await live(server.url, "bob");
  const pages = [await open(), await open()];
  for (const round of numbers(1, 4)) {
    // Tabs of one device share its position; one of them is behind the other at times.
    await Promise.all(pages.map((page) => begin(page, server.url)));
    const sendings = numbers(1, 10).map((n) => bob.direct("alice").send(`${round}.${n}`));
    if (round % 2 === 0) await server.restart();
    await pages[round % 2]?.reload();
    await Promise.all(sendings.map(({ sent }) => sent));
    await Promise.all(pages.map((page) => page.reload()));
  }
  await Promise.all(pages.map((page) => begin(page, server.url)));
  const stored = await log(bob, "dm:alice:bob");
  for (const page of pages) {
    await shows(page, stored.length);
    expect(await contents(page)).toEqual(stored.map(({ content }) => content));
    expect(await faults(page)).toEqual([]);
  }
  expect(errors).toEqual([]);
});
