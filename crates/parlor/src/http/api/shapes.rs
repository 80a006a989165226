//! What goes in and out, as types that only the OpenAPI document is made of: the JSON itself is
//! read and written by the service, and a test holds its answers against these.

#![expect(dead_code, reason = "they describe JSON that the service reads and writes")]

use serde_json::Value;
use utoipa::{IntoResponses, ToSchema};

/// A message to send.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SendMessage {
    /// Who says it; left out, the system does, if `api.system_user` is configured.
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    from: Option<String>,
    /// To whom; left out, `groupId` says to which group.
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    to: Option<String>,
    /// To which group, of which `from` is a member who may post.
    #[serde(rename = "groupId")]
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    group_id: Option<String>,
    /// What: any JSON but too large or too deep a one. Kept byte for byte.
    content: Value,
}

/// Where a message is.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Sent {
    /// Always `sent`.
    status: String,
    /// Its id.
    id: String,
    /// Its conversation.
    conversation_id: String,
    /// Its number there.
    seq: u64,
    /// When, in milliseconds since 1970, UTC.
    ts: u64,
}

/// A message that is kept.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Message {
    /// Its id; opaque.
    id: String,
    /// Its conversation.
    conversation_id: String,
    /// Its number there: 1, 2, 3, … without a gap.
    seq: u64,
    /// Who said it.
    from: String,
    /// To whom, in a direct conversation.
    #[schema(nullable = false)]
    to: Option<String>,
    /// In which group, if in one.
    #[schema(nullable = false)]
    group_id: Option<String>,
    /// What.
    content: Value,
    /// When, in milliseconds since 1970, UTC.
    ts: u64,
    /// Its place among all commits of the server.
    pos: u64,
    /// The idempotency key of the client that sent it, for who reads as its sender.
    #[schema(nullable = false)]
    client_id: Option<String>,
}

/// A piece of a conversation.
#[derive(ToSchema)]
pub(super) struct History {
    /// Always `ok`.
    status: String,
    /// The messages, in the order that was asked for.
    messages: Vec<Message>,
    /// Other entries of a group, if there are some: docs/protocol.md, `entry`.
    #[schema(nullable = false)]
    entries: Option<Vec<Value>>,
    /// Whether there are further ones in that direction.
    more: bool,
    /// From which to which `seq` this speaks for, or `null`.
    #[schema(required = true, min_items = 2, max_items = 2)]
    covers: Option<Vec<u64>>,
}

/// How far a member is in a conversation.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Watermark {
    /// The member.
    user_id: String,
    /// Up to this `seq` a device has it.
    delivered: u64,
    /// Up to this `seq` it was read.
    read: u64,
}

/// A conversation of a user.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Conversation {
    /// Its id.
    conversation_id: String,
    /// The other member, of a direct one.
    #[schema(nullable = false)]
    with: Option<String>,
    /// The group, if it is one's.
    #[schema(nullable = false)]
    group_id: Option<String>,
    /// The group's name.
    #[schema(nullable = false)]
    name: Option<String>,
    /// How many members the group has.
    #[schema(nullable = false)]
    members: Option<u64>,
    /// What the user is in the group; `null` for who is out.
    role: Option<String>,
    /// The newest `seq`.
    head: u64,
    /// How many messages of others the user has not read.
    unread: u64,
    /// The newest message, or other entry of a group: docs/protocol.md, `entry`.
    last: Value,
    /// How far its members are.
    watermarks: Vec<Watermark>,
}

/// A page of a user's conversations.
#[derive(ToSchema)]
pub(super) struct Conversations {
    /// Always `ok`.
    status: String,
    /// The conversations, most recently moved first.
    conversations: Vec<Conversation>,
    /// Where the next page begins, or `null` at the end.
    #[schema(required = true)]
    cursor: Option<String>,
}

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
    /// `missing_scope`; `not_a_member` or `blocked` for the user on whose behalf this is.
    #[response(status = 403)]
    Forbidden(Error),
    /// `rate_limited`: the key makes more requests than it may.
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
    /// `conflict`, `stale_client_id`, `too_many_blocks`: what is there already forbids it.
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
