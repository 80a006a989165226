//! Socket.IO protocol 5 packets in the default (JSON) encoding.
//!
//! A text packet is decoded into a [`Packet`] that borrows it; the arguments of an event stay JSON
//! text, which [`EventArgs`] cuts into pieces. A packet that announces binary attachments waits in
//! a [`Reassembly`] until they came. Encoding appends to a `String`.
//!
//! What is decoded has been checked as the reference parser does: the shape of the data for its
//! kind, reserved names, attachments' count and placeholders; and its nesting is bounded.

mod args;
pub(crate) mod placeholder;
mod reassembly;

pub use args::{EventArgs, unquote};
pub use reassembly::{OwnedPacket, Reassembly};

use std::fmt::Write as _;

use thiserror::Error;

use crate::json::{self, JsonError};

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

impl Kind {
    /// The kind of a digit.
    #[must_use]
    pub fn from_digit(digit: u8) -> Option<Self> {
        Some(match digit {
            b'0' => Self::Connect,
            b'1' => Self::Disconnect,
            b'2' => Self::Event,
            b'3' => Self::Ack,
            b'4' => Self::ConnectError,
            b'5' => Self::BinaryEvent,
            b'6' => Self::BinaryAck,
            _ => return None,
        })
    }

    /// Whether attachments follow the text.
    #[must_use]
    pub fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }

    /// The kind of a packet of this one with attachments; `None` if it can have none.
    pub(crate) fn to_binary(self) -> Option<Self> {
        match self {
            Self::Event | Self::BinaryEvent => Some(Self::BinaryEvent),
            Self::Ack | Self::BinaryAck => Some(Self::BinaryAck),
            Self::Connect | Self::Disconnect | Self::ConnectError => None,
        }
    }
}

impl<'a> Packet<'a> {
    /// Decodes a text packet.
    ///
    /// # Errors
    /// Not a packet of this protocol, or over a limit.
    pub fn decode(text: &'a str, limits: &Limits) -> Result<Self, PacketError> {
        let digit = *text.as_bytes().first().ok_or(PacketError::Empty)?;
        let kind = Kind::from_digit(digit).ok_or(PacketError::UnknownKind)?;
        let mut rest = &text[1..];

        let mut attachments = 0;
        if kind.is_binary() {
            let (count, after) = digits(rest);
            rest = after.strip_prefix('-').ok_or(PacketError::AttachmentCount)?;
            if count.is_empty() {
                return Err(PacketError::AttachmentCount);
            }
            let limit = limits.attachments_max;
            attachments = count
                .parse()
                .ok()
                .filter(|&count| count <= limit)
                .ok_or(PacketError::TooManyAttachments { limit })?;
        }

        let mut namespace = "/";
        if rest.starts_with('/') {
            (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
        }

        let (id, data) = digits(rest);
        let ack_id = match id {
            "" => None,
            id => Some(id.parse().map_err(|_| PacketError::AckId)?),
        };

        let data = data.trim_matches([' ', '\t', '\n', '\r']);
        check_data(kind, data, limits)?;
        if kind.is_binary() {
            placeholder::check(data, attachments)?;
        }
        Ok(Self { kind, namespace, ack_id, attachments, data })
    }

    /// Appends the packet as text. The data is written as it is.
    pub fn encode(&self, out: &mut String) {
        push_head(self.kind, self.namespace, self.ack_id, self.attachments, out);
        out.push_str(self.data);
    }
}

/// Checks that the data is of the shape that its kind wants.
pub(crate) fn check_data(kind: Kind, data: &str, limits: &Limits) -> Result<(), PacketError> {
    let refused = |error| match error {
        JsonError::Malformed => PacketError::Data,
        JsonError::TooDeep => PacketError::TooDeep { limit: limits.depth_max },
    };
    let first = data.as_bytes().first();
    match (kind, first) {
        (Kind::Connect | Kind::Disconnect, None) => Ok(()),
        (Kind::Connect, Some(b'{')) | (Kind::ConnectError, Some(b'{' | b'"')) => {
            json::check(data, limits.depth_max).map_err(refused)
        }
        (Kind::Ack | Kind::BinaryAck, Some(b'[')) => {
            json::check(data, limits.depth_max).map_err(refused)
        }
        (Kind::Event | Kind::BinaryEvent, Some(b'[')) => {
            let mut element = None;
            json::elements(data, limits.depth_max, |range| {
                element.get_or_insert(range);
            })
            .map_err(refused)?;
            let name = element
                .and_then(|range| args::event_name(&data[range]))
                .ok_or(PacketError::Data)?;
            if RESERVED_EVENTS.contains(&&*name) {
                return Err(PacketError::ReservedEvent);
            }
            Ok(())
        }
        _ => Err(PacketError::Data),
    }
}

/// Cuts the digits that `text` begins with from the rest.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
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
    let kind = if attachments == 0 { Kind::Event } else { Kind::BinaryEvent };
    push_head(kind, namespace, ack_id, attachments, out);
    push_event_data(name, args, out);
}

/// Appends the data of an event: `name` is put in front of `args`, the JSON text of an array.
pub fn push_event_data(name: &str, args: &str, out: &mut String) {
    let inner = args.trim().strip_prefix('[').and_then(|args| args.strip_suffix(']'));
    debug_assert!(inner.is_some(), "arguments are not an array: {args}");
    let inner = inner.unwrap_or_default().trim();
    out.push('[');
    json::push_string(name, out);
    if !inner.is_empty() {
        out.push(',');
        out.push_str(inner);
    }
    out.push(']');
}

/// Appends an acknowledgement: `args` is the JSON text of an array.
pub fn encode_ack(namespace: &str, ack_id: u64, attachments: usize, args: &str, out: &mut String) {
    let kind = if attachments == 0 { Kind::Ack } else { Kind::BinaryAck };
    push_head(kind, namespace, Some(ack_id), attachments, out);
    out.push_str(args);
}

fn push_head(
    kind: Kind,
    namespace: &str,
    ack_id: Option<u64>,
    attachments: usize,
    out: &mut String,
) {
    out.push(char::from(b'0' + kind as u8));
    if kind.is_binary() {
        push_number(attachments as u64, out);
        out.push('-');
    }
    if namespace != "/" {
        out.push_str(namespace);
        out.push(',');
    }
    if let Some(ack_id) = ack_id {
        push_number(ack_id, out);
    }
}

fn push_number(number: u64, out: &mut String) {
    write!(out, "{number}").expect("a String takes all that is written");
}
