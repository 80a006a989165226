//! What messages of both adapters are made of.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Event, MESSAGE_BYTES_MAX, NAME_BYTES_MAX, ROOM_BYTES_MAX, ROOMS_MAX, Selection};
use crate::msgpack;
use crate::packet::{EventArgs, Kind, Limits, PacketError, check_data, placeholder};

/// A message as JSON text, and the bytes that it numbers. An object in JSON is told by its first byte.
pub(super) fn text<'a>(
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<(Cow<'a, str>, Vec<Bytes>), PacketError> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(PacketError::Data);
    }
    if bytes.first() == Some(&b'{') {
        let text = str::from_utf8(bytes).map_err(|_| PacketError::Data)?;
        return Ok((text.into(), Vec::new()));
    }
    let (text, attachments) = msgpack::to_json(&Bytes::copy_from_slice(bytes), limits)?;
    Ok((text.into(), attachments))
}

/// A value of that shape.
pub(super) fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, PacketError> {
    serde_json::from_str(json).map_err(|_| PacketError::Data)
}

/// The event of a message.
#[derive(Deserialize)]
pub(super) struct Packet<'a> {
    #[serde(rename = "type")]
    kind: u64,
    pub(super) nsp: Option<Box<str>>,
    id: Option<u64>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Packet<'_> {
    /// The event, with the bytes of its message.
    pub(super) fn event(
        &self,
        attachments: Vec<Bytes>,
        limits: &Limits,
    ) -> Result<Event, PacketError> {
        if self.kind != Kind::Event as u64 {
            return Err(PacketError::UnknownKind);
        }
        if self.id.is_some() {
            return Err(PacketError::AckId);
        }
        let data = self.data.get();
        check_data(Kind::Event, data, limits)?;
        if !attachments.is_empty() {
            placeholder::check(data, attachments.len())?;
        }
        let args = EventArgs::split(data)?;
        Ok(Event { name: args.name().into(), args: args.to_array(), attachments })
    }
}

/// Whom a message is about, and how it goes.
#[derive(Deserialize, Default)]
pub(super) struct Options {
    rooms: Option<Vec<Room>>,
    except: Option<Vec<Room>>,
    flags: Option<Flags>,
}

#[derive(Deserialize, Default)]
struct Flags {
    volatile: Option<bool>,
    timeout: Option<f64>,
}

/// The name of a room. Node lets it be a number, and programs use those of their database.
pub(super) struct Room(Box<str>);

impl<'de> Deserialize<'de> for Room {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RoomVisitor)
    }
}

struct RoomVisitor;

impl Visitor<'_> for RoomVisitor {
    type Value = Room;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a room")
    }

    fn visit_str<E>(self, name: &str) -> Result<Room, E> {
        Ok(Room(name.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Room, E> {
        Ok(Room(number.to_string().into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Room, E> {
        Ok(Room(number.to_string().into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Room, E> {
        Ok(Room(number.to_string().into()))
    }
}

impl Options {
    pub(super) fn is_volatile(&self) -> bool {
        self.flags.as_ref().is_some_and(|flags| flags.volatile == Some(true))
    }

    /// In whole milliseconds; what is no time is none.
    pub(super) fn timeout_ms(&self) -> Option<u64> {
        self.flags.as_ref()?.timeout.map(|ms| ms as u64)
    }

    pub(super) fn selection(self) -> Result<Selection, PacketError> {
        Ok(Selection { rooms: rooms(self.rooms)?, except: rooms(self.except)? })
    }
}

/// Rooms, if they are not too many and no name is too long.
pub(super) fn rooms(named: Option<Vec<Room>>) -> Result<Vec<Box<str>>, PacketError> {
    let named = named.unwrap_or_default();
    match named.len() <= ROOMS_MAX && named.iter().all(|room| room.0.len() <= ROOM_BYTES_MAX) {
        true => Ok(named.into_iter().map(|room| room.0).collect()),
        false => Err(PacketError::Data),
    }
}

/// The name of a server or a request.
pub(super) fn name(name: Box<str>) -> Result<Box<str>, PacketError> {
    match (1..=NAME_BYTES_MAX).contains(&name.len()) {
        true => Ok(name),
        false => Err(PacketError::Data),
    }
}
