// The small parts, each alone.
import * as fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";

import { Backoff } from "../../src/backoff.js";
import { ServerClock } from "../../src/clock.js";
import {
  BusyError,
  ClosedError,
  IdentityError,
  isRefused,
  LimitError,
  PermissionError,
  refusal,
} from "../../src/errors.js";
import { Derived, reportError, Value } from "../../src/observable.js";
import { CODES, type ErrorCode } from "../../src/protocol/codes.js";
import { conversationIdOf, keyOf, targetOf } from "../../src/target.js";
import { renewDelay } from "../../src/tokens.js";
import { uuidV4, uuidV7 } from "../../src/uuid.js";
import { tokenOf } from "../support/server.js";

test("delays_double_up_to_a_bound_and_never_undercut_the_server", () => {
  const low = new Backoff(100, 1_000, () => 0);
  expect([1, 2, 3, 4, 5, 6].map(() => low.next())).toEqual([50, 100, 200, 400, 500, 500]);
  low.succeeded();
  expect(low.next()).toBe(50);
  fc.assert(
    fc.property(
      fc.nat(60_000),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.nat(50),
      (advised, chance, tries) => {
        const backoff = new Backoff(500, 30_000, () => chance);
        for (let i = 0; i < tries; i++) {
          const delay = backoff.next();
          expect(delay).toBeGreaterThanOrEqual(250);
          expect(delay).toBeLessThanOrEqual(30_000);
        }
        const delay = backoff.next(advised);
        expect(delay).toBeGreaterThanOrEqual(advised);
        expect(delay).toBeLessThanOrEqual(advised + 500);
      },
    ),
  );
});

test("every_code_has_a_class_by_what_can_be_done_and_retryable_ones_a_delay", () => {
  for (const code of Object.keys(CODES) as ErrorCode[]) {
    const error = refusal({ code, error: "text" });
    expect(isRefused(error, code)).toBe(true);
    expect(error.isRetryable).toBe(CODES[code] !== null);
    expect(error.retryAfterMs).toBe(CODES[code]);
    if (CODES[code] !== null) expect(error).toBeInstanceOf(BusyError);
  }
  const named = (code: string) => refusal({ code, error: "" }).name;
  expect(["rate_limited", "suspended", "blocked", "too_many_pins", "conflict", "novel"].map(named)).toEqual(
    [BusyError, IdentityError, PermissionError, LimitError]
      .map(({ name }) => name)
      .concat("RefusedError", "RefusedError"),
  );
  expect(refusal({ code: "novel", error: "", retryAfterMs: 5 })).toMatchObject({ name: "BusyError", retryAfterMs: 5 });
});

test("a_conversation_s_id_names_whom_it_is_with_for_both", () => {
  expect(conversationIdOf({ toUserId: "alice" }, "b:o%b")).toBe("dm:alice:b%3Ao%25b");
  // By bytes, in which the last of these comes first though its first unit is larger.
  expect(conversationIdOf({ toUserId: "\u{1F600}" }, "\uFF00")).toBe("dm:\uFF00:\u{1F600}");
  const id = fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" });
  fc.assert(
    fc.property(id, id, (one, other) => {
      const name = conversationIdOf({ toUserId: other }, one);
      expect(conversationIdOf({ toUserId: one }, other)).toBe(name);
      expect(targetOf(name, one)).toEqual({ toUserId: other });
      expect(targetOf(name, other)).toEqual({ toUserId: one });
      expect(keyOf({ toUserId: one })).not.toBe(keyOf({ groupId: one }));
    }),
  );
  expect([
    targetOf("group:abc", "a"),
    targetOf("dm:b:c", "a"),
    targetOf("novel:b", "a"),
    targetOf("dm:a", "a"),
  ]).toEqual([{ groupId: "abc" }, null, null, null]);
});

test("keys_have_their_time_or_none", () => {
  const key = uuidV7(0x017f22e279b0);
  expect(key).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(uuidV4()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(Array.from({ length: 1_000 }, () => uuidV7(0))).size).toBe(1_000);
});

test("a_token_is_renewed_within_its_life_whatever_the_clock_says", () => {
  const token = tokenOf("alice", { expiresIn: 1_000 });
  const now = Date.now();
  expect(renewDelay(token, now)).toBeGreaterThan(790_000);
  expect(renewDelay(token, now)).toBeLessThanOrEqual(800_000);
  for (const years of [-40, 40]) expect(renewDelay(token, now + years * 31_557_600_000)).toBe(800_000);
  expect(renewDelay(tokenOf("alice", { expiresIn: 1e9 }), now)).toBeLessThan(2 ** 31);
  for (const text of ["alice", "a.b.c", `a.${btoa('{"exp":"soon"}')}.c`]) expect(renewDelay(text, now)).toBe(null);
});

test("the_server_s_clock_goes_on_when_the_own_one_jumps", () => {
  const real = Date.now;
  try {
    const clock = new ServerClock();
    clock.isNow(1_000_000);
    Date.now = () => 5;
    expect(clock.now()).toBeGreaterThanOrEqual(1_000_000);
    expect(clock.now()).toBeLessThan(1_010_000);
    clock.wasAt(900_000);
    expect(clock.now()).toBeGreaterThanOrEqual(1_000_000);
    clock.wasAt(2_000_000);
    expect(clock.now()).toBeGreaterThanOrEqual(2_000_000);
  } finally {
    Date.now = real;
  }
});

test("what_was_said_long_ago_does_not_set_the_clock_back", () => {
  const clock = new ServerClock();
  const before = Date.now();
  clock.wasAt(before - 86_400_000);
  expect(clock.now()).toBeGreaterThanOrEqual(before);
  clock.wasAt(before + 86_400_000);
  expect(clock.now()).toBeGreaterThanOrEqual(before + 86_400_000);
});

test("listeners_hear_of_all_that_happens_in_a_turn_once_and_not_after_they_left", async () => {
  const value = new Value(0);
  const heard: number[] = [];
  const end = value.subscribe(() => heard.push(value.get()));
  value.set(1);
  value.set(2);
  expect(heard).toEqual([]);
  await Promise.resolve();
  expect(heard).toEqual([2]);
  value.set(2);
  await Promise.resolve();
  end();
  value.set(3);
  await Promise.resolve();
  expect(heard).toEqual([2]);
});

test("listeners_are_told_at_most_once_a_frame_and_of_the_last_of_it", async () => {
  const value = new Value(0);
  const heard: number[] = [];
  value.subscribe(() => heard.push(value.get()));
  const begun = performance.now();
  for (let n = 1; n <= 200; n++) {
    value.set(n);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, 40));
  expect(heard.at(-1)).toBe(200);
  expect(heard[0]).toBe(1);
  expect(heard.length).toBeLessThanOrEqual((performance.now() - begun) / 15 + 2);
});

test("what_is_derived_is_made_once_for_each_change_and_knows_whether_it_is_watched", () => {
  let made = 0;
  const watched: boolean[] = [];
  const view = new Derived(
    () => ({ made: ++made }),
    (isWatched) => watched.push(isWatched),
  );
  expect(view.get()).toBe(view.get());
  view.changed();
  view.changed();
  expect(view.get()).toEqual({ made: 2 });
  const ends = [view.subscribe(() => {}), view.subscribe(() => {})];
  for (const end of [...ends, ...ends]) end();
  expect(watched).toEqual([true, false]);
});

test("that_the_client_is_closed_is_no_error_to_report", () => {
  const reported: unknown[] = [];
  vi.stubGlobal("reportError", (error: unknown) => reported.push(error));
  onTestFinished(() => {
    vi.unstubAllGlobals();
  });
  const fault = new Error("a fault");
  for (const error of [new ClosedError("the client was closed"), fault]) reportError(error);
  expect(reported).toEqual([fault]);
});
