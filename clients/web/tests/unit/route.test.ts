import { describe, expect, it } from "vitest";
import { hrefOf, parseRoute, type Route } from "../../src/app/route.js";

const PLACES: Route[] = [
  { name: "home" },
  { name: "conversation", key: "user:bob" },
  { name: "conversation", key: "user:a/b?c#d:é%", panel: { name: "info" } },
  { name: "conversation", key: "group:4k1", panel: { name: "thread", messageId: "group:4k1:7" }, seq: 12 },
  { name: "new", kind: "direct" },
  { name: "new", kind: "group" },
  { name: "join", groupId: "4k1", invite: "x/y" },
  { name: "settings", page: null },
  { name: "settings", page: "privacy" },
  { name: "starred" },
  { name: "requests" },
  { name: "moderation", page: "reports" },
];

describe("a place", () => {
  it.each(PLACES)("is read from its address: %j", (place) => {
    expect(parseRoute(hrefOf(place))).toEqual(place);
  });

  it.each(["", "#", "#/", "#/nowhere", "#/c/", "#/c/%", "#/c/bob", "#/c/user:", "#/join"])(
    "is home where %j is none",
    (hash) => {
      expect(parseRoute(hash)).toEqual({ name: "home" });
    },
  );

  it.each(["#/c/user:bob?seq=-1", "#/c/user:bob?seq=x", "#/c/user:bob?panel=thread", "#/c/user:bob?panel=x"])(
    "is without what makes no sense in %j",
    (hash) => {
      expect(parseRoute(hash)).toEqual({ name: "conversation", key: "user:bob" });
    },
  );
});
