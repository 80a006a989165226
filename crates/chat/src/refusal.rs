//! Why a command, or a connection, is refused: the closed set of codes that clients see.
//!
//! Whatever fails inside is turned into a [`Refusal`] once, at the edge; the service writes its
//! code, text and delay into the ack or the `connect_error`. Each [`Code`] says what happened,
//! whether the same command may be sent again, and after how long; `docs/errors.md` is
//! [`errors_markdown`], checked by a test (`codes`). Texts never hold content, tokens or another user's id.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::entry::Millis;
use crate::group::FOREVER;
use crate::store::StoreError;

mod codes;

use self::codes::{ABORTED_RETRY_AFTER_MS, OVERLOADED_RETRY_AFTER_MS, UNAVAILABLE_RETRY_AFTER_MS};

pub use self::codes::{CODES, Code, Documented, SHUTTING_DOWN_RETRY_AFTER_MS, errors_markdown};

/// Why something was refused, with what its text and delay need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The token is missing, malformed, not trusted, or not yet valid.
    Unauthorized {
        /// What is wrong with it, without showing it.
        reason: Cow<'static, str>,
    },
    /// The token was good and has expired.
    TokenExpired,
    /// A field of the command is missing or of the wrong shape.
    InvalidArgument {
        /// Which field, as the client named it.
        field: Cow<'static, str>,
        /// What it must be.
        reason: Cow<'static, str>,
    },
    /// The server has no command of that name.
    UnknownEvent,
    /// There is no such conversation, message or device for this user.
    NotFound,
    /// The user is not in that conversation.
    NotAMember,
    /// The idempotency key was used before with another payload.
    Conflict,
    /// The idempotency key is older than the server remembers keys.
    StaleClientId,
    /// The content is larger than allowed.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The user, or the connection, sends faster than allowed.
    RateLimited {
        /// When the next command will be let through.
        retry_after_ms: u64,
    },
    /// The queue of commits is full.
    Overloaded {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// The store cannot commit now.
    Unavailable {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// The server is about to be restarted.
    ShuttingDown {
        /// When to come back.
        retry_after_ms: u64,
    },
    /// An earlier send on the same conversation failed and has to be sent again first.
    Aborted {
        /// When to try again at the latest.
        retry_after_ms: u64,
    },
    /// The user or the address has as many connections as allowed.
    TooManyConnections,
    /// The user has as many devices as allowed, all in use lately.
    TooManyDevices,
    /// The device, or all tokens of the user, were revoked after this token was issued.
    DeviceRevoked,
    /// The key of the app's own server does not allow this (HTTP only).
    MissingScope {
        /// What it would have to allow.
        scope: &'static str,
    },
    /// The recipient takes no messages from this user.
    Blocked,
    /// The user keeps out as many others as allowed.
    TooManyBlocks,
    /// The connection is told of the presence of as many users as allowed.
    TooManySubscriptions,
    /// The connection has as many conversations open as allowed.
    TooManyOpen,
    /// The user is suspended.
    Suspended {
        /// Until when; `None` until a moderator ends it.
        until: Option<Millis>,
    },
    /// The user's role does not allow the command.
    Forbidden,
    /// A content rule keeps the message out.
    ContentRefused {
        /// The rule's id.
        rule: Arc<str>,
        /// What the app's own check said, for the sender.
        reason: Option<Arc<str>>,
    },
    /// As many of the user's reports are open as allowed.
    TooManyReports,
    /// Another moderator sees to that report.
    ReportTaken,
    /// That report is closed.
    ReportClosed,
    /// The user's role in the group does not allow it.
    NotAllowed,
    /// The user may not post in the group for now.
    Muted {
        /// Until when.
        until: Millis,
    },
    /// The user may not come into the group.
    Banned {
        /// Until when, where it is told.
        until: Option<Millis>,
    },
    /// The group lets its members post only so often.
    SlowMode {
        /// When the next message will be let through.
        retry_after_ms: u64,
    },
    /// The group, or its list of requests, has no room for another.
    GroupFull,
    /// A user is in as many groups as allowed.
    TooManyGroups,
    /// The group has as many invites as allowed.
    TooManyInvites,
    /// As many groups have rules of their own as the server allows.
    TooManyRules,
    /// The owner of a group cannot leave it.
    OwnerMustStay,
    /// The message was deleted.
    MessageDeleted,
    /// The message is too old for that.
    TooLate,
    /// The message was edited as often as allowed.
    TooManyEdits,
    /// The message, or the user at it, has as many reactions as allowed.
    TooManyReactions,
    /// The conversation has as many pinned messages as allowed.
    TooManyPins,
    /// The recipient takes messages only from others than this user.
    NotAccepted,
    /// The sender waits for the recipient to decide on a request.
    RequestPending,
    /// The user keeps as many records of that kind as allowed.
    TooManyRecords,
    /// The server keeps no index of words.
    SearchOff,
    /// The user has too many conversations to search in all of them at once.
    SearchTooBroad,
    /// The connection has not yet said who it is (`--dev` only).
    NotRegistered,
    /// The connection has already said who it is (`--dev` only).
    AlreadyRegistered,
    /// A fault of the server; its log says which.
    Internal,
}

impl Refusal {
    /// [`Refusal::InvalidArgument`] of a field and what it must be.
    pub fn invalid(
        field: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::InvalidArgument { field: field.into(), reason: reason.into() }
    }

    /// [`Refusal::Unauthorized`] with its reason.
    pub fn unauthorized(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Unauthorized { reason: reason.into() }
    }

    /// [`Refusal::Overloaded`] with the default delay.
    pub fn overloaded() -> Self {
        Self::Overloaded { retry_after_ms: OVERLOADED_RETRY_AFTER_MS }
    }

    /// [`Refusal::Unavailable`] with the default delay.
    pub fn unavailable() -> Self {
        Self::Unavailable { retry_after_ms: UNAVAILABLE_RETRY_AFTER_MS }
    }

    /// [`Refusal::Aborted`] with the default delay.
    pub fn aborted() -> Self {
        Self::Aborted { retry_after_ms: ABORTED_RETRY_AFTER_MS }
    }

    /// Which of the closed set of codes this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Unauthorized { .. } => Code::Unauthorized,
            Self::TokenExpired => Code::TokenExpired,
            Self::InvalidArgument { .. } => Code::InvalidArgument,
            Self::UnknownEvent => Code::UnknownEvent,
            Self::NotFound => Code::NotFound,
            Self::NotAMember => Code::NotAMember,
            Self::Conflict => Code::Conflict,
            Self::StaleClientId => Code::StaleClientId,
            Self::TooLarge { .. } => Code::TooLarge,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Overloaded { .. } => Code::Overloaded,
            Self::Unavailable { .. } => Code::Unavailable,
            Self::ShuttingDown { .. } => Code::ShuttingDown,
            Self::Aborted { .. } => Code::Aborted,
            Self::TooManyConnections => Code::TooManyConnections,
            Self::TooManyDevices => Code::TooManyDevices,
            Self::DeviceRevoked => Code::DeviceRevoked,
            Self::MissingScope { .. } => Code::MissingScope,
            Self::Blocked => Code::Blocked,
            Self::TooManyBlocks => Code::TooManyBlocks,
            Self::TooManySubscriptions => Code::TooManySubscriptions,
            Self::TooManyOpen => Code::TooManyOpen,
            Self::Suspended { .. } => Code::Suspended,
            Self::Forbidden => Code::Forbidden,
            Self::ContentRefused { .. } => Code::ContentRefused,
            Self::TooManyReports => Code::TooManyReports,
            Self::ReportTaken => Code::ReportTaken,
            Self::ReportClosed => Code::ReportClosed,
            Self::NotAllowed => Code::NotAllowed,
            Self::Muted { .. } => Code::Muted,
            Self::Banned { .. } => Code::Banned,
            Self::SlowMode { .. } => Code::SlowMode,
            Self::GroupFull => Code::GroupFull,
            Self::TooManyGroups => Code::TooManyGroups,
            Self::TooManyInvites => Code::TooManyInvites,
            Self::TooManyRules => Code::TooManyRules,
            Self::OwnerMustStay => Code::OwnerMustStay,
            Self::MessageDeleted => Code::MessageDeleted,
            Self::TooLate => Code::TooLate,
            Self::TooManyEdits => Code::TooManyEdits,
            Self::TooManyReactions => Code::TooManyReactions,
            Self::TooManyPins => Code::TooManyPins,
            Self::NotAccepted => Code::NotAccepted,
            Self::RequestPending => Code::RequestPending,
            Self::TooManyRecords => Code::TooManyRecords,
            Self::SearchOff => Code::SearchOff,
            Self::SearchTooBroad => Code::SearchTooBroad,
            Self::NotRegistered => Code::NotRegistered,
            Self::AlreadyRegistered => Code::AlreadyRegistered,
            Self::Internal => Code::Internal,
        }
    }

    /// The code as clients see it.
    pub fn name(&self) -> &'static str {
        self.code().name()
    }

    /// Whether the same command may succeed if it is sent again unchanged.
    pub fn retryable(&self) -> bool {
        self.code().documented().retryable
    }

    /// After how many milliseconds to try again, where trying again can help.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match *self {
            Self::RateLimited { retry_after_ms }
            | Self::Overloaded { retry_after_ms }
            | Self::Unavailable { retry_after_ms }
            | Self::ShuttingDown { retry_after_ms }
            | Self::SlowMode { retry_after_ms }
            | Self::Aborted { retry_after_ms } => Some(retry_after_ms),
            _ => self.code().documented().retry_after_ms,
        }
    }

    /// Until when it holds, where that is known and told.
    pub fn until(&self) -> Option<Millis> {
        match self {
            Self::Muted { until } => Some(*until),
            Self::Banned { until } | Self::Suspended { until } => *until,
            _ => None,
        }
        .filter(|until| *until != FOREVER)
    }
}

/// The text for people, in lowercase; the code is for programs.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized { reason } => write!(f, "not authorized: {reason}"),
            Self::InvalidArgument { field, reason } => write!(f, "{field} {reason}"),
            Self::MissingScope { scope } => write!(f, "the API key lacks the scope {scope}"),
            Self::ContentRefused { rule, reason: None } => {
                write!(f, "the content is refused by the rule {rule}")
            }
            Self::ContentRefused { rule, reason: Some(reason) } => {
                write!(f, "the content is refused by the rule {rule}: {reason}")
            }
            Self::TooLarge { limit } => write!(f, "the content is larger than {limit} bytes"),
            _ => f.write_str(self.code().documented().happened),
        }
    }
}

impl std::error::Error for Refusal {}

/// What a client is told when the store fails: the only place where the one becomes the other.
pub fn of_store(error: &StoreError) -> Refusal {
    match error {
        StoreError::Overloaded => Refusal::overloaded(),
        StoreError::Unavailable { .. } => Refusal::unavailable(),
        StoreError::ClientIdConflict => Refusal::Conflict,
        StoreError::NotFound => Refusal::NotFound,
        StoreError::TooManyDevices => Refusal::TooManyDevices,
        StoreError::DeviceRevoked => Refusal::DeviceRevoked,
        StoreError::Blocked => Refusal::Blocked,
        StoreError::TooManyBlocks => Refusal::TooManyBlocks,
        StoreError::Suspended { until } => Refusal::Suspended { until: *until },
        StoreError::ContentRefused { rule, reason } => {
            Refusal::ContentRefused { rule: rule.clone(), reason: reason.clone() }
        }
        StoreError::TooManyReports => Refusal::TooManyReports,
        StoreError::ReportTaken => Refusal::ReportTaken,
        StoreError::ReportClosed => Refusal::ReportClosed,
        StoreError::Refused(refusal) => (**refusal).clone(),
        StoreError::NotAccepted => Refusal::NotAccepted,
        StoreError::TooManyRecords => Refusal::TooManyRecords,
        StoreError::Corrupt { .. } => Refusal::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_gives_its_own_delay() {
        assert_eq!(Refusal::RateLimited { retry_after_ms: 7 }.retry_after_ms(), Some(7));
        assert_eq!(Refusal::Conflict.retry_after_ms(), None);
        assert_eq!(Refusal::TooManyConnections.retry_after_ms(), Some(5_000));
    }

    #[test]
    fn the_text_names_the_field_and_the_limit() {
        let refusal = Refusal::invalid("toUserId", "must be text");
        assert_eq!(refusal.to_string(), "toUserId must be text");
        assert!(Refusal::TooLarge { limit: 65_536 }.to_string().contains("65536"));
    }

    #[test]
    fn corrupt_data_is_an_internal_fault() {
        let refusal = of_store(&StoreError::Corrupt { what: "entry 1".into() });
        assert_eq!(refusal, Refusal::Internal);
        assert!(!refusal.to_string().contains("entry"));
    }
}
