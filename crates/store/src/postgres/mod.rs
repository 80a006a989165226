//! The store on a PostgreSQL server, which several nodes may share.
//!
//! ```text
//! append, mark, … -> queue -> writer task: batch, one transaction -> following: sink -> answers
//!                             in between: what has ended or is too old goes
//! what other nodes commit: bus, or the log itself  -> following: sink
//! history, since, … -> a connection of the pool, one snapshot for each read -> answers
//! pages of the log -> the same on a replica, if there is one that has all that was acknowledged
//! ```
//!
//! **A batch** begins by taking advisory locks for all conversations and users that it concerns
//! (`locks`), in an order that all nodes share. Under them the domain's own functions decide on rows that
//! were read in the same transaction, and what they decide is written. Appends that stand behind each other
//! are fetched for, decided and written together (`appends`): two round trips for any number of them, where
//! nothing else is in the batch: `BEGIN`, locks, the transaction's number and what the rules need; then the
//! rows, the counter and `COMMIT` (`closing`).
//!
//! **Positions** come from one row, which is locked from where a transaction takes its first position to its
//! end, where it can be without a round trip in between. So they are dense, and become visible in their order, whichever node they are of: a reader that sees
//! one has seen all before it. The price is that transactions of all nodes that take positions, or note one,
//! commit one behind the other, each with its flush to disk: what bounds the rate is batches, not messages,
//! and a batch grows with the load.
//!
//! **The sink hears what all nodes commit**, in the order of positions, each once (`following`). A node tells
//! the others of its commits by the bus, if there is one ([`PostgresStore::join`]); what it was not told it
//! reads.
//!
//! **Seqs** are in the row of the conversation, which its lock guards. **What was acknowledged** is in a
//! committed transaction. Whether that survives the loss of the primary is the database's to say:
//! `synchronous_commit` with a synchronous standby loses nothing; without, a failover loses the last
//! moments, and what is read after it has another epoch (`life`), by which clients know. A node that
//! meets another epoch than it began with takes no writes until it is started again.
//!
//! **What this backend does not do**: contents are not sealed, which is left to the database's disks and
//! backups; rows have no checksums of their own (`initdb --data-checksums` has the server watch its pages);
//! connections are not encrypted by it, so the server is to be near, on a socket, or behind a proxy that
//! encrypts. Watermarks are a row per member, in large groups too. What is deleted is gone from every
//! row, but stays in the server's files until it reuses their space (`VACUUM`), and in its backups.
//!
//! Reading order: `schema_1.sql` (the tables), `life` (which epoch), `conn`, `tls`, `locks`, `turn`, `threads`,
//! `entries`, `speaking`, `appends`, `closing`, the other writes (`wishes` lists them), `writer`, `hint`,
//! `following` (around chat's `order`), `reads`, the files beside it, `replica`.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use deadpool_postgres::{Client, Pool};
use parking_lot::Mutex;
use parlor_chat::bus::Bus;
use parlor_chat::entry::Epoch;
use parlor_chat::store::{Appended, CommitSink, Pending, SealKey, StoreError};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_postgres::IsolationLevel;

mod config;

mod open_error;

mod opening;

pub(crate) mod conn;

pub(crate) mod connections;

pub(crate) mod schema;

pub(crate) mod life;

pub(crate) mod migration;

mod locks;

mod turn;

mod threads;
pub(crate) mod tls;

pub(crate) mod entries;

mod entry_rows;

mod visible;

mod group_rows;

mod speaking;

mod says;

pub(crate) mod appends;

mod requests;

mod own;

mod people;

mod devices;

mod marks;

mod message_state;

mod acts;

mod schedules;

mod group_look;

mod groups;

mod audit;

mod reports;

mod moderation;

mod retention;

mod closing;
mod command;

mod wishes;

mod health;

mod hint;

mod following;

mod writer;

mod reads;

mod listing;

mod resume;

mod message_reads;

mod group_reads;

mod search;

mod replica;

mod port;

pub use crate::kept::clock::Clock;
pub use crate::kept::stats::Stats;
pub use config::Config;
pub use conn::Statements;
pub use open_error::OpenError;

use crate::kept::stats::Counters;
use command::{Command, Reply, Saying, Wish};
use conn::{Conn, Failure};
use connections::discard;
use following::Following;
use health::Health;
use opening::begin;
use reads::Reader;
use replica::Replica;

/// Threads that drive the connections.
const THREADS: usize = 2;

/// What the tasks share.
pub(crate) struct Shared {
    config: Config,
    epoch: Epoch,
    seal_key: SealKey,
    readers: Pool,
    replica: Option<Replica>,
    /// How many more reads may wait or be under way.
    reads: Arc<Semaphore>,
    /// Where writes take their place; nowhere, once the store is closed.
    writes: Mutex<Option<mpsc::Sender<Command>>>,
    /// Bytes of the commands that wait or are under way.
    queued_bytes: Arc<AtomicUsize>,
    health: Health,
    counters: Counters,
    following: Following,
}

impl Shared {
    fn conn<'a>(&self, client: &'a Client) -> Conn<'a> {
        Conn::new(client, &client.statement_cache, self.config.statements)
    }
}

/// The store on a PostgreSQL server.
pub struct PostgresStore {
    shared: Arc<Shared>,
    running: Mutex<Option<Running>>,
    runtime: tokio::runtime::Handle,
}

struct Running {
    runtime: Runtime,
    writer: JoinHandle<()>,
    follower: std::thread::JoinHandle<()>,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

/// A read, which needs a connection for as long as it lasts.
type Read<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

impl PostgresStore {
    /// Opens the store in a database, making its tables if there are none, and tells `sink` what this node
    /// commits from now on. Blocks until it is there.
    ///
    /// # Errors
    /// [`OpenError`] says whether the database is not reached, a newer version wrote it, or it cannot be
    /// used.
    pub fn open(config: Config, sink: Arc<dyn CommitSink>) -> Result<Self, OpenError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("store-postgres")
            .enable_all()
            .build()
            .map_err(OpenError::Threads)?;
        // Whoever opens it may be in a runtime of their own, in which nothing may block on another.
        let opened = std::thread::scope(|scope| {
            let opening = scope.spawn(|| runtime.block_on(begin(config, sink)));
            opening.join()
        });
        let reason = || OpenError::Connect { reason: "opening it panicked".to_owned() };
        match opened.map_err(|_| reason()).flatten() {
            Ok(begun) => {
                let handle = runtime.handle().clone();
                Ok(Self {
                    shared: begun.shared,
                    running: Mutex::new(Some(Running {
                        runtime,
                        writer: begun.writer,
                        follower: begun.follower,
                    })),
                    runtime: handle,
                })
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// The counters of this node, now. What only SQLite has stays 0.
    pub fn stats(&self) -> Stats {
        let shared = &self.shared;
        let waiting =
            shared.writes.lock().as_ref().map_or(0, |it| it.max_capacity() - it.capacity());
        let reads = shared.config.reads_max.saturating_sub(shared.reads.available_permits());
        let (told, head) = shared.following.positions();
        let stats = shared.counters.read(waiting, reads, head);
        // Words are in the index from their own commit on.
        Stats { unindexed: 0, untold: head - told, ..stats }
    }

    /// Names the log among those that may share a bus.
    pub fn log_id(&self) -> u64 {
        life::log_id(&self.shared.seal_key)
    }

    /// Tells other nodes of the log what this one commits from now on, and hears them. The first bus is
    /// the one for good.
    pub fn join(&self, bus: Arc<dyn Bus>) {
        self.shared.following.join(bus, &self.shared);
    }

    /// Finishes what is queued and closes the connections; dropping does the same. Later calls are answered
    /// with [`StoreError::Unavailable`]. Blocks until it is done.
    pub fn close(&self) {
        drop(self.shared.writes.lock().take());
        let Some(Running { runtime, writer, follower }) = self.running.lock().take() else {
            return;
        };
        let end = async {
            let ended = writer.await;
            self.shared.following.close().await;
            ended
        };
        let ended = std::thread::scope(|scope| scope.spawn(|| runtime.block_on(end)).join());
        if !matches!(ended, Ok(Ok(()))) || follower.join().is_err() {
            tracing::error!("a thread of the store ended by a panic");
        }
        self.shared.readers.close();
        self.shared.replica.iter().for_each(Replica::close);
        runtime.shutdown_background();
    }

    /// Queues a write; what keeps it out is answered at once.
    fn write<W: Wish>(&self, wish: W) -> Pending<W::Answer>
    where
        Reply<W::Answer>: Sync,
    {
        self.shared.write(wish)
    }

    /// Reads something in a snapshot of its own.
    fn read<T: Send + 'static>(
        &self,
        read: impl for<'a> FnOnce(Reader<'a>) -> Read<'a, T> + Send + 'static,
    ) -> Pending<T> {
        self.answer(|shared| async move { shared.read(read).await })
    }

    /// The same, on a replica if there is one: for what would cost the primary more than a row or two.
    fn read_copy<T: Send + 'static>(
        &self,
        read: impl for<'a> FnOnce(Reader<'a>) -> Read<'a, T> + Clone + Send + 'static,
    ) -> Pending<T> {
        self.answer(|shared| async move { shared.read_copy(read).await })
    }

    fn answer<T, F>(&self, read: impl FnOnce(Arc<Shared>) -> F) -> Pending<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let Ok(permit) = self.shared.reads.clone().try_acquire_owned() else {
            return Box::pin(std::future::ready(Err(StoreError::Overloaded)));
        };
        let (reply, answer) = oneshot::channel();
        let (shared, outcome) = (self.shared.clone(), read(self.shared.clone()));
        self.runtime.spawn(async move {
            let outcome = outcome.await;
            shared.counters.add(|c| &c.reads, 1);
            if let Err(StoreError::Corrupt { what }) = &outcome {
                shared.counters.add(|c| &c.corrupt, 1);
                tracing::error!(%what, "stored data is damaged; it is not served");
            }
            // Who no longer waits needs no answer.
            drop(reply.send(outcome));
            drop(permit);
        });
        Box::pin(async { answer.await.unwrap_or_else(|_| Err(closed())) })
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Queues something that is to be said.
    fn say(&self, say: impl FnOnce(Reply<Appended>) -> Saying) -> Pending<Appended> {
        self.queue(|reply, room| Command::say(say(reply), room))
    }

    /// Queues a write.
    fn write<W: Wish>(&self, wish: W) -> Pending<W::Answer>
    where
        Reply<W::Answer>: Sync,
    {
        self.queue(|reply, room| Command::wish(wish, reply, room))
    }

    fn queue<T: Send + 'static>(
        &self,
        command: impl FnOnce(Reply<T>, (&Arc<AtomicUsize>, usize)) -> Option<Command>,
    ) -> Pending<T> {
        let refused = |error| -> Pending<T> { Box::pin(std::future::ready(Err(error))) };
        if let Err(error) = self.health.check_lasting() {
            return refused(error);
        }
        let (reply, answer) = oneshot::channel();
        let room = (&self.queued_bytes, self.config.write_queue_bytes_max);
        let overloaded = || {
            self.counters.add(|c| &c.overloaded, 1);
            refused(StoreError::Overloaded)
        };
        let Some(command) = command(Reply::new(reply), room) else { return overloaded() };
        let sent = self.writes.lock().as_ref().map(|writes| writes.try_send(command));
        match sent {
            Some(Ok(())) => Box::pin(async { answer.await.unwrap_or_else(|_| Err(closed())) }),
            Some(Err(mpsc::error::TrySendError::Full(_))) => overloaded(),
            Some(Err(mpsc::error::TrySendError::Closed(_))) | None => refused(closed()),
        }
    }

    async fn read<T>(
        &self,
        read: impl for<'a> FnOnce(Reader<'a>) -> Read<'a, T>,
    ) -> Result<T, StoreError> {
        let deadline = Instant::now() + self.config.patience;
        // What was idle may have been ended by the server, and is only now found to be.
        let mut spares = self.config.readers;
        let mut read = Some(read);
        loop {
            let mut client = self.reader(deadline).await?;
            let told = Some(&self.following);
            let reading = self.read_by(&mut client, self.config.statements, told, &mut read);
            match timeout(self.config.answer_max, reading).await {
                Ok(Err(Failure::Engine(error)))
                    if read.is_some() && spares > 0 && error.as_db_error().is_none() =>
                {
                    spares -= 1;
                }
                Ok(outcome) => return outcome.map_err(Failure::told),
                Err(_) => {
                    discard(client);
                    return Err(StoreError::Unavailable { reason: "a read took too long".into() });
                }
            }
        }
    }

    /// Reads in a snapshot of its own; how far the log goes there is told to `following`. What reads is taken once
    /// the snapshot is there.
    async fn read_by<T>(
        &self,
        client: &mut Client,
        statements: Statements,
        following: Option<&Following>,
        read: &mut Option<impl for<'a> FnOnce(Reader<'a>) -> Read<'a, T>>,
    ) -> Result<T, Failure> {
        let cache = client.statement_cache.clone();
        let snapshot = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await?;
        let conn = Conn::new(snapshot.client(), &cache, statements);
        let read = read.take().expect("nothing was read yet");
        if let Some(setting) = statements.setting() {
            let set = async { conn.run(setting).await.map_err(Failure::Engine) };
            tokio::try_join!(set, self.same_life(conn))?;
        }
        // The snapshot ends when it is dropped.
        read(Reader {
            conn,
            following,
            clock: self.config.clock,
            receipts_members_max: self.config.receipts_members_max,
        })
        .await
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable { reason: "the store is closed".into() }
}
