//! Engine.IO protocol 4 packets, for WebSocket frames and for long-polling bodies.
//!
//! A WebSocket text frame is one text packet; a binary frame is the bytes of a message. A
//! long-polling body is a payload: packets between record separators, bytes as `b` and base64.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version of the protocol, as the `EIO` query parameter gives it.
pub const PROTOCOL: u8 = 4;

/// Between the packets of a payload.
pub const SEPARATOR: u8 = 0x1e;

/// Padded when written; read with or without padding, as the reference does.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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

impl<'a> Packet<'a> {
    /// Decodes a text packet.
    ///
    /// # Errors
    /// Not a packet of this protocol.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        let kind = text.as_bytes().first().ok_or(DecodeError::Empty)?;
        if !kind.is_ascii() {
            return Err(DecodeError::UnknownType);
        }
        let data = &text[1..];
        let packet = match kind {
            b'0' => return Ok(Self::Open(data)),
            b'2' => return Ok(Self::Ping(data)),
            b'3' => return Ok(Self::Pong(data)),
            b'4' => return Ok(Self::Message(data)),
            b'b' => {
                let bytes = BASE64.decode(data).map_err(|_| DecodeError::Base64)?;
                return Ok(Self::Binary(bytes.into()));
            }
            b'1' => Self::Close,
            b'5' => Self::Upgrade,
            b'6' => Self::Noop,
            _ => return Err(DecodeError::UnknownType),
        };
        if data.is_empty() { Ok(packet) } else { Err(DecodeError::UnexpectedData) }
    }

    /// Appends the packet as text; bytes as `b` and base64.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (kind, data) = self.parts();
        out.push(kind);
        match self {
            Self::Binary(bytes) => {
                let start = out.len();
                out.resize(self.encoded_bytes() + start - 1, 0);
                let written = BASE64.encode_slice(bytes, &mut out[start..]);
                debug_assert_eq!(written, Ok(out.len() - start));
            }
            _ => out.extend_from_slice(data.as_bytes()),
        }
    }

    /// The length of what [`Self::encode`] appends.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        match self {
            Self::Binary(bytes) => 1 + bytes.len().div_ceil(3) * 4,
            _ => 1 + self.parts().1.len(),
        }
    }

    fn parts(&self) -> (u8, &'a str) {
        match self {
            Self::Open(data) => (b'0', data),
            Self::Close => (b'1', ""),
            Self::Ping(data) => (b'2', data),
            Self::Pong(data) => (b'3', data),
            Self::Message(data) => (b'4', data),
            Self::Binary(_) => (b'b', ""),
            Self::Upgrade => (b'5', ""),
            Self::Noop => (b'6', ""),
        }
    }
}

/// The packets of a long-polling body, in order; after an error, nothing more.
pub fn decode_payload(body: &str) -> impl Iterator<Item = Result<Packet<'_>, DecodeError>> {
    let mut rest = Some(body);
    std::iter::from_fn(move || {
        let body = rest.take()?;
        let (packet, after) = match body.split_once(char::from(SEPARATOR)) {
            Some((packet, after)) => (packet, Some(after)),
            None => (body, None),
        };
        let packet = Packet::decode(packet);
        if packet.is_ok() {
            rest = after;
        }
        Some(packet)
    })
}

/// Appends a packet to a long-polling body, with a separator if it is not the first.
pub fn push_payload(packet: &Packet<'_>, body: &mut Vec<u8>) {
    if !body.is_empty() {
        body.push(SEPARATOR);
    }
    packet.encode(body);
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
        out.push(b'0');
        serde_json::to_writer(out, self).expect("strings and numbers always serialize to memory");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(packet: &Packet<'_>) -> String {
        let mut out = Vec::new();
        packet.encode(&mut out);
        assert_eq!(out.len(), packet.encoded_bytes());
        String::from_utf8(out).expect("packets are text")
    }

    #[test]
    fn packets_look_as_the_protocol_prints_them() {
        let packets = [
            (Packet::Open("{}"), "0{}"),
            (Packet::Close, "1"),
            (Packet::Ping(""), "2"),
            (Packet::Ping("probe"), "2probe"),
            (Packet::Pong("probe"), "3probe"),
            (Packet::Message("hello"), "4hello"),
            (Packet::Message(""), "4"),
            (Packet::Upgrade, "5"),
            (Packet::Noop, "6"),
            (Packet::Binary(Bytes::from_static(&[1, 2, 3, 4])), "bAQIDBA=="),
            (Packet::Binary(Bytes::new()), "b"),
        ];
        for (packet, text) in packets {
            assert_eq!(encoded(&packet), text);
            assert_eq!(Packet::decode(text), Ok(packet));
        }
    }

    #[test]
    fn malformed_packets_are_named() {
        let cases = [
            ("", DecodeError::Empty),
            ("7", DecodeError::UnknownType),
            ("abc", DecodeError::UnknownType),
            ("é", DecodeError::UnknownType),
            ("\u{1F600}4", DecodeError::UnknownType),
            ("1x", DecodeError::UnexpectedData),
            ("5é", DecodeError::UnexpectedData),
            ("6probe", DecodeError::UnexpectedData),
            ("b*", DecodeError::Base64),
            ("bé", DecodeError::Base64),
        ];
        for (text, error) in cases {
            assert_eq!(Packet::decode(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn unpadded_base64_is_read() {
        let bytes = Packet::Binary(Bytes::from_static(&[1, 2, 3, 4]));
        assert_eq!(Packet::decode("bAQIDBA"), Ok(bytes));
    }

    #[test]
    fn the_payload_of_the_protocol_text_is_read_and_written() {
        let text = "4hello\x1e2\x1e4world";
        let packets: Result<Vec<_>, _> = decode_payload(text).collect();
        let expected = vec![Packet::Message("hello"), Packet::Ping(""), Packet::Message("world")];
        assert_eq!(packets.as_ref(), Ok(&expected));
        let mut body = Vec::new();
        for packet in &expected {
            push_payload(packet, &mut body);
        }
        assert_eq!(body, text.as_bytes());

        let packets: Result<Vec<_>, _> = decode_payload("4hello\x1ebAQIDBA==").collect();
        let bytes = Packet::Binary(Bytes::from_static(&[1, 2, 3, 4]));
        assert_eq!(packets, Ok(vec![Packet::Message("hello"), bytes]));
    }

    #[test]
    fn a_payload_ends_at_its_first_error() {
        let packets: Vec<_> = decode_payload("4a\x1e\x1e4b").collect();
        assert_eq!(packets, [Ok(Packet::Message("a")), Err(DecodeError::Empty)]);
        assert_eq!(decode_payload("").collect::<Vec<_>>(), [Err(DecodeError::Empty)]);
        assert_eq!(decode_payload("abc").count(), 1);
    }

    #[test]
    fn the_handshake_of_the_protocol_text_makes_the_round_trip() {
        let handshake = Handshake {
            sid: "lv_VI97HAXpY6yYWAAAC",
            upgrades: vec!["websocket"],
            ping_interval_ms: 25000,
            ping_timeout_ms: 20000,
            max_payload_bytes: 1_000_000,
        };
        let mut out = Vec::new();
        handshake.encode(&mut out);
        let text = r#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        assert_eq!(str::from_utf8(&out), Ok(text));
        let Ok(Packet::Open(json)) = Packet::decode(text) else { panic!("not an open packet") };
        let read: Handshake<'_> = serde_json::from_str(json).expect("valid handshake");
        assert_eq!(read, handshake);
    }
}
