//! One MessagePack item at a time.

use std::ops::Range;

use crate::packet::PacketError;

/// An item, or the head of an array or map whose items follow.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Nil,
    Bool(bool),
    Uint(u64),
    /// Always below zero.
    Int(i64),
    Float(f64),
    Str(Range<usize>),
    Bin(Range<usize>),
    Array(u32),
    /// The number of pairs.
    Map(u32),
    Ext {
        code: i8,
        bytes: Range<usize>,
        sized: Sized,
    },
}

/// How an extension gives its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sized {
    ByFormat,
    ByField,
}

/// A place in a packet. Everything it gives lies within the packet.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn span(&mut self, len: usize) -> Result<Range<usize>, PacketError> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let span = self.at..end.ok_or(PacketError::Data)?;
        self.at = span.end;
        Ok(span)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PacketError> {
        let span = self.span(N)?;
        self.bytes[span].try_into().map_err(|_| PacketError::Data)
    }

    fn u8(&mut self) -> Result<u8, PacketError> {
        self.array().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, PacketError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, PacketError> {
        self.array().map(u32::from_be_bytes)
    }

    fn ext(&mut self, len: usize, sized: Sized) -> Result<Item, PacketError> {
        let [code] = self.array()?;
        Ok(Item::Ext { code: i8::from_be_bytes([code]), bytes: self.span(len)?, sized })
    }

    /// The next item.
    pub(super) fn item(&mut self) -> Result<Item, PacketError> {
        let marker = self.u8()?;
        Ok(match marker {
            0x00..=0x7f => Item::Uint(marker.into()),
            0x80..=0x8f => Item::Map((marker & 0x0f).into()),
            0x90..=0x9f => Item::Array((marker & 0x0f).into()),
            0xa0..=0xbf => Item::Str(self.span((marker & 0x1f).into())?),
            0xc0 => Item::Nil,
            0xc1 => return Err(PacketError::Data),
            0xc2 => Item::Bool(false),
            0xc3 => Item::Bool(true),
            0xc4 => {
                let len = self.u8()?;
                Item::Bin(self.span(len.into())?)
            }
            0xc5 => {
                let len = self.u16()?;
                Item::Bin(self.span(len.into())?)
            }
            0xc6 => {
                let len = self.u32()?;
                Item::Bin(self.span(len as usize)?)
            }
            0xc7 => {
                let len = self.u8()?;
                self.ext(len.into(), Sized::ByField)?
            }
            0xc8 => {
                let len = self.u16()?;
                self.ext(len.into(), Sized::ByField)?
            }
            0xc9 => {
                let len = self.u32()?;
                self.ext(len as usize, Sized::ByField)?
            }
            0xca => Item::Float(f32::from_be_bytes(self.array()?).into()),
            0xcb => Item::Float(f64::from_be_bytes(self.array()?)),
            0xcc => Item::Uint(self.u8()?.into()),
            0xcd => Item::Uint(self.u16()?.into()),
            0xce => Item::Uint(self.u32()?.into()),
            0xcf => Item::Uint(u64::from_be_bytes(self.array()?)),
            0xd0 => signed(i8::from_be_bytes(self.array()?).into()),
            0xd1 => signed(i16::from_be_bytes(self.array()?).into()),
            0xd2 => signed(i32::from_be_bytes(self.array()?).into()),
            0xd3 => signed(i64::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => self.ext(1 << (marker - 0xd4), Sized::ByFormat)?,
            0xd9 => {
                let len = self.u8()?;
                Item::Str(self.span(len.into())?)
            }
            0xda => {
                let len = self.u16()?;
                Item::Str(self.span(len.into())?)
            }
            0xdb => {
                let len = self.u32()?;
                Item::Str(self.span(len as usize)?)
            }
            0xdc => Item::Array(self.u16()?.into()),
            0xdd => Item::Array(self.u32()?),
            0xde => Item::Map(self.u16()?.into()),
            0xdf => Item::Map(self.u32()?),
            0xe0..=0xff => Item::Int(i8::from_be_bytes([marker]).into()),
        })
    }

    /// Passes over a whole value. Each step takes at least a byte, whatever counts are claimed.
    pub(super) fn skip(&mut self) -> Result<(), PacketError> {
        let mut left: u64 = 1;
        while left > 0 {
            left -= 1;
            left = left.saturating_add(match self.item()? {
                Item::Array(count) => count.into(),
                Item::Map(pairs) => u64::from(pairs) * 2,
                _ => 0,
            });
        }
        Ok(())
    }
}

fn signed(number: i64) -> Item {
    u64::try_from(number).map_or(Item::Int(number), Item::Uint)
}
