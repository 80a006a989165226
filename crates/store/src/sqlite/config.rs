//! How the store is opened: every bound and choice, with its default.

use std::path::PathBuf;
use std::sync::Arc;

use parlor_chat::limits::Limits;
use parlor_chat::requests;

use super::keys::Keyring;
use crate::kept::clock::Clock;

/// How the store is opened.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data directory; made if it is missing.
    pub dir: PathBuf,
    /// When a write counts as done. Default [`Durability::Fsync`].
    pub durability: Durability,
    /// Writes that may wait; beyond it they are refused as overloaded. Default 16,384.
    pub write_queue_commands_max: usize,
    /// Bytes of content that may wait, or be under way. Default 64 MiB.
    pub write_queue_bytes_max: usize,
    /// Writes committed together at most. Default 1,024.
    pub batch_commands_max: usize,
    /// Bytes of content committed together at most. Default 4 MiB.
    pub batch_bytes_max: usize,
    /// Threads that read. Default one a core, at most 2: a second one on the same core only keeps
    /// reads from sharing a snapshot.
    pub readers: usize,
    /// Reads that may wait. Default 16,384.
    pub read_queue_max: usize,
    /// Page cache of the writer, in KiB. Default 16,384.
    pub writer_cache_kib: u32,
    /// Page cache of each reader, in KiB. Default 4,096.
    pub reader_cache_kib: u32,
    /// The write-ahead log is checkpointed beyond so many bytes. Default 32 MiB.
    pub wal_soft_bytes: u64,
    /// Where the write-ahead log has grown beyond so many bytes, commits wait for the checkpoint,
    /// unless a reader keeps that from ending; then its file is cut back. Default 256 MiB.
    pub wal_hard_bytes: u64,
    /// Milliseconds for which idempotency keys are remembered, and a day more. Default 30 days.
    pub client_id_window_ms: u64,
    /// Milliseconds after which entries are removed; `None`, the default, keeps them.
    pub retention_ms: Option<u64>,
    /// Members up to which a group's marks are told to each of them. Default 64.
    pub receipts_members_max: u64,
    /// Whether messages are found by their words. Default yes.
    pub search: bool,
    /// Milliseconds for which entries are gathered before they are indexed. Default 500.
    pub index_gather_ms: u64,
    /// How much of the writer's time indexing takes. Default [`IndexPace::Beside`].
    pub index_pace: IndexPace,
    /// The keys that content is sealed by; `None`, the default, seals nothing.
    pub keyring: Option<Arc<Keyring>>,
    /// The bounds on message requests. Default [`Limits::requests`].
    pub requests: requests::Bounds,
    /// By which clock. Default the system's.
    pub clock: Clock,
    /// The database may have so many pages of 4 KiB; `None` for as many as the disk holds.
    pub pages_max: Option<u32>,
}

impl Config {
    /// The defaults, in this data directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            durability: Durability::Fsync,
            write_queue_commands_max: 16_384,
            write_queue_bytes_max: 64 << 20,
            batch_commands_max: 1_024,
            batch_bytes_max: 4 << 20,
            readers: std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2)),
            read_queue_max: 16_384,
            writer_cache_kib: 16_384,
            reader_cache_kib: 4_096,
            wal_soft_bytes: 32 << 20,
            wal_hard_bytes: 256 << 20,
            client_id_window_ms: 30 * parlor_chat::limits::DAY_MS,
            retention_ms: None,
            receipts_members_max: 64,
            search: true,
            index_gather_ms: 500,
            index_pace: IndexPace::Beside,
            keyring: None,
            requests: Limits::default().requests(),
            clock: Clock::SYSTEM,
            pages_max: None,
        }
    }
}

/// How much of the writer's time indexing takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexPace {
    /// A few milliseconds at a time with pauses between: what is written hardly waits.
    #[default]
    Beside,
    /// All that nobody else wants, a second at a time: soonest done, where nobody minds to wait.
    Whole,
}

/// When a write counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When it is on the disk: it survives a loss of power.
    #[default]
    Fsync,
    /// When the operating system has it: it survives a crash of the server, but the newest
    /// acknowledged writes may be gone after a loss of power or a crash of the system.
    OperatingSystem,
}
