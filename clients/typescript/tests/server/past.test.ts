// A place in the past: what is around it, what becomes of it, and where it meets the present.
import { expect, test } from "vitest";

import type { Conversation, Parlor, PastTimeline } from "../../src/index.js";
import { contents, eventually, live, numbers, until } from "../support/client.js";
import { Server } from "../support/server.js";

const MESSAGES = 120;

/** Alice and Bob, and what Bob said to her, one after the other. */
async function talked(server: Server): Promise<{ alice: Parlor; bob: Conversation; ids: string[]; times: number[] }> {
  const alice = await live(server.url, "alice");
  const bob = (await live(server.url, "bob")).direct("alice");
  const sendings = numbers(1, MESSAGES).map((n) => bob.send(n));
  const sent = await Promise.all(sendings.map((sending) => sending.sent));
  return { alice, bob, ids: sent.map(({ id }) => id), times: sent.map(({ ts }) => ts) };
}

function shown(past: PastTimeline): unknown[] {
  return contents(past.get().messages);
}

test("it_opens_around_a_message_and_grows_both_ways_to_the_live_end", async () => {
  const server = await Server.start();
  const { alice, bob, ids } = await talked(server);
  const past = await alice.direct("bob").openAt({ messageId: ids[59] ?? "" });
  expect(shown(past)).toEqual(numbers(35, 84));
  expect(past.get()).toMatchObject({ hasOlder: true, hasNewer: true, isLoading: false, error: null });
  // Said while it does not reach the end: not shown, and found later.
  await bob.send("now").sent;
  await past.loadOlder();
  expect(shown(past)).toEqual(numbers(1, 84));
  expect(past.get().hasOlder).toBe(false);
  await past.loadNewer();
  await past.loadNewer();
  await until(past, ({ hasNewer }) => !hasNewer, "the end");
  expect(shown(past)).toEqual([...numbers(1, MESSAGES), "now"]);
  await bob.send("live").sent;
  await until(past, ({ messages }) => messages.at(-1)?.content === "live", "what is said live");
  await alice.direct("bob").send("mine").sent;
  await until(past, ({ messages }) => messages.at(-1)?.content === "mine", "what is said here");
  past.close();
  await bob.send("unheard").sent;
  await until(alice.direct("bob").messages, ({ messages }) => messages.at(-1)?.content === "unheard", "it elsewhere");
  expect(shown(past).at(-1)).toBe("mine");
});

test("what_becomes_of_its_messages_shows", async () => {
  const server = await Server.start();
  const { alice, bob, ids } = await talked(server);
  const past = await alice.direct("bob").openAt({ seq: 30 });
  const [first = "", second = "", third = ""] = ids.slice(29);
  await bob.edit(first, "edited");
  await bob.delete(second);
  await bob.react(third, "👍");
  const at = (seq: number) => past.get().messages.find((message) => "seq" in message && message.seq === seq);
  await eventually(() => at(30)?.content === "edited", "the edit");
  await until(past, () => (at(31) as { deleted?: true })?.deleted === true, "the deletion");
  await until(past, () => (at(32) as { reactions?: unknown[] })?.reactions?.length === 1, "the reaction");
  await alice.command("hide", { messageId: first });
  await bob.react(third, "🎉");
  await until(past, () => (at(32) as { reactions?: unknown[] })?.reactions?.length === 2, "another");
});

test("it_begins_at_a_time_and_at_either_end", async () => {
  const server = await Server.start();
  const { alice, times } = await talked(server);
  const conversation = alice.direct("bob");
  const time = times[70] ?? 0;
  const past = await conversation.openAt({ ts: time });
  const first = times.indexOf(time) + 1;
  expect(shown(past)).toEqual(numbers(first - 25, first + 24));
  const end = await conversation.openAt({ ts: Date.now() + 3_600_000 });
  expect(shown(end).at(-1)).toBe(MESSAGES);
  expect(end.get().hasNewer).toBe(false);
  const start = await conversation.openAt({ seq: 1 });
  expect(shown(start)).toEqual(numbers(1, 25));
  expect(start.get()).toMatchObject({ hasOlder: false, hasNewer: true });
  await expect(alice.direct("nobody").openAt({ seq: 1 })).rejects.toMatchObject({ code: "not_found" });
  await expect(conversation.openAt({ messageId: "no id" })).rejects.toThrow(TypeError);
});

test("what_was_done_while_the_server_was_away_shows", async () => {
  const server = await Server.start();
  const { alice, bob, ids } = await talked(server);
  const past = await alice.direct("bob").openAt({ seq: 30 });
  await server.restart();
  await eventually(
    () =>
      bob.edit(ids[29] ?? "", "edited").then(
        () => true,
        () => false,
      ),
    "the edit to be done",
  );
  await until(past, ({ messages }) => messages.some(({ content }) => content === "edited"), "the edit");
});
