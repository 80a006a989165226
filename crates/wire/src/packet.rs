//! Socket.IO protocol 5 packets in the default (JSON) encoding.
//!
//! A text packet is decoded into a [`Packet`] that borrows it; the arguments of an event stay JSON
//! text, which [`EventArgs`] cuts into pieces. A packet that announces binary attachments waits in
//! a [`Reassembly`] until they came. Encoding appends to a `String`.
//!
//! What is decoded has been checked as the reference parser does: the shape of the data for its
//! kind, reserved names, attachments' count and placeholders; and its nesting is bounded.

mod args;
mod reassembly;

pub use args::{EventArgs, unquote};
pub use reassembly::{OwnedPacket, Reassembly};

use thiserror::Error;

/// The version of the protocol.
pub const PROTOCOL: u8 = 5;

/// Event names that no peer may send.
pub const RESERVED_EVENTS: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// What a packet is for; the discriminant is the digit on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Joins a namespace, or confirms that.
    Connect = 0,
    /// Leaves a namespace.
    Disconnect = 1,
    /// An event.
    Event = 2,
    /// The answer to an event.
    Ack = 3,
    /// Refuses a connect.
    ConnectError = 4,
    /// An event with attachments.
    BinaryEvent = 5,
    /// An answer with attachments.
    BinaryAck = 6,
}

/// A packet without its attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is for.
    pub kind: Kind,
    /// The namespace, `/` being the main one.
    pub namespace: &'a str,
    /// The id that an answer is asked for under, or given to.
    pub ack_id: Option<u64>,
    /// How many binary attachments follow.
    pub attachments: usize,
    /// JSON text; empty if there is none.
    pub data: &'a str,
}

/// What a peer may send in one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Attachments of one packet.
    pub attachments_max: usize,
    /// All attachments of one packet together, in bytes.
    pub attachment_bytes_max: usize,
    /// Nesting of the JSON data, the outer array included; at most [`crate::json::DEPTH_MAX`].
    pub depth_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { attachments_max: 10, attachment_bytes_max: 1_000_000, depth_max: 64 }
    }
}

/// Why a packet was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PacketError {
    /// No type where one must be.
    #[error("packet is empty")]
    Empty,
    /// A type that the protocol does not have.
    #[error("packet type is unknown")]
    UnknownKind,
    /// The number of attachments cannot be read.
    #[error("attachment count is malformed")]
    AttachmentCount,
    /// More attachments announced than allowed.
    #[error("more than {limit} attachments")]
    TooManyAttachments {
        /// The limit.
        limit: usize,
    },
    /// The attachments are longer than allowed.
    #[error("attachments over {limit} bytes")]
    AttachmentsTooBig {
        /// The limit in bytes.
        limit: usize,
    },
    /// A placeholder for an attachment that is not there, or a second one for the same.
    #[error("attachment placeholder is illegal")]
    Placeholder,
    /// Bytes that no packet announced.
    #[error("unexpected binary attachment")]
    UnexpectedBinary,
    /// Text where an attachment must come.
    #[error("text in place of a binary attachment")]
    UnexpectedText,
    /// An id that is not a number below 2^64.
    #[error("acknowledgement id is malformed")]
    AckId,
    /// The data is not JSON, or not of the shape of its kind.
    #[error("packet data is invalid")]
    Data,
    /// The data is nested deeper than allowed.
    #[error("packet data is nested over {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// The event's name is one that clients and servers use themselves.
    #[error("event name is reserved")]
    ReservedEvent,
}

impl<'a> Packet<'a> {
    /// Decodes a text packet.
    ///
    /// # Errors
    /// Not a packet of this protocol, or over a limit.
    pub fn decode(text: &'a str, limits: &Limits) -> Result<Self, PacketError> {
        let _ = (text, limits);
        Err(PacketError::Empty)
    }

    /// Appends the packet as text. The data is written as it is.
    pub fn encode(&self, out: &mut String) {
        let _ = out;
    }
}

/// Appends an event: `name` is put in front of `args`, the JSON text of an array.
///
/// With attachments it is a binary event, and `args` holds their placeholders.
pub fn encode_event(
    namespace: &str,
    ack_id: Option<u64>,
    attachments: usize,
    name: &str,
    args: &str,
    out: &mut String,
) {
    let _ = (namespace, ack_id, attachments, name, args, out);
}

/// Appends an acknowledgement: `args` is the JSON text of an array.
pub fn encode_ack(namespace: &str, ack_id: u64, attachments: usize, args: &str, out: &mut String) {
    let _ = (namespace, ack_id, attachments, args, out);
}
