// Messages that are said later: written, seen, taken back, and said.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { App } from "../support/app.js";
import { addressOf, button, composer, expectAccessible, message, visit } from "../support/page.js";
import { ask, connect } from "../support/seed.js";

/** A time as its field takes it, so many hours from now, by the page's clock. */
function inHours(page: Page, hours: number): Promise<string> {
  return page.evaluate((ms) => {
    const date = new Date(Date.now() + ms);
    return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }, hours * 3_600_000);
}

async function sayLater(page: Page, text: string, hours: number): Promise<void> {
  await composer(page).fill(text);
  await button(page, "Send later").click();
  const dialog = page.getByRole("dialog", { name: "Send later" });
  await dialog.getByLabel("When").fill(await inHours(page, hours));
  await expectAccessible(page, "send later");
  await button(dialog, "Schedule").click();
  await dialog.waitFor({ state: "detached" });
}

/** Puts what waits of somebody forward, as another device of theirs would: fields know no seconds. */
async function hurry(app: App, user: string): Promise<void> {
  const socket = await connect(app.server.url, user);
  const { schedules } = await socket.emitWithAck("schedules", {});
  for (const { scheduleId } of schedules) {
    await ask(socket, "schedule_set", { scheduleId, sendAt: Date.now() + 1_000 });
  }
}

test("a_message_is_said_when_its_time_has_come_and_not_if_it_was_taken_back", async () => {
  const app = await App.start();
  const [alice, bob] = [
    await app.open("alice", { at: addressOf("user:bob") }),
    await app.open("bob", { at: addressOf("user:alice") }),
  ];
  await sayLater(alice, "Happy birthday!", 1);
  expect(await composer(alice).inputValue()).toBe("");
  await sayLater(alice, "Never mind", 2);

  // Here, and among all that waits, with another time for one of them.
  await button(alice, "More").click();
  await alice.getByRole("menuitem", { name: "Scheduled messages" }).click();
  const here = alice.getByRole("dialog", { name: "Scheduled messages" });
  await here.getByText("Happy birthday!").waitFor();
  await here.getByText("Never mind").waitFor();
  await alice.keyboard.press("Escape");
  await visit(alice, "#/settings/scheduled");
  const waiting = (text: string) => alice.getByRole("listitem").filter({ hasText: text });
  await waiting("Happy birthday!")
    .getByText(/^Will be sent /u)
    .waitFor();
  await expectAccessible(alice, "scheduled messages");
  await button(waiting("Never mind"), "Cancel message").click();
  await button(alice.getByRole("dialog"), "Cancel message").click();
  await waiting("Never mind").waitFor({ state: "detached" });
  expect(await message(bob, "Happy birthday!").count()).toBe(0);
  await button(waiting("Happy birthday!"), "Change").click();
  const change = alice.getByRole("dialog", { name: "Change" });
  await change.getByLabel("Text").fill("Happy birthday, Bob!");
  await change.getByLabel("Send at").fill(await inHours(alice, 3));
  await button(change, "Save").click();
  await waiting("Happy birthday, Bob!").waitFor();
  await hurry(app, "alice");

  await message(bob, "Happy birthday, Bob!").waitFor();
  await alice.getByText("Nothing is scheduled").waitFor();
  await visit(alice, addressOf("user:bob"));
  await message(alice, "Happy birthday, Bob!").waitFor();
  expect(await alice.getByText("Never mind").count()).toBe(0);
});
