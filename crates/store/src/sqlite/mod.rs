//! The embedded store: one SQLite file in a data directory.
//!
//! ```text
//! append, mark, … -> queue -> writer thread: batch, one transaction, fsync -> sink -> answers
//!                             between batches: old entries out, free pages back
//! history, since, … -> queue -> reader threads: one snapshot per batch of reads -> answers
//!                    checkpoint thread: write-ahead log -> database, beside the writer
//! ```
//!
//! What always holds: nothing is answered before it is durable (see [`Durability`]); seqs come
//! from the index inside the transaction, never from memory; a full queue is an answer; after a
//! failed write nothing is acknowledged until a probe commits or, after a failed fsync, until the
//! process starts again; what is damaged is named and never served, and the rest goes on. Dropping the store finishes what is queued and closes the files.
//!
//! Reading order: `schema` (the tables), `sums` and `cipher` (what guards an entry), `life` (whose
//! turn, which epoch), `command`, `commands` (writes), `writer`, `upkeep` (what it does in between),
//! `word_index` and `indexing` (what messages are found by), `queries` (reads), `search`, `readers`, `checkpoint`, [`verify()`], [`backup()`], [`restore()`].

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Mutex, RwLock};
use parlor_chat::entry::{Epoch, Position};
use parlor_chat::store::{CommitSink, Pending, SealKey, StoreError};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

mod config;

pub(crate) mod open_error;

mod port;

mod queue;

mod health;

pub(crate) mod schema;

pub(crate) mod life;

mod renew;

mod sums;

mod cipher;

pub(crate) mod keys;

pub(crate) mod rows;

pub(crate) mod names;

mod command;

mod commands;

mod entries;

mod visible;

pub(crate) mod mark_block;

pub(crate) mod mark_blocks;

mod marks;

mod groups;

mod message_state;

mod acts;

mod removals;

mod says;
mod speaking;

mod timers;

mod message_reads;

mod group_reads;

mod receipt_reads;

mod badge;

mod word_index;

mod search;

mod search_scope;

mod devices;

mod blocks;

pub(crate) mod own_keys;

pub(crate) mod own;

mod schedules;

mod regard;

mod requests;

mod people;
pub(crate) mod reports;
mod tokens;

mod suspensions;

mod audit;

mod moderation;

mod sweep;

mod retention;

mod expiry;

mod vacuum;

mod upkeep;

mod indexing;

mod writer;

mod queries;

mod resume;

mod readers;

mod checkpoint;

mod progress;

pub(crate) mod verify;

mod verify_marks;

mod backup;

pub(crate) mod restore;

pub use crate::kept::clock::Clock;
pub use crate::kept::stats::{BATCH_COMMANDS_BOUNDS, COMMIT_MICROS_BOUNDS, Stats};
pub use backup::{Check, CopyError, backup};
pub use config::{Config, Durability, IndexPace};
pub use keys::{Keyring, MasterKey, NoMasterKey, Rotated, rotate};
pub use open_error::OpenError;
pub use progress::{Progress, Report};
pub use restore::{Existing, Restored, restore};
pub use vacuum::{Compacted, compact};
pub use verify::{FINDINGS_MAX, Finding, Verified, verify, verify_file};

use crate::kept::stats::Counters;
use crate::kept::{body, envelope};
use command::{Command, Reply};
use health::Health;
use indexing::Indexing;
use life::{DirLock, Life, Sidecar};
use queue::{Queue, Rejected};
use readers::{Read, Reader};
use rows::{Failure, Subject, int};
use sweep::Sweep;
use upkeep::Upkeep;
use writer::Writer;

/// The database's file in the data directory.
pub const DATABASE_FILE: &str = "parlor.db";

/// What the threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    config: Config,
    epoch: Epoch,
    seal_key: SealKey,
    page_bytes: u64,
    writes: Queue<Command>,
    reads: ReadQueue,
    health: Health,
    counters: Counters,
    /// Held by batches of reads and writes, closed by the checkpointer for its last step.
    gate: RwLock<()>,
    /// The last durable entry.
    position: AtomicU64,
    /// Whether anybody was ever suspended, or told something.
    moderated: AtomicBool,
    /// Whether a search found the index of words damaged, which the writer then makes anew.
    index_damaged: AtomicBool,
    sidecar: Sidecar,
}

impl Shared {
    /// Counts and tells that something stored is not what was written.
    pub(crate) fn met_damage(&self, what: &str) {
        self.counters.add(|c| &c.corrupt, 1);
        tracing::error!(what, "stored data is damaged; it is not served");
    }
}

/// The embedded store.
#[derive(Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
    threads: Mutex<Option<Threads>>,
}

#[derive(Debug)]
struct Threads {
    writer: JoinHandle<(Connection, Life)>,
    readers: Vec<JoinHandle<()>>,
    checkpointer: JoinHandle<()>,
    _lock: DirLock,
}

impl SqliteStore {
    /// Opens the store in a data directory, making it if it is new, and tells `sink` what is
    /// committed from now on.
    ///
    /// # Errors
    /// [`OpenError`] says whether another server has it, a newer version wrote it, or it cannot
    /// be used. Nothing is changed then, but for a migration that has succeeded.
    pub fn open(config: Config, sink: Arc<dyn CommitSink>) -> Result<Self, OpenError> {
        let dir = config.dir.clone();
        std::fs::create_dir_all(&dir)
            .map_err(|source| OpenError::Io { path: dir.clone(), source })?;
        let lock = DirLock::take(&dir)?;
        restore::refuse_unfinished(&dir)?;
        let path = dir.join(DATABASE_FILE);
        let log = dir.join(format!("{DATABASE_FILE}-wal"));
        renew::renew(&log).map_err(|source| OpenError::Io { path: log, source })?;
        let mut conn = connect(&path, &config, config.writer_cache_kib)?;
        schema::migrate(&mut conn)?;
        keys::check(&conn, config.keyring.as_deref())?;
        let (life, sidecar, head) = life::begin(&mut conn, &dir, &path)?;
        if let Some(pages) = config.pages_max {
            conn.pragma_update(None, "max_page_count", pages)?;
        }
        let page_bytes: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;

        let shared = Arc::new(Shared {
            epoch: life.epoch,
            seal_key: life::seal_key(&conn)?,
            page_bytes: u64::try_from(page_bytes).unwrap_or(4_096),
            writes: Queue::new(config.write_queue_commands_max, config.write_queue_bytes_max),
            reads: ReadQueue(Queue::new(config.read_queue_max, usize::MAX)),
            health: Health::default(),
            counters: Counters::default(),
            gate: RwLock::new(()),
            position: AtomicU64::new(u64::try_from(head).unwrap_or(0)),
            moderated: AtomicBool::new(suspensions::any(&conn)?),
            index_damaged: AtomicBool::new(false),
            sidecar,
            config,
        });
        let readers = (0..shared.config.readers.max(1))
            .map(|_| connect(&path, &shared.config, shared.config.reader_cache_kib))
            .collect::<Result<Vec<_>, _>>()?;
        let upkeep = Upkeep::new(&conn, &shared.config)?;
        let indexing = Indexing::new(&mut conn, &shared.config)?;
        let indexed = u64::try_from(word_index::up_to(&conn)?).unwrap_or(0);
        shared.counters.indexed.store(indexed, Ordering::Relaxed);
        let checkpoints = connect(&path, &shared.config, 256)?;
        // An operator's open shell may keep a checkpoint from ending; it must not hold the gate.
        checkpoints.busy_timeout(std::time::Duration::ZERO)?;
        let threads =
            start(&shared, (conn, life, upkeep, indexing), sink, readers, checkpoints, lock)
                .map_err(|source| OpenError::Io { path: dir, source })?;
        Ok(Self { shared, threads: Mutex::new(Some(threads)) })
    }

    /// The counters, now.
    pub fn stats(&self) -> Stats {
        let shared = &self.shared;
        let stats = shared.counters.read(
            shared.writes.len(),
            shared.reads.0.len(),
            shared.position.load(Ordering::Acquire),
        );
        match shared.config.search {
            true => stats,
            false => Stats { unindexed: 0, ..stats },
        }
    }

    /// The position of the last durable entry.
    pub fn position(&self) -> Position {
        Position(self.shared.position.load(Ordering::Acquire))
    }

    /// Finishes what is queued, stops the threads and closes the files; dropping does the same.
    /// Later calls are answered with [`StoreError::Unavailable`]. Blocks until it is done.
    pub fn close(&self) {
        let Some(threads) = self.threads.lock().take() else { return };
        self.shared.writes.close();
        self.shared.reads.0.close();
        let writer = threads.writer.join();
        for thread in threads.readers.into_iter().chain([threads.checkpointer]) {
            drop(thread.join());
        }
        let Ok((conn, _)) = writer else { return };
        let position = self.shared.position.load(Ordering::Acquire);
        if let Err(error) = self.shared.sidecar.reached(int(position)) {
            tracing::warn!(%error, "the position could not be noted beside the store");
        }
        // Closing the last connection moves the log into the database.
        if let Err((_, error)) = conn.close() {
            tracing::warn!(%error, "the store was not closed cleanly");
        }
    }

    fn write<T: Send + 'static>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Pending<T> {
        submit(&self.shared, command)
    }

    fn read<T: Send + 'static>(
        &self,
        subject: Subject,
        query: impl FnOnce(&mut Reader) -> Result<T, Failure> + Send + 'static,
    ) -> Pending<T> {
        ask(&self.shared, subject, query)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}

/// Reads something about `subject`, which names what cannot be read if a page is damaged.
fn ask<T: Send + 'static>(
    shared: &Arc<Shared>,
    subject: Subject,
    query: impl FnOnce(&mut Reader) -> Result<T, Failure> + Send + 'static,
) -> Pending<T> {
    let (reply, answer) = oneshot::channel();
    let told = shared.clone();
    let read: Read = Box::new(move |reader| {
        let outcome =
            reader.and_then(|reader| query(reader).map_err(|failure| failure.told_of(&subject)));
        if let Err(StoreError::Corrupt { what }) = &outcome {
            told.met_damage(what);
        }
        // Who no longer waits needs no answer.
        drop(reply.send(outcome));
    });
    match shared.reads.0.push(read, 1) {
        Ok(()) => Box::pin(async { answer.await.unwrap_or_else(|_| Err(closed())) }),
        Err(rejected) => refused(shared, rejected),
    }
}

/// Queues a write; what keeps it out is answered at once.
fn submit<T: Send + 'static>(
    shared: &Shared,
    command: impl FnOnce(Reply<T>) -> Command,
) -> Pending<T> {
    if let Err(error) = shared.health.check() {
        return Box::pin(std::future::ready(Err(error)));
    }
    let (reply, answer) = oneshot::channel();
    let command = command(Reply::new(reply));
    let weight = command.weight();
    match shared.writes.push(command, weight) {
        Ok(()) => Box::pin(async { answer.await.unwrap_or_else(|_| Err(closed())) }),
        Err(rejected) => refused(shared, rejected),
    }
}

fn refused<T: Send + 'static>(shared: &Shared, rejected: Rejected) -> Pending<T> {
    let error = match rejected {
        Rejected::Full => {
            shared.counters.add(|c| &c.overloaded, 1);
            StoreError::Overloaded
        }
        Rejected::Closed => shared.health.check().err().unwrap_or_else(closed),
    };
    Box::pin(std::future::ready(Err(error)))
}

fn closed() -> StoreError {
    StoreError::Unavailable { reason: "the store is closed".into() }
}

fn connect(path: &Path, config: &Config, cache_kib: u32) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(128);
    // A kept statement is not planned again for each new parameter: that cost a parse per read.
    conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    vacuum::prepare(&conn)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match config.durability {
        Durability::Fsync => "FULL",
        Durability::OperatingSystem => "NORMAL",
    };
    conn.pragma_update(None, "synchronous", synchronous)?;
    // Without these a Mac's fsync leaves the data in the drive's cache; elsewhere they do nothing.
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // What is moved or shrinks within pages leaves no copy behind; it costs no writing.
    conn.pragma_update(None, "secure_delete", "FAST")?;
    Ok(conn)
}

fn start(
    shared: &Arc<Shared>,
    (conn, life, upkeep, indexing): (Connection, Life, Upkeep, Indexing),
    sink: Arc<dyn CommitSink>,
    readers: Vec<Connection>,
    checkpoints: Connection,
    lock: DirLock,
) -> std::io::Result<Threads> {
    let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let (wake, woken) = checkpoint::channel();
    let readers = readers
        .into_iter()
        .map(|conn| {
            let shared = shared.clone();
            let reader = Reader::new(conn, &shared.config);
            named("store-reader").spawn(move || reader.run(&shared))
        })
        .collect::<Result<_, _>>()?;
    let checkpointer = {
        let shared = shared.clone();
        named("store-checkpoint").spawn(move || checkpoint::run(&checkpoints, &shared, &woken))?
    };
    let writer = Writer {
        conn,
        life,
        sweep: Sweep::new(shared.config.client_id_window_ms),
        upkeep,
        indexing,
        shared: shared.clone(),
        sink,
        checkpointer: wake,
        executor: commands::Executor::new(&shared.config),
    };
    let writer = named("store-writer").spawn(move || writer.run())?;
    Ok(Threads { writer, readers, checkpointer, _lock: lock })
}

/// Reads cannot be shown.
struct ReadQueue(Queue<Read>);

impl std::fmt::Debug for ReadQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadQueue").field("len", &self.0.len()).finish()
    }
}
