//! Engine.IO protocol 4 packets, for WebSocket frames and for long-polling bodies.
//!
//! A WebSocket text frame is one text packet; a binary frame is the bytes of a message. A
//! long-polling body is a payload: packets between record separators, bytes as `b` and base64.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version of the protocol, as the `EIO` query parameter gives it.
pub const PROTOCOL: u8 = 4;

/// Between the packets of a payload.
pub const SEPARATOR: u8 = 0x1e;

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The handshake, as JSON text (server only).
    Open(&'a str),
    /// The transport can be closed.
    Close,
    /// A heartbeat, or a probe with the data `probe`.
    Ping(&'a str),
    /// The answer to a ping, with its data.
    Pong(&'a str),
    /// Text for the layer above.
    Message(&'a str),
    /// Bytes for the layer above.
    Binary(Bytes),
    /// The upgrade is done (client only).
    Upgrade,
    /// Nothing; ends a waiting poll.
    Noop,
}

/// Why a packet cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// No type where one must be.
    #[error("packet is empty")]
    Empty,
    /// A type that the protocol does not have.
    #[error("packet type is unknown")]
    UnknownType,
    /// Data after a type that has none.
    #[error("packet has unexpected data")]
    UnexpectedData,
    /// Bytes that are not base64.
    #[error("binary packet is not base64")]
    Base64,
}

/// The content of the open packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake<'a> {
    /// The session's secret id.
    pub sid: &'a str,
    /// The transports that may be upgraded to.
    #[serde(borrow)]
    pub upgrades: Vec<&'a str>,
    /// The pause between pings, in milliseconds.
    #[serde(rename = "pingInterval")]
    pub ping_interval_ms: u64,
    /// How long a ping may stay unanswered, in milliseconds.
    #[serde(rename = "pingTimeout")]
    pub ping_timeout_ms: u64,
    /// The most bytes that one payload or message may have.
    #[serde(rename = "maxPayload")]
    pub max_payload_bytes: u64,
}

impl Handshake<'_> {
    /// Appends the open packet, its type included.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let _ = out;
    }
}

impl<'a> Packet<'a> {
    /// Decodes a text packet.
    ///
    /// # Errors
    /// Not a packet of this protocol.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        let _ = text;
        Err(DecodeError::Empty)
    }

    /// Appends the packet as text; bytes as `b` and base64.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let _ = out;
    }

    /// The length of what [`Self::encode`] appends.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        0
    }
}

/// The packets of a long-polling body, in order; after an error, nothing more.
pub fn decode_payload(body: &str) -> impl Iterator<Item = Result<Packet<'_>, DecodeError>> {
    body.split('\x1e').map(Packet::decode)
}

/// Appends a packet to a long-polling body, with a separator if it is not the first.
pub fn push_payload(packet: &Packet<'_>, body: &mut Vec<u8>) {
    if !body.is_empty() {
        body.push(SEPARATOR);
    }
    packet.encode(body);
}
