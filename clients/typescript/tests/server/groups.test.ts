// Groups, and what is done to messages: everybody shows the same.
import { expect, test } from "vitest";

import type { LoggedMessage, Parlor, TimelineItem } from "../../src/index.js";
import { contents, live, numbers, until } from "../support/client.js";
import { Server } from "../support/server.js";

async function owls() {
  const server = await Server.start();
  const people = await Promise.all(["alice", "bob", "carol"].map((user) => live(server.url, user)));
  const [alice, bob, carol] = people as [Parlor, Parlor, Parlor];
  const { groupId } = await alice.command("group_create", { name: "Owls", members: ["bob", "carol"] });
  const chats = [alice, bob, carol].map((who) => who.group(groupId));
  for (const { messages } of chats) messages.subscribe(() => {});
  return { server, alice, bob, carol, groupId, chats };
}

const logged = (messages: readonly unknown[]) => messages as readonly LoggedMessage[];

test("all_members_show_what_is_said_and_what_the_group_is", async () => {
  const { alice, bob, carol, groupId, chats } = await owls();
  await Promise.all(numbers(1, 10).map((n) => chats[n % 3]?.send(n).sent));
  for (const { messages } of chats) await until(messages, (view) => view.messages.length === 10, "all messages");
  const orders = chats.map(({ messages }) => contents(messages.get().messages));
  expect(orders[1]).toEqual(orders[0]);
  expect(orders[2]).toEqual(orders[0]);
  const line = await until(bob.conversations, (list) => list.conversations[0]?.members === 3, "the group");
  expect(line.conversations[0]).toMatchObject({ name: "Owls", role: "member", target: { groupId } });
  await alice.command("group_update", { groupId, name: "Night owls" });
  await alice.command("group_role", { groupId, userId: "bob", role: "moderator" });
  await until(bob.group(groupId).view, (view) => view.name === "Night owls" && view.role === "moderator", "the change");
  await bob.command("group_kick", { groupId, userId: "carol" });
  await until(carol.group(groupId).view, ({ role }) => role === null, "the kick");
  await until(bob.group(groupId).view, ({ members }) => members === 2, "one less");
  await alice.group(groupId).send("without her").sent;
  await until(bob.group(groupId).messages, (view) => view.messages.at(-1)?.content === "without her", "the message");
  const refused = carol.group(groupId).send("hello?");
  await expect(refused.sent).rejects.toMatchObject({ name: "PermissionError", code: "not_a_member" });
  expect(contents(carol.group(groupId).messages.get().messages)).not.toContain("without her");
});

test("what_is_done_to_messages_is_the_same_for_who_does_it_who_hears_it_and_who_reads_it_later", async () => {
  const { server, alice, bob, groupId, chats } = await owls();
  const [mine, theirs] = chats;
  if (!mine || !theirs) throw new Error("two chats");
  const sent = await Promise.all(["one", "two", "three"].map((text) => mine.send(text, { mentions: ["bob"] }).sent));
  const [one, two, three] = sent.map(({ id }) => id) as [string, string, string];
  await until(theirs.messages, ({ messages }) => messages.length === 3, "the messages");
  await mine.edit(one, "one, edited");
  await Promise.all([mine.react(one, "👍"), theirs.react(one, "👍"), theirs.react(one, "🎉")]);
  await theirs.unreact(one, "🎉");
  await mine.pin(two);
  await mine.delete(three);
  const answer = await theirs.send("an answer", { replyTo: one, thread: two }).sent;
  const done = ({ messages }: { messages: readonly unknown[] }) => {
    const [first, , third, fourth] = logged(messages);
    return first?.reactions?.[0]?.count === 2 && third?.deleted === true && fourth?.replyTo !== undefined;
  };
  for (const { messages } of [mine, theirs]) await until(messages, done, "all deeds");
  const late = await live(server.url, "alice", { deviceId: "later" });
  const read = await until(late.group(groupId).messages, ({ messages }) => messages.length === 4, "the history");
  const shown = (messages: readonly unknown[]) =>
    logged(messages).map(({ key: _, editedAt, clientId: _c, ...rest }) => ({
      ...rest,
      isEdited: editedAt !== undefined,
    }));
  expect(shown(mine.messages.get().messages)).toEqual(shown(read.messages));
  const asBob = shown(theirs.messages.get().messages);
  expect(asBob).toEqual(shown(read.messages));
  expect(asBob).toMatchObject([
    { content: "one, edited", isEdited: true, reactions: [{ emoji: "👍", count: 2, mine: true }] },
    { pinned: true, threadCount: 1 },
    { deleted: true },
    { id: answer.id, replyTo: { messageId: one, from: "alice" }, thread: two },
  ]);
  await until(bob.group(groupId).view, ({ mentions, unread }) => mentions === 2 && unread === 3, "the mentions");
  expect(alice.group(groupId).view.get().unread).toBe(1);
});

test("a_reaction_is_counted_once_however_it_is_learnt", async () => {
  const { alice, bob, chats } = await owls();
  const [mine, theirs] = chats;
  if (!mine || !theirs) throw new Error("two chats");
  const { id } = await mine.send("one").sent;
  // Pages are read while reactions come and go, so some are in a page and pushed as well.
  for (const n of numbers(1, 12)) {
    const reading =
      n % 3 === 0
        ? Promise.all([alice, bob].map((who) => who.command("history", { conversationId: mine.id ?? "" })))
        : null;
    await Promise.all([theirs.react(id, "👍"), mine.react(id, "👍")]);
    if (n < 12) await Promise.all([theirs.unreact(id, "👍"), mine.unreact(id, "👍")]);
    await reading;
  }
  for (const { messages } of chats) {
    await until(messages, (view) => logged(view.messages)[0]?.reactions?.[0]?.count === 2, "both reactions");
  }
});

test("a_message_that_ends_loses_its_content_by_itself", async () => {
  const { alice, chats } = await owls();
  const [mine, theirs] = chats;
  if (!mine || !theirs || mine.id === null) throw new Error("two chats");
  await mine.send("stays").sent;
  await alice.command("conversation_timer", { conversationId: mine.id, seconds: 5 });
  await mine.send("goes").sent;
  for (const { messages } of [mine, theirs]) {
    const before = await until(messages, (view) => view.messages.length === 2, "both");
    expect(contents(before.messages)).toEqual(["stays", "goes"]);
  }
  await until(theirs.view, ({ timerSeconds }) => timerSeconds === 5, "the timer");
  for (const { messages } of [mine, theirs]) {
    const after = await until(messages, (view) => logged(view.messages)[1]?.expired === true, "the end");
    expect(contents(after.messages)).toEqual(["stays", undefined]);
  }
});

test("what_happens_in_a_group_stands_between_its_messages_for_everybody_and_after_a_cut", async () => {
  const { server, alice, bob, carol, groupId, chats } = await owls();
  const [mine, theirs] = chats;
  if (!mine || !theirs) throw new Error("two chats");
  const told = (view: { readonly items: readonly TimelineItem[] }) =>
    view.items.map((item) => (item.state === "happened" ? item.kind : item.content));
  await mine.send("one").sent;
  await alice.command("group_add", { groupId, userIds: ["dave"] });
  await alice.command("group_role", { groupId, userId: "bob", role: "admin" });
  await theirs.send("two").sent;
  await bob.command("group_update", { groupId, name: "Night owls" });
  await carol.command("group_leave", { groupId });
  await mine.pin((await mine.send("three").sent).id);
  const expected = [
    ...["group_created", "one", "member_added", "role_changed", "two"],
    ...["group_updated", "member_left", "three"],
  ];
  for (const { messages } of [mine, theirs]) {
    await until(messages, (view) => told(view).length === expected.length, "everything");
    expect(told(messages.get())).toEqual(expected);
    expect(contents(messages.get().messages)).toEqual(["one", "two", "three"]);
  }
  const added = mine.messages.get().items.find((item) => item.state === "happened" && item.kind === "member_added");
  expect(added).toMatchObject({ by: "alice", userIds: ["dave"], state: "happened", key: added?.key });
  const past = await theirs.openAt({ seq: 3 });
  expect(told(past.get())).toEqual(expected);
  past.close();
  await server.kill();
  const written = mine.send("four");
  expect(told(mine.messages.get())).toEqual([...expected, "four"]);
  await server.run();
  await written.sent;
  // Nobody was there to be told of it.
  bob.close();
  await alice.command("group_kick", { groupId, userId: "dave" });
  const again = await live(server.url, "bob");
  const later = again.group(groupId);
  await until(later.messages, (view) => told(view).length === expected.length + 2, "what bob missed");
  expect(told(later.messages.get())).toEqual([...expected, "four", "member_kicked"]);
});
