//! The one task of a node that writes.
//!
//! It takes what waits, carries it out in one transaction, commits, and hands it to the thread that tells the
//! sink and then answers ([`super::following`]).
//! A transaction that was not committed is carried out again where that may help: after a deadlock, and
//! after the connection was lost before its `COMMIT` was sent. One whose `COMMIT` got no answer may be
//! committed or not: the server is asked by its number (`pg_xact_status`) before anything is told, and
//! nothing else is written until that is known. What is written with the `COMMIT` ([`super::closing`]) may
//! have got positions of which nothing was heard: then they are read. A crash of the server may have it give
//! the number to another transaction, so what was written is looked for. Whoever waits too long for it is told
//! that the store is unavailable; the sink hears of it all the same, if it turns out to be committed.
//!
//! When something is given up that may be sent again, all that waits behind it is given up as well, and
//! what comes until its senders have heard of it: nothing overtakes what failed. Only what the server
//! refuses for its data is refused by itself, and for good.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Client, Pool};
use parlor_chat::store::StoreError;
use tokio::sync::mpsc;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::Shared;
use super::appends::{self, Fetched};
use super::closing::Closing;
use super::command::{self, Command};
use super::conn::{Conn, Failure, Param, is_of_data, params, told};
use super::connections::{PAUSE, discard};
use super::locks::Locks;
use super::retention::{self, Left};
use super::turn::{Turn, Work};
use crate::kept::numbers::int;
use crate::kept::traces;

/// How long what comes is given up after something failed: within that its senders hear of it.
const HEARD_WITHIN: Duration = Duration::from_millis(100);

/// Why a connection was given up that is still there.
const SILENT: &str = "the database does not answer";

/// How often a transaction is carried out again that the server ended for the sake of another.
const RETRIES_MAX: usize = 8;

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    /// Of one connection.
    pub(crate) pool: Pool,
    pub(crate) commands: mpsc::Receiver<Command>,
}

/// Why a transaction was not committed, as far as is known.
enum Stopped {
    /// It was not, and may be carried out again.
    Retry(tokio_postgres::Error),
    /// It was not: something in it cannot be carried out, whenever it is tried.
    Refused(tokio_postgres::Error),
    /// It was not: nothing can be carried out now, for want of disk space or such.
    Failed(tokio_postgres::Error),
    /// It was not: there is no way to the server.
    Unreachable(Arc<str>),
    /// The way to the server was lost while it was committed.
    Unknown { transaction: String, done: Box<Done> },
}

/// What is found of a transaction that counts as committed.
enum Trace {
    /// What it wrote, or nothing by which to tell; and the position before what it wrote last, if it did so.
    There(Option<i64>),
    /// Nothing: it was another one.
    Absent,
}

/// What a transaction would come to.
struct Done {
    work: Work,
    /// What is written with the commit.
    closing: Option<Box<Closing>>,
}

impl Stopped {
    /// Of a transaction whose `COMMIT` was not sent.
    fn before_commit(error: tokio_postgres::Error) -> Self {
        match error.code() {
            // The last is so when another node made the same row meanwhile.
            Some(code)
                if *code == SqlState::T_R_DEADLOCK_DETECTED
                    || *code == SqlState::T_R_SERIALIZATION_FAILURE
                    || *code == SqlState::UNIQUE_VIOLATION =>
            {
                Self::Retry(error)
            }
            // The server goes down, or is a standby from now on.
            Some(code)
                if *code == SqlState::READ_ONLY_SQL_TRANSACTION
                    || code.code().starts_with("57P")
                    || code.code().starts_with("08") =>
            {
                Self::Unreachable(error.to_string().into())
            }
            Some(_) if is_of_data(&error) => Self::Refused(error),
            Some(_) => Self::Failed(error),
            None => Self::Unreachable(error.to_string().into()),
        }
    }
}

/// What becomes of a batch that was not carried out as one.
enum Undone {
    /// To be carried out one by one.
    Apart(Vec<Command>),
    /// It was given up, and nothing may overtake it.
    GivenUp(StoreError),
}

impl Writer {
    /// Writes until the queue is closed and empty.
    pub(crate) async fn run(mut self) {
        let mut upkeep = interval(self.shared.config.upkeep_every);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let commands_max = self.shared.config.batch_commands_max.max(1);
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                taken = self.commands.recv_many(&mut batch, commands_max) => {
                    if taken == 0 {
                        break;
                    }
                    self.batch(batch).await;
                }
                _ = upkeep.tick() => {
                    if self.keep_up().await == Left::More {
                        upkeep.reset_after(Duration::from_millis(10));
                    }
                }
            }
        }
    }

    /// Carries out a batch; if something in it cannot be carried out, each command by itself.
    async fn batch(&mut self, batch: Vec<Command>) {
        let mut left = vec![batch];
        while let Some(batch) = left.pop() {
            match self.together(batch).await {
                Ok(()) => {}
                Err(Undone::Apart(apart)) => {
                    left.extend(apart.into_iter().rev().map(|command| vec![command]));
                }
                Err(Undone::GivenUp(error)) => {
                    left.into_iter()
                        .rev()
                        .flatten()
                        .for_each(|command| command.fail(error.clone()));
                    return self.give_up_behind(&error).await;
                }
            }
        }
    }

    /// Gives up what waits, and what comes from senders who have yet to hear of the failure.
    async fn give_up_behind(&mut self, error: &StoreError) {
        let heard = sleep(HEARD_WITHIN);
        tokio::pin!(heard);
        loop {
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => command.fail(error.clone()),
                    None => return,
                },
                () = &mut heard => return,
            }
        }
    }

    /// Carries out commands in one transaction and answers them.
    async fn together(&self, mut batch: Vec<Command>) -> Result<(), Undone> {
        let deadline = Instant::now() + self.shared.config.patience;
        let mut retries = 0;
        let error = loop {
            if let Err(error) = self.shared.health.check_lasting() {
                break error;
            }
            match self.attempt(&mut batch).await {
                Ok(work) => {
                    self.committed(work, batch).await;
                    return Ok(());
                }
                Err(Stopped::Unknown { transaction, done }) => {
                    match self.find_out(&transaction, *done, batch, deadline).await? {
                        Some(again) => batch = again,
                        None => return Ok(()),
                    }
                }
                Err(Stopped::Retry(error)) if retries < RETRIES_MAX => {
                    tracing::debug!(%error, "a transaction is carried out again");
                    retries += 1;
                }
                Err(Stopped::Retry(_) | Stopped::Refused(_)) if batch.len() > 1 => {
                    return Err(Undone::Apart(batch));
                }
                Err(Stopped::Retry(error) | Stopped::Refused(error)) if is_of_data(&error) => {
                    self.shared.counters.add(|c| &c.commits_failed, 1);
                    let error = told(&error);
                    tracing::error!(%error, "a command cannot be carried out");
                    batch.into_iter().for_each(|command| command.fail(error.clone()));
                    return Ok(());
                }
                Err(Stopped::Retry(error) | Stopped::Refused(error) | Stopped::Failed(error)) => {
                    self.shared.counters.add(|c| &c.commits_failed, 1);
                    let error = told(&error);
                    tracing::error!(%error, "nothing can be carried out");
                    break error;
                }
                Err(Stopped::Unreachable(reason)) => {
                    self.shared.health.unreachable(&reason);
                    if Instant::now() >= deadline {
                        break StoreError::Unavailable { reason };
                    }
                    sleep(PAUSE).await;
                }
            }
        };
        batch.into_iter().for_each(|command| command.fail(error.clone()));
        Err(Undone::GivenUp(error))
    }

    /// Has the sink told, then those who wait.
    async fn committed(&self, work: Work, batch: Vec<Command>) {
        let counters = &self.shared.counters;
        counters.add(|c| &c.entries, work.committed.len() as u64);
        counters.add(|c| &c.repeats, work.repeats);
        self.shared.health.reached();
        self.shared.following.committed(work, batch).await;
    }

    async fn client(&self) -> Result<Client, Stopped> {
        let unreachable = |error: deadpool_postgres::PoolError| {
            Stopped::Unreachable(self.shared.no_connection(&error))
        };
        self.pool.get().await.map_err(unreachable)
    }

    /// Something asked within a transaction of its own, which is the only way to be sure who answers where a
    /// pooler stands between.
    async fn first_of(
        &self,
        conn: Conn<'_>,
        sql: &str,
        params: &[&dyn Param],
    ) -> Result<Option<Row>, Failure> {
        conn.begin().await?;
        self.shared.same_life(conn).await?;
        let row = conn.first(sql, params).await?;
        conn.run("COMMIT").await?;
        Ok(row)
    }

    /// What comes of a step, unless the server is silent for too long.
    async fn answered<T>(&self, step: impl Future<Output = T>) -> Result<T, Elapsed> {
        timeout(self.shared.config.answer_max, step).await
    }

    /// One transaction, up to its commit.
    async fn attempt(&self, batch: &mut [Command]) -> Result<Work, Stopped> {
        let client = self.client().await?;
        let began = Instant::now();
        let mut locks = Locks::default();
        batch.iter().for_each(|command| command.lock(&mut locks));
        let conn = self.shared.conn(&client);
        let Ok(begun) = self.answered(self.begun(conn, batch, locks)).await else {
            discard(client);
            return Err(Stopped::Unreachable(SILENT.into()));
        };
        match begun {
            Ok((transaction, done)) => match self.answered(self.commit(conn, &done)).await {
                Err(_) => {
                    tracing::warn!("a commit got no answer");
                    discard(client);
                    Err(Stopped::Unknown { transaction, done: Box::new(done) })
                }
                Ok(Ok(after)) => {
                    let mut work = settled(done, after, batch);
                    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                    self.shared.counters.committed(micros, batch.len() as u64);
                    work.took = Some(traces::took(began.into(), batch.len()));
                    Ok(work)
                }
                Ok(Err(error)) if is_of_the_commit(&error) && !client.is_closed() => {
                    // It may be that no `COMMIT` was sent.
                    if conn.run("ROLLBACK").await.is_err() {
                        discard(client);
                    }
                    Err(Stopped::before_commit(error))
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the connection was lost during a commit");
                    discard(client);
                    Err(Stopped::Unknown { transaction, done: Box::new(done) })
                }
            },
            Err(failure) => {
                if client.is_closed() || conn.run("ROLLBACK").await.is_err() {
                    discard(client);
                }
                Err(match failure {
                    Failure::Engine(error) => Stopped::before_commit(error),
                    Failure::Refused(error) => Stopped::Unreachable(error.to_string().into()),
                })
            }
        }
    }

    /// Commits; gives the position before the first entry of what is written with that.
    async fn commit(
        &self,
        conn: Conn<'_>,
        done: &Done,
    ) -> Result<Option<i64>, tokio_postgres::Error> {
        let Done { work, closing } = done;
        let last = closing.iter().flat_map(|closing| closing.expected());
        let expected = work.committed.iter().cloned().chain(last).collect();
        self.shared.following.expect(expected).await;
        match closing {
            Some(closing) => closing.commit(conn).await.map(Some),
            None => conn.run("COMMIT").await.map(|()| None),
        }
    }

    async fn begun(
        &self,
        conn: Conn<'_>,
        batch: &mut [Command],
        locks: Locks,
    ) -> Result<(String, Done), Failure> {
        Locks::prepare(conn).await?;
        // One behind the other, without waiting for the answers: each is sent when it is polled first.
        let ((), transaction, (), fetched) = tokio::try_join!(
            biased;
            async { Ok(conn.begin().await?) },
            async { Ok(locks.take(conn).await?) },
            self.shared.same_life(conn),
            fetch_first(conn, batch),
        )?;
        let mut turn = Turn::new(conn, &self.shared.config, self.shared.epoch);
        let closing = command::carry_out(batch, &mut turn, fetched).await?;
        match turn.finish().await {
            Ok(()) | Err(Failure::Refused(_)) => {
                Ok((transaction, Done { work: turn.work, closing }))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Finds out whether a transaction was committed, however long that takes. Gives its commands back if
    /// it was not, and they are still waited for.
    async fn find_out(
        &self,
        transaction: &str,
        done: Done,
        batch: Vec<Command>,
        deadline: Instant,
    ) -> Result<Option<Vec<Command>>, Undone> {
        let unknown = || {
            let reason = "it is not known yet whether a commit took place".into();
            StoreError::Unavailable { reason }
        };
        let mut waiting = Some(batch);
        loop {
            if let Err(error) = self.shared.health.check_lasting() {
                fail(waiting, &error);
                return Err(Undone::GivenUp(error));
            }
            match self.status_of(transaction).await.as_deref() {
                Ok("committed") if self.is_kept().await => match self.trace(&done).await {
                    Ok(Trace::There(after)) => {
                        let mut batch = waiting.unwrap_or_default();
                        let work = settled(done, after, &mut batch);
                        self.committed(work, batch).await;
                        return Ok(None);
                    }
                    Ok(Trace::Absent) => {
                        tracing::warn!(
                            transaction,
                            "the number of a lost transaction was taken again"
                        );
                        return waiting.map(Some).ok_or_else(|| Undone::GivenUp(unknown()));
                    }
                    Err(reason) => self.shared.health.unreachable(&reason),
                },
                Ok("aborted") => {
                    return waiting.map(Some).ok_or_else(|| Undone::GivenUp(unknown()));
                }
                Ok(_) => {}
                Err(reason) => self.shared.health.unreachable(reason),
            }
            if Instant::now() >= deadline {
                if self.shared.writes.lock().is_none() {
                    // Nobody is left who could be told.
                    tracing::error!(transaction, "what became of the last commit is not known");
                    return Ok(None);
                }
                fail(waiting.take(), &unknown());
            }
            sleep(PAUSE).await;
        }
    }

    /// Looks for what a transaction wrote. A server that crashed gives the number of a transaction of which it had
    /// written nothing to its disk to another one, which may be committed.
    ///
    /// # Errors
    /// The server is not to be asked, or does not answer.
    async fn trace(&self, done: &Done) -> Result<Trace, Arc<str>> {
        let last = done.closing.as_ref().and_then(|closing| closing.first());
        let first = done.work.committed.first().map(|it| &*it.entry);
        // What has no entries is taken by its number alone.
        let Some(entry) = last.or(first) else { return Ok(Trace::There(None)) };
        let sql = "SELECT e.pos - 1 FROM entry e WHERE e.conversation = $1 AND e.seq = $2 \
                   AND e.epoch = $3 AND e.sender = $4 AND e.ts = $5 \
                   AND e.client_id IS NOT DISTINCT FROM $6";
        let (seq, epoch, ts) = (int(entry.seq.0), int(entry.epoch.0), int(entry.ts.0));
        let key = entry.client_id.as_ref().map(|it| it.as_str());
        let (of, from) = (entry.conversation.as_str(), entry.from.as_str());
        let row = self.asked(sql, params![of, seq, epoch, from, ts, key]).await?;
        let Some(row) = row else { return Ok(Trace::Absent) };
        let after = row.try_get(0).map_err(|error| Arc::from(error.to_string()))?;
        Ok(Trace::There(last.map(|_| after)))
    }

    /// Something asked by itself, on a connection that is given up if it has no answer.
    async fn asked(&self, sql: &str, params: &[&dyn Param]) -> Result<Option<Row>, Arc<str>> {
        let client = match self.client().await {
            Ok(client) => client,
            Err(Stopped::Unreachable(reason)) => return Err(reason),
            Err(_) => return Err("no connection".into()),
        };
        let conn = self.shared.conn(&client);
        match self.answered(self.first_of(conn, sql, params)).await {
            Ok(Ok(row)) => Ok(row),
            Ok(Err(failure)) => {
                discard(client);
                Err(failure.told().to_string().into())
            }
            Err(_) => {
                discard(client);
                Err(SILENT.into())
            }
        }
    }

    /// Whether what is committed is where a commit has to wait for it to be. What a crash left behind counts as
    /// committed before a synchronous standby has it; a commit behind it is not answered before.
    async fn is_kept(&self) -> bool {
        self.asked("SELECT pg_logical_emit_message(true, 'parlor', '')::text", params![])
            .await
            .is_ok()
    }

    /// What the server says of a transaction.
    async fn status_of(&self, transaction: &str) -> Result<String, Arc<str>> {
        let row = self.asked("SELECT pg_xact_status($1::text::xid8)", params![transaction]).await?;
        let status = row.map(|row| row.try_get::<_, Option<String>>(0)).transpose();
        status
            .map(|status| status.flatten().unwrap_or_default())
            .map_err(|error| error.to_string().into())
    }

    /// A slice of what goes by itself.
    async fn keep_up(&self) -> Left {
        if self.shared.health.check_lasting().is_err() {
            return Left::Nothing;
        }
        let client = match self.client().await {
            Ok(client) => client,
            Err(Stopped::Unreachable(reason)) => {
                self.shared.health.unreachable(&reason);
                return Left::Nothing;
            }
            Err(_) => return Left::Nothing,
        };
        let conn = self.shared.conn(&client);
        let kept = async {
            conn.begin().await?;
            self.shared.same_life(conn).await?;
            let mut turn = Turn::new(conn, &self.shared.config, self.shared.epoch);
            let done = retention::slice(&mut turn).await?;
            conn.run("COMMIT").await?;
            Ok::<_, Failure>(done)
        };
        let Ok(kept) = self.answered(kept).await else {
            self.shared.health.unreachable(SILENT);
            discard(client);
            return Left::Nothing;
        };
        match kept {
            Ok(done) => {
                self.shared.health.reached();
                let counters = &self.shared.counters;
                counters.add(|c| &c.slices, 1);
                counters.add(|c| &c.expired, done.expired);
                counters.add(|c| &c.removed, done.removed);
                done.left
            }
            Err(failure) => {
                tracing::warn!(error = %failure.told(), "old entries could not be removed");
                if client.is_closed() || conn.run("ROLLBACK").await.is_err() {
                    discard(client);
                }
                Left::Nothing
            }
        }
    }
}

/// Fetches what is needed for what is said first. What is wrong with something stored is told when it is decided.
async fn fetch_first(conn: Conn<'_>, batch: &[Command]) -> Result<Option<Fetched>, Failure> {
    let spoken = command::spoken_first(batch);
    if spoken.is_empty() {
        return Ok(None);
    }
    match appends::fetch(conn, &spoken).await {
        Ok(fetched) => Ok(Some(fetched)),
        Err(Failure::Refused(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What a transaction has come to, with what was written last behind a position.
fn settled(done: Done, after: Option<i64>, batch: &mut [Command]) -> Work {
    let Done { mut work, closing } = done;
    if let (Some(closing), Some(after)) = (closing, after) {
        command::settle(batch, closing.settle(after, &mut work));
    }
    work
}

/// Whether the server says by it that nothing was committed. That the connection ends, as it or a pooler says in
/// classes 08 and 57P, may be said of one that was committed and waited for a standby.
fn is_of_the_commit(error: &tokio_postgres::Error) -> bool {
    let ends = |code: &str| code.starts_with("08") || code.starts_with("57P");
    error.code().is_some_and(|code| !ends(code.code()))
}

fn fail(batch: Option<Vec<Command>>, error: &StoreError) {
    batch.into_iter().flatten().for_each(|command| command.fail(error.clone()));
}
