//! How the store is opened: every bound and choice, with its default.

use std::path::PathBuf;
use std::time::Duration;

use parlor_chat::limits::{DAY_MS, Limits};
use parlor_chat::requests;

use super::conn::Statements;
use crate::kept::clock::Clock;

/// How the store is opened.
#[derive(Clone)]
pub struct Config {
    /// Where the database is: `postgres://user:password@host/database`, or `host=… dbname=…`.
    pub url: String,
    /// Where a standby of it is, or several, that may be read (`replica`). Not behind a pooler. Default none.
    pub replica_url: Option<String>,
    /// Whose signatures make a server's certificate believed, in PEM, where the address says
    /// `sslmode=require`. Default whom the system believes.
    pub tls_ca_file: Option<PathBuf>,
    /// How statements are sent. Default [`Statements::Prepared`]; where a pooler stands between,
    /// [`Statements::Unnamed`].
    pub statements: Statements,
    /// Connections that read. Default 8.
    pub readers: usize,
    /// Reads that may wait or be under way. Default 16,384.
    pub reads_max: usize,
    /// Writes that may wait; beyond it they are refused as overloaded. Default 16,384.
    pub write_queue_commands_max: usize,
    /// Bytes of content that may wait, or be under way. Default 64 MiB.
    pub write_queue_bytes_max: usize,
    /// Writes committed together at most. Default 256: each takes up to three advisory locks, of which
    /// the server has 64 for each connection that it allows.
    pub batch_commands_max: usize,
    /// How long a connection may take to come about, and how long writes and reads wait while there is
    /// none. Default 5 seconds.
    pub patience: Duration,
    /// How long the server may take for one read, or for one step of a write; then the connection is
    /// given up. Default 30 seconds.
    pub answer_max: Duration,
    /// How far this machine's clock may be from the server's when the store is opened. Default 10 seconds.
    pub clock_skew_max: Duration,
    /// Milliseconds for which idempotency keys are remembered, and a day more. Default 30 days.
    pub client_id_window_ms: u64,
    /// Milliseconds after which entries are removed; `None`, the default, keeps them.
    pub retention_ms: Option<u64>,
    /// How often it is looked for what has ended or is too old. Default every second.
    pub upkeep_every: Duration,
    /// How often it is looked for what other nodes commit, where nothing tells of it. Default twice a second.
    pub look_every: Duration,
    /// The same, where a bus tells of it. Default every 5 seconds.
    pub look_every_with_bus: Duration,
    /// Members up to which a group's marks are told to each of them. Default 64.
    pub receipts_members_max: u64,
    /// Whether messages are found by their words. Default yes.
    pub search: bool,
    /// The bounds on message requests. Default [`Limits::requests`].
    pub requests: requests::Bounds,
    /// By which clock. Default the system's.
    pub clock: Clock,
}

impl Config {
    /// The defaults, with the database at this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            replica_url: None,
            tls_ca_file: None,
            statements: Statements::default(),
            readers: 8,
            reads_max: 16_384,
            write_queue_commands_max: 16_384,
            write_queue_bytes_max: 64 << 20,
            batch_commands_max: 256,
            patience: Duration::from_secs(5),
            answer_max: Duration::from_secs(30),
            clock_skew_max: Duration::from_secs(10),
            client_id_window_ms: 30 * DAY_MS,
            retention_ms: None,
            upkeep_every: Duration::from_secs(1),
            look_every: Duration::from_millis(500),
            look_every_with_bus: Duration::from_secs(5),
            receipts_members_max: 64,
            search: true,
            requests: Limits::default().requests(),
            clock: Clock::SYSTEM,
        }
    }
}

/// Without the addresses, which may have passwords in them.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("statements", &self.statements)
            .field("readers", &self.readers)
            .field("batch_commands_max", &self.batch_commands_max)
            .field("retention_ms", &self.retention_ms)
            .field("search", &self.search)
            .finish_non_exhaustive()
    }
}
