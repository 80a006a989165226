// The list in a real browser beside a real server: long, by keys alone, and on a narrow screen.
import { resolve } from "node:path";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { io, type Socket } from "socket.io-client";
import { createServer } from "vite";
import { describe, expect, it, onTestFinished } from "vitest";
import { Server } from "../../../typescript/tests/support/server.js";

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

/** A server, and a browser that has the client open as `user`. Both end with the test. */
async function open(server: Server, user: string, viewport = WIDE): Promise<Page> {
  const site = await createServer({
    root: resolve(import.meta.dirname, "../.."),
    logLevel: "error",
    server: { port: 0, host: "127.0.0.1", proxy: { "/socket.io": { target: server.url, ws: true } } },
  });
  await site.listen();
  const browser: Browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  onTestFinished(async () => {
    await browser.close();
    await site.close();
  });
  const page = await browser.newPage({ viewport, locale: "en" });
  await page.route("**/web-config.json", (route) => route.fulfill({ json: { dev: true } }));
  await page.goto(site.resolvedUrls?.local[0] ?? "");
  await page.getByRole("textbox").fill(user);
  await page.getByRole("button", { name: "Start chatting" }).click();
  return page;
}

async function connect(server: Server, token: string): Promise<Socket> {
  const socket = io(server.url, { auth: { token, deviceId: "seed" }, transports: ["websocket"], forceNew: true });
  onTestFinished(() => {
    socket.disconnect();
  });
  await new Promise<void>((ready) => socket.once("caught_up", () => ready()));
  return socket;
}

async function write(socket: Socket, toUserId: string, content: string): Promise<void> {
  const answer = await socket.emitWithAck("private_message", { toUserId, content });
  if (answer.status !== "sent") throw new Error(JSON.stringify(answer));
}

const links = (page: Page) => page.locator("[data-conversation]");
const focused = (page: Page) =>
  page.evaluate(() =>
    document.activeElement instanceof HTMLElement ? document.activeElement.dataset.conversation : null,
  );

describe("the list", () => {
  it("has only the rows that are seen in the page, however many there are", async () => {
    const server = await Server.start();
    const alice = await connect(server, "alice");
    for (let from = 0; from < 2_000; from += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, at) => write(alice, `friend-${String(from + at).padStart(4, "0")}`, "Hello!")),
      );
    }
    const page = await open(server, "alice");
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
    const server = await Server.start();
    const bob = await connect(server, "bob");
    const carol = await connect(server, "carol");
    const dave = await connect(server, "dave");
    await write(dave, "alice", "The third");
    await write(carol, "alice", "The second");
    await write(bob, "alice", "The first");
    const page = await open(server, "alice");
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
    await page.waitForFunction(() => location.hash.includes("carol"));
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => location.hash === "#/");
    await page.waitForFunction(() => (document.activeElement as HTMLElement).dataset.conversation === "user:carol");

    await page.keyboard.press("Control+k");
    await page.keyboard.type("third");
    await page.getByRole("option", { name: /The third/u }).waitFor();
    const results = await page.evaluate(`${axe.source}; axe.run()`);
    const { violations } = results as axe.AxeResults;
    expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.hash.includes("dave"));
  });

  it("scrolls within panes, and never as a whole", async () => {
    const server = await Server.start();
    await write(await connect(server, "bob"), "alice", "Hello!");
    const page = await open(server, "alice", { width: 1280, height: 400 });
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
    const server = await Server.start();
    await write(await connect(server, "bob"), "alice", "Hello!");
    const page = await open(server, "alice", NARROW);
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
