// The whole client, by what its users do: chatting, being offline, and on every kind of screen.
import type { Page } from "playwright-core";
import { io } from "socket.io-client";
import { describe, expect, it } from "vitest";
import {
  App,
  composer,
  expectAccessible,
  NARROW,
  openConversation,
  said,
  say,
  shoot,
  signIn,
  untilKept,
} from "../support/app.js";

/** The first load, as the server sends it to a browser that takes gzip. */
const FIRST_LOAD_BYTES_MAX = 150 * 1024;
/** Generous: machines that test are slow. */
const FIRST_CONVERSATION_MS_MAX = 5_000;

const isLive = (page: Page, user: string) => openConversation(page, `user:${user}`);

/** Makes a group without a page. */
async function groupOf(app: App, owner: string, members: string[]): Promise<string> {
  const socket = io(app.server.url, { auth: { token: owner }, transports: ["websocket"], forceNew: true });
  try {
    const answer: { groupId?: string } = await socket.emitWithAck("group_create", { name: "Friends", members });
    return answer.groupId ?? "";
  } finally {
    socket.disconnect();
  }
}

describe("the client", () => {
  it("lets two people chat, and shows what became of a message", async () => {
    const app = await App.start();
    const [alice, bob] = await Promise.all([app.open("alice"), app.open("bob")]);
    await isLive(alice, "bob");
    await say(alice, "Hello, Bob!");
    await bob.locator('[data-conversation="user:alice"]').click();
    await said(bob, "Hello, Bob!").waitFor();
    await alice.locator("main").getByRole("img", { name: "Read" }).first().waitFor();
    await composer(bob).pressSequentially("Hello");
    await alice
      .getByText(/typing/iu)
      .first()
      .waitFor({ state: "attached" });
    await composer(bob).fill("");
    await say(bob, "Hello, Alice!");
    await said(alice, "Hello, Alice!").waitFor();
    await shoot(alice, "chat");
  });

  it("sends what was written without a server once, after a reload", async () => {
    const app = await App.start();
    app.tolerate();
    const alice = await app.open("alice");
    await isLive(alice, "bob");
    await say(alice, "Before");
    await said(alice, "Before").waitFor();
    await untilKept(alice, "Before");
    await app.server.kill();
    await say(alice, "While it was down");
    await said(alice, "While it was down").waitFor();
    await alice.reload();
    await said(alice, "While it was down").waitFor();
    await app.server.run();
    const bob = await app.open("bob");
    await bob.locator('[data-conversation="user:alice"]').click();
    await said(bob, "While it was down").waitFor({ timeout: 40_000 });
    expect(await said(bob, "While it was down").count()).toBe(1);
    expect(await said(alice, "While it was down").count()).toBe(1);
  });

  it("finds words, by keys alone", async () => {
    const app = await App.start();
    const [alice, bob] = await Promise.all([app.open("alice"), app.open("bob")]);
    await isLive(bob, "alice");
    await say(bob, "The lighthouse is open on Sunday");
    await alice.locator('[data-conversation="user:bob"]').waitFor();
    await alice.keyboard.press("Control+k");
    await alice.keyboard.type("lighthouse");
    await alice.getByRole("option", { name: /lighthouse/u }).waitFor();
    await alice.keyboard.press("ArrowDown");
    await alice.keyboard.press("Enter");
    await said(alice, "The lighthouse is open on Sunday").waitFor();
    await composer(alice).press("Tab");
    await composer(alice).focus();
    await alice.keyboard.type("So it is");
    await alice.keyboard.press("Enter");
    await said(bob, "So it is").waitFor();
  });

  it("shows one pane on a narrow screen", async () => {
    const app = await App.start();
    const bob = await app.open("bob");
    await isLive(bob, "alice");
    await say(bob, "Hello!");
    const alice = await app.open("alice", { viewport: NARROW });
    await alice.locator('[data-conversation="user:bob"]').click();
    await said(alice, "Hello!").waitFor();
    const overflow = () => alice.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(await overflow()).toBe(false);
    await expectAccessible(alice, "narrow conversation");
    await shoot(alice, "narrow");
    await alice.goBack();
    await alice.locator('[data-conversation="user:bob"]').waitFor();
    expect(await overflow()).toBe(false);
  });

  it("tells of a message once, while no page is looked at", async () => {
    const app = await App.start();
    const context = await app.context({ permissions: ["notifications"] });
    await context.addInitScript(() => {
      // Nobody looks: a page without a screen cannot be turned away from.
      document.hasFocus = () => false;
    });
    const first = await context.newPage();
    await first.goto(app.url);
    await first.evaluate(() => localStorage.setItem("parlor.preferences", JSON.stringify({ notifications: true })));
    await first.reload();
    await signIn(first, "alice");
    await first.evaluate(() => navigator.serviceWorker.ready.then(() => true));
    const second = await context.newPage();
    await second.goto(app.url);
    await second.locator("#main").waitFor({ state: "attached" });
    const bob = await app.open("bob");
    await isLive(bob, "alice");
    await say(bob, "Are you there?");
    const told = () =>
      first.evaluate(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        const all = (await registration?.getNotifications()) ?? [];
        return all.map(({ title, body, tag }) => ({ title, body, tag }));
      });
    await expect.poll(told, { timeout: 10_000 }).toEqual([{ title: "bob", body: "Are you there?", tag: "user:bob" }]);
  });

  it("is small, and shows the first conversation soon", async () => {
    const app = await App.start();
    const bob = await app.open("bob");
    await isLive(bob, "alice");
    await say(bob, "Hello!");
    await said(bob, "Hello!").waitFor();
    const alice = await (await app.context({ serviceWorkers: "block" })).newPage();
    const loads: Promise<number>[] = [];
    alice.on("response", (response) => {
      const { pathname } = new URL(response.url());
      const counts = pathname === "/" || pathname.startsWith("/assets/");
      if (counts)
        loads.push(
          response
            .request()
            .sizes()
            .then((sizes) => sizes.responseBodySize),
        );
    });
    await alice.goto(app.url);
    await alice.getByRole("textbox").fill("alice");
    const begun = Date.now();
    await alice.locator("form button[type=submit]").click();
    await alice.locator('[data-conversation="user:bob"]').waitFor();
    const took = Date.now() - begun;
    const bytes = (await Promise.all(loads)).reduce((sum, size) => sum + size, 0);
    process.stdout.write(`first load: ${bytes} bytes; first conversation after ${took} ms\n`);
    expect(bytes).toBeLessThan(FIRST_LOAD_BYTES_MAX);
    expect(took).toBeLessThan(FIRST_CONVERSATION_MS_MAX);
  });

  it.each([
    ["light", "en"],
    ["dark", "en"],
    ["light", "ar"],
  ] as const)("has no barriers in %s and %s", async (colorScheme, locale) => {
    const app = await App.start();
    const bob = await app.open("bob");
    await isLive(bob, "alice");
    await say(bob, "Hello!");
    const page = await (await app.context({ colorScheme, locale })).newPage();
    await page.goto(app.url);
    await page.getByRole("textbox").waitFor();
    await expectAccessible(page, "sign-in");
    await page.getByRole("textbox").fill("alice");
    await page.locator("form button[type=submit]").click();
    await page.locator('[data-conversation="user:bob"]').waitFor();
    await expectAccessible(page, "list");
    await openConversation(page, "user:bob");
    await said(page, "Hello!").waitFor();
    await expectAccessible(page, "conversation");
    await shoot(page, `conversation-${colorScheme}-${locale}`);
    const groupId = await groupOf(app, "bob", ["alice"]);
    await page.evaluate((key) => {
      location.hash = `#/c/${encodeURIComponent(key)}?panel=info`;
    }, `group:${groupId}`);
    await page.locator("aside").getByText("bob").first().waitFor();
    await expectAccessible(page, "group info");
    await shoot(page, `group-${colorScheme}-${locale}`);
    await page.evaluate(() => {
      location.hash = "#/settings";
    });
    await page.locator("main h1, main h2").first().waitFor();
    await expectAccessible(page, "settings");
    await shoot(page, `settings-${colorScheme}-${locale}`);
  });
});
