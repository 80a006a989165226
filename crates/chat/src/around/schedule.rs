//! Messages that are to be said later: records of their user's until they are due, then messages like
//! any.
//!
//! What is to be said is the record's value; the backend looks into it as little as into any, and
//! keeps beside it when it is due. Whoever drives it asks what is due, makes a [`Say`] of each, and
//! has it fired: the message comes into the log and the record goes in one commit, which only takes
//! place if the record is still what it was. So nothing is said twice, whenever the process ends. A
//! refusal of the moment is written into the record by whoever drives it, which is then due no more.

use crate::entry::Millis;
use crate::ids::UserId;
use crate::limits::{DAY_MS, Limits};
use crate::own::{OwnKey, OwnRecord, OwnValue};
use crate::refusal::Refusal;
use crate::store::{Appended, Origin};

use super::port::Say;

/// How far back the time of a message that is to be said later may lie, in milliseconds: a client
/// that was cut off tries again with the time it had.
pub const SEND_AT_BACK_MAX_MS: u64 = DAY_MS;

/// Whether a message may be said at that time.
///
/// # Errors
/// [`Refusal::InvalidArgument`].
pub fn may_be_said_at(at: Millis, now: Millis, limits: &Limits) -> Result<(), Refusal> {
    let days = limits.schedule_ahead_days_max;
    if at.0 < now.0.saturating_sub(SEND_AT_BACK_MAX_MS) {
        return Err(Refusal::invalid("sendAt", "must be a time to come, in milliseconds"));
    }
    if at.0 > now.0.saturating_add(u64::from(days) * DAY_MS) {
        return Err(Refusal::invalid("sendAt", format!("must lie at most {days} days ahead")));
    }
    Ok(())
}

/// What has to hold for a change of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// There never was one.
    New,
    /// There is one.
    There,
    /// There is one that last changed then.
    At(Millis),
}

/// A wish to put, change or remove a message that is to be said later.
#[derive(Debug, Clone)]
pub struct ChangeSchedule {
    /// Whose, authenticated.
    pub user: UserId,
    /// Which.
    pub id: OwnKey,
    /// What has to hold, or else nothing is changed.
    pub expected: Expected,
    /// What it is to be; `None` to remove it.
    pub scheduled: Option<Scheduled>,
    /// How many the user may have. The oldest that is due no more makes room for a new one.
    pub records_max: usize,
    /// When.
    pub now: Millis,
    /// Passed on to [`crate::own::OwnCommitted::origin`].
    pub origin: Origin,
}

/// A message that is to be said later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// What.
    pub value: OwnValue,
    /// When; `None` of one that could not be said.
    pub due: Option<Millis>,
}

/// What became of a [`ChangeSchedule`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleChanged {
    /// It is so from now on.
    Done(OwnRecord),
    /// What should be new is there.
    Exists(OwnRecord),
    /// What should be new was there, and was said or removed. It is remembered for as long as other
    /// removed records.
    WasThere,
    /// It has changed since.
    Superseded,
}

/// A message that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMessage {
    /// Whose.
    pub user: UserId,
    /// The record.
    pub record: OwnRecord,
    /// Since when it is due.
    pub due: Millis,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DuePage {
    /// The messages, the one that was due first first. Perhaps fewer than asked for, but not none.
    pub messages: Vec<DueMessage>,
    /// When the next one is due, if these are all.
    pub next: Option<Millis>,
}

/// A message that is due, to be said now.
#[derive(Debug, Clone)]
pub struct Fire {
    /// Which.
    pub id: OwnKey,
    /// When its record last changed.
    pub at: Millis,
    /// What is said, by whose record it is. It has an idempotency key, which is always the same.
    pub say: Say,
}

/// What became of a [`Fire`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fired {
    /// It is in the log, and its record is gone.
    Said(Appended),
    /// Its record has changed since, or is gone: nothing was done.
    Superseded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_at_their_bounds() {
        let limits = Limits { schedule_ahead_days_max: 2, ..Limits::default() };
        let now = Millis(10 * DAY_MS);
        let said = |at| may_be_said_at(Millis(at), now, &limits);
        for good in [9 * DAY_MS, now.0, now.0 + 1, 12 * DAY_MS] {
            assert_eq!(said(good), Ok(()), "{good}");
        }
        for bad in [0, 9 * DAY_MS - 1, 12 * DAY_MS + 1, u64::MAX] {
            assert!(said(bad).is_err(), "{bad}");
        }
    }
}
