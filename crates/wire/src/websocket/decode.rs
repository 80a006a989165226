//! Reading frames.
//!
//! The header is read anew on every call, so an unfinished frame costs no state: a decoder holds
//! only what came of a fragmented message, behind a pointer. A frame is checked in the order in
//! which its bytes arrive, so that a hostile one is refused as early as it can be.

use std::borrow::Cow;

use thiserror::Error;

use super::{Body, CONTROL_BYTES_MAX, Opcode, close_code};
use crate::deflate::{self, InflateError};

/// Which end of the connection decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads a client's frames, which must be masked.
    Server,
    /// Reads a server's frames, which must not be.
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

/// What a frame brought.
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

const NOT_UTF8: FrameError = FrameError::Payload("text is not UTF-8");

/// The state between frames; 16 bytes while no message is in fragments.
#[derive(Debug)]
pub struct Decoder {
    fragments: Option<Box<Fragments>>,
    max_message_bytes: u32,
    role: Role,
    deflate: Deflate,
}

/// What came so far of a fragmented message.
#[derive(Debug)]
struct Fragments {
    bytes: Vec<u8>,
    /// How far `bytes` is known to be UTF-8.
    utf8_bytes: usize,
    kind: DataKind,
    body: Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DataKind {
    Text,
    Binary,
}

/// A frame header that has passed every check but those on the payload.
struct Head {
    last: bool,
    body: Body,
    opcode: Opcode,
    mask: [u8; 4],
    header_bytes: usize,
    payload_bytes: usize,
}

impl Decoder {
    /// A decoder of messages of at most `max_message_bytes`, compressed or not.
    #[must_use]
    pub fn new(role: Role, deflate: Deflate, max_message_bytes: u32) -> Self {
        Self { fragments: None, max_message_bytes, role, deflate }
    }

    /// Decodes the frame that `input` begins with; `None` if it is not there whole.
    ///
    /// Otherwise gives the number of bytes to drop from `input` and what they brought. Unmasks in
    /// place, and only complete frames. The next call wants the input after the dropped bytes.
    ///
    /// # Errors
    /// The peer broke the protocol or a limit: close with [`FrameError::close_code`].
    pub fn decode<'a>(
        &mut self,
        input: &'a mut [u8],
    ) -> Result<Option<(usize, Message<'a>)>, FrameError> {
        let Some(head) = self.head(input)? else { return Ok(None) };
        let frame_bytes = head.header_bytes + head.payload_bytes;
        if input.len() < frame_bytes {
            return Ok(None);
        }
        let payload = &mut input[head.header_bytes..frame_bytes];
        if self.role == Role::Server {
            apply_mask(payload, head.mask);
        }
        let payload = &*payload;
        let message = match head.opcode {
            Opcode::Ping => Message::Ping(payload),
            Opcode::Pong => Message::Pong(payload),
            Opcode::Close => close(payload)?,
            Opcode::Continuation => self.continued(&head, payload)?,
            Opcode::Text => self.begun(&head, DataKind::Text, payload)?,
            Opcode::Binary => self.begun(&head, DataKind::Binary, payload)?,
        };
        Ok(Some((frame_bytes, message)))
    }

    /// The whole length, header included, of the frame that `input` begins with, once its header
    /// is there: how much a reader has to gather before [`Self::decode`] gets on.
    #[must_use]
    pub fn frame_bytes(input: &[u8]) -> Option<usize> {
        let &[_, second, ..] = input else { return None };
        let (header_bytes, payload_bytes) = lengths(input, second)?;
        Some(header_bytes.saturating_add(usize::try_from(payload_bytes).unwrap_or(usize::MAX)))
    }

    /// Reads and checks the header.
    fn head(&self, input: &[u8]) -> Result<Option<Head>, FrameError> {
        let &[first, second, ..] = input else { return Ok(None) };
        if first & 0x30 != 0 {
            return Err(FrameError::Protocol("a reserved bit is set"));
        }
        let opcode = Opcode::from_bits(first & 0x0f)
            .ok_or(FrameError::Protocol("the opcode is reserved"))?;
        let last = first & 0x80 != 0;
        let body = if first & 0x40 == 0 { Body::Plain } else { Body::Deflated };
        if body == Body::Deflated
            && (self.deflate == Deflate::Off || !matches!(opcode, Opcode::Text | Opcode::Binary))
        {
            return Err(FrameError::Protocol("a reserved bit is set"));
        }
        match (self.role, second & 0x80 != 0) {
            (Role::Server, false) => return Err(FrameError::Protocol("the frame is not masked")),
            (Role::Client, true) => return Err(FrameError::Protocol("the frame is masked")),
            _ => {}
        }
        if opcode.is_control() {
            if !last {
                return Err(FrameError::Protocol("a control frame is fragmented"));
            }
            if usize::from(second & 0x7f) > CONTROL_BYTES_MAX {
                return Err(FrameError::Protocol("a control frame is over 125 bytes"));
            }
        } else {
            match (opcode, &self.fragments) {
                (Opcode::Continuation, None) => {
                    return Err(FrameError::Protocol("there is no message to continue"));
                }
                (Opcode::Text | Opcode::Binary, Some(_)) => {
                    return Err(FrameError::Protocol("a message begins within another"));
                }
                _ => {}
            }
        }

        let Some((header_bytes, payload)) = lengths(input, second) else { return Ok(None) };
        let minimal = match second & 0x7f {
            126 => payload >= 126,
            127 => payload > u64::from(u16::MAX),
            _ => true,
        };
        if !minimal || payload > u64::MAX >> 1 {
            return Err(FrameError::Protocol("the length is not encoded as it must be"));
        }
        let limit = self.max_message_bytes as usize;
        let held = self.fragments.as_ref().map_or(0, |fragments| fragments.bytes.len());
        let payload_bytes = usize::try_from(payload).unwrap_or(usize::MAX);
        if !opcode.is_control() && payload_bytes > limit.saturating_sub(held) {
            return Err(FrameError::TooBig { limit });
        }

        let mut mask = [0; 4];
        if self.role == Role::Server {
            let Some(bytes) = input.get(header_bytes - 4..header_bytes) else { return Ok(None) };
            mask.copy_from_slice(bytes);
        }
        Ok(Some(Head { last, body, opcode, mask, header_bytes, payload_bytes }))
    }

    /// Takes the first frame of a message, most often its only one.
    fn begun<'a>(
        &mut self,
        head: &Head,
        kind: DataKind,
        payload: &'a [u8],
    ) -> Result<Message<'a>, FrameError> {
        if !head.last {
            let mut fragments =
                Box::new(Fragments { bytes: Vec::new(), utf8_bytes: 0, kind, body: head.body });
            fragments.push(payload)?;
            self.fragments = Some(fragments);
            return Ok(Message::Fragment);
        }
        if head.body == Body::Deflated {
            return self.whole(kind, self.inflate(payload)?);
        }
        Ok(match kind {
            DataKind::Text => {
                Message::Text(Cow::Borrowed(str::from_utf8(payload).map_err(|_| NOT_UTF8)?))
            }
            DataKind::Binary => Message::Binary(Cow::Borrowed(payload)),
        })
    }

    /// Takes a further frame of a fragmented message.
    fn continued(&mut self, head: &Head, payload: &[u8]) -> Result<Message<'static>, FrameError> {
        let Some(mut fragments) = self.fragments.take() else {
            return Err(FrameError::Protocol("there is no message to continue"));
        };
        fragments.push(payload)?;
        if !head.last {
            self.fragments = Some(fragments);
            return Ok(Message::Fragment);
        }
        let bytes = match fragments.body {
            Body::Plain => fragments.bytes,
            Body::Deflated => self.inflate(&fragments.bytes)?,
        };
        self.whole(fragments.kind, bytes)
    }

    fn whole(&self, kind: DataKind, bytes: Vec<u8>) -> Result<Message<'static>, FrameError> {
        Ok(match kind {
            DataKind::Text => {
                Message::Text(Cow::Owned(String::from_utf8(bytes).map_err(|_| NOT_UTF8)?))
            }
            DataKind::Binary => Message::Binary(Cow::Owned(bytes)),
        })
    }

    fn inflate(&self, payload: &[u8]) -> Result<Vec<u8>, FrameError> {
        deflate::inflate(payload, self.max_message_bytes as usize).map_err(|error| match error {
            InflateError::Malformed => FrameError::Payload("compressed payload is malformed"),
            InflateError::TooBig { limit } => FrameError::TooBig { limit },
        })
    }
}

impl Fragments {
    /// Appends a fragment; text must be UTF-8 as far as it came.
    fn push(&mut self, payload: &[u8]) -> Result<(), FrameError> {
        self.bytes.extend_from_slice(payload);
        if self.kind == DataKind::Text && self.body == Body::Plain {
            self.utf8_bytes = match str::from_utf8(&self.bytes[self.utf8_bytes..]) {
                Ok(_) => self.bytes.len(),
                Err(error) if error.error_len().is_none() => self.utf8_bytes + error.valid_up_to(),
                Err(_) => return Err(NOT_UTF8),
            };
        }
        Ok(())
    }
}

/// The lengths of the header, mask included, and of the payload.
fn lengths(input: &[u8], second: u8) -> Option<(usize, u64)> {
    let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
    Some(match second & 0x7f {
        126 => {
            let bytes = input.get(2..4)?;
            (4 + mask_bytes, u64::from(u16::from_be_bytes([bytes[0], bytes[1]])))
        }
        127 => {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(input.get(2..10)?);
            (10 + mask_bytes, u64::from_be_bytes(bytes))
        }
        short => (2 + mask_bytes, u64::from(short)),
    })
}

/// Reads a close frame's payload.
fn close(payload: &[u8]) -> Result<Message<'_>, FrameError> {
    let (code, reason) = match payload {
        [] => return Ok(Message::Close { code: close_code::NO_STATUS, reason: "" }),
        [_] => return Err(FrameError::Protocol("the close code is cut off")),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(FrameError::Protocol("the close code may not be sent"));
    }
    let reason =
        str::from_utf8(reason).map_err(|_| FrameError::Payload("the close reason is not UTF-8"))?;
    Ok(Message::Close { code, reason })
}

/// Masks or unmasks, eight bytes at a time.
pub(super) fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}
