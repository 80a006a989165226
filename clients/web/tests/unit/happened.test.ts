// What the lines of a timeline say of what happened, in each language.
import type { Happening } from "@parlor/client";
import { describe, expect, it } from "vitest";
import { sentencesOf } from "../../src/conversation/happened/sentences.js";
import { sortOf } from "../../src/conversation/happened/sorts.js";
import { happened as ar } from "../../src/i18n/ar/happened.js";
import { happened as de } from "../../src/i18n/de/happened.js";
import { happened as en } from "../../src/i18n/en/happened.js";

const WORDS = { en, de, ar };
const NAMES: Record<string, string> = { alice: "Alice", bob: "Bob", carol: "Carol", dave: "Dave", erin: "Erin" };
const DAY_SECONDS = 86_400;

function happening(kind: Happening["kind"], more: object, seq = 1): Happening {
  const common = { key: `k${seq}`, id: `k${seq}`, conversationId: "group:g", seq, pos: seq, by: "alice", ts: 0 };
  return { ...common, ...more, kind, state: "happened" } as Happening;
}

/** What a line says to somebody. */
function said(language: keyof typeof WORDS, me: string, ...happenings: Happening[]): string[] {
  return sentencesOf(happenings, { me, words: WORDS[language], language }).map((parts) =>
    parts.map((part) => ("userId" in part ? NAMES[part.userId] : "name" in part ? part.name : part.text)).join(""),
  );
}

const added = (...userIds: string[]) => happening("member_added", { userIds });
const role = (userId: string, to: string) => happening("role_changed", { userId, role: to });

describe("a line", () => {
  it("says who did what to whom, and to the user so", () => {
    const two = added("bob", "carol");
    expect(said("en", "dave", two)).toEqual(["Alice added Bob and Carol"]);
    expect(said("en", "alice", two)).toEqual(["You added Bob and Carol"]);
    expect(said("en", "carol", two)).toEqual(["Alice added you and Bob"]);
    expect(said("en", "carol", added("carol"))).toEqual(["Alice added you"]);
    expect(said("de", "carol", two)).toEqual(["Alice hat dich und Bob hinzugefügt"]);
    expect(said("ar", "carol", two)).toEqual(["Alice أضافك أنت وBob"]);
    expect(said("en", "bob", happening("member_kicked", { userId: "carol" }))).toEqual(["Alice removed Carol"]);
    expect(said("en", "bob", happening("member_left", { by: "carol" }))).toEqual(["Carol left"]);
    expect(said("de", "carol", happening("member_joined", { by: "carol" }))).toEqual(["Du bist beigetreten"]);
  });

  it("says what people are from now on", () => {
    expect(said("en", "alice", role("carol", "admin"))).toEqual(["Carol is now an admin"]);
    expect(said("en", "carol", role("carol", "member"))).toEqual(["You are now an ordinary member"]);
    expect(said("de", "carol", role("bob", "admin"), role("carol", "admin"))).toEqual(["Du und Bob seid jetzt Admins"]);
  });

  it("says what the group is called and how it is run", () => {
    const made = happening("group_created", { name: "Owls", settings: {}, userIds: ["alice", "bob", "carol"] });
    expect(said("en", "bob", made)).toEqual(["Alice created the group “Owls”", "Alice added you and Carol"]);
    expect(said("de", "alice", happening("group_updated", { name: "Eulen" }))).toEqual([
      "Du hast die Gruppe „Eulen“ genannt",
    ]);
    expect(said("en", "bob", happening("group_updated", { settings: {} }))).toEqual([
      "Alice changed the group’s settings",
    ]);
    expect(said("en", "bob", happening("timer", { seconds: DAY_SECONDS }))).toEqual([
      "Alice set new messages to disappear after 1 day",
    ]);
    expect(said("ar", "bob", happening("timer", { seconds: null }))).toEqual(["Alice أوقف اختفاء الرسائل"]);
    expect(said("en", "bob", happening("group_deleted", {}))).toEqual(["Alice deleted the group"]);
  });

  it("tells until when", () => {
    const [line = ""] = said("en", "bob", happening("member_banned", { userId: "carol", until: 1_700_000_000_000 }));
    expect(line).toMatch(/^Alice banned Carol \(until .*2023.*\)$/u);
    expect(said("en", "bob", happening("member_muted", { userId: "carol" }))).toEqual(["Alice muted Carol"]);
  });

  it("names each once, and counts those who are too many", () => {
    const all = [added("bob"), added("carol"), added("dave"), added("bob"), added("erin", "frank")];
    expect(said("en", "zoe", ...all)).toEqual(["Alice added Bob, Carol, Dave, and 2 others"]);
    expect(said("en", "erin", ...all)).toEqual(["Alice added you, Bob, Carol, and 2 others"]);
  });

  it("takes names for what they are, whatever is in them", () => {
    expect(said("en", "bob", happening("group_updated", { name: "{by} <b>" }))).toEqual([
      "Alice named the group “{by} <b>”",
    ]);
  });

  it("has the same places in each language", () => {
    const places = (words: object): Record<string, string> =>
      Object.fromEntries(
        Object.entries(words).flatMap(([key, value]): [string, string][] => {
          if (typeof value === "string") return [[key, (value.match(/\{\w+\}/gu) ?? []).sort().join()]];
          if (typeof value === "function") return [];
          return Object.entries(places(value)).map(([inner, found]) => [`${key}.${inner}`, found]);
        }),
      );
    expect(places(de)).toEqual(places(en));
    expect(places(ar)).toEqual(places(en));
  });
});

describe("what happened", () => {
  it("is of one sort where the same is done by the same", () => {
    expect(sortOf(added("bob"))).toBe(sortOf(added("carol")));
    expect(sortOf(added("bob"))).not.toBe(sortOf(happening("member_added", { by: "bob", userIds: ["carol"] })));
    expect(sortOf(role("bob", "admin"))).not.toBe(sortOf(role("bob", "member")));
    expect(sortOf(happening("timer", { seconds: 5 }, 1))).not.toBe(sortOf(happening("timer", { seconds: 5 }, 2)));
  });

  it("has no line where it is the app's own or not known", () => {
    expect(sortOf(happening("app_event", { name: "poll", data: null }))).toBeNull();
    expect(sortOf(role("bob", "emperor"))).toBeNull();
  });
});
