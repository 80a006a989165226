//! Reports: what is brought before the moderators, by whom, and how far it is.

use std::sync::Arc;

use super::{DeedKind, ReportId, Role};
use crate::entry::{Content, Millis};
use crate::ids::{ClientId, ConversationId, Seq, UserId};

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
