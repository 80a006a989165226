// Two users and a real server: what one says the other sees, at once and in order.
import { expect, test } from "vitest";

import { contents, live, numbers, until } from "../support/client.js";
import { Server } from "../support/server.js";

test("a_message_is_shown_at_once_and_reaches_the_other", async () => {
  const server = await Server.start();
  const [alice, bob] = [await live(server.url, "alice"), await live(server.url, "bob")];
  const [toBob, toAlice] = [alice.direct("bob"), bob.direct("alice")];
  const seen = until(toAlice.messages, ({ messages }) => messages.length === 1, "the message");
  const sending = toBob.send("Hello!");
  expect(toBob.messages.get().messages).toMatchObject([{ state: "sending", content: "Hello!", from: "alice" }]);
  const sent = await sending.sent;
  expect(sent).toMatchObject({ status: "sent", seq: 1, conversationId: "dm:alice:bob" });
  const [mine] = toBob.messages.get().messages;
  expect(mine).toMatchObject({ state: "sent", id: sent.id, key: sending.clientId });
  expect((await seen).messages).toMatchObject([{ id: sent.id, from: "alice", content: "Hello!" }]);
  const list = await until(bob.conversations, ({ conversations }) => conversations.length === 1, "the conversation");
  expect(list.conversations).toMatchObject([{ name: "alice", unread: 1, lastMessage: { content: "Hello!" } }]);
  const read = until(toBob.view, () => toBob.receiptOf(sent) === "read", "the receipt");
  toAlice.markRead();
  expect(toAlice.view.get().unread).toBe(0);
  await read;
});

test("many_messages_are_sent_in_the_order_in_which_they_were_written", async () => {
  const server = await Server.start();
  const [alice, bob] = [await live(server.url, "alice"), await live(server.url, "bob")];
  const sent = numbers(1, 100).map((n) => alice.direct("bob").send(n).sent);
  expect((await Promise.all(sent)).map(({ seq }) => seq)).toEqual(numbers(1, 100));
  const view = await until(bob.direct("alice").messages, ({ messages }) => messages.length === 100, "all of them");
  expect(contents(view.messages)).toEqual(numbers(1, 100));
});

test("older_messages_are_read_page_by_page_to_the_beginning", async () => {
  const server = await Server.start();
  const alice = await live(server.url, "alice");
  await Promise.all(numbers(1, 120).map((n) => alice.direct("bob").send(n).sent));
  const other = await live(server.url, "alice", { deviceId: "alice-2" });
  const { messages } = other.direct("bob");
  const first = await until(messages, ({ messages }) => messages.length > 0, "the newest page");
  expect(contents(first.messages)).toEqual(numbers(71, 120));
  expect(first.hasOlder).toBe(true);
  await messages.loadOlder();
  expect(contents(messages.get().messages)).toEqual(numbers(21, 120));
  await messages.loadOlder();
  expect(contents(messages.get().messages)).toEqual(numbers(1, 120));
  expect(messages.get()).toMatchObject({ hasOlder: false, isLoading: false, error: null });
});

test("a_conversation_in_which_nobody_has_spoken_is_empty", async () => {
  const server = await Server.start();
  const alice = await live(server.url, "alice");
  const { messages } = alice.direct("bob");
  const view = await until(messages, ({ isLoading }) => !isLoading, "an answer");
  expect(view).toMatchObject({ messages: [], hasOlder: false, error: null });
});

test("a_conversation_that_is_opened_again_shows_what_it_showed_and_reads_no_more", async () => {
  const server = await Server.start();
  const alice = await live(server.url, "alice");
  await Promise.all(numbers(1, 120).map((n) => alice.direct("bob").send(n).sent));
  const other = await live(server.url, "alice", { deviceId: "alice-2" });
  const { messages } = other.direct("bob");
  for (const _ of numbers(1, 3)) {
    const end = messages.subscribe(() => {});
    const view = await until(
      messages,
      ({ messages, isLoading }) => messages.length > 0 && !isLoading,
      "the newest page",
    );
    expect(contents(view.messages)).toEqual(numbers(71, 120));
    end();
  }
});

test("what_is_read_in_part_leaves_the_rest_unread_also_in_a_conversation_that_was_never_opened", async () => {
  const server = await Server.start();
  const [alice, bob] = [await live(server.url, "alice"), await live(server.url, "bob")];
  const acks = await Promise.all(numbers(1, 20).map((n) => alice.direct("bob").send(n).sent));
  const unread = (who: typeof bob, count: number) =>
    until(who.direct("alice").view, (view) => view.unread === count, `${count} unread`);
  await unread(bob, 20);
  bob.direct("alice").markRead(acks[4]?.seq);
  await unread(bob, 15);
  const phone = await live(server.url, "bob", { deviceId: "bob-2" });
  await unread(phone, 15);
  phone.direct("alice").markRead(acks[14]?.seq);
  await unread(phone, 5);
  await unread(bob, 5);
  bob.direct("alice").markRead();
  await unread(phone, 0);
  await alice.direct("bob").send("more").sent;
  await Promise.all([unread(bob, 1), unread(phone, 1)]);
});
