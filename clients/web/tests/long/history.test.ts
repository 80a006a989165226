// A long history: scrolled up page by page, it stays small in the page and where it is on the screen.
//
// Not part of the gate, since it takes minutes: tests/browser/history.test.ts is the short of it, with cuts.
import { describe, expect, it } from "vitest";
import { App } from "../support/app.js";
import { scrollUpPages, untilAtRest } from "../support/history.js";
import { addressOf } from "../support/page.js";
import { connect, sayMany, UNLIMITED } from "../support/seed.js";

const MESSAGES = Number(process.env.HISTORY_MESSAGES ?? 20_000);
const PAGES = Number(process.env.HISTORY_PAGES ?? 40);
const ROWS_MAX = 120;
const MOVED_MAX_PX = 4;

describe("a long history", () => {
  it("is scrolled up without growing the page or moving what is seen", { timeout: 600_000 }, async () => {
    const app = await App.start({ env: UNLIMITED });
    const seed = await connect(app.server.url, "bob");
    await sayMany(seed, "alice", 1, MESSAGES);
    const alice = await app.open("alice", { at: addressOf("user:bob") });
    await alice.getByText(`message ${MESSAGES}`, { exact: true }).last().waitFor();
    await untilAtRest(alice);
    const { worst, rows } = await scrollUpPages(alice, PAGES);
    process.stdout.write(
      `${MESSAGES} messages, ${PAGES} pages up: moved at most ${worst} px, ${rows} rows in the page\n`,
    );
    expect(worst).toBeLessThanOrEqual(MOVED_MAX_PX);
    expect(rows).toBeLessThan(ROWS_MAX);
    await alice.getByRole("button", { name: "To the newest message" }).click();
    await alice.getByText(`message ${MESSAGES}`, { exact: true }).last().waitFor();

    // A place far back is read by itself, and what one says leads back to the end.
    await alice.evaluate(() => location.assign("#/c/user%3Abob?seq=500"));
    await alice.getByText("message 500", { exact: true }).waitFor();
    expect(await alice.getByRole("article").count()).toBeLessThan(ROWS_MAX);
    await alice.locator("[data-composer]").fill("back at the end");
    await alice.keyboard.press("Enter");
    await alice.getByText("back at the end", { exact: true }).last().waitFor();
    await expect.poll(() => alice.getByText(`message ${MESSAGES}`, { exact: true }).count()).toBeGreaterThan(0);
  });
});
