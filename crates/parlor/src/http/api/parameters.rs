//! What paths, queries and headers hold, as types that only the OpenAPI document is made of.

#![expect(dead_code, reason = "they describe parameters that are read in `request`")]

use utoipa::IntoParams;

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfUser {
    /// The user's id, percent-encoded.
    #[param(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfDevice {
    /// The user's id, percent-encoded.
    #[param(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: String,
    /// The device's id, percent-encoded.
    #[param(min_length = 1, max_length = 64, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    device: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfTwo {
    /// The user's id, percent-encoded.
    #[param(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: String,
    /// Who was blocked, percent-encoded.
    #[param(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    other: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfConversation {
    /// The `conversationId`, percent-encoded: `dm:` and two users, or `group:` and a group.
    #[param(pattern = "^(dm|group):[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    conversation: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfMessage {
    /// The `conversationId`, percent-encoded: `dm:` and two users, or `group:` and a group.
    #[param(pattern = "^(dm|group):[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    conversation: String,
    /// The `id` of a message of it, percent-encoded.
    #[param(pattern = "^(dm|group):[^\\x00-\\x1f\\x7f-\\x9f]+:[0-9]+$")]
    message: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfGroup {
    /// The `groupId`.
    #[param(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    group: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfMember {
    /// The `groupId`.
    #[param(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    group: String,
    /// The user's id, percent-encoded.
    #[param(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfInvite {
    /// The `groupId`.
    #[param(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    group: String,
    /// The invite.
    #[param(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9]+$")]
    invite: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct As {
    /// The user by whose rights; left out, by those of the system.
    #[param(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    #[param(rename = "as")]
    user: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MembersPage {
    /// The user by whose rights; left out, by those of the system.
    #[param(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    #[param(rename = "as")]
    user: Option<String>,
    /// The `cursor` of the page before.
    #[param(min_length = 1, pattern = "^[0-9]{1,16}$")]
    cursor: Option<String>,
    /// At most so many, and at most `limits.group_members_limit_max`.
    #[param(minimum = 1)]
    limit: Option<u64>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GroupsPage {
    /// The `cursor` of the page before.
    #[param(min_length = 1, pattern = "^[0-9]{1,16}$")]
    cursor: Option<String>,
    /// At most so many, and at most `limits.group_members_limit_max`.
    #[param(minimum = 1)]
    limit: Option<u64>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Piece {
    /// The member as whom to read; by default the first that the id names, and of a group nobody, who
    /// sees all of it.
    #[param(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    #[param(rename = "as")]
    member: Option<String>,
    /// Only messages below this `seq`.
    #[param(minimum = 1, maximum = 9007199254740991u64)]
    before: Option<u64>,
    /// Only messages above this `seq`; 0 for the start.
    #[param(maximum = 9007199254740991u64)]
    after: Option<u64>,
    /// Only messages of this time or later, in milliseconds since 1970, UTC; without `before` and `after`.
    #[param(maximum = 9007199254740991u64)]
    at: Option<u64>,
    /// At most so many, and at most `limits.history_limit_max`.
    #[param(minimum = 1)]
    limit: Option<u64>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// The `cursor` of the page before.
    #[param(min_length = 1, pattern = "^[0-9]{1,16}$")]
    cursor: Option<String>,
    /// At most so many, and at most `limits.conversations_limit_max`.
    #[param(minimum = 1)]
    limit: Option<u64>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct Idempotency {
    /// Under the same key it is done once: a retry by the same user, to the same conversation, gets the
    /// first answer, one that says something else `conflict`. A UUIDv7 is best. Remembered for
    /// `limits.client_id_window_days`.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 64, pattern = "^[ -~]+$")]
    key: Option<String>,
}
