//! Connection state recovery as Node's server has it, kept in memory: an option of the gateway,
//! for applications that keep nothing themselves.
//!
//! Each plain event gets the next number of the whole process, which is its offset, and is kept in
//! the [`log`]. Numbers are given and operations pushed under one lock, through the inboxes alone
//! ([`publish`]): so every shard performs them in the order of their numbers, and "performed up
//! to" is one number. A socket that is lost leaves a session ([`sessions`]). Who comes back with
//! its private id and an offset, to whatever shard, gets what the log has from the offset up to
//! what that shard has performed; all later events it hears live. The claim is pushed under the
//! same lock and waits its turn behind all that the client can have seen: so nothing is lost
//! between two shards, and nothing heard twice.
//!
//! As in Node, a session's rooms are those at its end: what was sent to one of them after the
//! offset was missed, even if the socket was not in the room yet.

mod log;
mod publish;
mod sessions;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use serde::Deserialize;

pub(crate) use self::publish::UNNUMBERED;
pub(crate) use self::sessions::Session;

use self::log::Log;
use self::sessions::Sessions;
use crate::config;
use crate::frame::Frame;

/// What is kept for those who may come back.
pub(crate) struct Recovery {
    pub(crate) config: config::Recovery,
    log: Mutex<Log>,
    sessions: Mutex<Sessions>,
    pids: AtomicU64,
}

/// What a client says of its earlier life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) pid: String,
    pub(crate) offset: u64,
}

impl Claim {
    /// What the auth of a CONNECT claims; nothing if it is not what this gateway gives out.
    pub(crate) fn of(auth: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Auth {
            pid: String,
            offset: String,
        }
        let Auth { pid, offset } = serde_json::from_str(auth).ok()?;
        Some(Self { pid, offset: offset.parse().ok()? })
    }
}

impl Recovery {
    pub(crate) fn new(config: config::Recovery) -> Self {
        let (log, sessions) = (Mutex::new(Log::new(&config)), Mutex::new(Sessions::new(&config)));
        Self { config, log, sessions, pids: AtomicU64::new(0) }
    }

    /// A number that no other private id of this process was made from.
    pub(crate) fn next_pid(&self) -> u64 {
        self.pids.fetch_add(1, Ordering::Relaxed)
    }

    /// When a session that begins to wait now is forgotten.
    pub(crate) fn end_of_waiting(&self) -> Instant {
        Instant::now() + self.config.disconnection_max
    }

    /// Keeps what a lost socket leaves, or what was taken for a client that then did not join.
    pub(crate) fn save(&self, session: Session) {
        let forgotten = self.sessions.lock().save(session);
        // Not under the lock: the drop of what an application attached may come here again.
        drop(forgotten);
    }

    /// Takes out the session that is claimed.
    pub(crate) fn take(&self, namespace: &str, claim: &Claim) -> Option<Session> {
        let session = self.sessions.lock().take(&claim.pid, Instant::now())?;
        if *session.namespace != *namespace {
            self.save(session);
            return None;
        }
        Some(session)
    }

    /// What a session has missed after `offset`, up to what its new shard has performed; `None` if
    /// that is not known any more.
    pub(crate) fn missed(&self, session: &Session, offset: u64, until: u64) -> Option<Vec<Frame>> {
        self.log.lock().missed(session, offset, until)
    }

    /// Lets go of the sessions whose time is over.
    pub(crate) fn forget_expired(&self) {
        let forgotten = self.sessions.lock().expire(Instant::now());
        drop(forgotten);
    }
}
