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

use crate::entry::Millis;
use crate::ids::{ConversationId, InvalidId, Seq, UserId};
use crate::store::Pending;

mod reports;

mod deeds;

pub use deeds::{
    Act, Acted, AuditPage, AuditQuery, Audited, Cause, Deed, DeedKind, Done, Notice, Suspension,
};
pub use reports::{
    Filed, NewReport, Report, ReportState, Reporter, ReportsPage, ReportsQuery, TakeReport, Target,
};

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
