//! What happens in a world, each at its time on the agenda.

use std::sync::Arc;

use parlor_chat::entry::Epoch;
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::store::Committed;

use super::disk::{Asker, Read, Saw, Ticket, Told};
use super::message::{Conn, Down, Up};
use crate::history::Receipt;

/// Something that happens at its time.
#[derive(Debug)]
pub(crate) enum Event {
    /// A step of the plan.
    Step(usize),
    /// A device's message reaches its node.
    Up(Conn, Up),
    /// A node's message reaches its device.
    Down(Conn, Down),
    /// A node learns that a link is gone.
    Closed(Conn),
    /// A device learns it.
    Dropped(Conn),
    /// Something at a node in one of its lives.
    Node(Asker, AtNode),
    /// The bus brings something to a node, whichever life it is in.
    Bus(usize, AtNode),
    /// A device looks at the time.
    Tick(usize),
    /// A node is back.
    NodeUp(usize),
    /// The batch under way is synced, if the store has not died since.
    Synced(u32),
    /// A read is done.
    ReadDone(Asker, Ticket, Read),
    /// The store is back.
    StoreUp,
}

/// What happens at a node.
#[derive(Debug)]
pub(crate) enum AtNode {
    /// The store is about to commit these for it.
    Expect(Vec<Committed>),
    /// The store tells its commits and answers.
    Told(Told),
    /// A read comes back.
    Saw(Ticket, Saw),
    /// The bus brings what another node committed.
    Hint(Arc<Hint>),
    /// The bus brings a receipt.
    Receipt(Epoch, Gone),
    /// Time to look at the log, or to answer.
    Look,
    /// Time to ping.
    Ping,
    /// Time to store watermarks.
    Gather,
    /// A connection's queue has drained.
    Flushed(Conn),
    /// A join takes effect.
    Joined(Conn),
}

/// What a node tells the others of one commit.
#[derive(Debug)]
pub(crate) struct Hint {
    /// In which life of the log.
    pub(crate) epoch: Epoch,
    /// Up to where the log goes by it.
    pub(crate) head: u64,
    /// Its entries, unless they are too long for a hint.
    pub(crate) entries: Vec<Committed>,
}

/// How far somebody is, as it is told.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    /// Who.
    pub(crate) user: UserId,
    /// In which conversation.
    pub(crate) conversation: ConversationId,
    /// Up to where.
    pub(crate) seq: Seq,
    /// Which watermark.
    pub(crate) receipt: Receipt,
}

/// The counts of a run.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    /// Things that happened.
    pub(crate) events: u64,
    /// Faults of the plan that took effect.
    pub(crate) faults: u64,
    /// Deaths of nodes and of the store.
    pub(crate) kills: u64,
    /// Links cut, pulled or deafened.
    pub(crate) cuts: u64,
}
