// Lines of what happens in a group, between what is said: as it happens, for whom it is done and who does it, and when
// the page is loaded anew.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { App } from "../support/app.js";
import { scrollUpPages, scrollUpTo, untilAtRest } from "../support/history.js";
import {
  addressOf,
  button,
  expectAccessible,
  makeGroup,
  message,
  openConversation,
  say,
  visit,
} from "../support/page.js";
import { ask, connect, manyTimes, UNLIMITED } from "../support/seed.js";

const ENTRIES = 1_200;
const PAGES = 4;
const MOVED_MAX_PX = 4;

/** What the timeline shows, row by row, without times. */
function rowsOf(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('[role="feed"] article')].map((row) => {
      const label = row.getAttribute("aria-label");
      const line = document.getElementById(row.getAttribute("aria-labelledby") ?? "");
      return label ?? [...(line?.children ?? [])].map(({ textContent }) => textContent).join("; ");
    }),
  );
}

test("what_happens_in_a_group_stands_between_its_messages", { timeout: 120_000 }, async () => {
  const app = await App.start();
  const [alice, bob] = [await app.open("alice"), await app.open("bob")];
  const groupId = await makeGroup(alice, "Owls", ["bob"]);
  const key = `group:${groupId}`;
  await openConversation(bob, key);
  await expect.poll(() => rowsOf(bob)).toEqual(["alice created the group “Owls”; alice added you"]);
  await say(bob, "Whom shall we ask?");
  await message(alice, "Whom shall we ask?").waitFor();
  const elsewhere = await connect(app.server.url, "alice");
  for (const userId of ["carol", "dave"]) await ask(elsewhere, "group_add", { groupId, userIds: [userId] });
  await visit(alice, addressOf(key, "?panel=info"));
  await button(alice, "Actions for carol").click();
  await alice.getByRole("menuitem", { name: "Make admin" }).click();
  await message(bob, "carol is now an admin").waitFor();
  const carol = await connect(app.server.url, "carol");
  await ask(carol, "group_kick", { groupId, userId: "dave" });
  await ask(carol, "group_update", { groupId, name: "Night owls" });
  await ask(carol, "group_message", { groupId, content: "That was dave." });
  await ask(elsewhere, "conversation_timer", { conversationId: key, seconds: 86_400 });
  await ask(carol, "group_leave", { groupId });

  const expected = [
    ...["alice created the group “Owls”; alice added you", "You: Whom shall we ask?"],
    ...["alice added carol and dave", "carol is now an admin", "carol removed dave"],
    ...["carol named the group “Night owls”", "carol: That was dave."],
    ...["alice set new messages to disappear after 1 day", "carol left"],
  ];
  await expect.poll(() => rowsOf(bob)).toEqual(expected);
  const own = expected.map((line) =>
    line.replace("alice added you", "You added bob").replaceAll("alice ", "You ").replace("You: W", "bob: W"),
  );
  await expect.poll(() => rowsOf(alice)).toEqual(own);
  // It is said aloud, once.
  await expect.poll(() => bob.getByRole("log").textContent()).toBe("carol left");
  // One of the rows that arrows lead to.
  await bob.getByRole("article").last().focus();
  await bob.keyboard.press("ArrowUp");
  await bob.keyboard.press("Enter");
  expect(await bob.evaluate(() => document.activeElement?.textContent)).toContain("alice set new messages");
  expect(await bob.getByRole("menu").count()).toBe(0);
  await expectAccessible(bob, "a group with lines");

  await bob.reload();
  await expect.poll(() => rowsOf(bob)).toEqual(expected);
});

test("lines_that_grow_as_older_things_are_loaded_move_nothing", { timeout: 120_000 }, async () => {
  const app = await App.start({ env: UNLIMITED });
  const alice = await connect(app.server.url, "alice");
  const { groupId = "" } = await ask(alice, "group_create", { name: "Owls", members: ["bob"] });
  // Lines of several people each, so that pages begin within them.
  await manyTimes(ENTRIES, (at) =>
    at % 8 < 3
      ? ask(alice, "group_message", { groupId, content: `message ${at + 1}` })
      : ask(alice, "group_add", { groupId, userIds: [`guest-${at}`] }),
  );
  const { id: messageId } = await ask(alice, "group_message", { groupId, content: "That was all." });
  // It is opened at its end by who has read it.
  await ask(await connect(app.server.url, "bob"), "read", { messageId });
  const bob = await app.open("bob");
  await openConversation(bob, `group:${groupId}`);
  await message(bob, "That was all.").waitFor();
  await untilAtRest(bob);
  await expect.poll(() => bob.getByRole("feed").getAttribute("aria-busy")).toBe("false");
  for (let at = 0; at < PAGES; at += 1) {
    // The heights of what will be seen are known before more is loaded: here they differ from what is guessed.
    await scrollUpTo(bob, 1_500);
    await bob.waitForTimeout(200);
    const { worst } = await scrollUpPages(bob, 1);
    expect(worst).toBeLessThanOrEqual(MOVED_MAX_PX);
  }
});
