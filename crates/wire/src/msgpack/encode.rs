//! From JSON text and attachments to MessagePack.

use bytes::Bytes;
use smallvec::SmallVec;
use thiserror::Error;

use crate::json::{self, DEPTH_MAX, JsonError, Reader, Token};
use crate::packet::placeholder::{Candidate, Seen};
use crate::packet::{Kind, Packet};

/// Why a packet cannot be written as MessagePack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The packet's data is not JSON, or too deep.
    #[error("packet data is not valid JSON")]
    Data,
    /// Two placeholders for one attachment.
    #[error("attachment placeholder is used twice")]
    Placeholder,
    /// Something is longer than the format can say.
    #[error("packet data is too long")]
    TooLong,
}

impl From<JsonError> for EncodeError {
    fn from(_: JsonError) -> Self {
        Self::Data
    }
}

/// Appends a packet; placeholders in its data become the attachments that they number.
///
/// An object that looks like a placeholder but numbers no attachment stays an object.
///
/// # Errors
/// The data is not JSON, or names an attachment twice. `out` is as it was.
pub fn encode(
    packet: &Packet<'_>,
    attachments: &[Bytes],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let written = packet_to(packet, attachments, out);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Appends any JSON text; placeholders in it become the attachments that they number.
///
/// # Errors
/// As [`encode`].
pub(crate) fn from_json(
    text: &str,
    attachments: &[Bytes],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let written = json_to(text, attachments, out);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn packet_to(
    packet: &Packet<'_>,
    attachments: &[Bytes],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let pairs = 2 + u8::from(!packet.data.is_empty()) + u8::from(packet.ack_id.is_some());
    out.push(0x80 | pairs);
    string(b"type", out)?;
    out.push(match packet.kind {
        Kind::BinaryEvent => Kind::Event as u8,
        Kind::BinaryAck => Kind::Ack as u8,
        kind => kind as u8,
    });
    string(b"nsp", out)?;
    string(packet.namespace.as_bytes(), out)?;
    if let Some(id) = packet.ack_id {
        string(b"id", out)?;
        unsigned(id, out);
    }
    if !packet.data.is_empty() {
        string(b"data", out)?;
        json_to(packet.data, attachments, out)?;
    }
    Ok(())
}

/// An array or object that is being written.
struct Level {
    /// Where its one-byte head lies, which is made longer at the end if it must be.
    head: usize,
    count: usize,
    /// What it may be the placeholder of, if it is an object.
    object: Option<Candidate>,
}

fn json_to(data: &str, attachments: &[Bytes], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let mut seen = Seen::new(attachments.len());
    let mut levels: SmallVec<[Level; 8]> = SmallVec::new();
    let mut scratch = Vec::new();
    let mut reader = Reader::new(data, DEPTH_MAX);
    while let Some(token) = reader.next_token()? {
        if let Some(level) = levels.last_mut() {
            match (token, &mut level.object) {
                (Token::Close, _) => {}
                (Token::Key(raw), object) => {
                    if let Some(object) = object {
                        object.key(raw);
                    }
                }
                (token, object) => {
                    level.count += 1;
                    if let Some(object) = object {
                        object.value(token);
                    }
                }
            }
        }
        match token {
            Token::OpenArray => {
                levels.push(Level { head: out.len(), count: 0, object: None });
                out.push(0);
            }
            Token::OpenObject => {
                let object = Some(Candidate::default());
                levels.push(Level { head: out.len(), count: 0, object });
                out.push(0);
            }
            Token::Close => {
                if let Some(level) = levels.pop() {
                    close(&level, attachments, &mut seen, out)?;
                }
            }
            Token::Key(raw) | Token::String(raw) => {
                if raw.contains('\\') {
                    scratch.clear();
                    json::unescape_wtf8(raw, &mut scratch);
                    string(&scratch, out)?;
                } else {
                    string(raw.as_bytes(), out)?;
                }
            }
            Token::Number(text) => number(text, out)?,
            Token::Bool(false) => out.push(0xc2),
            Token::Bool(true) => out.push(0xc3),
            Token::Null => out.push(0xc0),
        }
    }
    Ok(())
}

/// Ends an array or object: writes its count, or the attachment in its place.
fn close(
    level: &Level,
    attachments: &[Bytes],
    seen: &mut Seen,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let placeholder = level.object.as_ref().and_then(Candidate::placeholder).flatten();
    if let Some(number) = placeholder.filter(|number| seen.contains(*number)) {
        if !seen.insert(number) {
            return Err(EncodeError::Placeholder);
        }
        out.truncate(level.head);
        return binary(&attachments[number], out);
    }
    let (short, long) = if level.object.is_some() { (0x80, 0xde) } else { (0x90, 0xdc) };
    let head = level.head..level.head + 1;
    if level.count <= 15 {
        out[level.head] = short | level.count as u8;
    } else if let Ok(count) = u16::try_from(level.count) {
        let [a, b] = count.to_be_bytes();
        out.splice(head, [long, a, b]);
    } else {
        let count = u32::try_from(level.count).map_err(|_| EncodeError::TooLong)?;
        let [a, b, c, d] = count.to_be_bytes();
        out.splice(head, [long + 1, a, b, c, d]);
    }
    Ok(())
}

fn string(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match bytes.len() {
        len @ 0..=31 => out.push(0xa0 | len as u8),
        len => length(len, 0xd9, out)?,
    }
    out.extend_from_slice(bytes);
    Ok(())
}

fn binary(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    length(bytes.len(), 0xc4, out)?;
    out.extend_from_slice(bytes);
    Ok(())
}

/// Appends a length of one, two or four bytes behind the marker for that size.
fn length(len: usize, marker: u8, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    if let Ok(len) = u8::try_from(len) {
        out.extend_from_slice(&[marker, len]);
    } else if let Ok(len) = u16::try_from(len) {
        out.push(marker + 1);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        let len = u32::try_from(len).map_err(|_| EncodeError::TooLong)?;
        out.push(marker + 2);
        out.extend_from_slice(&len.to_be_bytes());
    }
    Ok(())
}

fn number(text: &str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    if let Ok(number) = text.parse::<u64>() {
        unsigned(number, out);
    } else if let Ok(number) = text.parse::<i64>() {
        signed(number, out);
    } else {
        let number: f64 = text.parse().map_err(|_| EncodeError::Data)?;
        out.push(0xcb);
        out.extend_from_slice(&number.to_be_bytes());
    }
    Ok(())
}

fn unsigned(number: u64, out: &mut Vec<u8>) {
    if number < 0x80 {
        out.push(number as u8);
    } else if let Ok(number) = u8::try_from(number) {
        out.extend_from_slice(&[0xcc, number]);
    } else if let Ok(number) = u16::try_from(number) {
        out.push(0xcd);
        out.extend_from_slice(&number.to_be_bytes());
    } else if let Ok(number) = u32::try_from(number) {
        out.push(0xce);
        out.extend_from_slice(&number.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

fn signed(number: i64, out: &mut Vec<u8>) {
    if let Ok(number) = i8::try_from(number) {
        if number >= -32 {
            out.push(number as u8);
        } else {
            out.extend_from_slice(&[0xd0, number as u8]);
        }
    } else if let Ok(number) = i16::try_from(number) {
        out.push(0xd1);
        out.extend_from_slice(&number.to_be_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(0xd2);
        out.extend_from_slice(&number.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend_from_slice(&number.to_be_bytes());
    }
}
