// Made of the types in crates/protocol by `PARLOR_WRITE_DOCS=1 cargo test -p parlor-protocol`. Do not edit.

/** The codes of refusals: what happened, and after how many milliseconds the same may succeed, where it may. */
export const CODES = {
  /** the token is missing, malformed, not trusted, or not yet valid. */
  unauthorized: null,
  /** the token has expired. */
  token_expired: null,
  /** a field is missing or of the wrong shape. */
  invalid_argument: null,
  /** the server knows no event of that name. */
  unknown_event: null,
  /** there is no such conversation, message or device for this user. */
  not_found: null,
  /** the user is not a member of that conversation. */
  not_a_member: null,
  /** the clientId was used before with another payload. */
  conflict: null,
  /** the clientId is older than the server remembers. */
  stale_client_id: null,
  /** the content is larger than allowed. */
  too_large: null,
  /** the user, the connection, the group or the API key is faster than allowed. */
  rate_limited: 1000,
  /** the server has more to commit than it can take. */
  overloaded: 250,
  /** the server cannot commit or read now. */
  unavailable: 2000,
  /** the server is about to be restarted. */
  shutting_down: 500,
  /** an earlier send in this conversation failed and must be sent again first. */
  aborted: 250,
  /** the user or the address has as many connections as allowed. */
  too_many_connections: 5000,
  /** the user has as many devices as allowed. */
  too_many_devices: null,
  /** the device, or all of the user's tokens, were revoked after this token was issued. */
  device_revoked: null,
  /** the API key lacks a scope (HTTP only). */
  missing_scope: null,
  /** the recipient takes no messages from this user. */
  blocked: null,
  /** the user has blocked as many others as allowed. */
  too_many_blocks: null,
  /** the connection subscribes to the presence of as many users as allowed. */
  too_many_subscriptions: null,
  /** the connection has as many conversations open as allowed. */
  too_many_open: null,
  /** the user is suspended. */
  suspended: null,
  /** the user's role does not allow this. */
  forbidden: null,
  /** a content rule keeps the message out. */
  content_refused: null,
  /** as many of the user's reports are open as allowed. */
  too_many_reports: null,
  /** another moderator sees to that report. */
  report_taken: null,
  /** that report is already resolved or dismissed. */
  report_closed: null,
  /** the user's role in the group does not allow it. */
  not_allowed: null,
  /** the user may not post in the group for now. */
  muted: null,
  /** the user is banned from the group. */
  banned: null,
  /** the group lets its members post only so often. */
  slow_mode: 1000,
  /** the group has no room for another. */
  group_full: null,
  /** a user is in as many groups as allowed. */
  too_many_groups: null,
  /** the group has as many invites as allowed. */
  too_many_invites: null,
  /** as many groups have rules of their own as the server allows. */
  too_many_rules: null,
  /** the owner cannot leave the group. */
  owner_must_stay: null,
  /** the message was deleted, or has ended. */
  message_deleted: null,
  /** the message is too old for that. */
  too_late: null,
  /** the message was edited as often as allowed. */
  too_many_edits: null,
  /** the message, or the user at it, has as many reactions as allowed. */
  too_many_reactions: null,
  /** the conversation has as many pinned messages as allowed. */
  too_many_pins: null,
  /** the recipient does not take messages from this user. */
  not_accepted: null,
  /** the recipient has not decided on the user's request. */
  request_pending: null,
  /** the user keeps as many of these as allowed. */
  too_many_records: null,
  /** the server has its search turned off. */
  search_off: null,
  /** the user has too many conversations to search them all at once. */
  search_too_broad: null,
  /** the connection has not registered a user id. */
  not_registered: null,
  /** the connection already has a user id. */
  already_registered: null,
  /** the server failed. */
  internal: null,
} as const satisfies Record<string, number | null>;

/** A code of `docs/errors.md`. */
export type ErrorCode = keyof typeof CODES;
