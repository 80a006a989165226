//! Writing frames: a header alone for payloads that are shared, or whole frames.

use super::{CONTROL_BYTES_MAX, Opcode};

/// Whether a frame's payload went through permessage-deflate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// As it is.
    Plain,
    /// Compressed: sets RSV1.
    Deflated,
}

/// A frame header, kept inline.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    bytes: [u8; 14],
    len: u8,
}

impl Header {
    fn new(first: u8, masked: u8, payload: usize) -> Self {
        let mut bytes = [0; 14];
        bytes[0] = first;
        let len = if payload < 126 {
            bytes[1] = masked | payload as u8;
            2
        } else if let Ok(short) = u16::try_from(payload) {
            bytes[1] = masked | 126;
            bytes[2..4].copy_from_slice(&short.to_be_bytes());
            4
        } else {
            bytes[1] = masked | 127;
            bytes[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
            10
        };
        Self { bytes, len }
    }

    /// The header's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl AsRef<[u8]> for Header {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

fn first_byte(opcode: Opcode, body: Body) -> u8 {
    let rsv1 = match body {
        Body::Plain => 0,
        Body::Deflated => 0x40,
    };
    0x80 | rsv1 | opcode as u8
}

/// The header of an unfragmented, unmasked frame (a server's).
#[must_use]
pub fn encode_header(opcode: Opcode, payload_bytes: usize, body: Body) -> Header {
    Header::new(first_byte(opcode, body), 0, payload_bytes)
}

/// Appends a whole unmasked frame (a server's).
pub fn encode_frame(opcode: Opcode, payload: &[u8], body: Body, out: &mut Vec<u8>) {
    let header = encode_header(opcode, payload.len(), body);
    out.reserve(header.as_bytes().len() + payload.len());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(payload);
}

/// Appends a whole masked frame (a client's); `mask` should be fresh random bytes.
pub fn encode_masked(opcode: Opcode, payload: &[u8], body: Body, mask: [u8; 4], out: &mut Vec<u8>) {
    let header = Header::new(first_byte(opcode, body), 0x80, payload.len());
    out.reserve(header.as_bytes().len() + 4 + payload.len());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(&mask);
    let start = out.len();
    out.extend_from_slice(payload);
    super::decode::apply_mask(&mut out[start..], mask);
}

/// Appends a server's close frame; the reason is cut, at a character, to what fits.
pub fn encode_close(code: u16, reason: &str, out: &mut Vec<u8>) {
    let mut cut = reason.len().min(CONTROL_BYTES_MAX - 2);
    while !reason.is_char_boundary(cut) {
        cut -= 1;
    }
    let reason = &reason[..cut];
    let header = encode_header(Opcode::Close, 2 + reason.len(), Body::Plain);
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}
