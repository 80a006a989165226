//! Reads from a replica, a standby of the database, which takes pages of the log off the primary.
//!
//! ```text
//! a read ─► primary: how far are you? ─► replica: have you got that? ──yes─► a snapshot there
//!            (one question for all           │ no, not in time, not there
//!             that wait for it)              └─────────────────────────────► the primary, as without one
//! ```
//!
//! **A read sees all that was committed before it was asked for**, by whichever node, so nobody can tell where it
//! was read. A commit that was acknowledged lies below the primary's flushed write-ahead log, so a replica that
//! has replayed up to there shows it. A number of bytes proves nothing about a server of another history: one that
//! follows a primary of old, or a copy. So the replica also has to know the epoch, which each node notes in the
//! database when it opens it (`life`), and the last position. A server that does not is never read.
//!
//! **A read sees nothing that the primary does not show yet**, since a commit may be on the replica while the primary
//! still waits for a standby to have it, and the next read may be the primary's: rooms are joined by one read and caught
//! up to by another, which must not be older. So an answer is given once the primary shows the last position that is
//! in it.
//!
//! The question costs the primary one statement without a transaction, however many reads wait for it. A replica
//! that does not do is left alone for [`REST`], in which every read goes to the primary at once, also those that waited
//! for a connection by then; after that one read tries it. So one that hangs holds up those under way, for
//! [`ANSWER_MAX`] at most, or for `Config::patience` where it hangs within a read, and then one read a [`REST`].

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Client, Pool, Timeouts};
use parking_lot::Mutex;
use parlor_chat::entry::Epoch;
use parlor_chat::store::StoreError;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::conn::{Conn, Failure, Statements, params};
use super::connections::{self, discard, pool, reason_of};
use super::reads::Reader;
use super::{Config, OpenError, Read, Shared, life};

/// How long a replica that lags is waited for, and the primary where the replica is ahead.
const REPLAY_MAX: Duration = Duration::from_millis(50);
/// How soon one is asked again how far it is.
const REPLAY_PAUSE: Duration = Duration::from_millis(2);
/// How long a connection may take to come about, and an answer to how far a server is.
const ANSWER_MAX: Duration = Duration::from_millis(500);
/// How long a replica that did not do is left alone.
const REST: Duration = Duration::from_secs(1);
/// Reads that are answered by one question at most; others wait for the next.
const QUESTIONS_MAX: usize = 1_024;

const PRIMARY_AT: &str = "SELECT \
    (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint, (SELECT position FROM counter)";
const REPLICA_AT: &str = "SELECT \
    CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint END, \
    (SELECT position FROM counter), (SELECT value FROM meta WHERE key = 'epoch')";

/// How far a server has come.
#[derive(Debug, Clone, Copy)]
struct At {
    /// Bytes of the write-ahead log.
    log: i64,
    position: i64,
}

/// Why a read is not answered by the replica.
#[derive(Debug)]
enum Miss {
    /// It has not what the primary has, or the primary does not show what it has, or not in time.
    Apart,
    /// It is another kind of server, or one of another life.
    Other(&'static str),
    /// Another read has found that it does not do.
    Rests,
    Failed(String),
}

impl From<tokio_postgres::Error> for Miss {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Who waits to know how far the primary has come; gets nothing where it cannot be told.
type Question = oneshot::Sender<At>;

/// The replica, as a node sees it.
pub(super) struct Replica {
    readers: Pool,
    /// As many as there may be connections.
    turns: Semaphore,
    questions: mpsc::Sender<Question>,
    rest: Mutex<Rest>,
}

/// What came of the last reads.
#[derive(Debug, Default)]
struct Rest {
    /// Until when it is left alone, if it did not do the last time.
    until: Option<Instant>,
    /// How often it did not do.
    misses: u64,
}

impl Replica {
    /// Reads at the address, if there is one, what `primary`, a pool of the primary's, says is there. Connects when
    /// something is read.
    ///
    /// # Errors
    /// [`OpenError::Address`], [`OpenError::Tls`].
    pub(super) fn start(
        config: &Config,
        epoch: Epoch,
        primary: Pool,
    ) -> Result<Option<Self>, OpenError> {
        let Some(url) = &config.replica_url else { return Ok(None) };
        // No pooler: the question and the read have to come to the same server.
        let address = connections::address(url, config, Statements::Prepared)?;
        let connections = config.readers.max(1);
        let readers = pool(&address, config, connections, &Arc::default())?;
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        tokio::spawn(ask(primary, config.clone(), epoch, asked));
        Ok(Some(Self {
            readers,
            turns: Semaphore::new(connections),
            questions,
            rest: Mutex::default(),
        }))
    }

    pub(super) fn close(&self) {
        self.readers.close();
    }

    /// Whether a read may try it: how often it did not do until then. Of those that come when its rest is over, one.
    fn tries(&self) -> Option<u64> {
        let mut rest = self.rest.lock();
        let now = Instant::now();
        match rest.until {
            Some(until) if now < until => return None,
            Some(_) => rest.until = Some(now + REST),
            None => {}
        }
        Some(rest.misses)
    }

    fn answered(&self) {
        if self.rest.lock().until.take().is_some() {
            tracing::info!("the database's replica is read again");
        }
    }

    fn missed(&self, miss: &Miss) {
        if matches!(miss, Miss::Rests) {
            return;
        }
        let mut rest = self.rest.lock();
        rest.misses += 1;
        if rest.until.replace(Instant::now() + REST).is_some() {
            return;
        }
        match miss {
            Miss::Apart => tracing::info!("the database's replica lags; the primary is read"),
            Miss::Other(reason) => tracing::warn!(
                reason,
                "what store.replica_url names is no standby of this database; the primary is read"
            ),
            Miss::Failed(reason) => {
                tracing::warn!(reason, "the database's replica fails; the primary is read");
            }
            Miss::Rests => {}
        }
    }

    /// A connection to it, for a read that tries it. Once it is its turn it asks for one, unless it was found meanwhile
    /// that this comes to nothing.
    async fn client(
        &self,
        tries: u64,
        patience: Duration,
    ) -> Result<(Client, SemaphorePermit<'_>), Miss> {
        let turn = timeout(patience, self.turns.acquire()).await;
        let failed = |reason: &str| Miss::Failed(reason.to_owned());
        let turn = turn.map_err(|_| failed("all its connections are taken"))?;
        let turn = turn.map_err(|_| failed("the store is closed"))?;
        if self.rest.lock().misses != tries {
            return Err(Miss::Rests);
        }
        let within =
            Timeouts { wait: Some(patience), create: Some(ANSWER_MAX), recycle: Some(ANSWER_MAX) };
        let client = self.readers.timeout_get(&within).await;
        let client = client.map_err(|error| Miss::Failed(reason_of(&error)))?;
        Ok((client, turn))
    }

    /// Waits until the primary, which was there, shows a position.
    async fn shown(&self, mut primary: At, position: i64) -> Result<(), Miss> {
        let deadline = Instant::now() + REPLAY_MAX;
        while primary.position < position {
            if Instant::now() >= deadline {
                return Err(Miss::Apart);
            }
            primary = self.primary_at().await?;
            if primary.position < position {
                sleep(REPLAY_PAUSE).await;
            }
        }
        Ok(())
    }

    /// How far the primary had come at some moment after the call.
    async fn primary_at(&self) -> Result<At, Miss> {
        let (question, answer) = oneshot::channel();
        let unknown = || Miss::Failed("the primary does not say how far it is".into());
        let asking = async {
            self.questions.send(question).await.ok()?;
            answer.await.ok()
        };
        timeout(ANSWER_MAX, asking).await.ok().flatten().ok_or_else(unknown)
    }
}

/// Answers how far the primary has come, all who wait by one question.
async fn ask(primary: Pool, config: Config, epoch: Epoch, mut questions: mpsc::Receiver<Question>) {
    let mut waiting = Vec::new();
    while questions.recv_many(&mut waiting, QUESTIONS_MAX).await > 0 {
        let asking = timeout(config.patience, primary_at(&primary, config.statements, epoch));
        let at = asking.await.ok().flatten();
        for question in waiting.drain(..) {
            if let Some(at) = at {
                // Who no longer waits needs no answer.
                let _ = question.send(at);
            }
        }
    }
}

async fn primary_at(primary: &Pool, statements: Statements, epoch: Epoch) -> Option<At> {
    let client = primary.get().await.ok()?;
    let conn = Conn::new(&client, &client.statement_cache, statements);
    let asked = conn.first(PRIMARY_AT, params![]).await;
    let Ok(Some(row)) = asked else {
        discard(client);
        return None;
    };
    let at = At { log: row.try_get(0).ok()?, position: row.try_get(1).ok()? };
    // Behind a pooler the server may be another by now, but never one of an earlier life.
    if conn.is_pooled() && life::epoch(conn).await.ok() != Some(epoch) {
        return None;
    }
    Some(at)
}

/// The same read, with the last position that it may have seen.
fn placed<T: Send + 'static>(
    read: impl for<'a> FnOnce(Reader<'a>) -> Read<'a, T>,
) -> impl for<'a> FnOnce(Reader<'a>) -> Read<'a, (Result<T, Failure>, i64)> {
    move |of| {
        let (conn, reading) = (of.conn, read(of));
        Box::pin(async move {
            let answer = reading.await;
            Ok((answer, conn.number("SELECT position FROM counter", params![]).await?))
        })
    }
}

impl Shared {
    /// Reads what the primary has, from the replica where that has it as well.
    pub(super) async fn read_copy<T: Send + 'static>(
        &self,
        read: impl for<'a> FnOnce(Reader<'a>) -> Read<'a, T> + Clone,
    ) -> Result<T, StoreError> {
        let Some(replica) = &self.replica else { return self.read(read).await };
        if let Some(tries) = replica.tries() {
            match self.read_from(replica, tries, read.clone()).await {
                Ok(answer) => {
                    self.counters.add(|c| &c.replica_reads, 1);
                    replica.answered();
                    return answer;
                }
                Err(miss) => replica.missed(&miss),
            }
        }
        self.counters.add(|c| &c.replica_misses, 1);
        self.read(read).await
    }

    async fn read_from<T: Send + 'static>(
        &self,
        replica: &Replica,
        tries: u64,
        read: impl for<'a> FnOnce(Reader<'a>) -> Read<'a, T>,
    ) -> Result<Result<T, StoreError>, Miss> {
        let patience = self.config.patience;
        let primary = replica.primary_at().await?;
        let (mut client, _turn) = replica.client(tries, patience).await?;
        let reading = async {
            let conn = Conn::new(&client, &client.statement_cache, Statements::Prepared);
            match timeout(ANSWER_MAX, self.replayed(conn, primary)).await {
                Ok(outcome) => outcome?,
                Err(_) => return Err(Miss::Failed("it does not say how far it is".into())),
            }
            let mut read = Some(placed(read));
            let outcome = self.read_by(&mut client, Statements::Prepared, None, &mut read).await;
            if let Ok((_, position)) = &outcome {
                replica.shown(primary, *position).await?;
            }
            match outcome.and_then(|(answer, _)| answer) {
                // What is damaged here need not be damaged there.
                Err(Failure::Refused(StoreError::Corrupt { what })) => {
                    Err(Miss::Failed(what.to_string()))
                }
                Err(Failure::Engine(error)) => Err(error.into()),
                Err(Failure::Refused(error)) => Ok(Err(error)),
                Ok(answer) => Ok(Ok(answer)),
            }
        };
        match timeout(patience, reading).await {
            Ok(Err(miss @ (Miss::Failed(_) | Miss::Other(_)))) => {
                discard(client);
                Err(miss)
            }
            Ok(outcome) => outcome,
            Err(_) => {
                discard(client);
                Err(Miss::Failed("a read took too long".into()))
            }
        }
    }

    /// Waits until the replica has what the primary had.
    async fn replayed(&self, conn: Conn<'_>, primary: At) -> Result<(), Miss> {
        let deadline = Instant::now() + REPLAY_MAX;
        loop {
            let row = conn.first(REPLICA_AT, params![]).await?;
            let row = row.ok_or(Miss::Other("it does not say how far it is"))?;
            let log: Option<i64> = row.try_get(0)?;
            let (position, epoch): (Option<i64>, Option<Vec<u8>>) =
                (row.try_get(1)?, row.try_get(2)?);
            let log = log.ok_or(Miss::Other("it is not a standby"))?;
            let has_life = epoch.as_deref() == Some(&self.epoch.0.to_be_bytes()[..]);
            let has_all = log >= primary.log && position >= Some(primary.position);
            match (has_life, has_all) {
                (true, true) => return Ok(()),
                (false, true) => return Err(Miss::Other("it has not this life of the log")),
                (_, false) => {}
            }
            if Instant::now() >= deadline {
                return Err(Miss::Apart);
            }
            sleep(REPLAY_PAUSE).await;
        }
    }
}
