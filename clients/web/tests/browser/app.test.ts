// The whole client, by what its users do: chatting, being offline, and on every kind of screen.
import { describe, expect, it } from "vitest";
import { App, NARROW } from "../support/app.js";
import {
  composer,
  expectAccessible,
  message,
  openConversation,
  row,
  say,
  shoot,
  signIn,
  untilKept,
  untilQueued,
} from "../support/page.js";
import { connect, tell } from "../support/seed.js";

/** The first load, as the server sends it to a browser that takes gzip. */
const FIRST_LOAD_BYTES_MAX = 150_000;
/** Generous: machines that test are slow. */
const FIRST_CONVERSATION_MS_MAX = 5_000;

describe("the client", () => {
  it("lets two people chat, and shows what became of a message", async () => {
    const app = await App.start();
    const [alice, bob] = await Promise.all([app.open("alice"), app.open("bob")]);
    await openConversation(alice, "user:bob");
    await say(alice, "Hello, Bob!");
    await row(bob, "user:alice").click();
    await message(bob, "Hello, Bob!").waitFor();
    await alice.locator("main").getByRole("img", { name: "Read" }).first().waitFor();
    await composer(bob).pressSequentially("Hello");
    await alice
      .getByText(/typing/iu)
      .first()
      .waitFor({ state: "attached" });
    await composer(bob).fill("");
    await say(bob, "Hello, Alice!");
    await message(alice, "Hello, Alice!").waitFor();
    await shoot(alice, "chat");
  });

  it("sends what was written without a server once, after a reload", async () => {
    const app = await App.start();
    app.tolerate();
    const alice = await app.open("alice");
    await openConversation(alice, "user:bob");
    await say(alice, "Before");
    await message(alice, "Before").waitFor();
    await untilKept(alice, "Before");
    await app.server.kill();
    await say(alice, "While it was down");
    await message(alice, "While it was down").waitFor();
    await untilQueued(alice, "While it was down");
    await alice.reload();
    await message(alice, "While it was down").waitFor();
    await app.server.run();
    const bob = await app.open("bob");
    await row(bob, "user:alice").click();
    await message(bob, "While it was down").waitFor({ timeout: 40_000 });
    expect(await message(bob, "While it was down").count()).toBe(1);
    expect(await message(alice, "While it was down").count()).toBe(1);
  });

  it("finds words, by keys alone", async () => {
    const app = await App.start();
    const [alice, bob] = await Promise.all([app.open("alice"), app.open("bob")]);
    await openConversation(bob, "user:alice");
    await say(bob, "The lighthouse is open on Sunday");
    await row(alice, "user:bob").waitFor();
    await alice.keyboard.press("Control+k");
    await alice.keyboard.type("lighthouse");
    await alice.getByRole("option", { name: /lighthouse/u }).waitFor();
    await alice.keyboard.press("ArrowDown");
    await alice.keyboard.press("Enter");
    await message(alice, "The lighthouse is open on Sunday").waitFor();
    await composer(alice).press("Tab");
    await composer(alice).focus();
    await alice.keyboard.type("So it is");
    await alice.keyboard.press("Enter");
    await message(bob, "So it is").waitFor();
  });

  it("shows one pane on a narrow screen", async () => {
    const app = await App.start();
    await tell(await connect(app.server.url, "bob"), "alice", "Hello!");
    const alice = await app.open("alice", { viewport: NARROW });
    await row(alice, "user:bob").click();
    await message(alice, "Hello!").waitFor();
    const overflow = () => alice.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(await overflow()).toBe(false);
    await expectAccessible(alice, "narrow conversation");
    await shoot(alice, "narrow");
    await alice.goBack();
    await row(alice, "user:bob").waitFor();
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
    // Notifications begin a second after the list is there.
    for (const page of [first, second]) {
      await page.waitForFunction(() =>
        performance.getEntriesByType("resource").some(({ name }) => name.includes("/background-")),
      );
    }
    await tell(await connect(app.server.url, "bob"), "alice", "Are you there?");
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
    await tell(await connect(app.server.url, "bob"), "alice", "Hello!");
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
    await row(alice, "user:bob").waitFor();
    const took = Date.now() - begun;
    const bytes = (await Promise.all(loads)).reduce((sum, size) => sum + size, 0);
    process.stdout.write(`first load: ${bytes} bytes; first conversation after ${took} ms\n`);
    expect(bytes).toBeLessThan(FIRST_LOAD_BYTES_MAX);
    expect(took).toBeLessThan(FIRST_CONVERSATION_MS_MAX);
  });
});
