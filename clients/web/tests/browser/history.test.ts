// A long history: what is seen stays where it is on the screen while older messages are loaded, others are said, and
// the connection is cut.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { App } from "../support/app.js";
import { firstSeen, loadedOf, scrollUp, scrollUpPages, topOf, untilAtRest } from "../support/history.js";
import { Link } from "../support/link.js";
import { openConversation, signIn } from "../support/page.js";
import { connect, sayMany, tell, UNLIMITED } from "../support/seed.js";

const MESSAGES = 900;
const PAGES = 8;
const ROWS_MAX = 120;
const MOVED_MAX_PX = 4;
/** So long the page does nothing else. */
const SLOW_MS = 1_500;
/** What the browser says where the page speaks on a link that was just cut. */
const ON_A_CUT_LINK = /WebSocket is already in CLOSING or CLOSED state/u;
/** More than is pushed to who comes back. */
const MISSED = 1_050;

/** Alice's page, on a link that can be cut, with what Bob said to her open. */
async function opened(app: App): Promise<{ alice: Page; link: Link }> {
  app.tolerate();
  app.tolerate(ON_A_CUT_LINK);
  const context = await app.context();
  const link = await Link.laid(context);
  const alice = await context.newPage();
  await alice.goto(app.url);
  await signIn(alice, "alice");
  await link.caughtUp;
  await openConversation(alice, "user:bob");
  await alice.getByText(`message ${MESSAGES}`, { exact: true }).last().waitFor();
  await untilAtRest(alice);
  return { alice, link };
}

describe("a long history", () => {
  it("is scrolled up where it is while others write and the connection is cut", { timeout: 120_000 }, async () => {
    const app = await App.start({ env: UNLIMITED });
    const bob = await connect(app.server.url, "bob");
    await sayMany(bob, "alice", 1, MESSAGES);
    const { alice, link } = await opened(app);
    const { worst, rows } = await scrollUpPages(alice, PAGES, async (page) => {
      if (page % 4 === 1) link.cut();
      if (page % 4 === 2) link.cutWhenAsked("history");
      await tell(bob, "alice", `said meanwhile ${page}`);
    });
    process.stdout.write(`${PAGES} pages up: moved at most ${worst} px, ${rows} rows in the page\n`);
    expect(worst).toBeLessThanOrEqual(MOVED_MAX_PX);
    expect(rows).toBeLessThan(ROWS_MAX);
    await alice.getByRole("button", { name: "To the newest message" }).click();
    await alice
      .getByText(`said meanwhile ${PAGES - 1}`, { exact: true })
      .last()
      .waitFor();
  });

  it("is left at the end by hand, however slow the page is", { timeout: 120_000 }, async () => {
    const app = await App.start({ env: UNLIMITED });
    const bob = await connect(app.server.url, "bob");
    await sayMany(bob, "alice", 1, MESSAGES);
    const { alice } = await opened(app);
    // The page hears of the scrolling only after it was told of a message.
    await Promise.all([
      alice.evaluate((wait) => {
        const box = document.querySelector('[role="feed"]')?.parentElement;
        if (box) box.scrollTop -= 2_000;
        const until = performance.now() + wait;
        while (performance.now() < until);
      }, SLOW_MS),
      tell(bob, "alice", "said while it was slow"),
    ]);
    await expect.poll(() => alice.getByText("said while it was slow").count(), { timeout: 30_000 }).toBe(1);
    await alice.waitForTimeout(500);
    const below = await alice.evaluate(() => {
      const box = document.querySelector('[role="feed"]')?.parentElement;
      return box ? box.scrollHeight - box.clientHeight - box.scrollTop : 0;
    });
    expect(below).toBeGreaterThan(1_500);
  });

  it("stays where it is after an absence in which too much was said", { timeout: 120_000 }, async () => {
    const app = await App.start({ env: UNLIMITED });
    const bob = await connect(app.server.url, "bob");
    await sayMany(bob, "alice", 1, MESSAGES);
    const { alice, link } = await opened(app);
    await scrollUpPages(alice, 3);
    const seen = await firstSeen(alice);
    link.down();
    await sayMany(bob, "alice", MESSAGES + 1, MESSAGES + MISSED);
    link.asked.length = 0;
    link.up();
    const asks = () => link.asked.filter((command) => command === "history").length;
    await expect.poll(asks, { timeout: 60_000 }).toBeGreaterThan(2);
    await alice.getByRole("status").getByText(/./u).waitFor({ state: "detached", timeout: 60_000 });
    await untilAtRest(alice);
    expect(Math.abs(((await topOf(alice, seen)) ?? Number.NaN) - seen.top)).toBeLessThanOrEqual(MOVED_MAX_PX);
    // From there on, older and newer ones are read as ever.
    const before = await loadedOf(alice);
    await scrollUp(alice);
    await expect.poll(() => loadedOf(alice), { timeout: 30_000 }).toBeGreaterThan(before);
    await alice.getByRole("button", { name: "To the newest message" }).click();
    await alice
      .getByText(`message ${MESSAGES + MISSED}`, { exact: true })
      .last()
      .waitFor();
  });
});
