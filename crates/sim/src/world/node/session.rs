//! One connection at a node: how far its catch-up is, what is held for it, what it has not
//! confirmed. What the service's session and the gateway's socket are in the real server.

use std::collections::VecDeque;
use std::sync::Arc;

use parlor_chat::aborts::Aborts;
use parlor_chat::catch_up::CatchUp;
use parlor_chat::entry::{Entry, Position};
use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::rate::Bucket;
use parlor_chat::receipts::Unconfirmed;

/// Whether broadcasts reach a connection.
#[derive(Debug)]
pub(super) enum Hearing {
    /// It has not joined its room.
    Apart,
    /// It is in its room, and what comes is kept.
    Held(Hold),
    /// What comes above this position is written.
    Live(Position),
}

/// Broadcasts kept for a connection, each with its position.
#[derive(Debug, Default)]
pub(super) struct Hold {
    pub(super) entries: VecDeque<Arc<Entry>>,
    pub(super) overflowed: bool,
}

impl Hold {
    pub(super) fn push(&mut self, entry: &Arc<Entry>, held_max: usize) {
        if self.overflowed {
            return;
        }
        if self.entries.len() >= held_max {
            self.entries.clear();
            self.overflowed = true;
            return;
        }
        self.entries.push_back(entry.clone());
    }
}

/// One connection of one device.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) user: UserId,
    pub(super) device: DeviceId,
    /// Whether the store has its device and its pushes are due.
    pub(super) listed: bool,
    pub(super) catch_up: CatchUp,
    pub(super) hearing: Hearing,
    pub(super) unconfirmed: Unconfirmed,
    /// Whether a proof speaks of all that was pushed: not before it has joined.
    pub(super) proves: bool,
    /// It was told to read everything anew: what it is pushed meanwhile says nothing of what lies
    /// before, so that a proof of it must not move a watermark.
    pub(super) rereads: bool,
    /// What the last ping proves, when it is answered.
    pub(super) proving: u64,
    pub(super) pinged: u64,
    pub(super) ponged: u64,
    pub(super) bucket: Bucket,
    pub(super) aborts: Aborts,
    /// Something was broadcast since the last page.
    pub(super) disturbed: bool,
}

impl Session {
    pub(super) fn new(user: UserId, device: DeviceId, catch_up: CatchUp) -> Self {
        Self {
            user,
            device,
            listed: false,
            catch_up,
            hearing: Hearing::Apart,
            unconfirmed: Unconfirmed::default(),
            proves: false,
            rereads: false,
            proving: 0,
            pinged: 0,
            ponged: 0,
            bucket: Bucket::default(),
            aborts: Aborts::default(),
            disturbed: false,
        }
    }
}
