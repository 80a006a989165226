//! What the writer does between batches: taking out contents that have ended, removing entries for
//! their age, giving pages back.
//!
//! It comes in slices, each a transaction of its own. A send that arrives at the worst moment waits
//! for one slice: [`SLICE_WORK`] and the slice's own commit. A slice that took too long all the
//! same, on a slow disk, halves the next ones; and after each the writer is left alone for as long
//! as the slice took, and at least [`PAUSE_MIN`].

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parlor_chat::entry::Millis;
use rusqlite::Connection;

use super::Shared;
use super::config::Config;
use super::expiry::Expiry;
use super::names::Names;
use super::retention::Retention;
use super::vacuum;
use crate::kept::clock::Clock;

/// How long a slice works before it commits.
const SLICE_WORK: Duration = Duration::from_millis(5);

/// A slice that took longer than this with its commit is followed by smaller ones.
const SLICE_WHOLE: Duration = Duration::from_millis(20);

/// Entries that one slice looks at, at most and at least.
const SLICE_ENTRIES_MAX: usize = 512;
const SLICE_ENTRIES_MIN: usize = 16;

/// The shortest time between two slices.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// How often it is looked whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What is to be done, and when.
#[derive(Debug)]
pub(crate) struct Upkeep {
    pub(crate) retention: Retention,
    pub(crate) expiry: Expiry,
    vacuum_wanted: bool,
    entries_max: usize,
    next: Instant,
}

impl Upkeep {
    pub(crate) fn new(conn: &Connection, config: &Config) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            retention: Retention::new(config.retention_ms),
            expiry: Expiry::new(conn, config.clock)?,
            vacuum_wanted: vacuum::is_wanted(conn)?,
            entries_max: SLICE_ENTRIES_MAX,
            next: Instant::now(),
        })
    }

    /// Hears of new entries: the earliest time of one, and the first at which a content ends.
    pub(crate) fn appended(&mut self, ts: Millis, expires: Option<Millis>, clock: Clock) {
        self.retention.appended(ts);
        if self.retention.due().is_some_and(|due| due <= clock.now()) {
            self.next = self.next.min(Instant::now() + PAUSE_MIN);
        }
        if let Some(expires) = expires {
            self.expiry.appended(expires);
            self.next = self.next.min(Instant::now() + self.until_due(clock.now()));
        }
    }

    /// How long the writer may wait for commands before the next slice is due.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let something = self.due().is_some() || self.vacuum_wanted;
        something.then(|| self.next.saturating_duration_since(Instant::now()))
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
    ) -> Result<(), rusqlite::Error> {
        let now = shared.config.clock.now();
        let began = Instant::now();
        if !self.vacuum_wanted && self.due().is_none_or(|due| now < due) {
            self.next = began + self.until_due(now);
            return Ok(());
        }
        let _gate = shared.gate.read();
        let deadline = began + SLICE_WORK;
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
        let ended = self.expiry.step(conn, names, now, self.entries_max, deadline)?;
        let removed = self.retention.step(conn, names, now, self.entries_max, deadline)?;
        self.vacuum_wanted = vacuum::step(conn, deadline)?;
        conn.prepare_cached("COMMIT")?.execute(())?;
        self.retention.committed();
        self.expiry.committed();
        ended.damage.iter().for_each(|what| shared.met_damage(what));
        let took = began.elapsed();
        shared.counters.add(|c| &c.removed, removed);
        shared.counters.add(|c| &c.expired, ended.emptied);
        shared.counters.upkept(took);
        if took > SLICE_WHOLE {
            self.entries_max = (self.entries_max / 2).max(SLICE_ENTRIES_MIN);
        } else if took < SLICE_WHOLE / 2 {
            self.entries_max = (self.entries_max + 8).min(SLICE_ENTRIES_MAX);
        }
        let more = self.vacuum_wanted || self.due().is_some_and(|due| due <= now);
        let pause = if more { took.max(PAUSE_MIN) } else { self.until_due(now) };
        self.next = Instant::now() + pause;
        Ok(())
    }

    /// Gives up what is damaged.
    pub(crate) fn give_up(&mut self) {
        self.retention.give_up();
        self.expiry.give_up();
        self.vacuum_wanted = false;
    }

    /// When there is something to do, but for pages.
    fn due(&self) -> Option<Millis> {
        self.retention.due().into_iter().chain(self.expiry.due()).min()
    }

    /// Takes a slice back.
    pub(crate) fn forget(&mut self) {
        self.retention.forget();
        self.expiry.forget();
    }

    fn until_due(&self, now: Millis) -> Duration {
        let due = self.due().map_or(u64::MAX, |due| due.0.saturating_sub(now.0));
        Duration::from_millis(due).clamp(PAUSE_MIN, LOOK_EVERY)
    }
}

impl crate::kept::stats::Counters {
    fn upkept(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.slices.fetch_add(1, Ordering::Relaxed);
        self.slice_micros_max.fetch_max(micros, Ordering::Relaxed);
    }
}
