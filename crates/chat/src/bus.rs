//! The port through which the nodes of one log speak to each other.
//!
//! Everything that goes over it is **a hint**: it may be lost, doubled, late or out of order, and nothing is
//! lost by that. What must not be lost is in the store. So a publish never waits and never fails for its
//! caller, and a bus that is down delays what others hear until they look into the store.
//!
//! A node has a name of its own, another at each start, and a **lease**: whoever has not renewed it in time
//! is gone for the others. Beside the topics there is a directory of who is connected where. It says no more
//! than hints do: an entry of it lasts no longer than its node, and the directory may be emptied at any
//! time; then each node is asked to say again who is there ([`Ear::forgotten`]).
//!
//! A backend keeps apart the clusters that share an engine by their name, and hears nothing that speaks of
//! another log: each message names the log it is about, and one of another, or of a form that is not known,
//! is counted and passed over.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::ids::{DeviceId, UserId};

/// Carries messages between the nodes of one log.
pub trait Bus: Send + Sync + 'static {
    /// What this node is called.
    fn node(&self) -> NodeId;

    /// Hands a message to all other nodes. What is published on one topic by one node is heard in that
    /// order, or not at all. Never waits: what there is no room for is dropped and counted, and the others
    /// hear [`Ear::missed`].
    fn publish(&self, topic: Topic, message: Vec<u8>);

    /// Has a topic heard from now on; once for each topic.
    fn listen(&self, topic: Topic, ear: Arc<dyn Ear>);

    /// Says on which devices a user is connected to this node from now on, each named once; none for a user
    /// who is gone. Never waits; of what is said of one user the last holds. It is believed for a day, so
    /// whoever is connected is said again at least twice a day.
    fn seat(&self, user: UserId, devices: Vec<DeviceId>);

    /// On which devices users are connected to other nodes that live, in the order they are asked for.
    /// Cancel safe.
    ///
    /// # Errors
    /// [`BusDown`] when that is not known.
    fn elsewhere(&self, users: Vec<UserId>) -> BoxFuture<'static, Result<Vec<Elsewhere>, BusDown>>;

    /// Says goodbye: what waits is published if that is soon possible, and the others hear [`Ear::left`] at
    /// once. Nothing is published or heard from then on. A bus that is dropped does so by itself, as well as
    /// it can.
    fn leave(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    /// What the bus counts.
    fn stats(&self) -> BusStats;
}

/// Hears a topic. Called on the backend's own thread: it must not block.
pub trait Ear: Send + Sync + 'static {
    /// Another node's message.
    fn heard(&self, from: NodeId, message: &[u8]);

    /// Messages may have been missed up to now: the bus was out of reach, or a node could not say something.
    fn missed(&self) {}

    /// A node is gone: it said so, or its lease has ended.
    fn left(&self, node: NodeId) {
        let _ = node;
    }

    /// The directory does not know any more who is connected here: all of it is to be said again.
    fn forgotten(&self) {}
}

/// What messages are about. Those of different topics have no order among each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// What was committed.
    Log,
    /// What is told in passing, and who came and went.
    Talk,
}

impl Topic {
    /// Every topic there is.
    pub const ALL: [Self; 2] = [Self::Log, Self::Talk];

    /// As it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Talk => "talk",
        }
    }
}

/// Names one run of one node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Where else a user is connected, node by node.
pub type Elsewhere = Vec<(NodeId, Vec<DeviceId>)>;

/// The bus is out of reach, and what it knows with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bus is out of reach: {reason}")]
pub struct BusDown {
    /// Why, for the log.
    pub reason: Arc<str>,
}

/// A reading of a bus's counters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BusStats {
    /// Whether it is in reach now.
    pub is_up: bool,
    /// Other nodes that live.
    pub nodes: u64,
    /// Messages that the engine took.
    pub published: u64,
    /// Bytes of them.
    pub published_bytes: u64,
    /// Messages that could not be published.
    pub dropped: u64,
    /// Messages of other nodes that were heard.
    pub heard: u64,
    /// Messages passed over: of another log, of a form that is not known, or damaged.
    pub passed_over: u64,
    /// How often messages may have been missed.
    pub missed: u64,
    /// Messages that wait to be published.
    pub queued: u64,
    /// Users of this node of whom the directory has yet to hear.
    pub unseated: u64,
}
