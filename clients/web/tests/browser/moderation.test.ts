// Moderators at work, and what those hear whom it is about.
import { expect, test } from "vitest";
import { live } from "../../../typescript/tests/support/client.js";
import { App, NARROW } from "../support/app.js";
import { addressOf, button, expectAccessible, message, say, visit } from "../support/page.js";
import { ask, connect } from "../support/seed.js";

const MODERATED = { env: { PARLOR_MODERATION__DEV_MODERATORS: "mo" } };

test("a_moderator_takes_a_report_by_keys_and_the_user_is_warned", async () => {
  const app = await App.start({ env: { PARLOR_MODERATION__DEV_MODERATORS: "mo" } });
  const [alice, bob, mo] = [await app.open("alice"), await app.open("bob"), await app.open("mo")];
  const other = await live(app.server.url, "alice", { deviceId: "phone" });
  await other.direct("bob").send("rude words").sent;
  await visit(mo, "#/moderation");
  await mo.getByText("Nothing to do").waitFor();
  await visit(bob, "#/c/user%3Aalice?panel=info");
  await button(bob, "Report").click();
  await bob.getByLabel("Insults or harassment").click();
  await bob.getByLabel("What should moderators know?").fill("out of nowhere");
  await button(bob, "Send report").click();

  await mo.getByRole("list", { name: "Reports" }).getByText("alice").waitFor();
  await mo.keyboard.press("j");
  await mo.getByText("out of nowhere").waitFor();
  await mo.keyboard.press("t");
  await mo.getByText(/Taken by mo/u).waitFor();
  await mo.keyboard.press("w");
  await mo.getByLabel("What they are told").fill("Please be kind.");
  await mo.keyboard.press("Tab");
  await mo.keyboard.press("Enter");
  await alice.getByText("Please be kind.").waitFor();
  await button(alice, "Understood").click();
  await alice.getByText("Please be kind.").waitFor({ state: "detached" });
  // What is confirmed is not said again.
  await alice.reload();
  await alice.getByText("rude words").first().waitFor();
  expect(await alice.getByText("Please be kind.").count()).toBe(0);
  await mo.getByText("Nothing to do").waitFor();
  await mo.getByRole("tab", { name: "Log" }).click();
  await mo.getByText("“Please be kind.”").or(mo.getByText("Please be kind.")).first().waitFor();

  // Who is no moderator is told so.
  await visit(bob, "#/moderation");
  await bob.getByText("This page is for moderators").waitFor();
});

test("warnings_that_were_given_meanwhile_are_told_until_they_are_understood", async () => {
  const app = await App.start(MODERATED);
  const mo = await connect(app.server.url, "mo");
  await ask(mo, "warn", { userId: "alice", text: "No advertising, please.", clientId: "first" });
  await ask(mo, "warn", { userId: "alice", text: "This is the second time.", clientId: "second" });
  const alice = await app.open("alice", { viewport: NARROW });
  const notice = alice.getByRole("region", { name: "From the moderators" });
  await notice.getByText("No advertising, please.").waitFor();
  await notice.getByText("This is the second time.").waitFor();
  await expectAccessible(alice, "a warning");
  await alice.reload();
  await notice.getByText("No advertising, please.").waitFor();
  // By keys alone.
  await button(notice, "Understood").focus();
  await alice.keyboard.press("Enter");
  await notice.waitFor({ state: "detached" });
  await alice.reload();
  await alice.getByText("No conversations yet").waitFor();
  expect(await notice.count()).toBe(0);
});

test("who_is_suspended_is_told_why_and_is_back_when_it_ends", async () => {
  const app = await App.start(MODERATED);
  const mo = await connect(app.server.url, "mo");
  const alice = await app.open("alice", { at: addressOf("user:bob") });
  await say(alice, "Cheap watches!");
  await message(alice, "Cheap watches!").getByRole("img", { name: "Sent" }).waitFor();
  const until = Date.now() + 3_600_000;
  await ask(mo, "suspend", { userId: "alice", reason: "Spam", until });
  await alice.getByRole("heading", { name: "Your account is suspended" }).waitFor();
  await alice.getByText(/^Until /u).waitFor();
  await expectAccessible(alice, "a suspended account");
  // Nothing of what is behind can be used.
  expect(await alice.getByRole("article").count()).toBe(0);
  // It is no matter of this page alone.
  await alice.reload();
  await alice.getByRole("heading", { name: "Your account is suspended" }).waitFor();
  await button(alice, "Try again").click();
  await alice.getByRole("heading", { name: "Your account is suspended" }).waitFor();

  await ask(mo, "unsuspend", { userId: "alice" });
  // The try before may be let in by now.
  const said = message(alice, "Cheap watches!");
  await button(alice, "Try again").or(said).first().click();
  await said.waitFor();

  await ask(mo, "suspend", { userId: "alice", reason: "Spam again" });
  await alice.getByText("It has no end.", { exact: false }).waitFor();
  await button(alice, "Sign out").click();
  await button(alice.getByRole("dialog"), "Sign out").click();
  await button(alice, "Start chatting").waitFor();
});
