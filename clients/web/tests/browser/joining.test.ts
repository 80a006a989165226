// The ways into a group: by a link, and by asking.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { App } from "../support/app.js";
import { addressOf, button, expectAccessible, makeGroup, message, row, say, visit } from "../support/page.js";

/** What the panel about a group says. */
const panel = (page: Page) => page.getByRole("region", { name: "Group info" });

const info = (groupId: string) => addressOf(`group:${groupId}`, "?panel=info");

test("somebody_comes_in_by_an_invite_link_and_nobody_by_a_revoked_one", async () => {
  const app = await App.start();
  const [alice, dave, eve] = [await app.open("alice"), await app.open("dave"), await app.open("eve")];
  const groupId = await makeGroup(alice, "Night owls", ["bob"]);
  await visit(alice, info(groupId));
  await button(alice, "Invite links").click();
  await button(alice, "Make link").click();
  const link =
    (await alice
      .getByText(/#\/join\//u)
      .first()
      .textContent()) ?? "";
  const hash = link.slice(link.indexOf("#"));

  await visit(dave, hash);
  await button(dave, "Join").click();
  await dave.waitForURL(/#\/c\/group%3A/u);
  await visit(dave, info(groupId));
  await panel(dave).getByText("3 members").waitFor();

  await button(alice, "Revoke").click();
  await button(alice.getByRole("dialog"), "Revoke").click();
  await alice.getByText("No invite links yet").waitFor();
  await visit(eve, hash);
  await button(eve, "Join").click();
  await eve.getByText("This link does not work").waitFor();
});

test("who_asks_to_come_in_is_let_in_or_refused", async () => {
  const app = await App.start();
  const [alice, dave, eve] = [await app.open("alice"), await app.open("dave"), await app.open("eve")];
  const groupId = await makeGroup(alice, "Night owls", ["bob"]);
  await visit(alice, info(groupId));
  await button(alice, "Group settings").click();
  await alice.getByLabel("How to join").selectOption("On request");
  await button(alice, "Back").click();

  for (const page of [dave, eve]) {
    await visit(page, `#/join/${groupId}`);
    await page.getByRole("heading", { name: "Night owls" }).waitFor();
    await expectAccessible(page, "the way into a group");
    await button(page, "Ask to join").click();
    await page.getByText("You asked to join").waitFor();
  }
  await alice.getByRole("button", { name: /^Requests to join/u }).click();
  const requestOf = (name: string) => alice.getByRole("listitem").filter({ hasText: name });
  await requestOf("dave").waitFor();
  await requestOf("eve").waitFor();
  await expectAccessible(alice, "requests to join");
  await button(requestOf("dave"), "Let in").click();
  await button(requestOf("eve"), "Decline").click();
  await alice.getByText("Nobody is waiting").waitFor();

  await button(dave, "Open").click();
  await say(dave, "Thank you!");
  await visit(alice, addressOf(`group:${groupId}`));
  await message(alice, "Thank you!").waitFor();
  // Who was refused is not in, and may ask again.
  expect(await row(eve, `group:${groupId}`).count()).toBe(0);
  await eve.reload();
  await button(eve, "Ask to join").waitFor();
});

test("words_that_a_group_does_not_allow_are_refused_or_masked", async () => {
  const app = await App.start();
  const [alice, bob] = [await app.open("alice"), await app.open("bob")];
  const groupId = await makeGroup(alice, "Night owls", ["bob"]);
  const ruled = async (words: string, action: string) => {
    await visit(alice, info(groupId));
    await button(alice, "Word rules").click();
    await alice.getByLabel("Words", { exact: true }).fill(words);
    await alice.getByLabel(action).click();
    await button(alice, "Save").click();
    await panel(alice).getByText("2 members").waitFor();
  };
  await ruled("codswallop", "It is not sent");
  await visit(bob, addressOf(`group:${groupId}`));
  await say(bob, "What codswallop");
  await bob.getByText("A rule of this group or server does not allow this message.").waitFor();
  await button(bob, "Discard").click();
  await bob.getByText("What codswallop").waitFor({ state: "detached" });

  await ruled("codswallop", "The word is replaced by ***");
  await say(bob, "What utter codswallop");
  await message(alice, "What utter **********").waitFor();
  // Its author sees what the others do.
  await message(bob, "What utter **********").waitFor();
  expect(await bob.getByText("codswallop").count()).toBe(0);
});
