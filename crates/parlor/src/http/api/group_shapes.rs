//! What goes in and out about groups, as types that only the OpenAPI document is made of; see `shapes`.

#![expect(dead_code, reason = "they describe JSON that the service reads and writes")]

use utoipa::ToSchema;

/// A group to make.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateGroup {
    /// Who makes it, and is its owner; left out, the system is.
    #[serde(rename = "as")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: Option<String>,
    /// What people call it.
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// Who else is in it from the beginning.
    members: Option<Vec<String>>,
    /// How it is run; what is not said is as usual.
    settings: Option<ChangeSettings>,
}

/// What a group is to be from now on.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateGroup {
    /// The user by whose rights; left out, by those of the system.
    #[serde(rename = "as")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: Option<String>,
    /// What people call it.
    #[schema(min_length = 1, max_length = 128)]
    name: Option<String>,
    /// How it is run; what is not said stays.
    settings: Option<ChangeSettings>,
}

/// How a group is to be run; what is not said stays.
#[derive(ToSchema, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeSettings {
    /// Who may post: `everyone` or `admins`.
    post: Option<String>,
    /// Who may add: `everyone` or `admins`.
    add: Option<String>,
    /// How others come in: by `invite`, by `request`, or as it is `open`.
    join: Option<String>,
    /// Seconds between two messages of a member.
    slow_mode_seconds: Option<u64>,
    /// How many members it may have.
    #[schema(minimum = 1)]
    members_max: Option<u64>,
    /// What who joins may read of before: `join` nothing, `all` everything.
    history: Option<String>,
}

/// How a group is run.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Settings {
    /// Who may post: `everyone` or `admins`.
    post: String,
    /// Who may add: `everyone` or `admins`.
    add: String,
    /// How others come in: by `invite`, by `request`, or as it is `open`.
    join: String,
    /// Seconds between two messages of a member.
    slow_mode_seconds: u64,
    /// How many members it may have.
    members_max: u64,
    /// What who joins may read of before: `join` nothing, `all` everything.
    history: String,
}

/// Who is to come into a group.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddMembers {
    /// The user by whose rights; left out, by those of the system.
    #[serde(rename = "as")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: Option<String>,
    /// Who.
    #[serde(rename = "userIds")]
    user_ids: Vec<String>,
}

/// What a member is to be.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetRole {
    /// The user by whose rights; left out, by those of the system.
    #[serde(rename = "as")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: Option<String>,
    /// `member`, `moderator`, `admin` or `owner`; who was the owner is an admin then.
    role: String,
}

/// For how long.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measure {
    /// The user by whose rights; left out, by those of the system.
    #[serde(rename = "as")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: Option<String>,
    /// For so many seconds; left out, for good.
    #[serde(rename = "forSeconds")]
    #[schema(minimum = 1, maximum = 9007199254740991u64)]
    for_seconds: Option<u64>,
}

/// How an invite is good.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MakeInvite {
    /// The user by whose rights; left out, by those of the system.
    #[serde(rename = "as")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: Option<String>,
    /// For so many seconds; left out, for a week.
    #[serde(rename = "forSeconds")]
    #[schema(minimum = 1, maximum = 9007199254740991u64)]
    for_seconds: Option<u64>,
    /// For so many who come in; left out, for as many as a group may have.
    #[schema(minimum = 1, maximum = 9007199254740991u64)]
    uses: Option<u64>,
}

/// Who comes into a group.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinGroup {
    /// Who.
    #[serde(rename = "as")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: String,
    /// By which invite, if by one.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9]+$")]
    invite: Option<String>,
}

/// Who goes.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeaveGroup {
    /// Who.
    #[serde(rename = "as")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: String,
}

/// What came of a wish about a group.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct GroupChanged {
    /// Always `ok`.
    status: String,
    /// The group.
    group_id: String,
    /// Its conversation, if an entry of it says so.
    #[schema(nullable = false)]
    conversation_id: Option<String>,
    /// That entry.
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
    /// `true` if somebody has to let the user in first.
    #[schema(nullable = false)]
    requested: Option<bool>,
}

/// A group.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct GroupInfo {
    /// Always `ok`.
    status: String,
    /// Its id.
    group_id: String,
    /// Its conversation.
    conversation_id: String,
    /// What people call it.
    name: String,
    /// How many members it has.
    members: u64,
    /// When it was made, in milliseconds since 1970, UTC.
    created_at: u64,
    /// Whose it is; members and the system are told.
    #[schema(nullable = false)]
    owner_id: Option<String>,
    /// How it is run; members and the system are told.
    #[schema(nullable = false)]
    settings: Option<Settings>,
    /// What the user is in it, or `null`.
    #[schema(required = true)]
    role: Option<String>,
    /// Until when the user may not post.
    #[schema(nullable = false)]
    muted_until: Option<u64>,
}

/// A member of a group.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Member {
    /// Who.
    user_id: String,
    /// As what.
    role: String,
    /// Since when, in milliseconds since 1970, UTC.
    joined_at: u64,
    /// Until when they may not post.
    #[schema(nullable = false)]
    muted_until: Option<u64>,
}

/// A page of a group's members.
#[derive(ToSchema)]
pub(super) struct Members {
    /// Always `ok`.
    status: String,
    /// The members.
    members: Vec<Member>,
    /// How many there are.
    count: u64,
    /// Where the next page begins, or `null` at the end.
    #[schema(required = true)]
    cursor: Option<String>,
}

/// A group in a list.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct GroupLine {
    /// Its id.
    group_id: String,
    /// Its conversation.
    conversation_id: String,
    /// What people call it.
    name: String,
    /// How many members it has.
    members: u64,
    /// What the user is in it.
    role: String,
}

/// A page of a user's groups.
#[derive(ToSchema)]
pub(super) struct Groups {
    /// Always `ok`.
    status: String,
    /// The groups.
    groups: Vec<GroupLine>,
    /// Where the next page begins, or `null` at the end.
    #[schema(required = true)]
    cursor: Option<String>,
}

/// An invite that was made.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Invited {
    /// Always `ok`.
    status: String,
    /// The group.
    group_id: String,
    /// The invite: who knows it may come in.
    invite: String,
    /// When it ends, in milliseconds since 1970, UTC, if it does.
    #[schema(nullable = false)]
    until: Option<u64>,
    /// How many may come in by it.
    uses: u64,
}

/// An invite.
#[derive(ToSchema)]
pub(super) struct InviteLine {
    /// The invite: who knows it may come in.
    invite: String,
    /// Who made it.
    by: String,
    /// When it ends, in milliseconds since 1970, UTC, if it does.
    #[schema(nullable = false)]
    until: Option<u64>,
    /// How many may still come in by it.
    uses: u64,
}

/// A group's invites.
#[derive(ToSchema)]
pub(super) struct Invites {
    /// Always `ok`.
    status: String,
    /// The invites, newest first.
    invites: Vec<InviteLine>,
}

/// A request to join a group.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct RequestLine {
    /// Whose.
    user_id: String,
    /// Since when, in milliseconds since 1970, UTC.
    at: u64,
}

/// Who has asked to join a group.
#[derive(ToSchema)]
pub(super) struct Requests {
    /// Always `ok`.
    status: String,
    /// The requests, earliest first.
    requests: Vec<RequestLine>,
}
