// Two people in a conversation, in real browsers beside a real server.
import { describe, expect, it } from "vitest";
import { App } from "../support/app.js";
import { addressOf, choose, composer, expectAccessible, message, say } from "../support/page.js";
import { connect, sayMany, tell, UNLIMITED } from "../support/seed.js";

const INPUT_DELAY_MAX_MS = 1_000;

const withAlice = { at: addressOf("user:alice") };
const withBob = { at: addressOf("user:bob") };

describe("a conversation", () => {
  it("shows what two say to each other, who types, and how far it got", async () => {
    const app = await App.start();
    const alice = await app.open("alice", withBob);
    await say(alice, "Hello *Bob*");
    await message(alice, "Hello Bob").getByRole("img", { name: "Sent" }).waitFor();
    const bob = await app.open("bob", withAlice);
    await message(bob, "Hello Bob").waitFor();
    await message(alice, "Hello Bob").getByRole("img", { name: "Read" }).waitFor();
    await composer(bob).pressSequentially("Hi");
    await alice.getByText("writes…").waitFor();
    await bob.keyboard.press("Enter");
    await message(alice, "Hi").waitFor();
    await alice.getByText("writes…").waitFor({ state: "detached" });
  });

  it("answers, reacts, edits and deletes", async () => {
    const app = await App.start();
    const alice = await app.open("alice", withBob);
    const bob = await app.open("bob", withAlice);
    await say(alice, "Tea or coffee?");
    await message(bob, "Tea or coffee?").waitFor();

    await choose(bob, "Tea or coffee?", "Reply");
    await say(bob, "Tea");
    await message(alice, "Tea").getByRole("button", { name: "You Tea or coffee?" }).waitFor();

    await message(alice, "Tea").last().click({ button: "right" });
    await alice.getByRole("menuitemcheckbox", { name: "👍" }).click();
    await bob.getByRole("button", { name: "👍, 1 reaction" }).waitFor();

    await choose(alice, "Tea or coffee?", "Edit");
    const field = composer(alice);
    await expect.poll(() => field.inputValue()).toBe("Tea or coffee?");
    await field.fill("Tea or cocoa?");
    await alice.keyboard.press("Enter");
    await message(bob, "Tea or cocoa?").first().getByText("edited").waitFor();

    await message(alice, "Tea or cocoa?").first().click({ button: "right" });
    await alice.getByRole("menuitem", { name: "Delete" }).click();
    await alice.getByRole("button", { name: "Delete for everyone" }).click();
    await message(bob, "This message was deleted").first().waitFor();
    expect(await bob.getByText("Tea or cocoa?").count()).toBe(0);
  });

  it("is worked by keys, and accessible", async () => {
    const app = await App.start();
    const seed = await connect(app.server.url, "bob");
    await sayMany(seed, "alice", 1, 3);
    const alice = await app.open("alice", withBob);
    await message(alice, "message 3").waitFor();
    await alice.getByRole("article").last().focus();
    await alice.keyboard.press("ArrowUp");
    const focused = () => alice.evaluate(() => document.activeElement?.textContent ?? "");
    await expect.poll(focused).toContain("message 2");
    await alice.keyboard.press("Enter");
    await alice.getByRole("menu").waitFor();
    await alice.keyboard.press("Escape");
    await expect.poll(focused).toContain("message 2");
    await alice.keyboard.press("r");
    await alice.keyboard.type("the second");
    await alice.keyboard.press("Enter");
    await message(alice, "the second").getByRole("button", { name: "message 2" }).waitFor();
    await expectAccessible(alice, "a quote");
  });

  it("takes keys at once while a thousand messages come in", async () => {
    const app = await App.start({ env: UNLIMITED });
    const seed = await connect(app.server.url, "bob");
    await tell(seed, "alice", "message 1");
    const alice = await app.open("alice", withBob);
    await message(alice, "message 1").waitFor();
    await alice.evaluate(() => {
      window.longest = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as PerformanceEventTiming[]) {
          if (!entry.name.startsWith("key")) continue;
          window.longest = Math.max(window.longest, entry.processingEnd - entry.startTime);
        }
      }).observe({ type: "event", durationThreshold: 16, buffered: true } as PerformanceObserverInit);
    });
    const coming = sayMany(seed, "alice", 2, 1_000);
    await alice
      .locator("[data-composer]")
      .pressSequentially("typing goes before what comes in ".repeat(3), { delay: 15 });
    await coming;
    await message(alice, "message 1000").waitFor();
    const longest = await alice.evaluate(() => window.longest);
    process.stdout.write(`the longest key took ${Math.round(longest)} ms from the press until it was handled\n`);
    expect(longest).toBeLessThan(INPUT_DELAY_MAX_MS);
    expect(await composer(alice).inputValue()).toMatch(/^typing goes before/u);
  });
});

declare global {
  interface Window {
    longest: number;
  }
}
