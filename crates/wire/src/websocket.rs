//! WebSocket framing (RFC 6455), for both roles.
//!
//! [`accept_key`] answers the handshake. The reader hands whatever bytes it has to
//! [`Decoder::decode`], which unmasks a complete frame in place and lends the message out of it;
//! an incomplete frame is left untouched for the reader to keep. The `encode` functions write
//! headers and frames.
//!
//! Everything the RFC forbids is an error that knows the close code to answer with, and a message
//! over the limit is refused from its header, before its payload is buffered.

mod decode;
mod encode;

pub use decode::{Decoder, Deflate, FrameError, Message, Role};
pub use encode::{Body, Header, encode_close, encode_frame, encode_header, encode_masked};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// Concatenated to the client's key before hashing (RFC 6455, 1.3).
const HANDSHAKE_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The longest payload of a control frame, in bytes.
pub const CONTROL_BYTES_MAX: usize = 125;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// A further part of a fragmented message.
    Continuation = 0x0,
    /// UTF-8 text.
    Text = 0x1,
    /// Bytes.
    Binary = 0x2,
    /// The end of the connection.
    Close = 0x8,
    /// To be answered by a pong with the same payload.
    Ping = 0x9,
    /// The answer to a ping.
    Pong = 0xA,
}

impl Opcode {
    /// The opcode in the low four bits of a frame's first byte.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// Whether frames of this kind may come between the fragments of a message.
    #[must_use]
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The close codes of RFC 6455, 7.4.1, that Parlor sends or reads.
pub mod close_code {
    /// The purpose is fulfilled.
    pub const NORMAL: u16 = 1000;
    /// The server stops, or the page is left.
    pub const GOING_AWAY: u16 = 1001;
    /// The frames break the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// Data of a kind that is not accepted.
    pub const UNSUPPORTED: u16 = 1003;
    /// Never sent: the close frame had no code.
    pub const NO_STATUS: u16 = 1005;
    /// Text that is not UTF-8, or a payload that does not inflate.
    pub const INVALID_PAYLOAD: u16 = 1007;
    /// The message breaks a rule of the endpoint.
    pub const POLICY: u16 = 1008;
    /// The message is over the limit.
    pub const TOO_BIG: u16 = 1009;
    /// The server failed.
    pub const INTERNAL: u16 = 1011;
    /// Try again elsewhere or later.
    pub const TRY_AGAIN_LATER: u16 = 1013;
}

/// The `Sec-WebSocket-Accept` value for a client's `Sec-WebSocket-Key`.
#[must_use]
pub fn accept_key(key: &str) -> String {
    let mut sha1 = Sha1::new();
    sha1.update(key.as_bytes());
    sha1.update(HANDSHAKE_GUID.as_bytes());
    STANDARD.encode(sha1.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_key_of_the_rfc_sample_nonce() {
        assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn every_opcode_survives_its_bits() {
        for bits in 0..16 {
            if let Some(opcode) = Opcode::from_bits(bits) {
                assert_eq!(opcode as u8, bits);
            }
        }
    }
}
