// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { en } from "../../src/i18n/en/index.js";
import { type ToldNeeds, toldOf } from "../../src/offline/notifications.js";

const needs: ToldNeeds = {
  me: "alice",
  sender: "Bob",
  name: "Bob",
  previews: true,
  now: 1_000,
  nameOf: (id) => ({ bob: "Bob", carol: "Carol Jones" })[id] ?? id,
  text: en,
};
const message = { from: "bob", content: "Hello!" };
const direct = { settings: {}, target: { toUserId: "bob" }, name: "bob" };
const group = { settings: {}, target: { groupId: "g" }, name: "Friends" };
const muted = { mutedUntil: 2_000 };

describe("what is told of a message", () => {
  it("is who wrote what", () => {
    expect(toldOf(message, direct, needs)).toEqual({ title: "Bob", body: "Hello!" });
    expect(toldOf(message, group, { ...needs, name: "Friends" })).toEqual({ title: "Friends", body: "Bob: Hello!" });
  });

  it("has those who are mentioned under their names", () => {
    const mentioning = { from: "bob", content: "Ask @carol, not caro@carol.example", mentions: ["carol"] };
    expect(toldOf(mentioning, direct, needs)?.body).toBe("Ask @Carol Jones, not caro@carol.example");
  });

  it("is only that there is one, where previews are off", () => {
    const told = toldOf(message, group, { ...needs, previews: false });
    expect(told).toEqual({ title: "Parlor", body: en.offline.newMessage });
  });

  it("is nothing of one's own messages, and of what is muted", () => {
    expect(toldOf({ ...message, from: "alice" }, direct, needs)).toBeNull();
    expect(toldOf(message, { ...direct, settings: muted }, needs)).toBeNull();
    expect(toldOf(message, { ...direct, settings: { mutedUntil: 1_000 } }, needs)).not.toBeNull();
  });

  it("is told of a mention even where the group is muted", () => {
    const quiet = { ...group, settings: muted };
    expect(toldOf({ ...message, mentions: ["alice"] }, quiet, needs)).not.toBeNull();
    expect(toldOf({ ...message, mentions: ["@all"] }, quiet, needs)).not.toBeNull();
    expect(toldOf({ ...message, mentions: ["carol"] }, quiet, needs)).toBeNull();
  });

  it("is cut, and may be of any content", () => {
    expect(toldOf({ ...message, content: "x".repeat(5_000) }, direct, needs)?.body).toHaveLength(300);
    expect(toldOf({ from: "bob", content: { shape: 1 } }, direct, needs)?.body).toBe('{"shape":1}');
  });
});
