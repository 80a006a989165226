// What can go wrong, as classes by what the caller can do about it.
import { CODES, type ErrorCode } from "./protocol/codes.js";
import type { Closing } from "./protocol/types.js";

export type { ErrorCode };

/** Any error of this library. */
export class ParlorError extends Error {
  override name = "ParlorError";
}

/** The server refused: compare `code` with the table in `docs/errors.md`. */
export class RefusedError extends ParlorError {
  override name = "RefusedError";
  /** What happened. A server that is newer than this library may have others. */
  readonly code: ErrorCode;
  /** After so many milliseconds the same may succeed; `null` if it will not. */
  readonly retryAfterMs: number | null;
  /** Until when it holds, in milliseconds since 1970, where the server said so. */
  readonly until: number | null;
  /** The id of the content rule, with `content_refused`. */
  readonly rule: string | null;

  constructor(reason: Closing) {
    super(reason.error);
    this.code = reason.code as ErrorCode;
    this.retryAfterMs = reason.retryAfterMs ?? CODES[this.code] ?? null;
    this.until = reason.until ?? null;
    this.rule = reason.rule ?? null;
  }

  /** Whether the same may succeed later. */
  get isRetryable(): boolean {
    return this.retryAfterMs !== null;
  }
}

/** Refused for now: the same may succeed after `retryAfterMs`. */
export class BusyError extends RefusedError {
  override name = "BusyError";
  declare readonly retryAfterMs: number;
}

/** Refused because of who the user is, or no longer is: sign in again. */
export class IdentityError extends RefusedError {
  override name = "IdentityError";
}

/** Refused because the user may not do that here. */
export class PermissionError extends RefusedError {
  override name = "PermissionError";
}

/** Refused because as many are there as allowed, or it is too large or too late. */
export class LimitError extends RefusedError {
  override name = "LimitError";
}

/** The connection ended before an answer came: whether it was done is not known. */
export class DisconnectedError extends ParlorError {
  override name = "DisconnectedError";
}

/** No answer came in time: whether it was done is not known. */
export class TimeoutError extends ParlorError {
  override name = "TimeoutError";
}

/** The client was closed, or is another user's now. */
export class ClosedError extends ParlorError {
  override name = "ClosedError";
}

/** A message that was taken out of the outbox by `discard`. */
export class DiscardedError extends ParlorError {
  override name = "DiscardedError";
}

/** No token could be had. */
export class TokenError extends ParlorError {
  override name = "TokenError";
}

const IDENTITY: readonly string[] = [
  "unauthorized",
  "token_expired",
  "device_revoked",
  "suspended",
  "not_registered",
] satisfies ErrorCode[];

const PERMISSION: readonly string[] = [
  "not_a_member",
  "blocked",
  "forbidden",
  "content_refused",
  "not_allowed",
  "muted",
  "banned",
  "not_accepted",
  "request_pending",
  "owner_must_stay",
] satisfies ErrorCode[];

/** The error for what a server said. */
export function refusal(reason: Closing): RefusedError {
  const { code } = reason;
  if (IDENTITY.includes(code)) return new IdentityError(reason);
  if (reason.retryAfterMs !== undefined || CODES[code as ErrorCode]) return new BusyError(reason);
  if (PERMISSION.includes(code)) return new PermissionError(reason);
  if (/^(too_|group_full$)/.test(code)) return new LimitError(reason);
  return new RefusedError(reason);
}

/** Whether an error is a refusal with one of these codes. */
export function isRefused(error: unknown, ...codes: ErrorCode[]): error is RefusedError {
  return error instanceof RefusedError && (codes.length === 0 || codes.includes(error.code));
}
