//! What goes in and out, as types that only the OpenAPI document is made of: the JSON itself is
//! read and written by the service, and a test holds its answers against these.

#![expect(dead_code, reason = "they describe JSON that the service reads and writes")]

use utoipa::{IntoResponses, ToSchema};

/// A connection.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Session {
    /// Its public socket id.
    session_id: String,
    /// Since when it is here, in milliseconds since 1970, UTC.
    connected_at: u64,
}

/// A device.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Device {
    /// Its id.
    #[schema(required = true)]
    device_id: Option<String>,
    /// When it was first seen, in milliseconds since 1970, UTC.
    created_at: u64,
    /// When it last connected, in milliseconds since 1970, UTC.
    last_seen_at: u64,
    /// Always `false` here.
    current: bool,
    /// Its connections.
    sessions: Vec<Session>,
}

/// A user's devices.
#[derive(ToSchema)]
pub(super) struct Devices {
    /// Always `ok`.
    status: String,
    /// The devices, most recently seen first.
    devices: Vec<Device>,
}

/// Which tokens to revoke.
#[derive(ToSchema, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RevokeTokens {
    /// Those issued before this time, in milliseconds since 1970, UTC; by default now. It must not
    /// lie in the future.
    #[schema(minimum = 1, maximum = 9007199254740991u64)]
    not_before: Option<u64>,
}

/// Which tokens are revoked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct TokensRevoked {
    /// Always `ok`.
    status: String,
    /// The time that holds: the latest that was ever asked for.
    not_before: u64,
}

/// Whom to block.
#[derive(ToSchema, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BlockUser {
    /// Their id.
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user_id: String,
}

/// Whom a user has blocked.
#[derive(ToSchema)]
pub(super) struct Blocks {
    /// Always `ok`.
    status: String,
    /// Their ids.
    blocked: Vec<String>,
}

/// Nothing more to tell.
#[derive(ToSchema)]
pub(super) struct Done {
    /// Always `ok`.
    status: String,
}

/// Why a request is refused.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Error {
    /// One of the documented codes: compare this.
    code: String,
    /// The text for people; of a field that is wrong it has the name.
    error: String,
    /// After so many milliseconds the same may be tried again.
    #[schema(nullable = false)]
    retry_after_ms: Option<u64>,
    /// Until when it holds, in milliseconds since 1970, UTC, where that is known.
    #[schema(nullable = false)]
    until: Option<u64>,
    /// The rule that refuses a content.
    #[schema(nullable = false)]
    rule: Option<String>,
}

/// What any operation may be refused for.
#[derive(IntoResponses)]
pub(super) enum Refused {
    /// `invalid_argument`: something is missing or wrong; the text names it.
    #[response(status = 400)]
    Invalid(Error),
    /// `unauthorized`: there is no key, or it is unknown.
    #[response(status = 401)]
    Unauthorized(Error),
    /// `missing_scope`; or what the user on whose behalf this is may not: `not_a_member`, `not_allowed`,
    /// `blocked`, `not_accepted`, `muted`, `banned`, `suspended`; `content_refused`.
    #[response(status = 403)]
    Forbidden(Error),
    /// `rate_limited`: the key makes more requests than it may. `slow_mode` for the user.
    #[response(status = 429, headers(("Retry-After" = u64, description = "Seconds to wait.")))]
    TooMany(Error),
    /// `internal`: a fault of the server.
    #[response(status = 500)]
    Internal(Error),
    /// `unavailable`, `overloaded`: the server cannot do it now.
    #[response(status = 503, headers(("Retry-After" = u64, description = "Seconds to wait.")))]
    Unavailable(Error),
}

/// What is not there.
#[derive(IntoResponses)]
pub(super) enum Unknown {
    /// `not_found`: there is none of that id.
    #[response(status = 404)]
    NotFound(Error),
}

/// What stands in the way.
#[derive(IntoResponses)]
pub(super) enum InTheWay {
    /// `conflict`, `stale_client_id`, `too_many_blocks`, `group_full`, `too_many_groups`,
    /// `too_many_invites`, `owner_must_stay`, `message_deleted`, `too_late`, `too_many_edits`: what is
    /// there already forbids it.
    #[response(status = 409)]
    Conflict(Error),
}

/// What does not fit.
#[derive(IntoResponses)]
pub(super) enum TooLarge {
    /// `too_large`: the body, or the content in it, is larger than allowed.
    #[response(status = 413)]
    TooLarge(Error),
}
