// The list in a real browser beside a real server: long, by keys alone, and on a narrow screen.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { App, NARROW } from "../support/app.js";
import { expectAccessible } from "../support/page.js";
import { connect, manyTimes, tell } from "../support/seed.js";

const links = (page: Page) => page.locator("[data-conversation]");
const focused = (page: Page) =>
  page.evaluate(() =>
    document.activeElement instanceof HTMLElement ? document.activeElement.dataset.conversation : null,
  );

describe("the list", () => {
  it("has only the rows that are seen in the page, however many there are", async () => {
    const app = await App.start();
    const alice = await connect(app.server.url, "alice");
    await manyTimes(2_000, (at) => tell(alice, `friend-${String(at).padStart(4, "0")}`, "Hello!"));
    const page = await app.open("alice");
    await links(page).first().waitFor();
    expect(await links(page).first().getAttribute("data-conversation")).toMatch(/^user:friend-19/u);
    expect(await links(page).count()).toBeLessThan(40);
    // More is read as the end comes near, until all 2,000 are there.
    const last = page.locator('[data-conversation="user:friend-0000"]');
    const deadline = Date.now() + 30_000;
    while ((await last.count()) === 0 && Date.now() < deadline) {
      await links(page).first().focus();
      await page.keyboard.press("End");
      await page.waitForTimeout(30);
      expect(await links(page).count()).toBeLessThan(60);
    }
    await last.waitFor();
    await page.keyboard.press("Home");
    await page.waitForFunction(() => document.activeElement?.getAttribute("data-index") === "0");
  });

  it("takes keys alone from the list to a conversation and back", async () => {
    const app = await App.start();
    const bob = await connect(app.server.url, "bob");
    const carol = await connect(app.server.url, "carol");
    const dave = await connect(app.server.url, "dave");
    await tell(dave, "alice", "The third");
    await tell(carol, "alice", "The second");
    await tell(bob, "alice", "The first");
    const page = await app.open("alice");
    await links(page).nth(2).waitFor();
    expect(await page.title()).toBe("(3) Parlor");

    await links(page).first().focus();
    await page.keyboard.press("ArrowDown");
    expect(await focused(page)).toBe("user:carol");
    await page.keyboard.press("d");
    expect(await focused(page)).toBe("user:dave");
    await page.keyboard.press("Home");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.matches("main :is(input, textarea)"));
    await page.keyboard.type("By keys alone");
    await page.keyboard.press("Enter");
    await page.getByRole("main").getByText("By keys alone").waitFor();
    expect(await page.title()).toMatch(/bob · Parlor$/u);

    await page.keyboard.press("Alt+ArrowDown");
    // The address changes before the page does, and who leaves before that comes back to where they were.
    await page.waitForFunction(() => document.title.endsWith("carol · Parlor"));
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => location.hash === "#/");
    await page.waitForFunction(() => (document.activeElement as HTMLElement).dataset.conversation === "user:carol");

    await page.keyboard.press("Control+k");
    await page.keyboard.type("third");
    await page.getByRole("option", { name: /The third/u }).waitFor();
    await expectAccessible(page, "what is found");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.hash.includes("dave"));
  });

  it("scrolls within panes, and never as a whole", async () => {
    const app = await App.start();
    await tell(await connect(app.server.url, "bob"), "alice", "Hello!");
    const page = await app.open("alice", { viewport: { width: 1280, height: 400 } });
    await links(page).first().click();
    await page.getByRole("button", { name: "Details" }).click();
    const header = page.getByRole("heading", { name: "Contact info" });
    await header.waitFor();
    const report = page.getByRole("button", { name: "Report" });
    await report.waitFor();
    // As a script or a screen reader may: into view by whatever scrolls. So does what is placed below all panes.
    await report.evaluate((element) => {
      (element as HTMLElement).focus();
      element.scrollIntoView({ block: "start" });
      for (const pane of document.querySelectorAll("main, aside")) {
        const low = document.createElement("button");
        low.style.cssText = "position: absolute; inset-block-start: 3000px";
        pane.append(low);
        low.focus();
      }
    });
    const tops = await page.evaluate(() =>
      [
        document.scrollingElement,
        ...document.querySelectorAll("#root, #root > *, #root > * > *, #root > * > * > *"),
      ].map((element) => element?.scrollTop),
    );
    expect(tops.every((top) => top === 0)).toBe(true);
    const box = await header.boundingBox();
    expect(box?.y).toBeGreaterThanOrEqual(0);
  });

  it("gives a narrow screen to one pane, with a way back", async () => {
    const app = await App.start();
    await tell(await connect(app.server.url, "bob"), "alice", "Hello!");
    const page = await app.open("alice", { viewport: NARROW });
    const row = links(page).first();
    await row.click();
    await page.getByRole("main").getByText("Hello!").waitFor();
    expect(await row.isVisible()).toBe(false);
    await page.getByRole("main").getByRole("textbox").fill("Not yet said");
    await page.getByRole("button", { name: "Back" }).click();
    await row.waitFor();
    await row.getByText("Not yet said").waitFor();
    await row.getByText("Draft").waitFor();
    expect(await page.getByRole("main").isVisible()).toBe(false);
    await row.click({ button: "right" });
    await page.getByRole("menuitem", { name: "Archive" }).click();
    await page.getByRole("button", { name: /Archive/u }).waitFor();
    expect(await row.isVisible()).toBe(false);
    await page.getByRole("button", { name: "Undo" }).click();
    await row.waitFor();
  });
});
