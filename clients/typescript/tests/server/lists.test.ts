// What is shown beside timelines: profiles, a group's members, pins, threads, what was searched for.
import { expect, test } from "vitest";

import { contents, live, numbers, until } from "../support/client.js";
import { Server } from "../support/server.js";

test("a_profile_is_read_once_and_ones_own_changes_show_at_once_and_on_other_devices", async () => {
  const server = await Server.start();
  const [alice, other] = [await live(server.url, "alice"), await live(server.url, "alice", { deviceId: "two" })];
  await (await live(server.url, "bob")).command("profile_set", { name: "Bob", about: "Hi" });
  const bob = await until(alice.profile("bob"), ({ name }) => name !== null, "Bob's profile");
  expect(bob).toEqual({ userId: "bob", name: "Bob", avatarUrl: null, about: "Hi", isLoading: false });
  expect(alice.profile("bob")).toBe(alice.profile("bob"));
  for (const parlor of [alice, other]) await until(parlor.profile("alice"), (view) => !view.isLoading, "one's own");
  await alice.command("profile_set", { name: "Alice" });
  for (const parlor of [alice, other]) await until(parlor.profile("alice"), ({ name }) => name === "Alice", "the name");
});

test("members_and_what_a_group_is_follow_its_entries", async () => {
  const server = await Server.start();
  const [alice, bob] = [await live(server.url, "alice"), await live(server.url, "bob")];
  const { groupId } = await alice.command("group_create", { name: "Owls", members: ["bob", "carol"] });
  const [group, owls] = [bob.group(groupId), alice.group(groupId)];
  const roles = () => Object.fromEntries(group.members.get().members.map(({ userId, role }) => [userId, role]));
  await until(group.members, ({ members }) => members.length === 3, "the members");
  await until(group.info, ({ info }) => info?.name === "Owls", "the group");
  for (const list of [group.members, group.info, owls.members]) list.subscribe(() => {});
  await alice.command("group_add", { groupId, userIds: ["dave"] });
  await alice.command("group_role", { groupId, userId: "bob", role: "admin" });
  await alice.command("group_kick", { groupId, userId: "carol" });
  await alice.command("group_mute", { groupId, userId: "dave" });
  await alice.command("group_update", { groupId, name: "Night owls" });
  await until(group.info, ({ info }) => info?.name === "Night owls" && info.members === 3, "the name");
  expect(roles()).toEqual({ alice: "owner", bob: "admin", dave: "member" });
  expect(group.info.get().info).toMatchObject({ role: "admin", ownerId: "alice" });
  await alice.command("group_role", { groupId, userId: "bob", role: "owner" });
  await until(group.info, ({ info }) => info?.ownerId === "bob", "the owner");
  expect(roles()).toEqual({ alice: "admin", bob: "owner", dave: "member" });
  // Who made the changes is not told of them, and reads them.
  await until(owls.members, ({ members }) => members.some((one) => one.userId === "bob" && one.role === "owner"), "it");
  const dave = group.members.get().members.find(({ userId }) => userId === "dave");
  expect(dave?.mutedUntil).toBeGreaterThan(Date.now());
  await server.restart();
  await Promise.all([alice.live(), bob.live()]);
  await alice.command("group_add", { groupId, userIds: ["erin"] });
  await until(group.members, ({ members }) => members.length === 4, "who came after a restart");
  expect(() => bob.direct("alice").members).toThrow(TypeError);
});

test("a_thread_shows_its_root_and_what_is_said_in_it", async () => {
  const server = await Server.start();
  const [alice, bob] = [
    (await live(server.url, "alice")).direct("bob"),
    (await live(server.url, "bob")).direct("alice"),
  ];
  const { id: thread } = await alice.send("root").sent;
  for (const n of numbers(1, 3)) await bob.send(n, { thread }).sent;
  const view = alice.thread(thread);
  await until(view, ({ messages, hasMore }) => messages.length === 3 && !hasMore, "the answers");
  view.subscribe(() => {});
  expect(view.get().root?.content).toBe("root");
  alice.send("mine", { thread });
  expect(view.get().messages.at(-1)).toMatchObject({ content: "mine", state: "sending" });
  await until(view, ({ messages }) => messages.at(-1)?.state === "sent", "one's own");
  const { id } = await bob.send("his", { thread }).sent;
  await bob.send("elsewhere").sent;
  await bob.edit(id, "edited");
  await alice.react(thread, "👍");
  await until(view, ({ messages }) => messages.at(-1)?.content === "edited", "the edit");
  expect(contents(view.get().messages)).toEqual([1, 2, 3, "mine", "edited"]);
  await until(view, ({ root }) => root?.reactions?.[0]?.count === 1, "the reaction");
});

test("pins_come_and_go", async () => {
  const server = await Server.start();
  const [alice, bob] = [
    (await live(server.url, "alice")).direct("bob"),
    (await live(server.url, "bob")).direct("alice"),
  ];
  const ids = [
    (await alice.send("one").sent).id,
    (await alice.send("two").sent).id,
    (await alice.send("three").sent).id,
  ];
  const [one = "", two = "", three = ""] = ids;
  const shown = () => bob.pins.get().pins.map(({ message }) => message.content);
  bob.pins.subscribe(() => {});
  for (const id of ids) await alice.pin(id);
  await until(bob.pins, ({ pins }) => pins.length === 3, "the pins");
  expect(shown()).toEqual(["three", "two", "one"]);
  await alice.edit(two, "2");
  await alice.unpin(one);
  await alice.delete(three);
  await until(bob.pins, () => JSON.stringify(shown()) === '["2"]', "the one that is left");
});

test("a_search_is_read_page_by_page_and_says_why_it_failed", async () => {
  const server = await Server.start();
  const alice = await live(server.url, "alice");
  for (const n of numbers(1, 30)) await alice.direct("bob").send(`owl ${n}`).sent;
  await alice.direct("carol").send("owl elsewhere").sent;
  const { results, loadMore, close } = alice.search({ text: "owl", conversation: alice.direct("bob") });
  const first = await until(results, ({ messages }) => messages.length > 0, "the first page");
  expect(first.hasMore).toBe(true);
  await loadMore();
  const all = results.get();
  expect(contents(all.messages)).toEqual(
    numbers(1, 30)
      .reverse()
      .map((n) => `owl ${n}`),
  );
  close();
  const bad = alice.search({ text: "" });
  await until(bad.results, ({ error }) => error !== null, "the refusal");
});
