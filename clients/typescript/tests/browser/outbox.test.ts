// In a real browser: an outbox in IndexedDB survives reloads, and tabs that share it send each message once.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { visit } from "../support/browser.js";
import { eventually, live, numbers } from "../support/client.js";
import { judge, log } from "../support/judge.js";
import { Server } from "../support/server.js";

const shown = (page: Page) => page.evaluate(() => window.now.shown);
const faults = (page: Page) => page.evaluate(() => window.now.witness.faults);

async function begin(page: Page, url: string, tab: string): Promise<void> {
  await page.waitForFunction(() => "chat" in window);
  await page.evaluate(([url, tab]) => window.chat(url ?? "", "alice", "bob", tab ?? ""), [url, tab]);
}

async function allSent(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (count) => window.now.shown.length === count && window.now.shown.every(({ state }) => state === "sent"),
    count,
  );
}

test("an_outbox_survives_a_reload_while_the_server_is_down", async () => {
  const server = await Server.start();
  const { open, errors } = await visit();
  const page = await open();
  await begin(page, server.url, "one");
  await page.evaluate(() => window.now.send(["one"]));
  await server.kill();
  const keys = await page.evaluate(() => window.now.write(["two", "three", "four"]));
  const waiting = ["two", "three", "four"].map((content) => ({ state: "sending", content }));
  expect(await shown(page)).toEqual([{ state: "sent", content: "one" }, ...waiting]);
  await page.reload();
  await begin(page, server.url, "one");
  // What was sent is there too if the page had the time to keep it.
  await page.waitForFunction(() => window.now.shown.filter(({ state }) => state === "sending").length === 3);
  expect((await shown(page)).slice(-3)).toEqual(waiting);
  await server.run();
  await allSent(page, 4);
  const reader = await live(server.url, "bob");
  const stored = await log(reader, "dm:alice:bob");
  expect(stored.map(({ content }) => content)).toEqual(["one", "two", "three", "four"]);
  const own = await log(await live(server.url, "alice", { deviceId: "reader" }), "dm:alice:bob");
  expect(own.slice(1).map(({ clientId }) => clientId)).toEqual(keys);
  expect([await faults(page), errors]).toEqual([[], []]);
});

test("reloads_in_the_middle_of_sending_lose_and_double_nothing", async () => {
  const server = await Server.start();
  const { open, errors } = await visit();
  const page = await open();
  for (const round of numbers(1, 6)) {
    await begin(page, server.url, "one");
    // The first may be on their way, or kept and not answered, when the page goes.
    await page.evaluate((round) => window.now.write(Array.from({ length: 8 }, (_, i) => `${round}.${i}`)), round);
    await page.reload();
  }
  await begin(page, server.url, "one");
  await allSent(page, 48);
  const reader = await live(server.url, "alice", { deviceId: "reader" });
  const stored = await log(reader, "dm:alice:bob");
  expect(stored.map(({ content }) => content)).toEqual(
    numbers(1, 6).flatMap((r) => numbers(0, 7).map((i) => `${r}.${i}`)),
  );
  judge(stored, [], []);
  expect([await faults(page), errors]).toEqual([[], []]);
});

test("two_tabs_send_what_both_wrote_once_also_when_one_is_closed", async () => {
  const server = await Server.start();
  const { open, errors } = await visit();
  const [one, two] = [await open(), await open()];
  await begin(one, server.url, "one");
  await begin(two, server.url, "two");
  const texts = (tab: string, from: number) => numbers(from, from + 9).map((n) => `${tab} ${n}`);
  await Promise.all([
    one.evaluate((texts) => window.now.send(texts), texts("one", 1)),
    two.evaluate((texts) => window.now.send(texts), texts("two", 1)),
  ]);
  await Promise.all([allSent(one, 20), allSent(two, 20)]);
  expect(await shown(one)).toEqual(await shown(two));
  await server.kill();
  await one.evaluate((texts) => window.now.write(texts), texts("one", 11));
  await two.waitForFunction(() => window.now.shown.length === 30);
  await server.run();
  await two.waitForFunction(() => window.now.state === "live");
  // Whichever tab sends by now, the other one has to go on.
  await one.close();
  await allSent(two, 30);
  const reader = await live(server.url, "alice", { deviceId: "reader" });
  const stored = await log(reader, "dm:alice:bob");
  const of = (tab: string) => stored.map(({ content }) => String(content)).filter((text) => text.startsWith(tab));
  expect(of("one")).toEqual(texts("one", 1).concat(texts("one", 11)));
  expect(of("two")).toEqual(texts("two", 1));
  judge(stored, [], []);
  await eventually(async () => (await faults(two)).length === 0, "no faults");
  expect(errors).toEqual([]);
});

test("kills_of_the_server_and_reloads_together_lose_and_double_nothing", async () => {
  const server = await Server.start();
  const { open, errors } = await visit();
  const pages = [await open(), await open()];
  const written: string[] = [];
  for (const round of numbers(1, 3)) {
    await Promise.all(pages.map((page, index) => begin(page, server.url, `tab ${index}`)));
    for (const [index, page] of pages.entries()) {
      const texts = numbers(1, 10).map((n) => `${round} ${index} ${n}`);
      written.push(...texts);
      await page.evaluate((texts) => window.now.write(texts), texts);
    }
    await server.restart();
    for (const page of pages) expect(await faults(page)).toEqual([]);
    await Promise.all(pages.map((page) => page.reload()));
  }
  const [page] = pages;
  if (page === undefined) throw new Error("two pages");
  await begin(page, server.url, "last");
  const reader = await live(server.url, "alice", { deviceId: "reader" });
  await eventually(async () => (await log(reader, "dm:alice:bob")).length >= written.length, "all of them");
  const stored = await log(reader, "dm:alice:bob");
  expect(stored.map(({ content }) => content).sort()).toEqual([...written].sort());
  for (const part of numbers(1, 3).flatMap((round) => [`${round} 0`, `${round} 1`])) {
    const order = stored.map(({ content }) => String(content)).filter((text) => text.startsWith(part));
    expect(order).toEqual(written.filter((text) => text.startsWith(part)));
  }
  judge(stored, [], []);
  expect([await faults(page), errors]).toEqual([[], []]);
});
