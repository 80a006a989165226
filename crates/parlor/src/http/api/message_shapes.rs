//! What goes in and out about messages, as types that only the OpenAPI document is made of; see `shapes`.

#![expect(dead_code, reason = "they describe JSON that the service reads and writes")]

use serde_json::Value;
use utoipa::ToSchema;

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
    /// Whether content rules and the app's hook look at what a user says; they do unless this is
    /// `false`.
    screened: Option<bool>,
}

/// Another content for a message.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EditMessage {
    /// Its author.
    #[serde(rename = "as")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    author: String,
    /// What it says from now on.
    content: Value,
    /// Whether content rules and the app's hook look at it; they do unless this is `false`.
    screened: Option<bool>,
}

/// What came of a wish about a message.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct MessageChanged {
    /// Always `ok`.
    status: String,
    /// The conversation.
    conversation_id: String,
    /// The message.
    message_id: String,
    /// The entry that says so, if there is a new one.
    #[schema(nullable = false)]
    id: Option<String>,
    /// Its number in the conversation.
    #[schema(nullable = false)]
    seq: Option<u64>,
    /// When, in milliseconds since 1970, UTC.
    #[schema(nullable = false)]
    ts: Option<u64>,
    /// `true` if it was so already.
    #[schema(nullable = false)]
    unchanged: Option<bool>,
}

/// An event of the app's own.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TellEvent {
    /// Whose it is; left out, the system's, if `api.system_user` is configured.
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    from: Option<String>,
    /// What the app calls it.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9.:_-]+$")]
    name: String,
    /// What it says: any JSON but too large or too deep a one; by default `null`.
    data: Value,
    /// Whether it becomes an entry of the log; by default it is told to who is here alone.
    store: Option<bool>,
}

/// What became of an event.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct EventTold {
    /// `sent` if it is stored, else `ok`.
    status: String,
    /// The entry's id, if it is stored.
    #[schema(nullable = false)]
    id: Option<String>,
    /// The conversation.
    #[schema(nullable = false)]
    conversation_id: Option<String>,
    /// The entry's number there.
    #[schema(nullable = false)]
    seq: Option<u64>,
    /// When, in milliseconds since 1970, UTC.
    ts: u64,
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
    /// `true` if a part of it was replaced by a content rule or the app's hook.
    #[schema(nullable = false)]
    masked: Option<bool>,
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
    /// What; the newest, if it was edited. Not there once it was deleted.
    #[schema(required = false)]
    content: Value,
    /// `true` once it was deleted.
    #[schema(nullable = false)]
    deleted: Option<bool>,
    /// When it was last edited, if it was.
    #[schema(nullable = false)]
    edited_at: Option<u64>,
    /// What it answers.
    #[schema(nullable = false)]
    reply_to: Option<ReplyTo>,
    /// The message whose thread it is in.
    #[schema(nullable = false)]
    thread: Option<String>,
    /// `true` if it is a copy of another.
    #[schema(nullable = false)]
    forwarded: Option<bool>,
    /// Whom it mentions; `@all` for all members.
    #[schema(nullable = false)]
    mentions: Option<Vec<String>>,
    /// The reactions to it.
    #[schema(nullable = false)]
    reactions: Option<Vec<Reaction>>,
    /// `true` if it is pinned.
    #[schema(nullable = false)]
    pinned: Option<bool>,
    /// How many messages are in its thread.
    #[schema(nullable = false)]
    thread_count: Option<u64>,
    /// When, in milliseconds since 1970, UTC.
    ts: u64,
    /// Its place among all commits of the server.
    pos: u64,
    /// The idempotency key of the client that sent it, for who reads as its sender.
    #[schema(nullable = false)]
    client_id: Option<String>,
}

/// What a message answers.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct ReplyTo {
    /// Its id.
    message_id: String,
    /// Its number in the conversation.
    seq: u64,
    /// Who said it.
    from: String,
}

/// One kind of reaction to a message.
#[derive(ToSchema)]
pub(super) struct Reaction {
    /// With what.
    emoji: String,
    /// How many users react so.
    count: u64,
    /// Whether who reads does.
    mine: bool,
}

/// A piece of a conversation.
#[derive(ToSchema)]
pub(super) struct History {
    /// Always `ok`.
    status: String,
    /// The messages, in the order that was asked for.
    messages: Vec<Message>,
    /// Entries that are no messages, if there are some: docs/protocol.md, `entry`.
    #[schema(nullable = false)]
    entries: Option<Vec<Value>>,
    /// Whether there are further ones in that direction.
    more: bool,
    /// From which to which `seq` this speaks for, or `null`.
    #[schema(required = true, min_items = 2, max_items = 2)]
    covers: Option<Vec<u64>>,
    /// The newest `seq` of the conversation when this was read.
    head: u64,
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
    /// How many of them mention the user, in a group.
    #[schema(nullable = false)]
    mentions: Option<u64>,
    /// The newest entry: a message, or another one (docs/protocol.md, `entry`).
    last: Value,
    /// The newest message as it is now, where the newest entry is none.
    #[schema(nullable = false)]
    message: Option<Message>,
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
