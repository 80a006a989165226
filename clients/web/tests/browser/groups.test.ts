// Groups, people and devices in real browsers, each person in one of their own.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { live, until } from "../../../typescript/tests/support/client.js";
import { App } from "../support/app.js";
import { addressOf, button, makeGroup, visit } from "../support/page.js";

/** What the panel about a group says. */
const panel = (page: Page) => page.getByRole("region", { name: "Group info" });

const info = (groupId: string) => addressOf(`group:${groupId}`, "?panel=info");

test("a_group_of_three_has_roles_and_who_is_removed_sees_it_at_once", async () => {
  const app = await App.start();
  const [alice, bob, carol] = [await app.open("alice"), await app.open("bob"), await app.open("carol")];
  const groupId = await makeGroup(alice, "Night owls", ["bob", "carol"]);
  for (const page of [alice, bob, carol]) await visit(page, info(groupId));
  await panel(alice).getByText("3 members").waitFor();
  // A member is offered nothing that is not theirs to do.
  await button(bob, "Actions for carol").click();
  expect(await bob.getByRole("menuitem").allTextContents()).toEqual(["Message", "Profile"]);
  await bob.keyboard.press("Escape");

  await button(alice, "Actions for bob").click();
  await alice.getByRole("menuitem", { name: "Make moderator" }).click();
  await bob.getByText("Let a banned person back in").waitFor();
  await button(bob, "Actions for carol").click();
  await bob.getByRole("menuitem", { name: "Remove from group" }).click();
  await button(bob.getByRole("dialog"), "Remove from group").click();

  await carol.getByText("You are no longer in this group").waitFor();
  await button(alice, "Actions for carol").waitFor({ state: "detached" });
  await panel(alice).getByText("2 members").waitFor();
  const elsewhere = await live(app.server.url, "carol", { deviceId: "phone" });
  await expect(elsewhere.group(groupId).send("still here?").sent).rejects.toMatchObject({ code: "not_a_member" });
});

test("privacy_and_blocks_hold_at_once", async () => {
  const app = await App.start();
  const alice = await app.open("alice");
  const [bob, eve] = [await live(app.server.url, "bob"), await live(app.server.url, "eve")];
  await bob.direct("alice").send("hello").sent;
  await visit(alice, "#/settings/privacy");
  await alice.getByLabel("Who may write to you").selectOption("Nobody");
  await visit(alice, "#/c/user%3Abob?panel=info");
  await button(alice, "Block").click();
  await button(alice.getByRole("dialog"), "Block").click();
  await alice.getByText("You blocked this person").waitFor();
  await alice.getByText("bob is blocked").waitFor();
  await expect(bob.direct("alice").send("why?").sent).rejects.toMatchObject({ code: "blocked" });
  await expect(eve.direct("alice").send("hello").sent).rejects.toMatchObject({ code: "not_accepted" });
  await visit(alice, "#/settings/blocked");
  await button(alice, "Unblock").click();
  await alice.getByText("You have not blocked anybody").waitFor();
});

test("a_device_that_is_signed_out_is_cut_off_at_once", async () => {
  const app = await App.start();
  const [alice, elsewhere] = [await app.open("alice"), await app.open("alice")];
  const phone = await live(app.server.url, "alice", { deviceId: "phone" });
  await visit(alice, "#/settings/devices");
  await alice.getByText("This browser").waitFor();
  const listed = alice.getByRole("listitem");
  await button(listed.filter({ hasText: "phone" }), "Sign out").click();
  await button(alice.getByRole("dialog"), "Sign out").click();
  const { reason } = await until(phone.status, ({ state }) => state === "closed", "the end");
  expect(reason).toBe("device_revoked");
  expect(await listed.filter({ hasText: "phone" }).count()).toBe(0);

  await button(alice, "Sign out everywhere else").click();
  await button(alice.getByRole("dialog"), "Sign out everywhere else").click();
  await button(elsewhere, "Sign in again").waitFor();
  await alice.getByText("1 device was signed out").waitFor();
  await button(alice, "Sign out everywhere else").waitFor({ state: "detached" });
});
