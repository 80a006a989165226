//! HTTP: the door through which every connection comes.
//!
//! [`mod@accept`] takes connections from a listener, behind a proxy ([`proxied`]) and with TLS where asked; [`connection`] speaks
//! HTTP/1.1 on each; a request for Engine.IO's path is judged and served by [`engineio`], any other
//! goes to the [`fallback`]. A session's packets do not pass here except as the bodies of polls and
//! posts: sessions live in the shards, behind `crate::front`. A WebSocket leaves HTTP for good.
//!
//! Everything here runs on the runtime of a shard; what a request waits for is bounded in time by
//! the session it belongs to, and how long its answer may wait for a reader by [`patient`].

mod accept;
mod body;
mod connection;
mod cors;
mod engineio;
mod fallback;
mod forwarded;
mod patient;
mod proxied;
mod query;
mod refusal;
mod upgrade;

use std::sync::Arc;

pub(crate) use accept::accept;
pub use body::{Uncollected, collect};
pub(crate) use fallback::Fallback;
pub use fallback::Peer;
pub use forwarded::{NoProxy, TrustedProxy};

use crate::config::Config;
use crate::front::Front;

/// What every connection of a shard shares.
pub(crate) struct Site {
    /// The way to the sessions.
    pub(crate) front: Front,
    /// Who answers the other paths.
    pub(crate) fallback: Fallback,
}

/// What a shard's listeners need.
pub(crate) fn site(front: Front, fallback: Fallback) -> Arc<Site> {
    Arc::new(Site { front, fallback })
}

impl Site {
    /// The gateway's config.
    pub(crate) fn config(&self) -> &Config {
        self.front.config()
    }

    /// Whether Engine.IO answers this path: the configured one, its last slash given or not.
    pub(crate) fn is_engine_path(&self, path: &str) -> bool {
        self.config().path.trim_end_matches('/') == path.strip_suffix('/').unwrap_or(path)
    }
}
