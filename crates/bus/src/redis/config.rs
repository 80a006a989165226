//! What a bus on Redis can be told, with the defaults.

use std::fmt;
use std::time::Duration;

/// The settings of a bus on Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where it is.
    pub engine: Engine,
    /// What the nodes of one log are called together. Those of another log on the same Redis need another.
    pub cluster: String,
    /// What all keys and channels begin with.
    pub prefix: String,
    /// After how long without a sign of life a node is gone. It is renewed at a third of that.
    pub lease: Duration,
    /// Messages that wait to be published; what comes above it is dropped, and the others are told.
    pub queue_messages_max: usize,
    /// Bytes of them.
    pub queue_bytes_max: usize,
    /// Users of whom the directory has yet to hear; above it all is said again once there is room.
    pub seats_max: usize,
    /// How long a command may take. Then Redis is out of reach, and connected to anew.
    pub answer_timeout: Duration,
    /// How long it may take to say where users are.
    pub elsewhere_timeout: Duration,
    /// The longest pause between attempts to connect.
    pub reconnect_delay_max: Duration,
}

/// Where Redis is. An address is `redis://user:password@host:port/database`, or `rediss://…` with TLS.
#[derive(Clone, PartialEq, Eq)]
pub enum Engine {
    /// One server, also one with replicas behind an address.
    Server {
        /// Its address.
        url: String,
    },
    /// A Redis Cluster.
    Cluster {
        /// Addresses of some of its nodes. The user and password of the first are used for all.
        urls: Vec<String>,
    },
}

impl Config {
    /// The defaults.
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            cluster: String::from("parlor"),
            prefix: String::from("parlor:"),
            lease: Duration::from_secs(9),
            queue_messages_max: 16_384,
            queue_bytes_max: 64 << 20,
            seats_max: 1 << 20,
            answer_timeout: Duration::from_secs(2),
            elsewhere_timeout: Duration::from_millis(250),
            reconnect_delay_max: Duration::from_secs(2),
        }
    }
}

/// Addresses hold passwords.
impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { .. } => f.write_str("Server(…)"),
            Self::Cluster { urls } => write!(f, "Cluster({} addresses)", urls.len()),
        }
    }
}
