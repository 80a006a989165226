//! What moderators do, and the log of it.

use std::sync::Arc;

use super::{NoticeId, ReportId, Role};
use crate::entry::Millis;
use crate::ids::{ClientId, UserId};

/// What a moderator does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Closes a report: nothing had to be done.
    Dismiss,
    /// Closes a report: what had to be done is done.
    Resolve,
    /// Tells a user what not to do; it is kept until the user confirms it.
    Warn {
        /// What the user is told.
        text: Arc<str>,
    },
    /// Keeps a user from connecting and sending.
    Suspend {
        /// Until then; `None` until it is ended.
        until: Option<Millis>,
        /// Why, for the audit log and the user.
        reason: Arc<str>,
    },
    /// Ends a suspension.
    Unsuspend,
}

/// Which kind of deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeedKind {
    /// A report was taken.
    Take,
    /// [`Deed::Dismiss`].
    Dismiss,
    /// [`Deed::Resolve`].
    Resolve,
    /// [`Deed::Warn`].
    Warn,
    /// [`Deed::Suspend`].
    Suspend,
    /// [`Deed::Unsuspend`].
    Unsuspend,
    /// A message was removed: see [`crate::around::port::Removal`].
    Remove,
}

impl DeedKind {
    /// Each kind.
    pub const ALL: [Self; 7] = [
        Self::Take,
        Self::Dismiss,
        Self::Resolve,
        Self::Warn,
        Self::Suspend,
        Self::Unsuspend,
        Self::Remove,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Dismiss => "dismiss",
            Self::Resolve => "resolve",
            Self::Warn => "warn",
            Self::Suspend => "suspend",
            Self::Unsuspend => "unsuspend",
            Self::Remove => "remove",
        }
    }

    /// The kind of a word.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Deed {
    /// Which kind it is.
    pub fn kind(&self) -> DeedKind {
        match self {
            Self::Dismiss => DeedKind::Dismiss,
            Self::Resolve => DeedKind::Resolve,
            Self::Warn { .. } => DeedKind::Warn,
            Self::Suspend { .. } => DeedKind::Suspend,
            Self::Unsuspend => DeedKind::Unsuspend,
        }
    }
}

/// What gives cause for a deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A report, which is closed by it; the deed is done to who was reported.
    Report(ReportId),
    /// The moderator's own judgement of a user.
    User(UserId),
}

/// A wish to do something as a moderator.
#[derive(Debug, Clone)]
pub struct Act {
    /// Who, authenticated.
    pub by: UserId,
    /// An admin may close what another has taken.
    pub role: Role,
    /// Why, and to whom.
    pub cause: Cause,
    /// What.
    pub deed: Deed,
    /// For the audit log and the report.
    pub note: Option<Arc<str>>,
    /// The idempotency key of a warning, of this moderator's warnings.
    pub client_id: Option<ClientId>,
    /// When.
    pub now: Millis,
    /// Notices that are kept for one user; beyond it the oldest goes.
    pub notices_max: usize,
}

/// What became of an [`Act`].
#[derive(Debug, Clone)]
pub struct Acted {
    /// To whom it was done.
    pub user: UserId,
    /// Whether it was done now; if not, it was so already.
    pub done: Done,
    /// What the user is to be told, after a warning.
    pub notice: Option<Notice>,
}

/// Whether something was done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was.
    Now,
    /// It was so already.
    Before,
}

/// A user who may not connect nor send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// Until then; `None` until it is ended.
    pub until: Option<Millis>,
    /// Why.
    pub reason: Arc<str>,
}

/// Something that moderators tell a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its name.
    pub id: NoticeId,
    /// When it was said.
    pub at: Millis,
    /// What.
    pub text: Arc<str>,
}

/// Which part of the audit log to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditQuery {
    /// Entries with lower numbers, or the newest of all.
    pub before: Option<u64>,
    /// At most this many.
    pub limit: usize,
}

/// A page of the audit log, newest first.
#[derive(Debug, Clone)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<Audited>,
    /// Whether there are older ones.
    pub more: bool,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// Its place: 1, 2, 3, … without gaps.
    pub number: u64,
    /// When.
    pub at: Millis,
    /// Who did it.
    pub by: UserId,
    /// What.
    pub deed: DeedKind,
    /// To whom.
    pub user: UserId,
    /// Because of which report.
    pub report: Option<ReportId>,
    /// Until when, for a suspension with an end.
    pub until: Option<Millis>,
    /// What was told to the user: a warning's text, a suspension's reason; or the id of the message that
    /// was removed.
    pub text: Option<Arc<str>>,
    /// What the moderator noted.
    pub note: Option<Arc<str>>,
    /// SHA-256 over all of the above and the hash of the entry before it.
    pub hash: [u8; 32],
}
