//! The one thread that writes.
//!
//! It takes what is queued, carries it out in one transaction, commits (with an fsync, unless
//! the config relaxes that), tells the sink, and then answers. If the engine fails anywhere on
//! the way, the transaction is rolled back, its caches are dropped, and everything of the batch
//! and everything queued behind it is answered `Unavailable`, so that nothing overtakes what
//! failed. While the store is ill nothing is carried out; where that may pass, it probes.
//!
//! A batch that meets damaged pages or rows is rolled back, since the engine commits nothing after
//! that. The commands before the one that met it are carried out again and committed, that one is
//! refused, and those behind it go on: each is carried out twice at most.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parlor_chat::around::schedule::Fired;
use parlor_chat::entry::Millis;
use parlor_chat::own::OwnCommitted;
use parlor_chat::store::{Appended, Authority, CommitSink, Committed, Marked, Origin, StoreError};
use parlor_chat::trace::Took;
use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use super::Shared;
use super::blocks;
use super::checkpoint::Wake;
use super::command::Command;
use super::commands::{AppendDone, Executor, Turn};
use super::devices;
use super::health::{self, Lasting};
use super::indexing::{Demand, Indexing};
use super::life::Life;
use super::mark_blocks::Blocks;
use super::own;
use super::people;
use super::queue::Taken;
use super::rows::Failure;
use super::suspensions;
use super::sweep::Sweep;
use super::tokens;
use super::upkeep::Upkeep;
use super::word_index;
use crate::kept::traces;

pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) life: Life,
    pub(crate) shared: Arc<Shared>,
    pub(crate) sink: Arc<dyn CommitSink>,
    pub(crate) sweep: Sweep,
    pub(crate) upkeep: Upkeep,
    pub(crate) indexing: Indexing,
    pub(crate) checkpointer: Wake,
    pub(crate) executor: Executor,
}

/// How long devices that connect wait for others to share their commit.
const ATTACH_GATHERING: Duration = Duration::from_millis(1);
/// How often an ill store is probed.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// What a batch did, besides what its commands are told.
#[derive(Default)]
struct Work {
    /// The time of the latest wish.
    now: Millis,
    committed: Vec<Committed>,
    own: Vec<OwnCommitted>,
    repeats: u64,
    /// Blocks of watermarks written.
    blocks: u64,
    /// What the commit took, once there was one.
    took: Option<Took>,
}

impl Work {
    /// Notes an append that was carried out; gives its answer.
    fn appended(&mut self, done: AppendDone, origin: Origin) -> Appended {
        match done.entry {
            Some(entry) => self.committed.push(Committed { entry, origin }),
            None => self.repeats += 1,
        }
        self.own.extend(done.own);
        done.appended
    }
}

/// Where a transaction could not go on.
struct Stopped {
    at: At,
    error: rusqlite::Error,
}

/// A place in a transaction.
enum At {
    /// This command of the batch.
    Command(usize),
    /// This watermark of this command.
    Mark(usize, usize),
    Sweep,
    /// Its begin or its commit.
    Whole,
}

/// Ends the store's promises if the writer ends by a panic.
struct Guard(Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.health.fail("the writer panicked", Lasting::UntilRestart);
        }
        self.0.writes.close();
        drop(self.0.writes.drain());
    }
}

impl Writer {
    /// Writes until the queue is closed and empty; then gives the connection back.
    pub(crate) fn run(mut self) -> (Connection, Life) {
        let _guard = Guard(self.shared.clone());
        loop {
            let shared = &self.shared;
            let timeout = match shared.health.check() {
                Ok(()) => soonest(self.upkeep.patience(), self.indexing.patience()),
                Err(_) => shared.health.can_heal().then_some(PROBE_EVERY),
            };
            let commands_max = shared.config.batch_commands_max;
            match shared.writes.take(commands_max, shared.config.batch_bytes_max, timeout) {
                Taken::Closed => break,
                Taken::TimedOut if shared.health.check().is_ok() => self.keep_up(Demand::Idle),
                Taken::TimedOut => self.probe(),
                Taken::Items(batch) => match self.shared.health.check() {
                    Ok(()) => {
                        let batch = self.gather(batch);
                        self.batch(batch);
                        self.keep_up(Demand::Busy);
                    }
                    Err(error) => batch.into_iter().for_each(|command| command.fail(error.clone())),
                },
            }
        }
        (self.conn, self.life)
    }

    /// New devices alone are worth no fsync each: in a storm of connects a moment's patience
    /// spares most of the commits. Messages are never waited with, only for such a moment.
    fn gather(&self, mut batch: Vec<Command>) -> Vec<Command> {
        let shared = &self.shared;
        if batch.iter().all(|command| matches!(command, Command::Attach(..))) {
            std::thread::park_timeout(ATTACH_GATHERING);
            let left = shared.config.batch_commands_max.saturating_sub(batch.len());
            batch.extend(shared.writes.take_now(left, shared.config.batch_bytes_max));
        }
        batch
    }

    /// Carries out a batch, stepping over the commands that meet damage.
    fn batch(&mut self, mut batch: Vec<Command>) {
        while !batch.is_empty() {
            let Stopped { at, error } = match self.attempt(&mut batch) {
                Ok(work) => return self.committed(work, batch),
                Err(stopped) => stopped,
            };
            self.roll_back();
            if !health::is_damage(&error) {
                return self.failed(&error, batch);
            }
            if word_index::is_damage(&error) {
                if self.empty_index(&error) {
                    continue;
                }
                if let Err(error) = self.shared.health.check() {
                    return batch.into_iter().for_each(|command| command.fail(error.clone()));
                }
            }
            match at {
                At::Whole => return self.failed(&error, batch),
                At::Sweep => {
                    let what = format!("idempotency keys are forgotten no more: {error}");
                    self.shared.met_damage(&what);
                    self.sweep.give_up();
                }
                At::Command(at) => {
                    let mut behind = batch.split_off(at);
                    self.batch(batch);
                    let mut command = behind.remove(0);
                    command.refuse(command.subject().failed(&error));
                    command.answer(&self.shared);
                    batch = behind;
                }
                At::Mark(at, mark) => {
                    let mut behind = batch.split_off(at);
                    self.batch(batch);
                    behind[0].step_over(mark, &error, &self.shared);
                    batch = behind;
                }
            }
            // Carrying out what came before may have failed, and nothing may overtake that.
            if let Err(error) = self.shared.health.check() {
                return batch.into_iter().for_each(|command| command.fail(error.clone()));
            }
        }
    }

    fn attempt(&mut self, batch: &mut [Command]) -> Result<Work, Stopped> {
        let shared = self.shared.clone();
        let _gate = shared.gate.read();
        let started = Instant::now();
        let mut work = self.transaction(batch)?;
        work.took = Some(traces::took(started, batch.len()));
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        shared.counters.committed(micros, batch.len() as u64);
        Ok(work)
    }

    fn committed(&mut self, work: Work, batch: Vec<Command>) {
        let shared = &self.shared;
        if let Some(oldest) = work.committed.iter().map(|new| new.entry.ts).min() {
            let expires = work.committed.iter().filter_map(|new| new.entry.expires).min();
            self.upkeep.appended(oldest, expires, shared.config.clock);
        }
        self.indexing.appended(work.committed.len());
        shared.counters.add(|c| &c.entries, work.committed.len() as u64);
        shared.counters.add(|c| &c.repeats, work.repeats);
        shared.counters.add(|c| &c.mark_blocks, work.blocks);
        let traced = traces::traced(&work.committed, &work.own);
        if let Some(took) = work.took.filter(|_| !traced.is_empty()) {
            self.sink.took(&traced, &took);
        }
        if let Some(last) = work.committed.last() {
            shared.position.store(last.entry.position.0, Ordering::Release);
            self.sink.committed(&work.committed);
        }
        if !work.own.is_empty() {
            self.sink.own_changed(&work.own);
        }
        batch.into_iter().for_each(|command| command.answer(shared));
        self.note_wal();
    }

    fn transaction(&mut self, batch: &mut [Command]) -> Result<Work, Stopped> {
        let whole = |error| Stopped { at: At::Whole, error };
        let mut work = Work::default();
        let begin = |conn: &Connection| conn.prepare_cached("BEGIN IMMEDIATE")?.execute(());
        begin(&self.conn).map_err(whole)?;
        for (at, command) in batch.iter_mut().enumerate() {
            self.carry_out(at, command, &mut work)?;
        }
        self.sweep
            .step(&self.conn, work.now, work.committed.len())
            .map_err(|error| Stopped { at: At::Sweep, error })?;
        let commit = |conn: &Connection| conn.prepare_cached("COMMIT")?.execute(());
        commit(&self.conn).map_err(whole)?;
        self.sweep.committed();
        Ok(work)
    }

    /// Carries out one command and notes what it is to be told.
    fn carry_out(
        &mut self,
        at: usize,
        command: &mut Command,
        work: &mut Work,
    ) -> Result<(), Stopped> {
        let stopped = |error| Stopped { at: At::Command(at), error };
        let (conn, executor) = (&self.conn, &mut self.executor);
        let life = &self.life;
        match command {
            Command::Append(append, screening, reply) => {
                work.now = work.now.max(append.now);
                let superseded = self.upkeep.retention.considered(conn).map_err(stopped)?;
                let moderated = self.shared.moderated.load(Ordering::Acquire);
                let turn = Turn { life, superseded, moderated };
                let outcome = executor.append(conn, &turn, append, None, screening.as_deref());
                let outcome = told(outcome).map_err(stopped)?;
                reply.decide(outcome.map(|done| work.appended(done, append.origin)));
            }
            Command::Say(say, reply) => {
                let append = &say.append;
                work.now = work.now.max(append.now);
                let superseded = self.upkeep.retention.considered(conn).map_err(stopped)?;
                let moderated = self.shared.moderated.load(Ordering::Acquire);
                let turn = Turn { life, superseded, moderated };
                let screening = say.screening.as_ref();
                let outcome = executor.append(conn, &turn, append, Some(say), screening);
                let outcome = told(outcome).map_err(stopped)?;
                reply.decide(outcome.map(|done| work.appended(done, append.origin)));
            }
            Command::Message(change, reply) => {
                work.now = work.now.max(change.now);
                let superseded = self.upkeep.retention.considered(conn).map_err(stopped)?;
                let moderated = self.shared.moderated.load(Ordering::Acquire);
                let turn = Turn { life, superseded, moderated };
                let outcome = executor.change_message(conn, &turn, change);
                reply.decide(told(outcome).map_err(stopped)?.map(|done| {
                    work.committed.extend(done.committed);
                    done.changed
                }));
            }
            Command::Timer(change, reply) => {
                work.now = work.now.max(change.now);
                let superseded = self.upkeep.retention.considered(conn).map_err(stopped)?;
                let moderated = self.shared.moderated.load(Ordering::Acquire);
                let turn = Turn { life, superseded, moderated };
                let outcome = executor.set_timer(conn, &turn, change);
                reply.decide(told(outcome).map_err(stopped)?.map(|done| {
                    work.committed.extend(done.committed);
                    done.changed
                }));
            }
            Command::Schedule(change, reply) => {
                let outcome = told(executor.change_schedule(conn, change)).map_err(stopped)?;
                reply.decide(outcome.map(|(changed, told)| {
                    work.own.extend(told);
                    changed
                }));
            }
            Command::Fire(fire, reply) => {
                work.now = work.now.max(fire.say.append.now);
                let superseded = self.upkeep.retention.considered(conn).map_err(stopped)?;
                let moderated = self.shared.moderated.load(Ordering::Acquire);
                let turn = Turn { life, superseded, moderated };
                let outcome = told(executor.fire(conn, &turn, fire)).map_err(stopped)?;
                reply.decide(outcome.map(|done| match done {
                    None => Fired::Superseded,
                    Some(done) => {
                        work.own.push(done.removed);
                        Fired::Said(work.appended(done.append, fire.say.append.origin))
                    }
                }));
            }
            Command::Mark(marks, reply) => {
                let mut marked = Vec::with_capacity(marks.wishes.len());
                let mut blocks = Blocks::default();
                for (place, mark) in marks.wishes.iter().enumerate() {
                    if marks.damaged.contains(&place) {
                        marked.push(Marked::NotFound);
                        continue;
                    }
                    let stopped = |error| Stopped { at: At::Mark(at, place), error };
                    marked.push(
                        match told(executor.mark(conn, mark, &mut blocks)).map_err(stopped)? {
                            Ok(Marked::NotFound) => Marked::NotFound,
                            Ok(marked) => {
                                match told(own::read(conn, mark)).map_err(stopped)? {
                                    Ok(removed) => work.own.extend(removed),
                                    Err(error) => self.shared.met_damage(&error.to_string()),
                                }
                                marked
                            }
                            Err(error) => {
                                self.shared.met_damage(&error.to_string());
                                Marked::NotFound
                            }
                        },
                    );
                }
                work.blocks += blocks.save(conn).map_err(stopped)?;
                reply.decide(Ok(marked));
            }
            Command::Attach(attach, reply) => {
                let outcome = match self.shared.moderated.load(Ordering::Acquire) {
                    true => suspensions::refuse(conn, &attach.user, attach.now),
                    false => Ok(()),
                };
                let outcome = outcome.and_then(|()| devices::attach(conn, attach));
                reply.decide(told(outcome).map_err(stopped)?);
            }
            Command::Revoke(user, device, now, reply) => {
                let outcome = devices::revoke(conn, user, device, *now);
                reply.decide(told(outcome).map_err(stopped)?);
            }
            Command::Moderate(write) => {
                write.carry_out(conn, executor, &self.shared).map_err(stopped)?;
            }
            Command::Group(change, reply) => {
                work.now = work.now.max(change.now);
                let superseded = self.upkeep.retention.considered(conn).map_err(stopped)?;
                let turn = Turn { life, superseded, moderated: false };
                let is_user = change.authority == Authority::User;
                let allowed = match is_user && self.shared.moderated.load(Ordering::Acquire) {
                    true => suspensions::refuse(conn, &change.by, change.now),
                    false => Ok(()),
                };
                let outcome = allowed.and_then(|()| executor.change_group(conn, &turn, change));
                let outcome = told(outcome).map_err(stopped)?;
                reply.decide(outcome.map(|done| {
                    work.committed.extend(done.committed);
                    done.changed
                }));
            }
            Command::Block(block, reply) => {
                reply.decide(told(blocks::change(conn, block)).map_err(stopped)?);
            }
            Command::Own(change, reply) => {
                let outcome = told(executor.change_own(conn, change)).map_err(stopped)?;
                reply.decide(outcome.map(|(done, changed)| {
                    if !changed.records.is_empty() {
                        work.own.push(changed);
                    }
                    done
                }));
            }
            Command::Profile(change, reply) => {
                reply.decide(told(people::change(conn, change)).map_err(stopped)?);
            }
            Command::RevokeTokens(user, not_before, reply) => {
                reply.decide(told(tokens::revoke(conn, user, *not_before)).map_err(stopped)?);
            }
        }
        Ok(())
    }

    /// Does what is due of upkeep and indexing, a slice of each.
    fn keep_up(&mut self, demand: Demand) {
        if self.upkeep.is_due() && self.shared.health.check().is_ok() {
            self.remove_and_vacuum();
        }
        if self.shared.index_damaged.swap(false, Ordering::AcqRel) {
            self.empty_index(&"a search met damage");
        }
        if self.indexing.is_due() && self.shared.health.check().is_ok() {
            self.index(demand);
        }
    }

    fn index(&mut self, demand: Demand) {
        let names = &mut self.executor.names;
        match self.indexing.slice(&self.conn, names, &self.shared, demand) {
            Ok(()) => return self.note_wal(),
            Err(error) if health::is_damage(&error) => {
                self.roll_back();
                let is_emptied = word_index::is_damage(&error) && self.empty_index(&error);
                if !is_emptied && self.shared.health.check().is_ok() {
                    self.shared.met_damage(&format!("nothing more is indexed: {error}"));
                    self.indexing.give_up();
                }
                return;
            }
            Err(error) => self.shared.health.fail(&error.to_string(), health::lasting(&error)),
        }
        self.roll_back();
    }

    /// Empties the index of words, which is damaged, so that it is made anew from the log; gives
    /// whether it could be. One whose own pages are damaged cannot, and is not tried again.
    fn empty_index(&mut self, why: &dyn std::fmt::Display) -> bool {
        if !self.indexing.is_wanted() || self.shared.health.check().is_err() {
            return false;
        }
        self.shared.met_damage(&format!("the index of words is made anew: {why}"));
        let shared = self.shared.clone();
        let _gate = shared.gate.read();
        let emptied = self.conn.execute_batch("BEGIN IMMEDIATE").and_then(|()| {
            word_index::empty(&self.conn)?;
            self.conn.execute_batch("COMMIT")
        });
        match emptied {
            Ok(()) => {
                self.shared.counters.indexed.store(0, Ordering::Relaxed);
                self.indexing.start_anew();
            }
            Err(ref error) => {
                tracing::error!(%error, "the index of words cannot be emptied");
                if health::is_damage(error) {
                    self.indexing.give_up();
                } else {
                    self.shared.health.fail(&error.to_string(), health::lasting(error));
                }
                self.roll_back();
            }
        }
        emptied.is_ok()
    }

    fn remove_and_vacuum(&mut self) {
        match self.upkeep.slice(&self.conn, &mut self.executor.names, &self.shared) {
            Ok(()) => return self.note_wal(),
            Err(error) if word_index::is_damage(&error) => {
                self.roll_back();
                if !self.empty_index(&error) && self.shared.health.check().is_ok() {
                    self.upkeep.give_up();
                }
                return;
            }
            Err(error) if health::is_damage(&error) => {
                self.shared.met_damage(&format!("old entries are removed no more: {error}"));
                self.upkeep.give_up();
            }
            Err(error) => self.shared.health.fail(&error.to_string(), health::lasting(&error)),
        }
        self.roll_back();
    }

    fn failed(&mut self, error: &rusqlite::Error, batch: Vec<Command>) {
        self.shared.health.fail(&error.to_string(), health::lasting(error));
        self.shared.counters.add(|c| &c.commits_failed, 1);
        let told = StoreError::Unavailable { reason: error.to_string().into() };
        let behind = self.shared.writes.drain();
        batch.into_iter().chain(behind).for_each(|command| command.fail(told.clone()));
    }

    fn roll_back(&mut self) {
        self.executor.forget();
        self.sweep.forget();
        self.upkeep.forget();
        self.indexing.forget();
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            self.shared.health.fail(&error.to_string(), Lasting::UntilRestart);
        }
    }

    /// Tries whether a commit goes through again, with some pages to write.
    fn probe(&mut self) {
        let tried = self.conn.execute_batch(
            "BEGIN IMMEDIATE; \
             INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', zeroblob(65536)); COMMIT; \
             DELETE FROM meta WHERE key = 'probe';",
        );
        match tried {
            Ok(()) => self.shared.health.heal(),
            Err(error) => {
                tracing::warn!(%error, "the store still cannot commit");
                self.shared.health.fail(&error.to_string(), health::lasting(&error));
                self.roll_back();
            }
        }
    }

    fn note_wal(&self) {
        let main = None::<&str>;
        if let Ok((frames, _)) = self.conn.wal_checkpoint_v2(main, CheckpointMode::NOOP) {
            let bytes = u64::try_from(frames).unwrap_or(0) * self.shared.page_bytes;
            self.shared.counters.wal_bytes.store(bytes, Ordering::Relaxed);
            if bytes >= self.shared.config.wal_hard_bytes {
                self.checkpointer.wait();
            } else if bytes >= self.shared.config.wal_soft_bytes {
                self.checkpointer.wake();
            }
        }
    }
}

/// The shorter of two waits, where there is one.
fn soonest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Parts what this command is told from what fails the batch.
pub(crate) fn told<T>(
    outcome: Result<T, Failure>,
) -> Result<Result<T, StoreError>, rusqlite::Error> {
    match outcome {
        Ok(done) => Ok(Ok(done)),
        Err(Failure::Refused(error)) => Ok(Err(error)),
        Err(Failure::Engine(error)) => Err(error),
    }
}
