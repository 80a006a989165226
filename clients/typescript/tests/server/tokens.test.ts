// Tokens that end are renewed in time, and a client that cannot be let in says why.
import { expect, test } from "vitest";

import type { TokenReason } from "../../src/index.js";
import { client, live, until } from "../support/client.js";
import { Server, tokenOf } from "../support/server.js";

const strict = { dev: false, env: { PARLOR_IDENTITY__LEEWAY_MS: "0" } };

test("a_token_is_renewed_before_it_ends_and_the_connection_stays", async () => {
  const server = await Server.start(strict);
  const reasons: TokenReason[] = [];
  const alice = client({
    url: server.url,
    getToken: (reason) => {
      reasons.push(reason);
      return tokenOf("alice", { expiresIn: 3 });
    },
  });
  alice.connect();
  await alice.live();
  const states: string[] = [];
  alice.status.subscribe(() => states.push(alice.status.get().state));
  const begun = Date.now();
  while (Date.now() < begun + 7_000) {
    await alice.direct("bob").send("still here").sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(states).toEqual([]);
  expect(reasons[0]).toBe("connect");
  expect(reasons.slice(1).every((reason) => reason === "renew")).toBe(true);
  expect(reasons.length).toBeGreaterThanOrEqual(3);
});

test("a_connection_whose_token_has_ended_comes_back_with_a_fresh_one", async () => {
  const server = await Server.start(strict);
  const reasons: TokenReason[] = [];
  const alice = client({
    url: server.url,
    getToken: (reason) => {
      reasons.push(reason);
      if (reason === "renew") throw new Error("not now");
      return tokenOf("alice", { expiresIn: 3 });
    },
  });
  alice.connect();
  await alice.live();
  await until(alice.status, ({ state }) => state === "offline", "the end");
  expect(alice.status.get()).toMatchObject({ reason: "token_expired", error: { name: "IdentityError" } });
  await alice.live();
  expect(reasons).toContain("renew");
  expect(reasons.at(-1)).toBe("expired");
});

test("a_token_that_cannot_be_had_is_asked_for_again", async () => {
  const server = await Server.start(strict);
  let tries = 0;
  const alice = client({
    url: server.url,
    getToken: async () => {
      tries += 1;
      if (tries < 3) throw new Error("the site is down");
      return tokenOf("alice");
    },
  });
  alice.connect();
  const offline = await until(alice.status, ({ state }) => state === "offline", "the failure");
  expect(offline).toMatchObject({
    reason: "no_token",
    error: { name: "TokenError", cause: { message: "the site is down" } },
  });
  await alice.live();
  expect(tries).toBe(3);
});

test.each([
  ["expired", "token_expired", () => tokenOf("alice", { expiresIn: -10, issuedAgo: 60 })],
  ["forged", "unauthorized", () => `${tokenOf("alice")}x`],
] as const)("an_%s_token_closes_the_client_with_the_reason", async (_, code, token) => {
  const server = await Server.start(strict);
  const fixed = client({ url: server.url, token: token() });
  fixed.connect();
  await expect(fixed.live()).rejects.toMatchObject({ name: "IdentityError", code });
  expect(fixed.status.get()).toMatchObject({ state: "closed", reason: code });
  let tries = 0;
  const asking = client({
    url: server.url,
    getToken: () => {
      tries += 1;
      return token();
    },
  });
  asking.connect();
  await expect(asking.live()).rejects.toMatchObject({ code });
  expect(tries).toBe(code === "token_expired" ? 4 : 2);
});

test("a_client_that_is_another_user_s_by_now_is_closed_and_sends_nothing_of_the_first_one_s", async () => {
  const server = await Server.start(strict);
  let user = "alice";
  const parlor = client({ url: server.url, getToken: () => tokenOf(user, { expiresIn: 2 }) });
  parlor.connect();
  await parlor.live();
  user = "mallory";
  await until(parlor.status, ({ state }) => state === "closed", "the end");
  expect(parlor.status.get().reason).toBe("another_user");
});

test("a_revoked_device_stays_away_until_it_is_told_to_connect", async () => {
  const server = await Server.start();
  const [phone, laptop] = [await live(server.url, "alice"), await live(server.url, "alice", { deviceId: "laptop" })];
  await phone.command("device_revoke", { deviceId: "laptop" });
  await until(laptop.status, ({ state }) => state === "closed", "the end");
  expect(laptop.status.get()).toMatchObject({ reason: "device_revoked", error: { code: "device_revoked" } });
  await expect(laptop.command("badge", {})).rejects.toMatchObject({ name: "DisconnectedError" });
});
