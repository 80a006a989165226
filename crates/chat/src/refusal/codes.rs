//! The codes of refusals, with what the documentation says of each.

const RATE_LIMITED_RETRY_AFTER_MS: u64 = 1_000;
pub(super) const OVERLOADED_RETRY_AFTER_MS: u64 = 250;
pub(super) const UNAVAILABLE_RETRY_AFTER_MS: u64 = 2_000;
/// The least delay that a client hears when the server goes down.
pub const SHUTTING_DOWN_RETRY_AFTER_MS: u64 = 500;
const SLOW_MODE_RETRY_AFTER_MS: u64 = 1_000;
pub(super) const ABORTED_RETRY_AFTER_MS: u64 = 250;
const TOO_MANY_CONNECTIONS_RETRY_AFTER_MS: u64 = 5_000;

/// The code of a [`Refusal`](super::Refusal): what clients compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is documented at the refusal of the same name")]
pub enum Code {
    Unauthorized,
    TokenExpired,
    InvalidArgument,
    UnknownEvent,
    NotFound,
    NotAMember,
    Conflict,
    StaleClientId,
    TooLarge,
    RateLimited,
    Overloaded,
    Unavailable,
    ShuttingDown,
    Aborted,
    TooManyConnections,
    TooManyDevices,
    DeviceRevoked,
    MissingScope,
    Blocked,
    TooManyBlocks,
    TooManySubscriptions,
    TooManyOpen,
    Suspended,
    Forbidden,
    ContentRefused,
    TooManyReports,
    ReportTaken,
    ReportClosed,
    NotAllowed,
    Muted,
    Banned,
    SlowMode,
    GroupFull,
    TooManyGroups,
    TooManyInvites,
    TooManyRules,
    OwnerMustStay,
    MessageDeleted,
    TooLate,
    TooManyEdits,
    TooManyReactions,
    TooManyPins,
    NotAccepted,
    RequestPending,
    TooManyRecords,
    SearchOff,
    SearchTooBroad,
    NotRegistered,
    AlreadyRegistered,
    Internal,
}

/// What the documentation says of one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Documented {
    /// The code.
    pub code: Code,
    /// The code as clients see it.
    pub name: &'static str,
    /// What happened.
    pub happened: &'static str,
    /// Whether the same command may succeed if it is sent again unchanged.
    pub retryable: bool,
    /// The delay given when nothing better is known.
    pub retry_after_ms: Option<u64>,
    /// What the client should do.
    pub advice: &'static str,
}

impl Code {
    /// The code as clients see it.
    pub fn name(self) -> &'static str {
        self.documented().name
    }

    /// What the documentation says of it.
    pub fn documented(self) -> Documented {
        // Told apart by what a retry can do: mended by the client, by time, or by nothing.
        let never = |name, happened, advice| Documented {
            code: self,
            name,
            happened,
            retryable: false,
            retry_after_ms: None,
            advice,
        };
        let after = |ms, name, happened, advice| Documented {
            retryable: true,
            retry_after_ms: Some(ms),
            ..never(name, happened, advice)
        };
        match self {
            Self::Unauthorized => never(
                "unauthorized",
                "the token is missing, malformed, not trusted, or not yet valid",
                "Get a valid token, then connect again. The text says what is wrong with it.",
            ),
            Self::TokenExpired => never(
                "token_expired",
                "the token has expired",
                "Get a fresh token: `renew` before the old one ends, or connect with the new one.",
            ),
            Self::InvalidArgument => never(
                "invalid_argument",
                "a field is missing or of the wrong shape",
                "Mend the field that the text names.",
            ),
            Self::UnknownEvent => never(
                "unknown_event",
                "the server knows no event of that name",
                "Check the name and the server's `version` in `ready`.",
            ),
            Self::NotFound => never(
                "not_found",
                "there is no such conversation, message or device for this user",
                "Check the id; what others can see is not told apart from what does not exist.",
            ),
            Self::NotAMember => never(
                "not_a_member",
                "the user is not a member of that conversation",
                "Name a conversation that the user is in.",
            ),
            Self::Conflict => never(
                "conflict",
                "the clientId was used before with another payload",
                "Send the new message under a new `clientId`.",
            ),
            Self::StaleClientId => never(
                "stale_client_id",
                "the clientId is older than the server remembers",
                "Look in the history whether it was kept; if not, send under a new `clientId`.",
            ),
            Self::TooLarge => never(
                "too_large",
                "the content is larger than allowed",
                "Send less; the text names the limit, and `ready.limits` has it too.",
            ),
            Self::RateLimited => after(
                RATE_LIMITED_RETRY_AFTER_MS,
                "rate_limited",
                "the user, the connection, the group or the API key is faster than allowed",
                "Send the same again after `retryAfterMs`.",
            ),
            Self::Overloaded => after(
                OVERLOADED_RETRY_AFTER_MS,
                "overloaded",
                "the server has more to commit than it can take",
                "Send the same again, with the same `clientId`, after `retryAfterMs`.",
            ),
            Self::Unavailable => after(
                UNAVAILABLE_RETRY_AFTER_MS,
                "unavailable",
                "the server cannot commit or read now",
                "Send the same again, with the same `clientId`, after `retryAfterMs`: it may or \
                 may not have been kept, and the key makes sure that it is kept once.",
            ),
            Self::ShuttingDown => after(
                SHUTTING_DOWN_RETRY_AFTER_MS,
                "shutting_down",
                "the server is about to be restarted",
                "Connect again after `retryAfterMs`; stock clients do by themselves, and get all \
                 they missed.",
            ),
            Self::Aborted => after(
                ABORTED_RETRY_AFTER_MS,
                "aborted",
                "an earlier send in this conversation failed and must be sent again first",
                "Send the failed one again, then this one, both with their `clientId`.",
            ),
            Self::TooManyConnections => after(
                TOO_MANY_CONNECTIONS_RETRY_AFTER_MS,
                "too_many_connections",
                "the user or the address has as many connections as allowed",
                "Close one, or connect again after `retryAfterMs`.",
            ),
            Self::TooManyDevices => never(
                "too_many_devices",
                "the user has as many devices as allowed",
                "Revoke one (`devices`, `device_revoke`), or connect under a known `deviceId`.",
            ),
            Self::DeviceRevoked => never(
                "device_revoked",
                "the device, or all of the user's tokens, were revoked after this token was issued",
                "Sign in again: a token issued after the revocation opens the device anew.",
            ),
            Self::MissingScope => never(
                "missing_scope",
                "the API key lacks a scope (HTTP only)",
                "Use a key that has the scope that the text names.",
            ),
            Self::Blocked => never(
                "blocked",
                "the recipient takes no messages from this user",
                "Do not send again; nothing was kept.",
            ),
            Self::TooManyBlocks => never(
                "too_many_blocks",
                "the user has blocked as many others as allowed",
                "`unblock` somebody first.",
            ),
            Self::TooManySubscriptions => never(
                "too_many_subscriptions",
                "the connection subscribes to the presence of as many users as allowed",
                "`presence_unsubscribe` first; `presence` asks once, without a subscription.",
            ),
            Self::TooManyOpen => never(
                "too_many_open",
                "the connection has as many conversations open as allowed",
                "`conversation_close` first.",
            ),
            Self::Suspended => never(
                "suspended",
                "the user is suspended",
                "Stay away until `until` (milliseconds since 1970), or for good if there is none, \
                 unless a moderator ends it.",
            ),
            Self::Forbidden => never(
                "forbidden",
                "the user's role does not allow this",
                "Connect, or `renew`, with a token that gives the role.",
            ),
            Self::ContentRefused => never(
                "content_refused",
                "a content rule keeps the message out",
                "Do not send the same again; the text names the rule, and `rule` has its id.",
            ),
            Self::TooManyReports => never(
                "too_many_reports",
                "as many of the user's reports are open as allowed",
                "Wait until moderators have seen to them.",
            ),
            Self::ReportTaken => never(
                "report_taken",
                "another moderator sees to that report",
                "Leave it to them; an admin may take it over.",
            ),
            Self::ReportClosed => never(
                "report_closed",
                "that report is already resolved or dismissed",
                "Read it again (`reports`): what came of it stays.",
            ),
            Self::NotAllowed => never(
                "not_allowed",
                "the user's role in the group does not allow it",
                "Offer what the user's `role` allows; see the table of rights.",
            ),
            Self::Muted => never(
                "muted",
                "the user may not post in the group for now",
                "Show it, with `until` if it is there.",
            ),
            Self::Banned => never(
                "banned",
                "the user is banned from the group",
                "Show it, with `until` if it is there; a moderator can end it.",
            ),
            Self::SlowMode => after(
                SLOW_MODE_RETRY_AFTER_MS,
                "slow_mode",
                "the group lets its members post only so often",
                "Send the same again after `retryAfterMs`.",
            ),
            Self::GroupFull => never(
                "group_full",
                "the group has no room for another",
                "Let somebody leave first, or raise `membersMax`.",
            ),
            Self::TooManyGroups => never(
                "too_many_groups",
                "a user is in as many groups as allowed",
                "Let them leave a group first.",
            ),
            Self::TooManyInvites => never(
                "too_many_invites",
                "the group has as many invites as allowed",
                "Revoke one first.",
            ),
            Self::TooManyRules => never(
                "too_many_rules",
                "as many groups have rules of their own as the server allows",
                "Ask whoever runs the server to raise `limits.ruled_groups_max`.",
            ),
            Self::OwnerMustStay => never(
                "owner_must_stay",
                "the owner cannot leave the group",
                "Make somebody else the owner with `group_role`, or end it with `group_delete`.",
            ),
            Self::MessageDeleted => never(
                "message_deleted",
                "the message was deleted, or has ended",
                "Show it without content; nothing can be done to it any more.",
            ),
            Self::TooLate => {
                never("too_late", "the message is too old for that", "Send a new message instead.")
            }
            Self::TooManyEdits => never(
                "too_many_edits",
                "the message was edited as often as allowed",
                "Send a new message instead.",
            ),
            Self::TooManyReactions => never(
                "too_many_reactions",
                "the message, or the user at it, has as many reactions as allowed",
                "React with one that is there, or take one back first.",
            ),
            Self::TooManyPins => never(
                "too_many_pins",
                "the conversation has as many pinned messages as allowed",
                "`unpin` one first.",
            ),
            Self::NotAccepted => never(
                "not_accepted",
                "the recipient does not take messages from this user",
                "Do not send again; nothing was kept. The recipient may add the user as a contact.",
            ),
            Self::RequestPending => never(
                "request_pending",
                "the recipient has not decided on the user's request",
                "Send again once the recipient has answered; nothing was kept.",
            ),
            Self::TooManyRecords => never(
                "too_many_records",
                "the user keeps as many of these as allowed",
                "Remove one first (`draft_set`, `unstar`, `unhide`, `conversation_set`, `contact_remove`).",
            ),
            Self::SearchOff => never(
                "search_off",
                "the server has its search turned off",
                "Offer no search; the operator turns it on with `search.enabled`.",
            ),
            Self::SearchTooBroad => never(
                "search_too_broad",
                "the user has too many conversations to search them all at once",
                "Name a conversation with `conversationId`.",
            ),
            Self::NotRegistered => never(
                "not_registered",
                "the connection has not registered a user id",
                "Send `register` first (only with `--dev`, without a token).",
            ),
            Self::AlreadyRegistered => never(
                "already_registered",
                "the connection already has a user id",
                "A connection is one user for life: open another one.",
            ),
            Self::Internal => never(
                "internal",
                "the server failed",
                "Report it; the server's log has the reason. Sending again with the same \
                 `clientId` does no harm.",
            ),
        }
    }
}

/// Every code there is, in the order of the documentation.
pub const CODES: [Code; 50] = [
    Code::Unauthorized,
    Code::TokenExpired,
    Code::InvalidArgument,
    Code::UnknownEvent,
    Code::NotFound,
    Code::NotAMember,
    Code::Conflict,
    Code::StaleClientId,
    Code::TooLarge,
    Code::RateLimited,
    Code::Overloaded,
    Code::Unavailable,
    Code::ShuttingDown,
    Code::Aborted,
    Code::TooManyConnections,
    Code::TooManyDevices,
    Code::DeviceRevoked,
    Code::MissingScope,
    Code::Blocked,
    Code::TooManyBlocks,
    Code::TooManySubscriptions,
    Code::TooManyOpen,
    Code::Suspended,
    Code::Forbidden,
    Code::ContentRefused,
    Code::TooManyReports,
    Code::ReportTaken,
    Code::ReportClosed,
    Code::NotAllowed,
    Code::Muted,
    Code::Banned,
    Code::SlowMode,
    Code::GroupFull,
    Code::TooManyGroups,
    Code::TooManyInvites,
    Code::TooManyRules,
    Code::OwnerMustStay,
    Code::MessageDeleted,
    Code::TooLate,
    Code::TooManyEdits,
    Code::TooManyReactions,
    Code::TooManyPins,
    Code::NotAccepted,
    Code::RequestPending,
    Code::TooManyRecords,
    Code::SearchOff,
    Code::SearchTooBroad,
    Code::NotRegistered,
    Code::AlreadyRegistered,
    Code::Internal,
];

/// The text of `docs/errors.md`.
pub fn errors_markdown() -> String {
    let mut out = String::from(
        "# Error codes\n\n\
         A refused command is acknowledged with `{ status: \"error\", code, error, retryAfterMs? }`; \
         a refused connection gets a `connect_error` whose `message` is the code and whose `data` \
         is `{ code, error, retryAfterMs? }`. Compare `code`; `error` is a text for people and may \
         change. The set is closed within one version of the event protocol.\n\n\
         *Retry* says whether the same command, sent again unchanged, may succeed, and after how \
         many milliseconds when the answer names no other delay (`retryAfterMs`).\n\n\
         | code | what happened | retry | what to do |\n\
         |---|---|---|---|\n",
    );
    for code in CODES {
        let Documented { name, happened, retryable, retry_after_ms, advice, .. } =
            code.documented();
        let retry = match (retryable, retry_after_ms) {
            (true, Some(ms)) => format!("yes, after {ms} ms"),
            (true, None) => "yes".to_owned(),
            (false, _) => "no".to_owned(),
        };
        out.push_str(&format!("| `{name}` | {happened} | {retry} | {advice} |\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_listed_once_under_its_own_name() {
        let names: HashSet<_> = CODES.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), CODES.len());
        for code in CODES {
            assert_eq!(code.documented().code, code);
            assert!(code.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        }
        assert_eq!(CODES.last().map(|last| *last as usize + 1), Some(CODES.len()));
    }

    #[test]
    fn texts_are_lowercase_without_a_full_stop() {
        for code in CODES {
            let happened = code.documented().happened;
            assert!(happened.starts_with(|c: char| c.is_lowercase()), "{happened}");
            assert!(!happened.ends_with('.'), "{happened}");
        }
    }

    #[test]
    fn a_retryable_code_names_a_delay() {
        for code in CODES {
            let documented = code.documented();
            assert_eq!(documented.retryable, documented.retry_after_ms.is_some());
        }
    }

    /// `PARLOR_WRITE_DOCS=1 cargo test -p parlor-chat` writes the file instead.
    #[test]
    fn the_documentation_lists_exactly_these_codes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
        if std::env::var_os("PARLOR_WRITE_DOCS").is_some() {
            std::fs::write(path, errors_markdown()).expect("docs is writable");
        }
        let written = std::fs::read_to_string(path).expect("docs/errors.md is there");
        assert_eq!(written, errors_markdown(), "run with PARLOR_WRITE_DOCS=1");
    }
}
