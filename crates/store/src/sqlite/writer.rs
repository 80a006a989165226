//! The one thread that writes.
//!
//! It takes what is queued, carries it out in one transaction, commits (with an fsync, unless
//! the config relaxes that), tells the sink, and then answers. If the engine fails anywhere on
//! the way, the transaction is rolled back, its caches are dropped, and everything of the batch
//! and everything queued behind it is answered `Unavailable`, so that nothing overtakes what
//! failed. While the store is ill nothing is carried out; where that may pass, it probes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parlor_chat::entry::Millis;
use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::store::{
    Append, Appended, AttachDevice, Block, Blocked, CommitSink, Committed, Mark, Marked, Revoked,
    StoreError,
};
use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;
use tokio::sync::oneshot;

use super::Shared;
use super::blocks;
use super::checkpoint::Wake;
use super::commands::Executor;
use super::health::{self, Lasting};
use super::life::Life;
use super::queue::Taken;
use super::rows::Failure;
use super::sweep::Sweep;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A write and who waits for its outcome.
#[derive(Debug)]
pub(crate) enum Command {
    Append(Append, Reply<Appended>),
    Mark(Vec<Mark>, Reply<Vec<Marked>>),
    Attach(AttachDevice, Reply<()>),
    Revoke(UserId, DeviceId, Millis, Reply<Revoked>),
    Block(Block, Reply<Blocked>),
}

impl Command {
    /// About how much memory it holds on to.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Append(append, _) => 256 + append.content.0.len(),
            Self::Mark(marks, _) => 64 + 128 * marks.len(),
            Self::Attach(..) | Self::Revoke(..) | Self::Block(..) => 256,
        }
    }

    fn fail(self, error: StoreError) {
        // Who no longer waits needs no answer.
        match self {
            Self::Append(_, reply) => drop(reply.send(Err(error))),
            Self::Mark(_, reply) => drop(reply.send(Err(error))),
            Self::Attach(_, reply) => drop(reply.send(Err(error))),
            Self::Revoke(_, _, _, reply) => drop(reply.send(Err(error))),
            Self::Block(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

/// A command that was carried out, and its answer once the batch is durable.
enum Done {
    Append(Reply<Appended>, Result<Appended, StoreError>),
    Mark(Reply<Vec<Marked>>, Result<Vec<Marked>, StoreError>),
    Attach(Reply<()>, Result<(), StoreError>),
    Revoke(Reply<Revoked>, Result<Revoked, StoreError>),
    Block(Reply<Blocked>, Result<Blocked, StoreError>),
}

impl Done {
    fn answer(self) {
        match self {
            Self::Append(reply, outcome) => drop(reply.send(outcome)),
            Self::Mark(reply, outcome) => drop(reply.send(outcome)),
            Self::Attach(reply, outcome) => drop(reply.send(outcome)),
            Self::Revoke(reply, outcome) => drop(reply.send(outcome)),
            Self::Block(reply, outcome) => drop(reply.send(outcome)),
        }
    }

    fn fail(self, error: StoreError) {
        match self {
            Self::Append(reply, _) => drop(reply.send(Err(error))),
            Self::Mark(reply, _) => drop(reply.send(Err(error))),
            Self::Attach(reply, _) => drop(reply.send(Err(error))),
            Self::Revoke(reply, _) => drop(reply.send(Err(error))),
            Self::Block(reply, _) => drop(reply.send(Err(error))),
        }
    }
}

pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) life: Life,
    pub(crate) shared: Arc<Shared>,
    pub(crate) sink: Arc<dyn CommitSink>,
    pub(crate) sweep: Sweep,
    pub(crate) checkpointer: Wake,
    pub(crate) executor: Executor,
}

/// How long devices that connect wait for others to share their commit.
const ATTACH_GATHERING: Duration = Duration::from_millis(1);
/// How often an ill store is probed.
const PROBE_EVERY: Duration = Duration::from_secs(1);

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
            let timeout = shared.health.can_heal().then_some(PROBE_EVERY);
            let commands_max = shared.config.batch_commands_max;
            match shared.writes.take(commands_max, shared.config.batch_bytes_max, timeout) {
                Taken::Closed => break,
                Taken::TimedOut => self.probe(),
                Taken::Items(batch) => match self.shared.health.check() {
                    Ok(()) => {
                        let batch = self.gather(batch);
                        self.batch(batch);
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

    fn batch(&mut self, batch: Vec<Command>) {
        let shared = self.shared.clone();
        let gate = shared.gate.read();
        let started = Instant::now();
        let mut done = Vec::with_capacity(batch.len());
        let mut committed = Vec::new();
        let mut waiting = batch.into_iter();
        let outcome = self.transaction(&mut waiting, &mut done, &mut committed);
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        drop(gate);
        if let Err(error) = outcome {
            self.failed(&error, done, waiting);
            return;
        }
        let counters = &shared.counters;
        counters.committed(micros, done.len() as u64);
        counters.add(|c| &c.entries, committed.len() as u64);
        if let Some(last) = committed.last() {
            shared.position.store(last.entry.position.0, Ordering::Release);
            self.sink.committed(&committed);
        }
        done.into_iter().for_each(Done::answer);
        self.note_wal();
    }

    fn transaction(
        &mut self,
        waiting: &mut std::vec::IntoIter<Command>,
        done: &mut Vec<Done>,
        committed: &mut Vec<Committed>,
    ) -> Result<(), rusqlite::Error> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
        let mut now = Millis(0);
        for command in waiting.by_ref() {
            self.carry_out(command, &mut now, done, committed)?;
        }
        self.sweep.step(&self.conn, now, committed.len())?;
        self.conn.prepare_cached("COMMIT")?.execute(())?;
        self.sweep.committed();
        Ok(())
    }

    /// Carries out one command. If the engine fails, the command is answered here.
    fn carry_out(
        &mut self,
        command: Command,
        now: &mut Millis,
        done: &mut Vec<Done>,
        committed: &mut Vec<Committed>,
    ) -> Result<(), rusqlite::Error> {
        let (conn, executor) = (&self.conn, &mut self.executor);
        done.push(match command {
            Command::Append(append, reply) => {
                *now = (*now).max(append.now);
                let (outcome, engine) = split(executor.append(conn, &self.life, &append));
                let outcome = outcome.map(|appended| {
                    match appended.entry {
                        Some(entry) => committed.push(Committed { entry, origin: append.origin }),
                        None => self.shared.counters.add(|c| &c.repeats, 1),
                    }
                    appended.appended
                });
                finish(Done::Append(reply, outcome), engine)?
            }
            Command::Mark(marks, reply) => {
                let each = marks.iter().map(|mark| executor.mark(conn, mark));
                let (outcome, engine) = split(each.collect());
                finish(Done::Mark(reply, outcome), engine)?
            }
            Command::Attach(attach, reply) => {
                let (outcome, engine) = split(executor.attach_device(conn, &attach));
                finish(Done::Attach(reply, outcome), engine)?
            }
            Command::Revoke(user, device, now, reply) => {
                let (outcome, engine) = split(executor.revoke_device(conn, &user, &device, now));
                finish(Done::Revoke(reply, outcome), engine)?
            }
            Command::Block(block, reply) => {
                let (outcome, engine) = split(blocks::change(conn, &block));
                finish(Done::Block(reply, outcome), engine)?
            }
        });
        Ok(())
    }

    fn failed(
        &mut self,
        error: &rusqlite::Error,
        done: Vec<Done>,
        waiting: std::vec::IntoIter<Command>,
    ) {
        self.shared.health.fail(&error.to_string(), health::lasting(error));
        self.shared.counters.add(|c| &c.commits_failed, 1);
        self.roll_back();
        let reason: Arc<str> = error.to_string().into();
        let told = StoreError::Unavailable { reason };
        done.into_iter().for_each(|done| done.fail(told.clone()));
        waiting.for_each(|command| command.fail(told.clone()));
        self.shared.writes.drain().into_iter().for_each(|command| command.fail(told.clone()));
    }

    fn roll_back(&mut self) {
        self.executor.forget();
        self.sweep.forget();
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
            if bytes >= self.shared.config.wal_soft_bytes {
                self.checkpointer.wake();
            }
        }
    }
}

/// Parts what this command is told from what fails the batch.
fn split<T>(outcome: Result<T, Failure>) -> (Result<T, StoreError>, Option<rusqlite::Error>) {
    match outcome {
        Ok(done) => (Ok(done), None),
        Err(Failure::Refused(error)) => (Err(error), None),
        Err(Failure::Engine(error)) => (Err(health::told(&error)), Some(error)),
    }
}

fn finish(done: Done, engine: Option<rusqlite::Error>) -> Result<Done, rusqlite::Error> {
    match engine {
        None => Ok(done),
        Some(error) => {
            done.answer();
            Err(error)
        }
    }
}
