// Without a connection, and from one version of the client to the next.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, inject, it, onTestFinished } from "vitest";
import { App } from "../support/app.js";
import { message, openConversation, say, untilKept } from "../support/page.js";

/** From the page's next load on, what is kept takes so long to be opened; for ever without end. */
async function openSlowly(page: Page, afterMs: number): Promise<void> {
  await page.context().addInitScript((afterMs) => {
    const open = IDBFactory.prototype.open;
    const slow = function (this: IDBFactory, ...asked: Parameters<typeof open>) {
      if (!asked[0].endsWith(":cache")) return open.apply(this, asked);
      const request: Partial<Record<keyof IDBOpenDBRequest, unknown>> = {};
      const answer = () => {
        const real = open.apply(this, asked);
        real.onsuccess = () => {
          request.result = real.result;
          (request.onsuccess as () => void)();
        };
      };
      if (Number.isFinite(afterMs)) setTimeout(answer, afterMs);
      return request as unknown as IDBOpenDBRequest;
    };
    IDBFactory.prototype.open = slow;
  }, afterMs);
}

/** Alice's page, on which a message is kept. */
async function withKept(app: App): Promise<Page> {
  app.tolerate();
  const alice = await app.open("alice");
  await openConversation(alice, "user:bob");
  await say(alice, "Kept on the server");
  await message(alice, "Kept on the server").waitFor();
  await untilKept(alice, "Kept on the server");
  return alice;
}

it("is there without a connection after the first visit", async () => {
  const app = await App.start();
  const alice = await withKept(app);
  await app.server.kill();
  await alice.reload();
  await alice.locator("#main").waitFor();
  await openConversation(alice, "user:bob");
  await say(alice, "Written offline");
  await message(alice, "Written offline").waitFor();
});

it("shows without a connection what is written, though it cannot know what was read", async () => {
  const app = await App.start();
  app.tolerate();
  const alice = await app.open("alice");
  await openConversation(alice, "user:bob");
  await alice.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  await openSlowly(alice, Number.POSITIVE_INFINITY);
  await app.server.kill();
  await alice.reload();
  await alice.locator("#main").waitFor();
  await say(alice, "Written offline");
  await message(alice, "Written offline").waitFor();
});

it("shows without a connection what was kept, also where the disk takes its time", async () => {
  const app = await App.start();
  const alice = await withKept(app);
  await openSlowly(alice, 5_000);
  await app.server.kill();
  await alice.reload();
  await message(alice, "Kept on the server").waitFor();
});

it.skipIf(process.env.EMBEDDED === "1")("waits with a new version until the user wants it", async () => {
  const app = await App.start();
  const alice = await app.open("alice");
  await alice.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  // A new version: the same files, under another mark of the worker.
  const folder = await mkdtemp(join(tmpdir(), "parlor-next-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(inject("built"), folder, { recursive: true });
  const worker = await readFile(join(folder, "sw.js"), "utf8");
  await writeFile(join(folder, "sw.js"), worker.replace(/const VERSION = "[^"]*"/u, 'const VERSION = "next"'));
  app.site?.serve(folder);
  await alice.evaluate(async () => (await navigator.serviceWorker.ready).update());
  const reload = alice.getByRole("button", { name: "Reload" });
  await reload.waitFor();
  expect(await alice.evaluate(() => caches.keys())).toContain("parlor-next");
  await Promise.all([alice.waitForEvent("load"), reload.click()]);
  await alice.locator("#main").waitFor();
  expect(await alice.evaluate(() => caches.keys())).toEqual(["parlor-next"]);
});
