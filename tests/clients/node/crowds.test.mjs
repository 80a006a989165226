// A group of more than 64 members: counts for who has it open and for authors, silence for the others.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

const TRANSPORTS = [["polling", "websocket"], ["websocket"], ["polling"]];

test("receipts, typing and presence of a large group are counts, also after a restart", async (t) => {
  const server = await Server.start(t);
  const names = ["alice", "bob", "carol", "dave"];
  const [alice, bob, carol, dave] = await Promise.all(
    names.map((name, n) =>
      Person.connect(t, server, name, { auth: { deviceId: "phone" }, transports: TRANSPORTS[n % TRANSPORTS.length] }),
    ),
  );
  const others = Array.from({ length: 62 }, (_, n) => `member${n}`);
  const made = await alice.ask("group_create", { name: "Owls", members: ["bob", "carol", "dave", ...others] });
  const { groupId, conversationId } = { conversationId: `group:${made.groupId}`, ...made };
  assert.deepEqual(await carol.ask("conversation_open", { conversationId }), { status: "ok" });
  const newest = (person, name) => person.heard(name).at(-1);
  await carol.until(() => newest(carol, "presence")?.count === 4, "how many are here");
  assert.deepEqual(newest(carol, "presence"), { conversationId, groupId, count: 4 });

  const { seq } = await alice.ask("group_message", { groupId, content: "Hello, all!" });
  const counts = (person) => newest(person, "receipts")?.counts.at(-1);
  // More may have it than said so: a poll proves it too.
  const told = async (seq, delivered, read) => {
    for (const person of [alice, carol]) {
      const holds = () =>
        counts(person)?.seq === seq && counts(person).delivered >= delivered && counts(person).read === read;
      await person.until(holds, `${read} who have read ${seq}`);
    }
  };
  assert.deepEqual(await bob.ask("read", { conversationId, seq }), { status: "ok" });
  assert.deepEqual(await dave.ask("read", { conversationId, seq }), { status: "ok" });
  assert.deepEqual(await carol.ask("delivered", { conversationId, seq }), { status: "ok" });
  await told(seq, 3, 2);
  const { receipts } = await alice.ask("receipts", { conversationId, seq });
  const who = receipts.map(({ userId, read }) => [userId, read]).sort();
  assert.deepEqual(who, [["bob", true], ["carol", false], ["dave", true]]);

  await bob.ask("typing", { groupId });
  await carol.until(() => newest(carol, "typing")?.count === 1, "who types");
  assert.deepEqual(newest(carol, "typing"), { conversationId, groupId, count: 1, userIds: ["bob"] });
  await bob.ask("group_message", { groupId, content: "Hello!" });
  await carol.until(() => newest(carol, "typing")?.count === 0, "that nobody types");
  assert.deepEqual(await carol.ask("badge", {}), { status: "ok", unread: 2, mentions: 0, conversations: 1 });
  assert.deepEqual(await bob.ask("badge", {}), { status: "ok", unread: 0, mentions: 0, conversations: 0 });

  for (const name of ["read", "delivered", "receipts", "typing", "presence"]) {
    assert.deepEqual(dave.heard(name), [], `dave hears of ${name}`);
  }
  // What was answered outlives a kill, and who comes back opens anew.
  await server.kill();
  await server.restart();
  await carol.until(() => carol.connects > 1, "a second connection");
  await carol.caughtUp();
  assert.deepEqual(await carol.ask("conversation_open", { conversationId }), { status: "ok" });
  await alice.until(() => alice.connects > 1, "a second connection");
  const { seq: second } = await alice.ask("group_message", { groupId, content: "Still here?" });
  await dave.until(() => dave.connects > 1, "a second connection");
  await dave.caughtUp();
  await dave.ask("read", { conversationId, seq: second });
  await told(second, 1, 1);
  const again = await alice.ask("receipts", { conversationId, seq });
  assert.deepEqual(again.receipts.map(({ userId, read }) => [userId, read]).sort(), who);
});
