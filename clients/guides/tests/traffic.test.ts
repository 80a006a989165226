// The real traffic of a server is as docs/asyncapi.json says: every command is asked, every event heard, and each of
// them is held to the document.
import { expect, test } from "vitest";

import { Server } from "../../typescript/tests/support/server.js";
import { DOCUMENT, Judge } from "./support/asyncapi.js";
import { Recorder, tokenOf } from "./support/recorder.js";

const judge = new Judge();

/** A server whose larger groups are small, and that tells positions often. */
const serve = () =>
  Server.start({
    dev: false,
    env: {
      PARLOR_MODERATION__ROLE_CLAIM: "roles",
      PARLOR_LIMITS__RECEIPTS_MEMBERS_MAX: "3",
      PARLOR_LIMITS__POSITION_INTERVAL_MS: "1000",
      PARLOR_LIMITS__PRESENCE_GRACE_MS: "100",
      PARLOR_LIMITS__CONNECTION_RATE_BURST: "10000",
      PARLOR_LIMITS__USER_RATE_BURST: "10000",
    },
  });

test("messages_and_what_is_done_to_them", async () => {
  const { url } = await serve();
  const alice = await Recorder.live(url, "alice", judge, { deviceId: "phone" });
  const other = await Recorder.live(url, "alice", judge, { deviceId: "laptop" });
  const bob = await Recorder.live(url, "bob", judge);
  const { id: messageId, conversationId } = await alice.asks("private_message", {
    toUserId: "bob",
    content: { text: "Hello, owls!" },
    clientId: "one",
  });
  const first = { messageId };
  await bob.hears("private_message", ({ id }) => id === messageId);
  await other.hears("private_message", ({ clientId }) => clientId === "one");
  await bob.asks("typing", { toUserId: "alice" });
  await alice.hears("typing");
  await bob.asks("delivered", { messageId });
  await alice.hears("delivered");
  await bob.asks("read", { conversationId, seq: 1 });
  await alice.hears("read");
  await bob.asks("react", { ...first, emoji: "👍" });
  await bob.asks("unreact", { ...first, emoji: "👍" });
  await bob.asks("react", { ...first, emoji: "🦉" });
  await alice.asks("edit", { ...first, content: { text: "Hello, all owls!" } });
  await alice.asks("pin", first);
  await bob.asks("pins", { conversationId });
  await bob.asks("private_message", { toUserId: "alice", content: "In a thread", thread: messageId });
  await bob.asks("private_message", { toUserId: "alice", content: "An answer", replyTo: messageId });
  await alice.asks("thread", first);
  await alice.asks("unpin", first);
  await alice.asks("conversation_open", { conversationId });
  await alice.asks("conversation_close", { conversationId });
  await alice.asks("app_event", { conversationId, name: "wave", data: { hands: 2 } });
  await bob.hears("app_event");
  await alice.asks("app_event", { conversationId, name: "poll.vote", data: 1, store: true });
  await bob.hears("entry", ({ kind }) => kind === "app_event");
  await alice.asks("history", { conversationId });
  await alice.asks("conversations");
  await alice.asks("badge");
  await alice.asks("search", { text: "owls" });
  await alice.asks("conversation_timer", { conversationId, seconds: 3_600 });
  await alice.asks("private_message", { toUserId: "bob", content: "This ends" });
  await alice.asks("conversation_timer", { conversationId, seconds: null });
  await alice.asks("delete", first);
  await bob.hears("entry", ({ kind }) => kind === "message_deleted");
  await bob.asks("history", { conversationId });
  await alice.says("delete", { messageId: "dm:alice:bob:999" });
});

test("connecting_coming_back_devices_and_presence", async () => {
  const { url } = await serve();
  const alice = await Recorder.live(url, "alice", judge, { deviceId: "phone" });
  const ready = await alice.hears("ready");
  expect(ready.version).toBe(DOCUMENT.info.version);
  const { epoch, pos } = await alice.hears("caught_up");
  const bob = await Recorder.live(url, "bob", judge);
  await alice.asks("presence_subscribe", { userIds: ["bob", "alice", "nobody"] });
  await alice.asks("presence", { userIds: ["bob"] });
  bob.socket.disconnect();
  await alice.hears("presence", ({ online }) => online === false);
  await alice.asks("presence_unsubscribe", { userIds: ["bob"] });
  const carol = await Recorder.live(url, "carol", judge);
  await carol.asks("private_message", { toUserId: "alice", content: "While you were away" });
  const back = await Recorder.live(url, "alice", judge, { deviceId: "phone", resume: { epoch, pos } });
  await back.hears("moved");
  await back.asks("sync", { epoch, pos });
  await back.asks("sync", { epoch: "1", pos });
  await carol.asks("private_message", { toUserId: "alice", content: "And now" });
  await back.hears("position");
  const lost = await Recorder.live(url, "alice", judge, { deviceId: "old", resume: { epoch: "1", pos: 7 } });
  await lost.hears("snapshot");
  await back.asks("renew", { token: await tokenOf("alice") });
  await back.asks("devices");
  await back.asks("device_revoke", { deviceId: "old" });
  await lost.hears("closing", ({ code }) => code === "device_revoked");
  const stranger = Recorder.open(url, "nobody", judge, { token: "not a token" });
  await expect.poll(() => judge.seen.has("packet.connect_error")).toBe(true);
  expect(stranger.socket.connected).toBe(false);
});

test("groups", async () => {
  const { url } = await serve();
  const [alice, bob, carol] = await Promise.all(["alice", "bob", "carol"].map((it) => Recorder.live(url, it, judge)));
  if (!alice || !bob || !carol) throw new Error("three clients");
  const { groupId } = await alice.asks("group_create", {
    name: "Owls",
    members: ["bob"],
    settings: { join: "request" },
  });
  const group = { groupId };
  const kinds = (kind: string) => bob.hears("entry", (entry) => entry.kind === kind);
  await kinds("group_created");
  const { seq } = await alice.asks("group_message", { ...group, content: "Who is awake?", mentions: ["bob"] });
  await bob.hears("group_message");
  await bob.asks("typing", group);
  await alice.asks("group_update", { ...group, name: "Night owls" });
  await carol.asks("group_info", group);
  await carol.asks("group_join", group);
  await alice.hears("group_request");
  await alice.asks("group_requests", group);
  await alice.asks("group_deny", { ...group, userId: "carol" });
  const { invite } = await alice.asks("group_invite", group);
  await alice.asks("group_invites", group);
  await carol.asks("group_join", { ...group, invite });
  await alice.asks("group_invite_revoke", { ...group, invite });
  await kinds("member_joined");
  await carol.asks("group_leave", group);
  await alice.asks("group_add", { ...group, userIds: ["carol"] });
  await alice.asks("group_mute", { ...group, userId: "carol", forSeconds: 60 });
  await carol.says("group_message", { ...group, content: "Mute?" });
  await alice.asks("group_unmute", { ...group, userId: "carol" });
  await alice.asks("group_kick", { ...group, userId: "carol" });
  await alice.asks("group_ban", { ...group, userId: "carol" });
  await alice.asks("group_unban", { ...group, userId: "carol" });
  await alice.asks("group_role", { ...group, userId: "bob", role: "moderator" });
  await alice.asks("group_rules_set", { ...group, words: ["drat"], action: "mask" });
  await alice.asks("group_rules", group);
  await bob.asks("group_message", { ...group, content: "Drat!" });
  await alice.asks("group_members", group);
  await alice.asks("groups");
  await alice.asks("conversations");
  await alice.asks("receipts", { conversationId: `group:${groupId}`, seq });
  await alice.asks("presence", group);

  // With five members it is one of the larger ones.
  await alice.asks("group_add", { ...group, userIds: ["carol", "dave", "erin"] });
  for (const who of [alice, bob]) await who.asks("conversation_open", { conversationId: `group:${groupId}` });
  const sent = await alice.asks("group_message", { ...group, content: "So many of us" });
  await bob.asks("read", { messageId: sent.id });
  await alice.hears("receipts");
  await bob.asks("typing", group);
  await alice.hears("typing", ({ count }) => count === 1);
  await alice.hears("presence", ({ count }) => typeof count === "number");
  await alice.asks("group_delete", group);
  await kinds("group_deleted");
});

test("the_users_own", async () => {
  const { url } = await serve();
  const alice = await Recorder.live(url, "alice", judge, { deviceId: "phone" });
  const other = await Recorder.live(url, "alice", judge, { deviceId: "laptop" });
  const bob = await Recorder.live(url, "bob", judge);
  const { id: messageId, conversationId } = await bob.asks("private_message", { toUserId: "alice", content: "Hi" });
  await alice.asks("draft_set", { conversationId, content: "Hm" });
  await other.hears("draft");
  await alice.asks("drafts");
  await alice.asks("draft_set", { conversationId, content: null });
  const sendAt = Date.now() + 3_600_000;
  const { scheduleId } = await alice.asks("private_message", { toUserId: "bob", content: "Later", sendAt });
  await other.hears("schedule");
  await alice.asks("schedules");
  await alice.asks("schedule_set", { scheduleId, sendAt: sendAt + 1_000 });
  await alice.asks("schedule_cancel", { scheduleId });
  await other.hears("schedule", ({ scheduled }) => scheduled === false);
  await alice.asks("star", { messageId });
  await other.hears("starred");
  await alice.asks("starred");
  await alice.asks("unstar", { messageId });
  await alice.asks("hide", { messageId });
  await other.hears("hidden");
  await alice.asks("unhide", { messageId });
  await alice.asks("conversation_set", { conversationId, archived: true, markedUnread: true });
  await other.hears("conversation_settings");
  await alice.asks("conversations");
  await alice.asks("contact_add", { userId: "bob", name: "Bobby" });
  await other.hears("contact");
  await alice.asks("contacts");
  await alice.asks("contact_remove", { userId: "bob" });
  await alice.asks("privacy_set", { messageRequests: true });
  await other.hears("privacy");
  await alice.asks("privacy_get");
  for (const [stranger, command] of [
    ["carol", "request_accept"],
    ["dave", "request_decline"],
  ] as const) {
    const who = await Recorder.live(url, stranger, judge);
    const { conversationId } = await who.asks("private_message", { toUserId: "alice", content: "May I?" });
    await alice.hears("request", (data) => data.conversationId === conversationId);
    await alice.asks("requests");
    await alice.asks(command, { conversationId });
  }
  await alice.asks("profile_set", { name: "Alice A." });
  await other.hears("profile");
  await bob.asks("profile_get", { userId: "alice" });
  await bob.asks("users", { query: "ali" });
  await alice.asks("block", { userId: "bob" });
  await other.hears("blocked");
  await alice.asks("blocked");
  await bob.says("private_message", { toUserId: "alice", content: "Hello?" });
  await alice.asks("unblock", { userId: "bob" });
  const { epoch, pos } = await alice.hears("caught_up");
  await alice.asks("sync", { epoch, pos });
});

test("moderation", async () => {
  const { url } = await serve();
  const mod = await Recorder.live(url, "mod", judge, { token: await tokenOf("mod", { roles: "admin" }) });
  const alice = await Recorder.live(url, "alice", judge);
  const mallory = await Recorder.live(url, "mallory", judge);
  const { id: messageId } = await mallory.asks("private_message", { toUserId: "alice", content: "Drat!" });
  const { reportId } = await alice.asks("report", { messageId, reason: "abuse", comment: "again" });
  await mod.hears("report");
  await mod.asks("reports");
  await mod.asks("report_take", { reportId });
  await mod.asks("report_resolve", { reportId, action: "warn", text: "Please do not." });
  await mod.asks("warn", { userId: "mallory", text: "Really." });
  const { noticeId } = await mallory.hears("notice");
  await mallory.asks("notice_confirm", { noticeId });
  await mod.asks("message_remove", { messageId, note: "abuse" });
  await mod.asks("suspend", { userId: "mallory", reason: "abuse", until: Date.now() + 60_000 });
  await mallory.hears("closing", ({ code }) => code === "suspended");
  Recorder.open(url, "mallory", judge, { token: await tokenOf("mallory") });
  await mod.asks("unsuspend", { userId: "mallory" });
  await mod.asks("audit");
  await alice.says("audit", {});
});

test("all_of_it_was_as_the_document_says_and_nothing_of_the_document_was_left_out", () => {
  expect(judge.faults).toEqual([]);
  const unseen = Object.keys(DOCUMENT.components.messages).filter((key) => !judge.seen.has(key));
  expect(unseen).toEqual([]);
});
