//! Takes the contents of messages that have ended out of the file, a few at a time.
//!
//! That they have ended is known from their rows alone, so no read gives them, whether or not this
//! has come by. Each row is written anew without its content, as a deletion does it, but with its own
//! seq for that of the entry that deleted it; so the message and each of its edits go by themselves,
//! and it does no harm if a crash comes in between.

use std::collections::HashSet;
use std::time::Instant;

use parlor_chat::entry::Millis;
use parlor_chat::store::StoreError;
use rusqlite::Connection;

use super::acts::{self, Emptied};
use super::body;
use super::message_state::{self, At};
use super::names::{Names, entry_columns};
use super::rows::{self, Failure, bound};
use super::word_index;
use crate::kept::clock::Clock;

/// Damaged rows that are passed over; at one more nothing is taken out until the store is opened again.
const DAMAGED_MAX: usize = 1_024;

/// Where it stands.
#[derive(Debug)]
pub(crate) struct Expiry {
    names: Names,
    /// When the next content ends, as far as is known.
    due: Option<Millis>,
    next: Option<Option<Millis>>,
    /// Positions of rows that are not what was written.
    damaged: HashSet<i64>,
}

/// A row whose content has ended, and its place if it is a message's.
#[derive(Debug)]
struct Ended {
    row: Emptied,
    message: Option<At>,
}

/// What a step did.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// How many contents it took out.
    pub(crate) emptied: u64,
    /// What it found damaged, and passed over.
    pub(crate) damage: Vec<String>,
}

impl Expiry {
    pub(crate) fn new(conn: &Connection, clock: Clock) -> Result<Self, rusqlite::Error> {
        let due = first_after(conn, Millis(0))?;
        Ok(Self { names: Names::new(None, clock), due, next: None, damaged: HashSet::new() })
    }

    /// When there is something to do, as far as is known.
    pub(crate) fn due(&self) -> Option<Millis> {
        self.due
    }

    /// Hears that the content of a new entry will end.
    pub(crate) fn appended(&mut self, expires: Millis) {
        if self.damaged.len() <= DAMAGED_MAX {
            self.due = Some(self.due.map_or(expires, |due| due.min(expires)));
        }
    }

    /// One step within a transaction: takes up to `entries_max` contents out, until a deadline. `words`
    /// opens them once more for the index of words, which has to have a message and its edits whole:
    /// a message goes before its edits.
    pub(crate) fn step(
        &mut self,
        conn: &Connection,
        words: &mut Names,
        now: Millis,
        entries_max: usize,
        deadline: Instant,
    ) -> Result<Step, rusqlite::Error> {
        let mut step = Step::default();
        if self.due.is_none_or(|due| now < due) {
            return Ok(step);
        }
        let limit = entries_max + self.damaged.len();
        let (found, is_whole) = self.ended(conn, now, limit, deadline, &mut step)?;
        let messages: Vec<At> = found.iter().filter_map(|ended| ended.message).collect();
        word_index::forget_wholly(conn, words, &messages)?;
        acts::empty(conn, &found.iter().map(|ended| ended.row).collect::<Vec<_>>())?;
        for message in messages {
            message_state::delete(conn, message)?;
        }
        step.emptied = found.len() as u64;
        let due = match is_whole {
            _ if self.damaged.len() > DAMAGED_MAX => {
                step.damage.push("messages that end are taken out no more".into());
                None
            }
            true => first_after(conn, now)?,
            false => Some(now),
        };
        self.next = Some(due);
        Ok(step)
    }

    /// Rows whose contents have ended, and whether these are all.
    fn ended(
        &mut self,
        conn: &Connection,
        now: Millis,
        limit: usize,
        deadline: Instant,
        step: &mut Step,
    ) -> Result<(Vec<Ended>, bool), rusqlite::Error> {
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.expires IS NOT NULL AND e.gone IS NULL AND e.expires <= ?1 \
             ORDER BY e.expires, e.pos LIMIT ?2"
        );
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([bound(now.0), bound(limit as u64)])?;
        let (mut found, mut looked_at) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            looked_at += 1;
            let (position, conversation): (i64, i64) = (row.get(0)?, row.get(1)?);
            if self.damaged.contains(&position) {
                continue;
            }
            let checked = self.names.thread(conn, conversation);
            let checked = match &checked {
                Ok(thread) => self.names.checked(conn, thread, row),
                Err(_) => Err(rows::corrupt(format!("conversation {conversation}")).into()),
            };
            match checked {
                Ok(checked) => {
                    let at = At { conversation, seq: checked.facts.seq };
                    let message =
                        matches!(checked.facts.kind, body::SAID | body::SHADOWED).then_some(at);
                    found.push(Ended { row: Emptied::of(checked.facts, at.seq), message });
                }
                Err(Failure::Engine(error)) => return Err(error),
                Err(Failure::Refused(error)) => {
                    self.damaged.insert(position);
                    let what = match error {
                        StoreError::Corrupt { what } => what.to_string(),
                        error => error.to_string(),
                    };
                    step.damage.push(what);
                }
            }
            if Instant::now() >= deadline {
                return Ok((found, false));
            }
        }
        Ok((found, looked_at < limit))
    }

    /// Takes the step for done.
    pub(crate) fn committed(&mut self) {
        if let Some(due) = self.next.take() {
            self.due = due;
        }
    }

    /// Takes it back.
    pub(crate) fn forget(&mut self) {
        self.next = None;
        self.names.forget();
    }

    /// Takes nothing more out until the store is opened again.
    pub(crate) fn give_up(&mut self) {
        self.forget();
        self.due = None;
    }
}

/// When the first content ends after a time.
fn first_after(conn: &Connection, time: Millis) -> Result<Option<Millis>, rusqlite::Error> {
    let sql = "SELECT min(expires) FROM entry \
               WHERE expires IS NOT NULL AND gone IS NULL AND expires > ?1";
    let first: Option<i64> =
        conn.prepare_cached(sql)?.query_row([bound(time.0)], |row| row.get(0))?;
    Ok(first.map(|first| Millis(rows::nat(first).unwrap_or(0))))
}
