//! What all parts of a run share: where the server is, who talks to whom, what was observed, and
//! what the run is doing at the moment.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::StdRng;
use tokio::sync::Notify;

use super::grouping::Group;
use super::lives::Lives;

/// How many users on each side in the ring a user talks to: few enough that logs grow long.
const PEERS_EACH_SIDE: usize = 3;

/// What the devices of a run do at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Connect and listen.
    Gather,
    /// Send, be cut, send again.
    Send,
    /// Send only what is not acknowledged yet.
    Finish,
    /// End.
    Stop,
}

/// What all devices of a run share.
pub(super) struct Shared {
    /// Where devices reach the server: proxies, or itself.
    pub(super) doors: Vec<SocketAddr>,
    /// The users, in a ring.
    pub(super) users: Vec<String>,
    /// Their groups.
    pub(super) groups: Vec<Group>,
    /// How long a device waits between two sends, on average.
    pub(super) pause: Duration,
    /// Whether devices edit what they said: not where acknowledged messages are lost on purpose, since
    /// the ids of those become ids of what others say, and such an edit is refused for ever.
    pub(super) edits: bool,
    /// What was observed.
    pub(super) lives: Mutex<Lives>,
    /// How many devices have been connected at least once.
    pub(super) connected: AtomicU64,
    /// Sends that were begun and are not acknowledged.
    pub(super) unacked: AtomicU64,
    /// Sends that were refused for good: to a group that their sender was not in.
    pub(super) denied: AtomicU64,
    /// Told whenever an owner has wished for a change of a group and waits for the answer.
    pub(super) wished: Notify,
    /// Wishes that had been carried out when they were said again: only the answer was lost.
    pub(super) repeated: AtomicU64,
    /// How often the server began or ceased to refuse sends: odd while it may.
    pub(super) refusals: AtomicU64,
    /// Connections that were cut: by devices, and by the proxy.
    pub(super) cuts: AtomicU64,
    /// Connects at which a device said its position.
    pub(super) resumes: AtomicU64,
    /// Those of them that were answered by `snapshot`.
    pub(super) snapshots: AtomicU64,
}

impl Shared {
    /// One of the doors, always the same by its number.
    pub(super) fn door(&self, number: usize) -> SocketAddr {
        self.doors[number % self.doors.len()]
    }

    /// Any of the doors.
    pub(super) fn any_door(&self, rng: &mut StdRng) -> SocketAddr {
        self.door(rng.random_range(0..self.doors.len()))
    }

    /// The users near this one, and it itself.
    pub(super) fn peers(&self, user: &str) -> Vec<&str> {
        let count = self.users.len();
        let own = self.users.iter().position(|other| other == user).unwrap_or(0);
        let reach = PEERS_EACH_SIDE.min((count - 1) / 2);
        (0..=2 * reach)
            .map(|step| self.users[(own + count + step - reach) % count].as_str())
            .collect()
    }

    /// One of them.
    pub(super) fn peer(&self, user: &str, rng: &mut StdRng) -> &str {
        let peers = self.peers(user);
        peers[rng.random_range(0..peers.len())]
    }

    /// The groups that a user is in now and then.
    pub(super) fn groups_of(&self, user: &str) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(move |group| group.pool.iter().any(|other| other == user))
    }

    /// Takes note that a send was refused for good.
    pub(super) fn deny(&self, client_id: String) {
        self.lives.lock().refused.push(client_id);
        self.denied.fetch_add(1, Ordering::Relaxed);
        self.unacked.fetch_sub(1, Ordering::Relaxed);
    }

    /// Somewhere about the usual pause.
    pub(super) fn pause(&self, rng: &mut StdRng) -> Duration {
        self.pause.mul_f64(rng.random_range(0.2..1.8))
    }

    /// Counts a connection that was cut.
    pub(super) fn count_cut(&self) {
        self.cuts.fetch_add(1, Ordering::Relaxed);
    }
}

/// The conversation of two users whose names need no escaping.
pub(super) fn conversation(one: &str, other: &str) -> String {
    let (low, high) = if one <= other { (one, other) } else { (other, one) };
    format!("dm:{low}:{high}")
}
