//! Reading frames.
use super::close_code;
use std::borrow::Cow;
use thiserror::Error;

/// Whose frames are written; the decoder of a server reads a client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads masked frames.
    Server,
    /// Reads unmasked frames.
    Client,
}

/// Whether permessage-deflate was negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deflate {
    /// RSV1 is an error.
    Off,
    /// Messages may be compressed, each alone.
    Negotiated,
}

/// One step of a connection's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// A whole text message: borrowed if it came in one uncompressed frame.
    Text(Cow<'a, str>),
    /// A whole binary message: borrowed likewise.
    Binary(Cow<'a, [u8]>),
    /// A part of a fragmented message, kept by the decoder.
    Fragment,
    /// To be answered by a pong with this payload.
    Ping(&'a [u8]),
    /// The answer to a ping, or unasked for.
    Pong(&'a [u8]),
    /// The peer's close; the code is 1005 if it gave none.
    Close {
        /// The close code.
        code: u16,
        /// The reason, often empty.
        reason: &'a str,
    },
}

/// Why the frames of a peer cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A frame breaks the protocol.
    #[error("{0}")]
    Protocol(&'static str),
    /// The text, the reason or the compressed payload is not what it claims to be.
    #[error("{0}")]
    Payload(&'static str),
    /// The message is over the limit.
    #[error("message is over {limit} bytes")]
    TooBig {
        /// The limit in bytes.
        limit: usize,
    },
}

impl FrameError {
    /// The code to close with.
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::Protocol(_) => close_code::PROTOCOL_ERROR,
            Self::Payload(_) => close_code::INVALID_PAYLOAD,
            Self::TooBig { .. } => close_code::TOO_BIG,
        }
    }
}

/// The state between frames; 16 bytes while no message is in fragments.
#[derive(Debug)]
pub struct Decoder {
    #[allow(dead_code)]
    max_message_bytes: u32,
}

impl Decoder {
    /// A decoder of messages of at most `max_message_bytes`, compressed or not.
    #[must_use]
    pub fn new(role: Role, deflate: Deflate, max_message_bytes: u32) -> Self {
        let _ = (role, deflate);
        Self { max_message_bytes }
    }

    /// Decodes the frame that `input` begins with; `None` if it is not there whole.
    ///
    /// Otherwise gives the number of bytes to drop from `input` and the message. Unmasks in
    /// place, and only complete frames. The next call wants the input after the dropped bytes.
    ///
    /// # Errors
    /// The peer broke the protocol or a limit: close with [`FrameError::close_code`].
    pub fn decode<'a>(
        &mut self,
        input: &'a mut [u8],
    ) -> Result<Option<(usize, Message<'a>)>, FrameError> {
        let _ = input;
        Ok(None)
    }

    /// The whole length, header included, of the frame that `input` begins with, once its header
    /// is there: how much a reader has to gather before [`Self::decode`] gets on.
    #[must_use]
    pub fn frame_bytes(input: &[u8]) -> Option<usize> {
        let _ = input;
        None
    }
}

pub(super) fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([
        mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3],
    ]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}
