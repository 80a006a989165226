//! What the program says to its load processes and what they answer: one JSON value per line,
//! commands on their standard input, replies on their standard output.
//!
//! One command is under way at a time and gets exactly one reply. Between commands a load
//! process keeps its connections alive by answering pings.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::latency::Latency;

/// Which connections to open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Connect {
    /// Of the servers; each user talks to the next one.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Number of the first user; names, source addresses and tokens follow from it.
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// How many may be in the making at the same time.
    pub(crate) at_once: u32,
    pub(crate) auth: Auth,
    pub(crate) window: Window,
    /// The certificate (PEM) of servers that speak TLS.
    pub(crate) trusted: Option<PathBuf>,
}

/// What a load process is to do next.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(crate) enum Command {
    /// Open connections and take each through the upgrade, the CONNECT and `ready`.
    Connect(Connect),
    /// Close every connection.
    Drop,
    /// Read nothing any more, and wait until the server has ended every connection.
    Stall,
    /// Open the dropped connections again, all at once, each as often as it is refused or lost,
    /// until each has all that it missed of a `Feed` and is caught up.
    Return {
        address: SocketAddr,
        auth: Auth,
        /// Messages that each missed, at most 64.
        missed: u32,
    },
    /// Send messages to users who need not be there, and wait for each ack.
    Feed(Feed),
    /// Subscribe to the presence of others, and wait for each ack.
    Subscribe(Subscribe),
    /// Send one command by each of some connections, and wait for its answers.
    Burst(Burst),
    /// Enter rooms of XMPP, the connections one part after the other into each.
    Enter { rooms: Vec<String> },
    /// Count the deliveries of `broadcasts` broadcasts; trigger them too if `send`.
    Fanout(Fanout),
    /// Make a group of Parlor's of so many users, from a connection's on, by that.
    Gather { first: usize, members: u32 },
    /// Send commands one after the other, each once the one before was answered.
    Ask(Ask),
    /// Send direct messages between neighbours and wait for each ack and each delivery.
    Direct(Direct),
    /// Do what the users of a messenger do, and wait for all that comes of it.
    Mix(Mix),
    /// End the run of direct messages that is under way; its reply is the only one.
    Finish,
    /// Say how many events have arrived since the last `Fanout` or `Direct` began.
    Count,
}

/// Broadcasts to a room, or to several at the same time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fanout {
    pub(crate) send: bool,
    /// So many to each room.
    pub(crate) broadcasts: u32,
    pub(crate) in_flight: u32,
    pub(crate) payload_bytes: usize,
    /// The connections are in one after the other, so many in each.
    pub(crate) rooms: Vec<Room>,
}

/// Who a broadcast is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Room {
    /// All who are connected.
    All,
    /// Those who entered it, on the peers.
    Named(String),
    /// The members of a group of Parlor's.
    Group(String),
    /// Those who entered a room of XMPP.
    Muc(String),
}

/// A run of direct messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Direct {
    pub(crate) dialect: Dialect,
    pub(crate) pace: Pace,
    pub(crate) seconds: f64,
    pub(crate) content_bytes: usize,
    /// Whether recipients confirm each `private_message` by `delivered`.
    pub(crate) receipts: bool,
    /// Tells the idempotency keys of one run from those of another.
    pub(crate) run: u32,
}

/// What the users of a messenger do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mix {
    /// Acts of all connections together; receipts come on top.
    pub(crate) per_second: f64,
    pub(crate) seconds: f64,
    pub(crate) content_bytes: usize,
    /// The connections are in them one after the other, so many in each.
    pub(crate) groups: Vec<String>,
    pub(crate) members: u32,
    /// The first of those whose presence is looked at, and how many there are.
    pub(crate) watched: (u32, u32),
}

/// What is timed in a `Mix`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    /// From when a direct message was due to its ack.
    Direct,
    /// The same to its delivery.
    DirectDelivery,
    /// From when a message to a group was due to its ack.
    Group,
    /// The same to its delivery at each member.
    GroupDelivery,
    /// From when typing was due to its ack.
    Typing,
    /// From when a message arrived to the ack of `delivered` or `read`.
    Receipt,
    /// From when a subscription to presence, or its end, was due to its ack.
    Presence,
}

impl Operation {
    pub(crate) const ALL: [Self; 7] = [
        Self::Direct,
        Self::DirectDelivery,
        Self::Group,
        Self::GroupDelivery,
        Self::Typing,
        Self::Receipt,
        Self::Presence,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct: ack",
            Self::DirectDelivery => "direct: delivery",
            Self::Group => "group: ack",
            Self::GroupDelivery => "group: delivery",
            Self::Typing => "typing: ack",
            Self::Receipt => "receipt: ack",
            Self::Presence => "presence: ack",
        }
    }
}

/// Messages to users of another load process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Feed {
    pub(crate) first: u32,
    pub(crate) users: u32,
    /// Messages to each, at most 64.
    pub(crate) each: u32,
    pub(crate) content_bytes: usize,
    pub(crate) pace: Pace,
}

/// Commands to be sent one by one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// The place of the connection that sends each, and the event as JSON.
    pub(crate) commands: Vec<(usize, String)>,
    /// How often all of them are sent.
    pub(crate) rounds: u32,
}

/// Who watches whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Subscribe {
    /// The first of those who are watched, and how many there are.
    pub(crate) first: u32,
    pub(crate) users: u32,
    /// Users that each connection watches.
    pub(crate) each: u32,
}

/// A command that some connections send, the first ones, all at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Burst {
    pub(crate) event: String,
    /// JSON.
    pub(crate) payload: String,
    pub(crate) connections: u32,
}

/// How much a connection takes without being read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Window {
    /// What the kernel gives it.
    Usual,
    /// A few kilobytes, in packets as the internet has them.
    Narrow,
}

/// When the next message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pace {
    /// Closed loop: whenever fewer than this many are unanswered.
    InFlight(u32),
    /// Open loop: this many a second, whatever the answers do; latency counts from the instant a
    /// message was due.
    PerSecond(f64),
}

/// Whose events a direct message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dialect {
    /// Parlor's `private_message`, kept before it is acknowledged.
    PrivateMessage,
    /// The peers' `dm`, relayed and acknowledged.
    Relay,
    /// XMPP's chat message, archived and confirmed.
    Stanza,
}

/// How a connection says who it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Auth {
    /// The user's name as the token; the peers check nothing.
    Name,
    /// A JWT signed by this HS256 secret, with expiry, and a device id.
    Jwt { secret: String },
    /// XMPP, with the user's name as the password, which is not checked.
    XmppName,
    /// XMPP, with a JWT signed by this HS256 secret, with expiry, as the password.
    XmppJwt { secret: String },
}

impl Auth {
    /// What such a connection speaks.
    pub(crate) fn wire(&self) -> Wire {
        match self {
            Self::Name | Self::Jwt { .. } => Wire::SocketIo,
            Self::XmppName | Self::XmppJwt { .. } => Wire::Xmpp,
        }
    }
}

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Socket.IO over WebSocket.
    SocketIo,
    /// XMPP over TCP.
    Xmpp,
}

/// What a load process answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(crate) enum Reply {
    /// All connections are ready.
    Connected { seconds: f64, latency: Latency },
    /// All connections are closed.
    Dropped,
    /// Every delivery has arrived.
    FannedOut {
        deliveries: u64,
        /// Of the packets that were delivered.
        bytes: u64,
        /// From sending one to its last delivery at this process, where it was sent.
        last: Latency,
        /// From sending one to its ack, where there is one.
        ack: Latency,
        /// Instants in nanoseconds since 1970, to be compared between processes.
        began_ns: u64,
        ended_ns: u64,
    },
    /// Every command was answered; one latency for each.
    Asked { latencies: Vec<Latency> },
    /// All connections are in their rooms.
    Entered,
    /// The group is made.
    Gathered { group: String },
    /// Every message was acknowledged and delivered.
    Directed { messages: u64, seconds: f64, ack: Latency, delivery: Latency },
    /// The server has ended every connection, so long after it was read last.
    Stalled { ended: Latency },
    /// Every connection is back and has what it missed.
    Returned {
        seconds: f64,
        latency: Latency,
        /// Handshakes refused with 503.
        refused: u64,
        /// Connections that ended before they were caught up, for whatever else.
        lost: u64,
        /// Messages heard again after such an end.
        repeats: u64,
    },
    /// Every message was acknowledged.
    Fed { messages: u64, seconds: f64 },
    /// Every subscription was answered.
    Subscribed,
    /// Every connection was answered, so long after the first asked.
    BurstAnswered {
        latency: Latency,
        /// The answer that came first.
        answer: String,
    },
    /// All of a `Mix` was answered and delivered.
    Mixed {
        acts: u64,
        /// Packets that tell of others: receipts, typing, presence.
        told: u64,
        latencies: Vec<(Operation, Latency)>,
    },
    /// The answer to `Count`.
    Counted {
        events: u64,
        /// Of these, packets that tell a sender who has what.
        receipts: u64,
    },
    /// Something was lost, refused or closed.
    Failed { why: String },
}
