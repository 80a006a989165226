//! From MessagePack to JSON text and attachments.

use std::fmt::Write as _;
use std::ops::Range;

use bytes::Bytes;

use super::item::{Cursor, Item, Sized};
use super::time;
use crate::json::{self, DEPTH_MAX};
use crate::packet::{Kind, Limits, OwnedPacket, PacketError, check_data, placeholder};

/// `type`s of this encoding; attachments are no kinds of their own here.
const KIND_MAX: u64 = 4;

/// Decodes a packet; bytes in it become placeholders and attachments.
///
/// # Errors
/// Not such a packet, or over a limit.
pub fn decode(bytes: &Bytes, limits: &Limits) -> Result<OwnedPacket, PacketError> {
    if bytes.is_empty() {
        return Err(PacketError::Empty);
    }
    let mut cursor = Cursor::new(bytes);
    let Item::Map(pairs) = cursor.item()? else { return Err(PacketError::Data) };
    let (mut kind, mut namespace, mut ack_id) = (None, None, None);
    let mut converter = None;
    for _ in 0..pairs {
        let Item::Str(key) = cursor.item()? else { return Err(PacketError::Data) };
        match &bytes[key] {
            b"type" => {
                kind = match cursor.item()? {
                    Item::Uint(digit @ 0..=KIND_MAX) => Kind::from_digit(b'0' + digit as u8),
                    _ => return Err(PacketError::UnknownKind),
                }
            }
            b"nsp" => {
                let Item::Str(name) = cursor.item()? else { return Err(PacketError::Data) };
                namespace = Some(str::from_utf8(&bytes[name]).map_err(|_| PacketError::Data)?);
            }
            b"id" => {
                ack_id = match cursor.item()? {
                    Item::Uint(id) => Some(id),
                    item if is_absent(&item) => None,
                    _ => return Err(PacketError::AckId),
                }
            }
            b"data" => {
                if converter.is_some() {
                    return Err(PacketError::Data);
                }
                let item = cursor.item()?;
                if !is_absent(&item) {
                    let mut new = Converter::new(bytes, limits);
                    new.value(item, &mut cursor, limits.depth_max.min(DEPTH_MAX))?;
                    converter = Some(new);
                }
            }
            _ => cursor.skip()?,
        }
    }
    let mut kind = kind.ok_or(PacketError::UnknownKind)?;
    let namespace = namespace.filter(|name| name.starts_with('/')).ok_or(PacketError::Data)?;
    if !cursor.is_at_end() {
        return Err(PacketError::Data);
    }
    let (data, attachments) = converter.map_or_else(Default::default, |c| (c.text, c.attachments));
    check_data(kind, &data, limits)?;
    if !attachments.is_empty() {
        kind = kind.to_binary().ok_or(PacketError::Data)?;
    }
    Ok(OwnedPacket { kind, namespace: namespace.into(), ack_id, data, attachments })
}

/// Levels that a message between servers has around the arguments of an event.
const LEVELS_AROUND: usize = 4;

/// Decodes any one value as JSON text; bytes in it become placeholders and attachments.
///
/// # Errors
/// Not one value, or over a limit of a packet.
pub(crate) fn to_json(bytes: &Bytes, limits: &Limits) -> Result<(String, Vec<Bytes>), PacketError> {
    let mut cursor = Cursor::new(bytes);
    let item = cursor.item()?;
    let mut converter = Converter::new(bytes, limits);
    let levels = limits.depth_max.saturating_add(LEVELS_AROUND).min(DEPTH_MAX);
    converter.value(item, &mut cursor, levels)?;
    match cursor.is_at_end() {
        true => Ok((converter.text, converter.attachments)),
        false => Err(PacketError::Data),
    }
}

/// Whether an item, nil or the reference's `undefined`, stands for a field that is not there.
fn is_absent(item: &Item) -> bool {
    match item {
        Item::Nil => true,
        Item::Ext { code: 0, bytes, sized: Sized::ByFormat } => bytes.len() == 1,
        _ => false,
    }
}

struct Converter<'a> {
    bytes: &'a Bytes,
    limits: &'a Limits,
    text: String,
    attachments: Vec<Bytes>,
    attachment_bytes: usize,
}

impl<'a> Converter<'a> {
    fn new(bytes: &'a Bytes, limits: &'a Limits) -> Self {
        let (text, attachments) = (String::new(), Vec::new());
        Self { bytes, limits, text, attachments, attachment_bytes: 0 }
    }

    /// Writes an item and all that it holds; `levels` more may be opened.
    fn value(
        &mut self,
        item: Item,
        cursor: &mut Cursor<'_>,
        levels: usize,
    ) -> Result<(), PacketError> {
        let too_deep = PacketError::TooDeep { limit: self.limits.depth_max };
        match item {
            Item::Nil => self.text.push_str("null"),
            Item::Bool(true) => self.text.push_str("true"),
            Item::Bool(false) => self.text.push_str("false"),
            Item::Uint(number) => self.display(number),
            Item::Int(number) => self.display(number),
            Item::Float(number) => self.float(number),
            Item::Str(span) => self.string(span)?,
            Item::Bin(span) => self.attachment(span)?,
            Item::Ext { code, bytes, sized } => self.extension(code, bytes, sized)?,
            Item::Array(count) => {
                let levels = levels.checked_sub(1).ok_or(too_deep)?;
                self.text.push('[');
                for index in 0..count {
                    if index > 0 {
                        self.text.push(',');
                    }
                    let item = cursor.item()?;
                    self.value(item, cursor, levels)?;
                }
                self.text.push(']');
            }
            Item::Map(pairs) => {
                let levels = levels.checked_sub(1).ok_or(too_deep)?;
                self.text.push('{');
                for index in 0..pairs {
                    if index > 0 {
                        self.text.push(',');
                    }
                    self.key(cursor)?;
                    let item = cursor.item()?;
                    self.value(item, cursor, levels)?;
                }
                self.text.push('}');
            }
        }
        Ok(())
    }

    /// Writes a key; JavaScript's objects have only strings, so numbers become that.
    fn key(&mut self, cursor: &mut Cursor<'_>) -> Result<(), PacketError> {
        match cursor.item()? {
            Item::Str(span) => {
                // In JSON text it would pass for the placeholder of some attachment.
                let marks = &self.bytes[span.clone()] == placeholder::MARK.as_bytes();
                if marks && cursor.peek() == Some(0xc3) {
                    return Err(PacketError::Placeholder);
                }
                self.string(span)?;
            }
            Item::Uint(number) => self.display(format_args!("\"{number}\"")),
            Item::Int(number) => self.display(format_args!("\"{number}\"")),
            _ => return Err(PacketError::Data),
        }
        self.text.push(':');
        Ok(())
    }

    fn display(&mut self, value: impl std::fmt::Display) {
        write!(self.text, "{value}").expect("a String takes all that is written");
    }

    /// Writes a float as JavaScript's JSON has it: whole numbers without a fraction.
    fn float(&mut self, number: f64) {
        const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
        if !number.is_finite() {
            self.text.push_str("null");
        } else if number.fract() == 0.0 && number.abs() <= WHOLE_MAX {
            self.display(number as i64);
        } else {
            self.display(format_args!("{number:?}"));
        }
    }

    /// Writes a string. JavaScript's may hold lone surrogates, which come as the three bytes that
    /// UTF-8 would have for them, and are kept as escapes.
    fn string(&mut self, span: Range<usize>) -> Result<(), PacketError> {
        self.text.push('"');
        let mut rest = &self.bytes[span];
        loop {
            match str::from_utf8(rest) {
                Ok(text) => {
                    json::push_escaped(text, &mut self.text);
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    json::push_escaped(str::from_utf8(valid).unwrap_or_default(), &mut self.text);
                    let [0xed, high @ 0xa0..=0xbf, low @ 0x80..=0xbf, after @ ..] = after else {
                        return Err(PacketError::Data);
                    };
                    let unit = 0xd000 | u32::from(high & 0x3f) << 6 | u32::from(low & 0x3f);
                    self.display(format_args!("\\u{unit:04x}"));
                    rest = after;
                }
            }
        }
        self.text.push('"');
        Ok(())
    }

    fn attachment(&mut self, span: Range<usize>) -> Result<(), PacketError> {
        let limit = self.limits.attachments_max;
        if self.attachments.len() == limit {
            return Err(PacketError::TooManyAttachments { limit });
        }
        let limit = self.limits.attachment_bytes_max;
        self.attachment_bytes += span.len();
        if self.attachment_bytes > limit {
            return Err(PacketError::AttachmentsTooBig { limit });
        }
        placeholder::push(self.attachments.len(), &mut self.text);
        self.attachments.push(self.bytes.slice(span));
        Ok(())
    }

    /// Writes an extension: the types that the reference's encoder has had, or type and bytes.
    fn extension(&mut self, code: i8, span: Range<usize>, sized: Sized) -> Result<(), PacketError> {
        match (code, sized, span.len()) {
            (0, Sized::ByFormat, 1) => self.text.push_str("null"),
            (0, Sized::ByField, _) => self.attachment(span)?,
            (0, Sized::ByFormat, 8) => {
                let ms = <[u8; 8]>::try_from(&self.bytes[span]).map_err(|_| PacketError::Data)?;
                time::push_date(Some(i64::from_be_bytes(ms)), &mut self.text);
            }
            (-1, _, 4 | 8 | 12) => {
                time::push_date(time::timestamp_ms(&self.bytes[span])?, &mut self.text);
            }
            _ => {
                self.display(format_args!("[{code},"));
                self.attachment(span)?;
                self.text.push(']');
            }
        }
        Ok(())
    }
}
