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
//! that does not do is left alone for [`REST`], in which every read goes to the primary at once.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Pool, Timeouts};
use parking_lot::Mutex;
use parlor_chat::entry::Epoch;
use parlor_chat::store::StoreError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::conn::{Conn, Failure, Statements, params};
use super::connections::{self, discard, pool, reason_of};
use super::reads::Reader;
use super::{Config, OpenError, Read, Shared, life};

/// How long a replica that lags is waited for, and the primary where the replica is ahead.
const REPLAY_MAX: Duration = Duration::from_millis(50);
/// How soon one is asked again how far it is.
const REPLAY_PAUSE: Duration = Duration::from_millis(2);
/// How long a replica that did not do is left alone.
const REST: Duration = Duration::from_secs(1);
/// Reads that may wait for the answer to one question.
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
    questions: mpsc::Sender<Question>,
    /// Until when it is left alone, if it did not do the last time.
    rest: Mutex<Option<Instant>>,
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
        let readers = pool(&address, config, config.readers.max(1), &Arc::default())?;
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        tokio::spawn(ask(primary, config.clone(), epoch, asked));
        Ok(Some(Self { readers, questions, rest: Mutex::default() }))
    }

    pub(super) fn close(&self) {
        self.readers.close();
    }

    fn rests(&self) -> bool {
        self.rest.lock().is_some_and(|until| Instant::now() < until)
    }

    fn answered(&self) {
        if self.rest.lock().take().is_some() {
            tracing::info!("the database's replica is read again");
        }
    }

    fn missed(&self, miss: &Miss) {
        let rested = self.rest.lock().replace(Instant::now() + REST);
        if rested.is_none() {
            match miss {
                Miss::Apart => tracing::info!("the database's replica lags"),
                Miss::Other(reason) => tracing::warn!(reason, "the database's replica is not read"),
                Miss::Failed(reason) => tracing::warn!(reason, "the database's replica fails"),
            }
        }
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
        self.questions.try_send(question).map_err(|_| unknown())?;
        answer.await.map_err(|_| unknown())
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
        if !replica.rests() {
            match self.read_from(replica, read.clone()).await {
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
        read: impl for<'a> FnOnce(Reader<'a>) -> Read<'a, T>,
    ) -> Result<Result<T, StoreError>, Miss> {
        let patience = self.config.patience;
        let primary = replica.primary_at().await?;
        let within =
            Timeouts { wait: Some(patience), create: Some(patience), recycle: Some(patience) };
        let client = replica.readers.timeout_get(&within).await;
        let mut client = client.map_err(|error| Miss::Failed(reason_of(&error)))?;
        let reading = async {
            self.replayed(
                Conn::new(&client, &client.statement_cache, Statements::Prepared),
                primary,
            )
            .await?;
            let mut read = Some(placed(read));
            let outcome = self.read_by(&mut client, Statements::Prepared, None, &mut read).await;
            let outcome = match outcome {
                Ok((answer, position)) => {
                    replica.shown(primary, position).await?;
                    answer
                }
                Err(failure) => Err(failure),
            };
            match outcome {
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
