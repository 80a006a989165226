// What the server keeps for a user alone: read when somebody looks, kept by what is heard, changed at once.
import { expect, test } from "vitest";

import { DisconnectedError, isRefused, type Parlor, RefusedError } from "../../src/index.js";
import { client, contents, eventually, live, numbers, until } from "../support/client.js";
import { FaultyProxy, honest } from "../support/proxy.js";
import { Server } from "../support/server.js";

const WS = { transports: ["websocket"] } as const;

/** Alice on two devices; the first one's commands are counted, and its connection can be cut. */
async function devices() {
  const server = await Server.start();
  const proxy = await FaultyProxy.before(server.url);
  const asked: string[] = [];
  proxy.meddle = (passing) => {
    if (passing.way === "up" && passing.event !== null) asked.push(passing.event);
    return honest(passing);
  };
  const [one, two] = [await live(proxy.url, "alice", WS), await live(server.url, "alice", { deviceId: "alice-2" })];
  return { server, proxy, one, two, times: (event: string) => asked.filter((name) => name === event).length };
}

const names = (parlor: Parlor) => parlor.contacts.get().contacts.map(({ userId, name }) => `${userId} ${name}`);

test("contacts_are_read_once_changed_at_once_and_the_same_on_all_devices", async () => {
  const { one, two, times } = await devices();
  for (const n of numbers(1, 120)) await two.command("contact_add", { userId: `user${n}`, name: `Name ${n}` });
  expect([times("contacts"), one.contacts.get().isKnown]).toEqual([0, false]);
  await until(one.contacts, ({ isKnown }) => isKnown, "the contacts");
  const stop = one.contacts.subscribe(() => {});
  await until(two.contacts, ({ isKnown }) => isKnown, "the contacts");
  expect(times("contacts")).toBe(2);
  // Newest first; those of one millisecond in any order.
  const added = one.contacts.get().contacts.map(({ at }) => at);
  expect(added).toEqual([...added].sort((a, b) => b - a));
  expect(names(one).sort()).toEqual(
    numbers(1, 120)
      .map((n) => `user${n} Name ${n}`)
      .sort(),
  );
  const adding = one.contacts.add("bob", "Bob");
  expect(names(one)[0]).toBe("bob Bob");
  await adding;
  await until(two.contacts, ({ byUserId }) => byUserId.get("bob")?.name === "Bob", "Bob");
  await two.contacts.add("user7");
  await until(one.contacts, ({ byUserId }) => byUserId.get("user7")?.name === null, "no name");
  expect(names(one).slice(0, 2)).toEqual(["user7 null", "bob Bob"]);
  await one.contacts.remove("bob");
  await until(two.contacts, ({ byUserId }) => !byUserId.has("bob"), "no Bob");
  // What is done by a command shows as well.
  await one.command("contact_add", { userId: "carol" });
  expect(one.contacts.get().byUserId.has("carol")).toBe(true);
  stop();
  expect(times("contacts")).toBe(2);
});

test("what_changed_while_a_device_was_away_is_there_when_it_comes_back", async () => {
  const { one, two, proxy, times } = await devices();
  const { id: messageId } = await two.direct("bob").send("starred elsewhere").sent;
  for (const list of [one.contacts, one.blocked, one.privacy, one.starred]) list.subscribe(() => {});
  await two.contacts.add("gone");
  await until(one.contacts, ({ byUserId }) => byUserId.has("gone"), "a contact");
  await until(one.privacy, ({ settings }) => settings !== null, "the settings");
  await until(one.blocked, ({ isKnown }) => isKnown, "the blocks");
  await until(one.starred, ({ isLoading }) => !isLoading, "the stars");
  proxy.refuse(true);
  await until(one.status, ({ state }) => state === "offline", "the cut");
  await two.contacts.remove("gone");
  await two.contacts.add("new", "New");
  await two.blocked.block("mallory");
  await two.privacy.set({ lastSeen: "nobody" });
  await two.starred.star(messageId);
  proxy.refuse(false);
  await one.live();
  await until(one.contacts, () => names(one).join() === "new New", "the contacts as they are");
  await until(one.blocked, ({ userIds }) => userIds.has("mallory"), "the block");
  await until(one.privacy, ({ settings }) => settings?.lastSeen === "nobody", "the setting");
  const stars = await until(one.starred, ({ starred }) => starred.length === 1, "the star");
  expect(stars.starred[0]?.message?.content).toBe("starred elsewhere");
  // It was told what it missed, and has not read everything again.
  expect([times("contacts"), times("blocked"), times("privacy_get")]).toEqual([1, 1, 1]);
});

test("what_is_refused_or_not_answered_is_taken_back", async () => {
  const { one, proxy } = await devices();
  await until(one.contacts, ({ isKnown }) => isKnown, "the contacts");
  const refused = one.contacts.add("x".repeat(200));
  expect(one.contacts.get().contacts).toHaveLength(1);
  await expect(refused).rejects.toSatisfy((error) => isRefused(error, "invalid_argument"));
  expect(one.contacts.get().contacts).toEqual([]);
  await until(one.privacy, ({ settings }) => settings !== null, "the settings");
  const wrong = one.privacy.set({ messages: "friends", readReceipts: false });
  expect(one.privacy.get().settings).toMatchObject({ messages: "friends", readReceipts: false });
  await expect(wrong).rejects.toBeInstanceOf(RefusedError);
  expect(one.privacy.get().settings).toMatchObject({ messages: "everyone", readReceipts: true });
  proxy.refuse(true);
  await until(one.status, ({ state }) => state === "offline", "the cut");
  await expect(one.blocked.block("mallory")).rejects.toBeInstanceOf(DisconnectedError);
  expect(one.blocked.get().userIds.size).toBe(0);
});

test("a_change_whose_answer_was_lost_shows_once_it_is_known", async () => {
  const { one, proxy } = await devices();
  one.contacts.subscribe(() => {});
  await until(one.contacts, ({ isKnown }) => isKnown, "the contacts");
  proxy.meddle = (passing) => {
    if (passing.way !== "down" || !passing.text.startsWith("43")) return honest(passing);
    proxy.meddle = honest;
    setTimeout(() => proxy.cut());
    return [];
  };
  await expect(one.contacts.add("bob", "Bob")).rejects.toBeInstanceOf(DisconnectedError);
  await until(one.contacts, ({ byUserId }) => byUserId.get("bob")?.name === "Bob", "what was kept after all");
});

test("a_restored_or_distant_server_is_read_anew", async () => {
  const { server, one, two, proxy, times } = await devices();
  one.contacts.subscribe(() => {});
  one.blocked.subscribe(() => {});
  await until(one.contacts, ({ isKnown }) => isKnown, "the contacts");
  await until(one.blocked, ({ isKnown }) => isKnown, "the blocks");
  proxy.refuse(true);
  await two.contacts.add("bob");
  await two.blocked.block("mallory");
  // More than a device that comes back is told.
  const bob = (await live(server.url, "bob")).direct("alice");
  await Promise.all(numbers(1, 1_050).map((n) => bob.send(n).sent));
  proxy.refuse(false);
  await one.live();
  await until(one.contacts, ({ byUserId }) => byUserId.has("bob"), "the contact");
  await until(one.blocked, ({ userIds }) => userIds.has("mallory"), "the block");
  expect([times("contacts"), times("blocked")]).toEqual([2, 2]);
});

test("starred_messages_are_read_page_by_page_and_show_what_became_of_them", async () => {
  const { one, two } = await devices();
  const ids = [];
  for (const n of numbers(1, 60)) ids.push((await two.direct("bob").send(n).sent).id);
  for (const id of ids) await two.starred.star(id);
  const said = (parlor: Parlor) => parlor.starred.get().starred.map(({ message }) => message?.content ?? null);
  one.starred.subscribe(() => {});
  await until(one.starred, ({ starred }) => starred.length === 50, "the first page");
  expect(one.starred.get().hasMore).toBe(true);
  await one.starred.loadMore();
  expect([new Set(said(one)), said(one)[0], one.starred.get().hasMore]).toEqual([new Set(numbers(1, 60)), 60, false]);
  const [first = "", second = "", third = ""] = ids;
  await two.direct("bob").edit(first, "edited");
  await two.direct("bob").delete(second);
  const stopping = one.starred.unstar(third);
  expect(one.starred.get().starred.some(({ messageId }) => messageId === third)).toBe(false);
  await stopping;
  await until(one.starred, () => said(one).at(-1) === "edited", "the edit");
  await until(one.starred, () => said(one).at(-2) === null, "the deletion");
  expect(one.starred.get().starred).toHaveLength(59);
  // One that is not at hand is read.
  const carol = two.direct("carol");
  const { id } = await carol.send("elsewhere").sent;
  await one.command("star", { messageId: id });
  await until(one.starred, () => said(one)[0] === "elsewhere", "the one from elsewhere");
});

test("requests_are_a_list_of_their_own_until_they_are_decided", async () => {
  const { server, one, two, proxy } = await devices();
  await one.privacy.set({ messageRequests: true });
  const listed = (parlor: Parlor) => parlor.conversations.get().conversations.map(({ name }) => name);
  const waiting = (parlor: Parlor) => parlor.requests.get().conversations.map(({ name }) => name);
  const strangers = await Promise.all(["bob", "carol", "dave"].map((name) => live(server.url, name)));
  const [bob, carol, dave] = strangers;
  await bob?.direct("alice").send("hello").sent;
  for (const parlor of [one, two]) parlor.requests.subscribe(() => {});
  await until(one.requests, () => waiting(one).join() === "bob", "the first request");
  await carol?.direct("alice").send("hi").sent;
  await carol?.direct("alice").send("are you there?").sent;
  for (const parlor of [one, two]) {
    await until(parlor.requests, () => waiting(parlor).join() === "carol,bob", "both");
    expect(listed(parlor)).toEqual([]);
  }
  const newest = () => one.requests.get().conversations[0]?.lastMessage?.content;
  await until(one.requests, () => newest() === "are you there?", "the second message");
  const accepting = one.requests.accept(one.direct("carol"));
  expect([waiting(one), listed(one)]).toEqual([["bob"], ["carol"]]);
  await accepting;
  await until(two.conversations, () => listed(two).join() === "carol", "the one that was accepted");
  proxy.refuse(true);
  await two.requests.decline(two.direct("bob"));
  expect(waiting(two)).toEqual([]);
  await dave?.direct("alice").send("me too").sent;
  proxy.refuse(false);
  await one.live();
  await until(one.requests, () => waiting(one).join() === "dave", "what is left");
  expect(listed(one)).toEqual(["carol"]);
  await expect(one.requests.accept(one.direct("nobody"))).rejects.toBeInstanceOf(RefusedError);
  expect(listed(one)).toEqual(["carol"]);
  const late = await live(server.url, "alice", { deviceId: "late" });
  await until(late.requests, () => waiting(late).join() === "dave", "the request on a new device");
  expect(contents([...late.requests.get().conversations.map(({ lastMessage }) => lastMessage)] as never)).toEqual([
    "me too",
  ]);
});

test("drafts_are_told_now_and_then_and_are_the_same_on_all_devices", async () => {
  const { server, one, two, times, proxy } = await devices();
  const [mine, other] = [one.direct("bob"), two.direct("bob")];
  other.draft.subscribe(() => {});
  for (const n of numbers(1, 30)) mine.setDraft("x".repeat(n));
  expect(mine.draft.get()).toEqual({ content: "x".repeat(30), error: null });
  await until(other.draft, ({ content }) => content === "x".repeat(30), "the draft");
  expect(times("draft_set")).toBe(1);
  other.setDraft("from there");
  await until(mine.draft, ({ content }) => content === "from there", "the other's draft");
  proxy.refuse(true);
  await until(one.status, ({ state }) => state === "offline", "the cut");
  mine.setDraft("written offline");
  expect(mine.draft.get().content).toBe("written offline");
  proxy.refuse(false);
  await until(other.draft, ({ content }) => content === "written offline", "what was written offline");
  mine.setDraft(null);
  await until(other.draft, ({ content }) => content === null, "no draft");
  await one.direct("carol").setDraft({ text: "hello" });
  await eventually(() => times("draft_set") >= 4, "the draft to be told");
  const late = await live(server.url, "alice", { deviceId: "late" });
  const found = await until(late.direct("carol").draft, ({ content }) => content !== null, "the draft on a new device");
  expect(found).toEqual({ content: { text: "hello" }, error: null });
  const long = "x".repeat(100_000);
  late.direct("dave").setDraft(long);
  const refused = await until(late.direct("dave").draft, ({ error }) => error !== null, "the refusal");
  expect(refused).toMatchObject({ content: long, error: { code: "too_large" } });
});

test("who_has_a_message_is_read_while_somebody_looks_and_follows_the_marks", async () => {
  const server = await Server.start();
  const [alice, bob] = [await live(server.url, "alice"), await live(server.url, "bob")];
  const { groupId } = await alice.command("group_create", { name: "Owls", members: ["bob", "carol"] });
  const owls = alice.group(groupId);
  const message = await owls.send("Who is awake?").sent;
  const who = owls.receiptsOf(message);
  expect(owls.receiptsOf(message)).toBe(who);
  const stop = who.subscribe(() => {});
  await until(who, ({ receipts }) => receipts.length === 1, "who has it");
  expect(who.get()).toMatchObject({ receipts: [{ userId: "bob", read: false }], counts: null, hasMore: false });
  bob.group(groupId).markRead();
  await until(who, ({ receipts }) => receipts[0]?.read === true, "who has read it");
  const carol = await live(server.url, "carol");
  await until(who, ({ receipts }) => receipts.length === 2, "who came later");
  expect(who.get().receipts).toMatchObject([
    { userId: "bob", read: true },
    { userId: "carol", read: false },
  ]);
  await server.restart();
  await Promise.all([alice.live(), carol.live()]);
  carol.group(groupId).markRead(message.seq);
  await until(who, ({ receipts }) => receipts.every(({ read }) => read), "all who have read it");
  stop();
});

test("a_larger_group_says_how_many_have_a_message", async () => {
  const server = await Server.start();
  const [alice, bob] = [await live(server.url, "alice"), await live(server.url, "bob")];
  const members = ["bob", ...numbers(1, 70).map((n) => `user${n}`)];
  const { groupId } = await alice.command("group_create", { name: "Owls", members });
  const owls = alice.group(groupId);
  const message = await owls.send("Who is awake?").sent;
  expect(owls.receiptCountsOf(message)).toBeNull();
  const who = owls.receiptsOf(message);
  who.subscribe(() => {});
  bob.group(groupId).messages.subscribe(() => {});
  await until(bob.group(groupId).messages, ({ messages }) => messages.length === 1, "the message");
  bob.group(groupId).markRead();
  await until(owls.view, () => owls.receiptCountsOf(message)?.read === 1, "the count");
  expect(owls.receiptCountsOf(message)).toEqual({ seq: message.seq, delivered: 1, read: 1 });
  await until(who, ({ receipts }) => receipts[0]?.read === true, "who has read it");
  expect(who.get()).toMatchObject({ receipts: [{ userId: "bob" }], counts: { read: 1 } });
});

test("lists_that_are_subscribed_to_before_there_is_a_connection_are_read_once", async () => {
  const server = await Server.start();
  await (await live(server.url, "alice", { deviceId: "two" })).contacts.add("bob");
  const proxy = await FaultyProxy.before(server.url);
  let asked = 0;
  proxy.meddle = (passing) => {
    if (passing.event === "contacts") asked += 1;
    return honest(passing);
  };
  const parlor = client({ url: proxy.url, token: "alice", deviceId: "one", ...WS });
  parlor.contacts.subscribe(() => {});
  expect(parlor.contacts.get()).toMatchObject({ contacts: [], isKnown: false });
  parlor.connect();
  await until(parlor.contacts, ({ isKnown }) => isKnown, "the contacts");
  await parlor.live();
  expect([names(parlor), asked]).toEqual([["bob null"], 1]);
});
