// How a user wants to see a conversation: shown at once, the same on all devices, taken back when refused.
import { expect, test } from "vitest";

import { live, until } from "../support/client.js";
import { Server } from "../support/server.js";

test("settings_of_a_conversation_are_shown_at_once_and_on_other_devices", async () => {
  const server = await Server.start();
  const alice = await live(server.url, "alice");
  const other = await live(server.url, "alice", { deviceId: "alice-2" });
  await alice.direct("bob").send("hello").sent;
  const done = alice.direct("bob").configure({ pinned: true, mutedUntil: 4_000_000_000_000 });
  expect(alice.direct("bob").view.get().settings).toEqual({ pinned: true, mutedUntil: 4_000_000_000_000 });
  await done;
  await until(other.direct("bob").view, ({ settings }) => settings.pinned === true, "the other device's");
});

test("settings_of_a_conversation_are_taken_back_when_they_are_refused", async () => {
  const server = await Server.start();
  const alice = await live(server.url, "alice");
  await alice.direct("bob").send("hello").sent;
  await alice.direct("bob").configure({ archived: true });
  const done = alice.direct("bob").configure({ archived: false, mutedUntil: -1 });
  expect(alice.direct("bob").view.get().settings.archived).toBe(false);
  await expect(done).rejects.toMatchObject({ code: "invalid_argument" });
  expect(alice.direct("bob").view.get().settings).toEqual({ archived: true, mutedUntil: 0 });
});
