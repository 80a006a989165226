import { describe, expect, it } from "vitest";
import { matches, piecesOf } from "../../src/list/match.js";
import { shortWhen } from "../../src/list/when.js";
import { isUserId } from "../../src/people/search.js";
import { initialsOf } from "../../src/ui/avatar.js";

describe("finding names", () => {
  it.each([
    ["Élodie Durand", "elo", true],
    ["Élodie Durand", "DUR el", true],
    ["Élodie Durand", "lodie", false],
    ["Élodie Durand", "elo x", false],
    ["Mara (radio)", "radio", true],
    ["李伟", "李", true],
    ["anything", "", true],
  ])("%j by %j: %j", (name, query, isFound) => {
    expect(matches(name, query)).toBe(isFound);
  });
});

describe("pieces of a text", () => {
  it("mark what was found", () => {
    expect(
      piecesOf("Owls at night", [
        [0, 4],
        [8, 5],
      ]),
    ).toEqual([
      { text: "Owls", isFound: true },
      { text: " at ", isFound: false },
      { text: "night", isFound: true },
    ]);
  });

  it("begin near the first place of a long text", () => {
    const text = `${"word ".repeat(60)}needle and more`;
    const pieces = piecesOf(text, [[300, 6]]);
    expect(pieces[0]?.text).toBe("…");
    expect(pieces.find(({ isFound }) => isFound)?.text).toBe("needle");
    expect(pieces.map(({ text }) => text).join("").length).toBeLessThan(150);
  });

  it.each([
    [[[5, 100]]],
    [
      [
        [0, 3],
        [1, 3],
      ],
    ],
    [[[-4, 2]]],
  ])("are of the text whatever the places are: %j", (places) => {
    const pieces = piecesOf("a text", places as [number, number][]);
    expect("a text").toContain(pieces.map(({ text }) => text).join(""));
  });
});

describe("when something was", () => {
  const now = new Date(2026, 4, 20, 12).getTime();
  it.each([
    [new Date(2026, 4, 20, 9, 5), "9:05 AM"],
    [new Date(2026, 4, 21, 9, 5), "9:05 AM"],
    [new Date(2026, 4, 19, 23, 59), "yesterday"],
    [new Date(2026, 4, 15, 8), "Fri"],
    [new Date(2026, 3, 2, 8), "Apr 2"],
    [new Date(2025, 3, 2, 8), "4/2/25"],
  ])("%s is %j", (date, said) => {
    // Some versions of the data have a narrow space before AM.
    expect(shortWhen(date.getTime(), now, "en").replace("\u202f", " ")).toBe(said);
  });
});

describe("initials", () => {
  it.each([
    ["Mara Lindqvist", "M\u200cL"],
    ["Mara (radio)", "M\u200cR"],
    ["sam", "S"],
    ["a.b_c", "A\u200cC"],
    ["🎉", "🎉"],
    ["", "?"],
  ])("of %j are %j", (name, initials) => {
    expect(initialsOf(name)).toBe(initials);
  });
});

it.each([
  ["bob", true],
  ["", false],
  ["a\u0000", false],
  ["é".repeat(64), true],
  ["é".repeat(65), false],
])("whether somebody could be called %j: %j", (id, could) => {
  expect(isUserId(id)).toBe(could);
});
