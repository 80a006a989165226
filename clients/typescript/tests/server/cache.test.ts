// What is remembered over reloads: there at once, never with a hole, and without what is gone. A reload is a new
// client on the same store.
import "fake-indexeddb/auto";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";

import { type Conversation, indexedDbStore, type Parlor, type ParlorOptions } from "../../src/index.js";
import { client, contents, eventually, live, numbers, until } from "../support/client.js";
import { judge, log } from "../support/judge.js";
import { FaultyProxy, honest } from "../support/proxy.js";
import { Server } from "../support/server.js";
import { Witness } from "../support/witness.js";

let databases = 0;

/** Makes clients of Alice that share a store, as reloads and tabs do. They are not connected yet. */
function site(url: string, user = "alice", name = `cache-${++databases}`) {
  const options = { url, token: user, userId: user, deviceId: `${user}-1` };
  return (more: Partial<ParlorOptions> = {}) => client({ ...options, store: indexedDbStore(name), ...more });
}

async function connected(parlor: Parlor): Promise<Parlor> {
  parlor.connect();
  await parlor.live();
  return parlor;
}

async function says(conversation: Conversation, ...texts: unknown[]): Promise<string[]> {
  const sent = await Promise.all(texts.map((text) => conversation.send(text as string).sent));
  return sent.map(({ id }) => id);
}

function shown(parlor: Parlor, other: string): unknown[] {
  return contents(parlor.direct(other).messages.get().messages);
}

const holds = (conversation: Conversation, count: number) =>
  until(conversation.messages, ({ messages }) => messages.length === count, `${count} messages`);

test("after_a_reload_everything_is_there_without_a_connection_and_the_next_one_resumes", async () => {
  const server = await Server.start();
  const proxy = await FaultyProxy.before(server.url);
  const asked: string[] = [];
  proxy.meddle = (passing) => {
    if (passing.way === "up" && passing.event !== null) asked.push(passing.event);
    return honest(passing);
  };
  const open = site(proxy.url);
  const bob = await live(server.url, "bob");
  await says(bob.direct("alice"), ...numbers(1, 60));
  await says((await live(server.url, "carol")).direct("alice"), "hello");
  const first = await connected(open());
  first.direct("bob").messages.subscribe(() => {});
  await holds(first.direct("bob"), 60);
  await says(first.direct("bob"), "mine");
  const before = first.conversations.get().conversations.map(({ name, unread }) => ({ name, unread }));
  first.close();
  await says(bob.direct("alice"), "later");
  proxy.refuse(true);
  asked.length = 0;
  const second = open();
  await until(second.conversations, ({ conversations }) => conversations.length === 2, "the list");
  second.direct("bob").messages.subscribe(() => {});
  expect(shown(second, "bob")).toEqual([...numbers(1, 60), "mine"]);
  expect(second.direct("bob").messages.get()).toMatchObject({ isLoading: false, hasOlder: false });
  expect(second.conversations.get()).toMatchObject({ hasMore: true, isLoading: false });
  expect(second.conversations.get().conversations.map(({ name, unread }) => ({ name, unread }))).toEqual(before);
  second.connect();
  proxy.refuse(false);
  await second.live();
  expect(shown(second, "bob")).toEqual([...numbers(1, 60), "mine", "later"]);
  await until(second.conversations, ({ hasMore }) => !hasMore, "the end of the list");
  expect(asked).not.toContain("history");
  expect(second.direct("bob").view.get().unread).toBe(61);
});

test("what_is_gone_does_not_linger", async () => {
  const server = await Server.start();
  const open = site(server.url);
  const bob = (await live(server.url, "bob")).direct("alice");
  const [deleted = "", hidden = "", edited = ""] = await says(bob, "deleted", "hidden", "edited", "kept");
  const first = await connected(open());
  first.direct("bob").messages.subscribe(() => {});
  await holds(first.direct("bob"), 4);
  await first.command("conversation_timer", { conversationId: "dm:alice:bob", seconds: 5 });
  const ending = await bob.send("ending").sent;
  await holds(first.direct("bob"), 5);
  first.close();
  await bob.delete(deleted);
  await bob.edit(edited, "new");
  const other = await live(server.url, "alice", { deviceId: "alice-2" });
  await other.command("hide", { messageId: hidden });
  const second = await connected(open());
  const expected = [undefined, "new", "kept", "ending"];
  await until(second.direct("bob").messages, ({ messages }) => messages.length === 4, "the messages");
  expect(shown(second, "bob")).toEqual(expected);
  second.close();
  const third = open();
  await holds(third.direct("bob"), 4);
  expect(shown(third, "bob")).toEqual(expected);
  third.close();
  await delay(Math.max(0, (ending.expiresAt ?? Number.NaN) - Date.now()) + 50);
  const fourth = open();
  await holds(fourth.direct("bob"), 4);
  expect(shown(fourth, "bob")).toEqual([undefined, "new", "kept", undefined]);
  expect(fourth.direct("bob").view.get().lastMessage?.content).toBeUndefined();
});

test("a_server_that_was_restored_has_another_life_and_nothing_of_the_former_is_kept", async () => {
  const server = await Server.start();
  const open = site(server.url);
  const bob = await live(server.url, "bob");
  await says(bob.direct("alice"), "one");
  await mkdir(join(server.data, "copies"));
  await server.tool("backup", "--data", server.data, "--to", `${server.data}/copies`);
  await says(bob.direct("alice"), "lost");
  bob.close();
  const first = await connected(open());
  first.direct("bob").messages.subscribe(() => {});
  await holds(first.direct("bob"), 2);
  first.close();
  await server.kill();
  const [copy] = await readdir(`${server.data}/copies`);
  await server.tool("restore", "--from", join(server.data, "copies", copy ?? ""), "--data", server.data, "--replace");
  await server.run();
  const second = open();
  await holds(second.direct("bob"), 2);
  await connected(second);
  second.direct("bob").messages.subscribe(() => {});
  await until(second.direct("bob").messages, (view) => !view.isLoading && view.messages.length === 1, "what is there");
  expect(shown(second, "bob")).toEqual(["one"]);
  second.close();
  const third = open();
  await holds(third.direct("bob"), 1);
});

test("another_user_finds_nothing_and_leaves_nothing", async () => {
  const server = await Server.start();
  const name = "one-site";
  const [alice, mallory] = [site(server.url, "alice", name), site(server.url, "mallory", name)];
  await says((await live(server.url, "bob")).direct("alice"), "secret");
  const first = await connected(alice());
  first.direct("bob").messages.subscribe(() => {});
  await holds(first.direct("bob"), 1);
  first.close();
  const other = await connected(mallory());
  expect(other.conversations.get().conversations).toEqual([]);
  other.close();
  const again = alice();
  await delay(200);
  expect([again.conversations.get().conversations, shown(again, "bob")]).toEqual([[], []]);
  await connected(again);
  again.direct("bob").messages.subscribe(() => {});
  await holds(again.direct("bob"), 1);
  await again.forget();
  const last = alice();
  await delay(200);
  expect(shown(last, "bob")).toEqual([]);
});

test("so_much_is_kept_and_no_more", async () => {
  const server = await Server.start();
  const open = site(server.url);
  const bob = await live(server.url, "bob");
  await says(bob.direct("alice"), ...numbers(1, 150));
  for (const n of numbers(1, 55)) await says((await live(server.url, `user${n}`)).direct("alice"), n);
  const first = await connected(open());
  first.direct("bob").messages.subscribe(() => {});
  await first.direct("bob").loadOlder();
  await first.direct("bob").loadOlder();
  await holds(first.direct("bob"), 150);
  await says(bob.direct("alice"), 151);
  await holds(first.direct("bob"), 151);
  await first.conversations.loadMore();
  first.close();
  const second = open();
  await until(second.conversations, ({ conversations }) => conversations.length > 0, "the list");
  expect(second.conversations.get().conversations).toHaveLength(50);
  expect(shown(second, "bob")).toEqual(numbers(52, 151));
  expect(second.direct("bob").messages.get().hasOlder).toBe(true);
  await connected(second);
  await second.direct("bob").loadOlder();
  await until(second.conversations, ({ hasMore, isLoading }) => hasMore && !isLoading, "the first page");
  await second.conversations.loadMore();
  expect(second.conversations.get().conversations).toHaveLength(56);
});

test("tabs_that_share_it_leave_no_hole_whoever_is_behind_or_begins_anew", async () => {
  const server = await Server.start();
  const proxy = await FaultyProxy.before(server.url);
  const open = site(proxy.url);
  const senders = await Promise.all(["bob", "carol", "dave"].map((name) => live(server.url, name)));
  let count = 0;
  const talk = async () => {
    for (const sender of senders) await says(sender.direct("alice"), ++count);
  };
  await talk();
  for (const round of numbers(1, 6)) {
    const [one, two] = [open(), open({ cache: round % 3 !== 0, path: "/two/socket.io/" })];
    await Promise.all([connected(one), connected(two)]);
    for (const tab of [one, two]) tab.direct("bob").messages.subscribe(() => {});
    await talk();
    proxy.refuse(true, round % 2 === 0 ? "two" : "");
    await talk();
    await delay(600);
    proxy.refuse(false, round % 2 === 0 ? "two" : "");
    await talk();
    await Promise.all([one.live(), two.live()]);
    for (const tab of round % 2 === 0 ? [one, two] : [two, one]) tab.close();
    await talk();
  }
  const last = open();
  await until(last.conversations, ({ conversations }) => conversations.length === 3, "the list");
  await connected(last);
  const witnesses = ["bob", "carol", "dave"].map((name) => new Witness(last.direct(name), name));
  for (const witness of witnesses) {
    const stored = await log(last, `dm:alice:${witness.name}`);
    await until(witness.conversation.messages, ({ isLoading }) => !isLoading, "all of it");
    await eventually(() => witness.conversation.messages.get().messages.length === stored.length, "all of them");
    judge(stored, [], [witness]);
  }
});

test("messages_are_kept_without_a_word_that_the_page_goes", async () => {
  const server = await Server.start();
  const open = site(server.url);
  const bob = await live(server.url, "bob");
  const first = await connected(open());
  first.direct("bob").messages.subscribe(() => {});
  await says(bob.direct("alice"), "one");
  await holds(first.direct("bob"), 1);
  // Nothing tells the client that its page goes: the next page shows what was kept until then.
  const isKept = async (count: number) => {
    const next = open();
    await delay(30);
    const found = shown(next, "bob");
    next.close();
    return found.length === count;
  };
  await eventually(() => isKept(1), "the first message to be kept");
  await delay(100);
  await says(bob.direct("alice"), "two");
  await holds(first.direct("bob"), 2);
  await eventually(() => isKept(2), "the message to be kept");
  // Many in a row are kept together, the last of them too.
  await says(bob.direct("alice"), ...numbers(3, 40));
  await holds(first.direct("bob"), 40);
  await eventually(() => isKept(40), "all to be kept");
});

test("what_is_the_user_s_own_is_there_after_a_reload_and_follows_what_changed_meanwhile", async () => {
  const server = await Server.start();
  const proxy = await FaultyProxy.before(server.url);
  const asked: string[] = [];
  proxy.meddle = (passing) => {
    if (passing.way === "up" && passing.event !== null) asked.push(passing.event);
    return honest(passing);
  };
  const open = site(proxy.url);
  const other = await live(server.url, "alice", { deviceId: "alice-2" });
  await other.contacts.add("bob", "Bob");
  await other.blocked.block("mallory");
  await other.privacy.set({ online: "nobody" });
  await other.command("draft_set", { conversationId: "dm:alice:bob", content: "begun elsewhere" });
  const own = (parlor: Parlor) => [
    parlor.contacts.get().contacts.map(({ name }) => name),
    [...parlor.blocked.get().userIds],
    parlor.privacy.get().settings?.online,
    parlor.direct("bob").draft.get().content,
  ];
  const first = await connected(open());
  const lists = [first.contacts, first.blocked, first.privacy, first.direct("bob").draft];
  for (const list of lists) list.subscribe(() => {});
  await eventually(
    () => JSON.stringify(own(first)) === JSON.stringify([["Bob"], ["mallory"], "nobody", "begun elsewhere"]),
    "all of it",
  );
  proxy.refuse(true);
  await until(first.status, ({ state }) => state === "offline", "the cut");
  first.direct("bob").setDraft("written offline");
  await delay(200);
  first.close();
  await other.contacts.remove("bob");
  await other.contacts.add("carol", "Carol");
  await other.blocked.unblock("mallory");
  asked.length = 0;
  const second = open();
  await until(second.contacts, ({ isKnown }) => isKnown, "the contacts of before");
  expect(own(second)).toEqual([["Bob"], ["mallory"], "nobody", "written offline"]);
  proxy.refuse(false);
  await connected(second);
  await eventually(
    () => JSON.stringify(own(second)) === JSON.stringify([["Carol"], [], "nobody", "written offline"]),
    "what changed meanwhile",
  );
  await until(other.direct("bob").draft, ({ content }) => content === "written offline", "the draft");
  expect(asked.filter((name) => ["contacts", "blocked", "privacy_get", "drafts"].includes(name))).toEqual([]);
});

test("a_tab_that_has_not_read_what_is_the_user_s_own_leaves_nothing_untrue_in_what_is_kept", async () => {
  const server = await Server.start();
  const open = site(server.url);
  const other = await live(server.url, "alice", { deviceId: "alice-2" });
  const bob = await live(server.url, "bob");
  await other.contacts.add("bob", "Bob");
  const [first, second] = [await connected(open()), await connected(open())];
  await says(bob.direct("alice"), "one");
  await holds(second.direct("bob"), 1);
  await delay(200);
  await until(first.contacts, ({ isKnown }) => isKnown, "the contacts");
  await delay(200);
  first.close();
  // The other hears of the change without having read any, and keeps a later position.
  await other.contacts.add("bob", "Robert");
  await says(bob.direct("alice"), "two");
  await holds(second.direct("bob"), 2);
  await delay(200);
  second.close();
  const third = open();
  await holds(third.direct("bob"), 2);
  expect(third.contacts.get()).toMatchObject({ contacts: [], isKnown: false });
  await connected(third);
  await until(third.contacts, ({ byUserId }) => byUserId.get("bob")?.name === "Robert", "the name of now");
});
