//! Brings the log into the index of words, behind the commits, in slices of the writer's time.
//!
//! What is committed is gathered for a moment, since each slice has a commit of its own. While there is
//! much to write, indexing takes a tenth of the writer's time, and else half of it; a log that was there
//! before its index comes in the same way. [`IndexPace`] may give it the whole. A search looks through what is not in the index yet, so
//! nobody waits for this.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension};

use super::config::{Config, IndexPace};
use super::message_state::At;
use super::names::Names;
use super::rows::{self, Failure};
use super::word_index::{self, Next, Untaken};
use super::{Shared, health};

/// So many need no more gathering.
const GATHERED_ENTRIES: usize = 256;

/// How long a slice is, and how long the writer then does without.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// How long a slice works before it commits.
    slice: Duration,
    /// Entries that one slice looks at, at most.
    entries_max: usize,
    /// How often longer than a slice the pause behind it is.
    pause_idle: u32,
    /// The same while others write.
    pause_busy: u32,
    /// The shortest pause.
    pause_min: Duration,
}

impl Pace {
    const BESIDE: Self = Self {
        slice: Duration::from_millis(5),
        entries_max: 1_024,
        pause_idle: 1,
        pause_busy: 9,
        pause_min: Duration::from_millis(10),
    };
    const WHOLE: Self = Self {
        slice: Duration::from_secs(1),
        entries_max: usize::MAX,
        pause_idle: 0,
        pause_busy: 9,
        pause_min: Duration::ZERO,
    };
}

impl From<IndexPace> for Pace {
    fn from(pace: IndexPace) -> Self {
        match pace {
            IndexPace::Beside => Self::BESIDE,
            IndexPace::Whole => Self::WHOLE,
        }
    }
}

/// So many entries to come are worth a line in the log.
const TOLD_ENTRIES: i64 = 10_000;

/// Whether others want the writer's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    Idle,
    Busy,
}

/// How far the index is, and when it goes on.
#[derive(Debug)]
pub(crate) struct Indexing {
    is_wanted: bool,
    pace: Pace,
    /// How long new entries are gathered, at most.
    gathering: Duration,
    /// The log is in the index up to here; `None` until it was read.
    up_to: Option<i64>,
    /// An entry that could not be read, and is stepped over once all before it is in.
    unreadable: Option<i64>,
    /// Entries since the last slice.
    gathered: usize,
    /// When the next slice is due; `None` while there is nothing to do.
    next: Option<Instant>,
    /// Not before this.
    rested: Instant,
    is_told: bool,
}

impl Indexing {
    pub(crate) fn new(conn: &mut Connection, config: &Config) -> Result<Self, rusqlite::Error> {
        word_index::prepare(conn, config.search)?;
        let now = Instant::now();
        Ok(Self {
            is_wanted: config.search,
            pace: config.index_pace.into(),
            gathering: Duration::from_millis(config.index_gather_ms),
            up_to: None,
            unreadable: None,
            gathered: 0,
            next: config.search.then_some(now),
            rested: now,
            is_told: false,
        })
    }

    /// Hears of new entries.
    pub(crate) fn appended(&mut self, entries: usize) {
        if !self.is_wanted || entries == 0 {
            return;
        }
        self.gathered += entries;
        let now = Instant::now();
        let wait = if self.gathered < GATHERED_ENTRIES { self.gathering } else { Duration::ZERO };
        let due = (now + wait).max(self.rested);
        self.next = Some(self.next.map_or(due, |next| next.min(due)));
    }

    /// How long the writer may wait for commands before the next slice is due.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    /// Whether a slice is due.
    pub(crate) fn is_due(&self) -> bool {
        self.patience().is_some_and(|left| left.is_zero())
    }

    /// One slice.
    pub(crate) fn slice(
        &mut self,
        conn: &Connection,
        names: &mut Names,
        shared: &Shared,
        demand: Demand,
    ) -> Result<(), rusqlite::Error> {
        let began = Instant::now();
        let _gate = shared.gate.read();
        let start = match self.up_to {
            Some(up_to) => up_to,
            None => word_index::up_to(conn)?,
        };
        let head = rows::head_position(conn)?;
        self.tell(start, head);
        let reached = match start < head {
            true => self.advance(conn, names, start, began)?,
            false => start,
        };
        self.tell(reached, head);
        self.up_to = Some(reached);
        self.gathered = 0;
        shared.counters.indexed.store(u64::try_from(reached).unwrap_or(0), Ordering::Relaxed);
        let took = began.elapsed();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        shared.counters.index_slice_micros_max.fetch_max(micros, Ordering::Relaxed);
        self.rest(took, reached < head, demand);
        Ok(())
    }

    /// A transaction that takes entries in for a slice's time; gives the position that was reached.
    fn advance(
        &mut self,
        conn: &Connection,
        names: &mut Names,
        start: i64,
        began: Instant,
    ) -> Result<i64, rusqlite::Error> {
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
        // Merging leaves pages free, with words of messages that may be deleted later.
        conn.pragma_update(None, "secure_delete", true)?;
        let until = self.unreadable.unwrap_or(i64::MAX);
        let taken = match start + 1 < until {
            true => self.take_some(conn, names, start..until, began),
            false => {
                self.unreadable = None;
                Ok(until.max(start))
            }
        };
        let outcome = match taken {
            Ok(reached) => word_index::reached(conn, reached)
                .and_then(|()| word_index::flush(conn))
                .and_then(|()| conn.prepare_cached("COMMIT")?.execute(()))
                .map(|_| reached),
            Err(Stopped::At(position, error)) if health::is_damage(&error) => {
                // After damage the engine commits nothing: what is before it comes again, alone.
                tracing::warn!(position, %error, "an entry that cannot be read is not indexed");
                self.unreadable = Some(position);
                names.forget();
                conn.execute_batch("ROLLBACK").map(|()| start)
            }
            Err(Stopped::At(_, error) | Stopped::Index(error)) => Err(error),
        };
        conn.pragma_update(None, "secure_delete", "FAST")?;
        outcome
    }

    /// Takes in entries after one position and before another, for a slice's time.
    fn take_some(
        &self,
        conn: &Connection,
        names: &mut Names,
        between: Range<i64>,
        began: Instant,
    ) -> Result<i64, Stopped> {
        let mut reached = between.start;
        let sql = "SELECT pos, conversation, seq, kind, about FROM entry \
                   WHERE pos > ?1 AND pos < ?2 ORDER BY pos LIMIT 1";
        for _ in 0..self.pace.entries_max {
            let next = conn.prepare_cached(sql).and_then(|mut statement| {
                let next = statement.query_row([reached, between.end], |row| {
                    let at = At { conversation: row.get(1)?, seq: row.get(2)? };
                    Ok(Next { position: row.get(0)?, at, kind: row.get(3)?, about: row.get(4)? })
                });
                next.optional()
            });
            let next = match next {
                Ok(Some(next)) => next,
                Ok(None) if between.end == i64::MAX => break,
                // What was there is gone.
                Ok(None) => return Ok(between.end - 1),
                Err(error) => return Err(Stopped::At(reached + 1, error)),
            };
            match word_index::take(conn, names, &next) {
                // One that is not as it was written is told of where it is read; nobody finds it.
                Ok(()) | Err(Untaken::Entry(Failure::Refused(_))) => {}
                Err(Untaken::Entry(Failure::Engine(error))) => {
                    return Err(Stopped::At(next.position, error));
                }
                Err(Untaken::Index(error)) => return Err(Stopped::Index(error)),
            }
            reached = next.position;
            if began.elapsed() >= self.pace.slice {
                break;
            }
        }
        Ok(reached)
    }

    fn rest(&mut self, took: Duration, is_more: bool, demand: Demand) {
        let pause = match demand {
            Demand::Idle => took * self.pace.pause_idle,
            Demand::Busy => took * self.pace.pause_busy,
        };
        self.rested = Instant::now() + pause.max(self.pace.pause_min);
        self.next = is_more.then_some(self.rested);
    }

    fn tell(&mut self, reached: i64, head: i64) {
        if head - reached >= TOLD_ENTRIES && !self.is_told {
            tracing::info!(reached, head, "the index of words is being made");
            self.is_told = true;
        } else if reached == head && self.is_told {
            tracing::info!(reached, "the index of words is complete");
            self.is_told = false;
        }
    }

    /// Takes a slice back.
    pub(crate) fn forget(&mut self) {
        self.up_to = None;
        self.next = self.is_wanted.then(|| Instant::now() + self.gathering);
    }

    /// Whether there is an index that is kept up.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// Begins anew, with an index that was emptied.
    pub(crate) fn start_anew(&mut self) {
        (self.up_to, self.unreadable, self.is_told) = (None, None, false);
        self.next = self.is_wanted.then(Instant::now);
    }

    /// Indexes nothing more until the store is opened again: the index is damaged, and stays so.
    pub(crate) fn give_up(&mut self) {
        self.is_wanted = false;
        self.next = None;
    }
}

/// Where a slice could not go on.
enum Stopped {
    /// This entry cannot be read.
    At(i64, rusqlite::Error),
    /// The index cannot be written.
    Index(rusqlite::Error),
}
