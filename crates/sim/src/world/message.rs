//! What devices and nodes say to each other: the event protocol, without its bytes.

use std::sync::Arc;

use crate::world::members::Wish;
use parlor_chat::entry::{Content, Entry, Epoch, Millis, Position};
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, Seq, UserId};
use parlor_chat::refusal::Refusal;
use parlor_chat::resume::Cursor;
use parlor_chat::store::{HistoryPage, HistoryQuery};

use super::event::Gone;
use crate::history::Receipt;

/// A connection between a device and a node; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Conn(pub u64);

/// Which answer belongs to which command of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AckId(pub u64);

/// A command whose answer its device waits for before it is done with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wished {
    /// `private_message`.
    Say { to: UserId, key: ClientId, content: Content },
    /// Something for a group's log.
    Group { group: usize, wish: Wish, key: ClientId, content: Content },
    /// To keep somebody out, or let them in.
    Block { other: UserId, blocked: bool },
}

/// What a device says.
#[derive(Debug, Clone)]
pub(crate) enum Up {
    /// The handshake.
    Hello { user: UserId, device: DeviceId, cursor: Option<Cursor> },
    /// A command.
    Wish { ack: AckId, wished: Wished },
    /// `delivered` and `read`.
    Mark { ack: Option<AckId>, conversation: ConversationId, seq: Seq, receipt: Receipt },
    /// `conversations`.
    List { ack: AckId },
    /// `history`.
    History { ack: AckId, query: HistoryQuery },
    /// The answer to a ping.
    Pong(u64),
}

/// What a node says.
#[derive(Debug, Clone)]
pub(crate) enum Down {
    /// The handshake was taken.
    Ready(Epoch),
    /// The cursor is no good: read everything anew.
    Snapshot,
    /// A message; with the position it stands for, if all before it was pushed.
    Push { entry: Arc<Entry>, up_to: Option<Position> },
    /// Everything up to here was pushed.
    CaughtUp(Cursor),
    /// An answer.
    Answer { ack: AckId, answer: Answer },
    /// A receipt of somebody else.
    Told(Gone),
    /// A heartbeat.
    Ping(u64),
}

/// The answer to a command.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// It is in the log.
    Sent { conversation: ConversationId, seq: Seq, ts: Millis },
    /// It is done.
    Done,
    /// The user's conversations.
    Listed(Vec<ConversationId>),
    /// A piece of a log.
    Page(HistoryPage),
    /// It was refused.
    Refused(Refusal),
}
