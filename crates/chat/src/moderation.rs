//! Keeping a community civil: what users report, what moderators do about it, and the record of that.
//!
//! A user reports a message or another user; the report waits in a queue, is taken by a moderator
//! and closed with an outcome. What moderators do ([`Deed`]) takes effect in the same commit that
//! writes it into the audit log, a chain in which no entry can be changed without breaking it. Who
//! may do it is said by the token ([`Role`]) and checked by the service at each command.
//!
//! [`Moderation`] is the part of the store's port that keeps all this; it follows the rules of
//! [`crate::store`]. A suspension is a precondition of every append and of every attach of a device,
//! checked inside the commit: [`StoreError::Suspended`]. A group's own moderators and rules are not
//! known here: a [`Target`] or a [`Deed`] in a group becomes another variant.
//!
//! [`StoreError::Suspended`]: crate::store::StoreError::Suspended

use std::sync::Arc;

use crate::entry::{Content, Millis};
use crate::ids::{ClientId, ConversationId, InvalidId, Seq, UserId};
use crate::store::Pending;

/// Keeps reports, suspensions, notices and the audit log.
pub trait Moderation: Send + Sync + 'static {
    /// Files a report. One that was filed before under the same key gets the first answer.
    fn report(&self, report: NewReport) -> Pending<Filed>;

    /// A piece of the queue of reports, oldest first.
    fn reports(&self, query: ReportsQuery) -> Pending<ReportsPage>;

    /// The report by which a content rule brought a message before the moderators, if one did.
    fn flagged(&self, conversation: ConversationId, seq: Seq) -> Pending<Option<Arc<Report>>>;

    /// Takes a report, so that others leave it alone; to take it twice changes nothing.
    fn take_report(&self, take: TakeReport) -> Pending<Arc<Report>>;

    /// Does something and writes it into the audit log, in one commit. What is so already is not
    /// done, nor written, again.
    fn act(&self, act: Act) -> Pending<Acted>;

    /// Whether a user is suspended at a moment, and until when.
    fn suspension(&self, user: UserId, now: Millis) -> Pending<Option<Suspension>>;

    /// What a user was told and has not confirmed, oldest first.
    fn notices(&self, user: UserId) -> Pending<Vec<Notice>>;

    /// Forgets the user's notices up to and including one.
    fn confirm_notices(&self, user: UserId, up_to: NoticeId) -> Pending<()>;

    /// A piece of the audit log, newest first.
    fn audit(&self, query: AuditQuery) -> Pending<AuditPage>;
}

/// What a user may do beside what all users may, as the token says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Role {
    /// Nothing.
    #[default]
    User,
    /// See to reports, warn and suspend.
    Moderator,
    /// As a moderator, and go on with what another moderator has taken.
    Admin,
}

impl Role {
    /// The role of a name; any other name is that of a user.
    pub fn of(name: &str) -> Self {
        match name {
            "moderator" => Self::Moderator,
            "admin" => Self::Admin,
            _ => Self::User,
        }
    }

    /// Whether it gives the commands of moderators.
    pub fn moderates(self) -> bool {
        self >= Self::Moderator
    }
}

/// Names a report; counts 1, 2, 3, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportId(pub u64);

/// Names a notice; those of one user grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeId(pub u64);

impl ReportId {
    /// Reads an id as clients have it.
    ///
    /// # Errors
    /// [`InvalidId`] when the server gives out no such id.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        number(text).map(Self).ok_or(InvalidId { kind: "report id", rule: GIVEN })
    }
}

impl NoticeId {
    /// Reads an id as clients have it.
    ///
    /// # Errors
    /// [`InvalidId`] when the server gives out no such id.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        number(text).map(Self).ok_or(InvalidId { kind: "notice id", rule: GIVEN })
    }
}

const GIVEN: &str = "one that the server gave";

fn number(text: &str) -> Option<u64> {
    let digits = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let number = if digits { text.parse().ok()? } else { return None };
    (1..1 << 53).contains(&number).then_some(number)
}

/// What is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A message, by a member of its conversation who did not write it.
    Message(ConversationId, Seq),
    /// A user, whatever was said.
    User(UserId),
}

/// A wish to report something.
#[derive(Debug, Clone)]
pub struct NewReport {
    /// Who reports, authenticated.
    pub by: UserId,
    /// What.
    pub target: Target,
    /// Why, in a word.
    pub reason: Arc<str>,
    /// What else there is to say.
    pub comment: Option<Arc<str>>,
    /// The idempotency key, of this reporter's reports.
    pub client_id: Option<ClientId>,
    /// When.
    pub now: Millis,
    /// Reports of one user that may be open at a time.
    pub open_max: usize,
}

/// A report that is kept.
#[derive(Debug, Clone)]
pub struct Filed {
    /// The report, as it is now.
    pub report: Arc<Report>,
    /// Whether it was there already, by its idempotency key.
    pub repeated: bool,
}

/// How far a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportState {
    /// Nobody has seen to it.
    Open,
    /// A moderator sees to it.
    Taken,
    /// Something was done about it.
    Resolved,
    /// Nothing had to be done about it.
    Dismissed,
}

impl ReportState {
    /// Each state, in the order of a report's life.
    pub const ALL: [Self; 4] = [Self::Open, Self::Taken, Self::Resolved, Self::Dismissed];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken",
            Self::Resolved => "resolved",
            Self::Dismissed => "dismissed",
        }
    }

    /// The state of a word.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing more happens to it.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Resolved | Self::Dismissed)
    }
}

/// Who brought something before the moderators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reporter {
    /// A user.
    User(UserId),
    /// A content rule, by its id.
    Rule(Arc<str>),
}

/// A report, for moderators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub id: ReportId,
    /// When it was filed.
    pub at: Millis,
    /// By whom.
    pub by: Reporter,
    /// What it is about.
    pub target: Target,
    /// Who is reported: the user, or the author of the message.
    pub accused: UserId,
    /// The message as it was when it was reported.
    pub content: Option<Content>,
    /// Why, in a word; the id of the rule, if a rule reported it.
    pub reason: Arc<str>,
    /// What else the reporter said.
    pub comment: Option<Arc<str>>,
    /// How far it is.
    pub state: ReportState,
    /// The moderator who took or closed it.
    pub moderator: Option<UserId>,
    /// When it was taken or closed.
    pub moved: Option<Millis>,
    /// What came of it.
    pub outcome: Option<DeedKind>,
    /// What the moderator noted when it was closed.
    pub note: Option<Arc<str>>,
}

/// Which reports to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportsQuery {
    /// Who asks; reports of the moderator's own doings are not among them.
    pub viewer: UserId,
    /// Those in this state, or those that are not closed.
    pub state: Option<ReportState>,
    /// Those after this one.
    pub after: Option<ReportId>,
    /// At most this many.
    pub limit: usize,
}

/// A page of reports, oldest first.
#[derive(Debug, Clone)]
pub struct ReportsPage {
    /// The reports.
    pub reports: Vec<Arc<Report>>,
    /// Where to go on, or `None` at the end.
    pub next: Option<ReportId>,
}

/// A wish to see to a report.
#[derive(Debug, Clone)]
pub struct TakeReport {
    /// Who will, authenticated.
    pub by: UserId,
    /// An admin takes over what another has taken.
    pub role: Role,
    /// Which report.
    pub report: ReportId,
    /// When.
    pub now: Millis,
}

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
}

impl DeedKind {
    /// Each kind.
    pub const ALL: [Self; 6] =
        [Self::Take, Self::Dismiss, Self::Resolve, Self::Warn, Self::Suspend, Self::Unsuspend];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Dismiss => "dismiss",
            Self::Resolve => "resolve",
            Self::Warn => "warn",
            Self::Suspend => "suspend",
            Self::Unsuspend => "unsuspend",
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
    /// What was told to the user: a warning's text, a suspension's reason.
    pub text: Option<Arc<str>>,
    /// What the moderator noted.
    pub note: Option<Arc<str>>,
    /// SHA-256 over all of the above and the hash of the entry before it.
    pub hash: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_their_meanings_lead_to_each_other() {
        assert!(ReportState::ALL.iter().all(|it| ReportState::of(it.name()) == Some(*it)));
        assert!(DeedKind::ALL.iter().all(|it| DeedKind::of(it.name()) == Some(*it)));
        assert_eq!((ReportState::of("Open"), DeedKind::of("")), (None, None));
    }

    #[test]
    fn only_known_roles_give_rights() {
        assert!(Role::of("moderator").moderates() && Role::of("admin").moderates());
        for name in ["", "user", "Admin", "moderators", "admin "] {
            assert!(!Role::of(name).moderates(), "{name}");
        }
    }

    #[test]
    fn a_report_id_is_a_number_that_can_be_given_out() {
        assert_eq!(ReportId::parse("17"), Ok(ReportId(17)));
        for text in ["", "0", "-1", "1.0", "x", "9007199254740992", "99999999999999999999"] {
            assert!(ReportId::parse(text).is_err() && NoticeId::parse(text).is_err(), "{text}");
        }
    }
}
