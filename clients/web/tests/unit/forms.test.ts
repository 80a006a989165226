import type { ReportLine } from "@parlor/client";
import { describe, expect, it } from "vitest";
import { FOR_GOOD, isForGood, momentOf, momentValue } from "../../src/asking/dates.js";
import { durationText, withChoice } from "../../src/asking/durations.js";
import { inviteLink } from "../../src/groups/invite-links.js";
import { faultOf, wordsOf } from "../../src/groups/word-rules.js";
import { deedFaults, deedsFor, NO_FIELDS } from "../../src/moderation/deeds.js";
import { keyOfMessage } from "../../src/people/message-key.js";
import { isMeant } from "../../src/people/search.js";
import { changedFields, profileFaults } from "../../src/settings/profile-form.js";
import { momentFault } from "../../src/settings/scheduled.js";

describe("moments and lengths of time", () => {
  it("a moment in a field is the same moment", () => {
    const at = new Date(2030, 4, 17, 9, 30).getTime();
    expect(momentValue(at)).toBe("2030-05-17T09:30");
    expect(momentOf(momentValue(at))).toBe(at);
    expect(momentOf("")).toBeNull();
    expect(momentOf("soon")).toBeNull();
  });

  it("a length is said in the largest unit that says it exactly", () => {
    expect(durationText(3_600, "en")).toBe("1 hour");
    expect(durationText(28_800, "en")).toBe("8 hours");
    expect(durationText(5_400, "en")).toBe("90 minutes");
    expect(durationText(604_800, "de")).toBe("7 Tage");
    expect(durationText(7, "en")).toBe("7 seconds");
  });

  it("good is longer than any date that is chosen", () => {
    expect(isForGood(FOR_GOOD)).toBe(true);
    expect(isForGood(Date.UTC(2999, 0))).toBe(false);
  });

  it("a choice that is not of the usual ones is offered as well", () => {
    expect(withChoice([1, 2], 2)).toEqual([1, 2]);
    expect(withChoice([1, 2], 7)).toEqual([1, 2, 7]);
  });

  it("a message is said later within a year", () => {
    expect(momentFault(null, 0)).toBe("past");
    expect(momentFault(1_000, 1_000)).toBe("past");
    expect(momentFault(2_000, 1_000)).toBeNull();
    expect(momentFault(366 * 86_400_000, 0)).toBe("far");
  });
});

describe("finding people", () => {
  it("each word begins the id or a word of the name", () => {
    expect(isMeant("an sm", "u-17", "Anna Smith")).toBe(true);
    expect(isMeant("na", "u-17", "Anna Smith")).toBe(false);
    expect(isMeant("U-1", "u-17", "u-17")).toBe(true);
    expect(isMeant("", "u-17", "u-17")).toBe(true);
  });

  it("a message is of the conversation with the other", () => {
    expect(keyOfMessage({ from: "bob", to: "me" }, "me")).toBe("user:bob");
    expect(keyOfMessage({ from: "me", to: "bob" }, "me")).toBe("user:bob");
    expect(keyOfMessage({ from: "bob", groupId: "g" }, "me")).toBe("group:g");
  });
});

describe("word rules", () => {
  it("are one on each line, without repeats", () => {
    expect(wordsOf(" one \n\ntwo  words\none\n")).toEqual(["one", "two words"]);
  });

  it("have the server's bounds", () => {
    expect(faultOf(["fine"])).toBeNull();
    expect(faultOf(Array.from({ length: 201 }, (_, n) => `w${n}`))).toEqual({ kind: "many" });
    expect(faultOf(["x".repeat(65)])).toEqual({ kind: "long", word: "x".repeat(65) });
  });
});

it("an_invite_is_a_link_to_this_page", () => {
  expect(inviteLink("4k1", "aB9", "https://chat.example/web/?x=1#/c/user%3Abob")).toBe(
    "https://chat.example/web/?x=1#/join/4k1/aB9",
  );
  expect(inviteLink("4k1", null, "https://chat.example/")).toBe("https://chat.example/#/join/4k1");
});

describe("a profile", () => {
  const fields = { name: "Ann", about: "", avatarUrl: "" };

  it("is refused before the server has to", () => {
    expect(profileFaults(fields)).toEqual({});
    expect(profileFaults({ ...fields, avatarUrl: "javascript:alert(1)" })).toEqual({ avatarUrl: { kind: "no_url" } });
    expect(profileFaults({ ...fields, avatarUrl: "https://a.example/p.png" })).toEqual({});
    expect(profileFaults({ ...fields, name: "é".repeat(129) })).toEqual({ name: { kind: "long", max: 256 } });
  });

  it("sends what has changed alone", () => {
    expect(changedFields(fields, { ...fields, about: " hello " })).toEqual({ about: "hello" });
    expect(changedFields({ ...fields, about: "x" }, fields)).toEqual({ about: "" });
  });
});

describe("a moderator's deed", () => {
  const report: ReportLine = { reportId: "1", state: "open", at: 1, accused: "mallory", by: "ann", messageId: "m" };

  it("needs words, and an end that is to come", () => {
    expect(deedFaults("dismiss", NO_FIELDS, 0)).toEqual([]);
    expect(deedFaults("warn", { ...NO_FIELDS, text: "  " }, 0)).toEqual(["text"]);
    expect(deedFaults("suspend", { text: "spam", note: "", until: 5 }, 5)).toEqual(["until"]);
    expect(deedFaults("suspend", { text: "spam", note: "", until: null }, 5)).toEqual([]);
  });

  it("is offered while the report waits; its message can be removed at any time", () => {
    expect(deedsFor(report)).toEqual(["remove", "warn", "suspend", "resolve", "dismiss"]);
    expect(deedsFor({ ...report, state: "dismissed" })).toEqual(["remove"]);
    const { messageId: _, ...person } = report;
    expect(deedsFor(person)).toEqual(["warn", "suspend", "resolve", "dismiss"]);
    expect(deedsFor({ ...person, state: "resolved" })).toEqual([]);
  });
});
