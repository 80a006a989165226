//! Events for rooms, as programs around a cluster of Socket.IO servers publish them on Redis.
//!
//! `@socket.io/redis-emitter` 5 and the broadcasts of `@socket.io/redis-adapter` 8 have one form: an array of
//! who says it, a packet as [`decode()`] knows it, and where it goes: a map of `rooms`, `except` and `flags`.

use bytes::Bytes;

use super::decode;
use super::item::{Cursor, Item};
use crate::packet::{Kind, Limits, OwnedPacket, PacketError};

/// Rooms that one emission may name, and as many that it may leave out.
pub const EMISSION_ROOMS_MAX: u32 = 1_000;

/// Bytes of an emission: what is emitted to many is held for each who is slow to take it.
pub const EMISSION_BYTES_MAX: usize = 1_000_000;

/// An event for rooms.
#[derive(Debug, Clone, PartialEq)]
pub struct Emission {
    /// The event; it asks for no answer.
    pub packet: OwnedPacket,
    /// The rooms; none for everybody.
    pub rooms: Vec<Box<str>>,
    /// Rooms whose sockets do not get it.
    pub except: Vec<Box<str>>,
    /// Whether it may be dropped for who cannot take it at once.
    pub volatile: bool,
}

/// Decodes an emission.
///
/// # Errors
/// Not such an emission, no event, one that asks for an answer, or over a limit.
pub fn decode_emission(bytes: &Bytes, limits: &Limits) -> Result<Emission, PacketError> {
    if bytes.len() > EMISSION_BYTES_MAX {
        return Err(PacketError::Data);
    }
    let mut cursor = Cursor::new(bytes);
    let (Item::Array(3), Item::Str(_)) = (cursor.item()?, cursor.item()?) else {
        return Err(PacketError::Data);
    };
    let start = cursor.at();
    cursor.skip()?;
    let packet = decode(&bytes.slice(start..cursor.at()), limits)?;
    if !matches!(packet.kind, Kind::Event | Kind::BinaryEvent) {
        return Err(PacketError::UnknownKind);
    }
    if packet.ack_id.is_some() {
        return Err(PacketError::AckId);
    }
    let mut emission = Emission { packet, rooms: Vec::new(), except: Vec::new(), volatile: false };
    let Item::Map(pairs) = cursor.item()? else { return Err(PacketError::Data) };
    for _ in 0..pairs {
        match key(bytes, &mut cursor)? {
            b"rooms" => emission.rooms = rooms(bytes, &mut cursor)?,
            b"except" => emission.except = rooms(bytes, &mut cursor)?,
            b"flags" => emission.volatile = is_volatile(bytes, &mut cursor)?,
            _ => cursor.skip()?,
        }
    }
    match cursor.is_at_end() {
        true => Ok(emission),
        false => Err(PacketError::Data),
    }
}

fn key<'a>(bytes: &'a Bytes, cursor: &mut Cursor<'_>) -> Result<&'a [u8], PacketError> {
    match cursor.item()? {
        Item::Str(key) => Ok(&bytes[key]),
        _ => Err(PacketError::Data),
    }
}

fn rooms(bytes: &Bytes, cursor: &mut Cursor<'_>) -> Result<Vec<Box<str>>, PacketError> {
    let count = match cursor.item()? {
        Item::Array(count @ ..=EMISSION_ROOMS_MAX) => count,
        Item::Nil => 0,
        _ => return Err(PacketError::Data),
    };
    let room = |_| {
        let text = key(bytes, cursor)?;
        str::from_utf8(text).map(Box::from).map_err(|_| PacketError::Data)
    };
    (0..count).map(room).collect()
}

fn is_volatile(bytes: &Bytes, cursor: &mut Cursor<'_>) -> Result<bool, PacketError> {
    let pairs = match cursor.item()? {
        Item::Map(pairs) => pairs,
        Item::Nil => 0,
        _ => return Err(PacketError::Data),
    };
    let mut is_volatile = false;
    for _ in 0..pairs {
        match key(bytes, cursor)? {
            b"volatile" => is_volatile = cursor.item()? == Item::Bool(true),
            _ => cursor.skip()?,
        }
    }
    Ok(is_volatile)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `to("r1").emit("ev", { a: 1 })` of `@socket.io/redis-emitter` 5.1.0.
    const EMITTED: &[u8] =
        b"\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa2ev\x81\xa1a\x01\xa3nsp\xa1/\
        \x83\xa5rooms\x91\xa2r1\xa5flags\x80\xa6except\x90";

    fn decoded(bytes: &[u8]) -> Result<Emission, PacketError> {
        decode_emission(&Bytes::copy_from_slice(bytes), &Limits::default())
    }

    #[test]
    fn what_the_emitter_writes_is_read() {
        let emission = decoded(EMITTED).expect("it is one");
        assert_eq!(&*emission.packet.data, r#"["ev",{"a":1}]"#);
        assert_eq!(&*emission.packet.namespace, "/");
        assert_eq!(emission.rooms, ["r1".into()]);
        assert!(emission.except.is_empty() && !emission.volatile);
    }

    #[test]
    fn flags_and_rooms_left_out_are_read_in_any_order() {
        let bytes = b"\x93\xa6abcdef\x83\xa4type\x02\xa4data\x91\xa2ev\xa3nsp\xa1/\
            \x83\xa5flags\x82\xa8compress\xc3\xa8volatile\xc3\xa6except\x92\xa1a\xa1b\xa5rooms\xc0";
        let emission = decoded(bytes).expect("it is one");
        assert_eq!(emission.except, ["a".into(), "b".into()]);
        assert!(emission.rooms.is_empty() && emission.volatile);
    }

    #[test]
    fn bytes_become_attachments() {
        let bytes =
            b"\x93\xa6abcdef\x83\xa4type\x02\xa4data\x92\xa2ev\xc4\x02\x01\xff\xa3nsp\xa1/\x80";
        let emission = decoded(bytes).expect("it is one");
        assert_eq!(emission.packet.attachments, [Bytes::from_static(b"\x01\xff")]);
    }

    #[test]
    fn no_other_message_is_taken_for_one() {
        for cut in 0..EMITTED.len() {
            assert!(decoded(&EMITTED[..cut]).is_err(), "cut at {cut}");
        }
        let with = |at: &[u8], by: &[u8]| {
            let start = EMITTED.windows(at.len()).position(|it| it == at).expect("it is there");
            [&EMITTED[..start], by, &EMITTED[start + at.len()..]].concat()
        };
        // A connect, an acknowledgement, one more item, a room that is none.
        assert!(decoded(&with(b"type\x02", b"type\x00")).is_err());
        assert!(decoded(&with(b"type\x02", b"type\x03")).is_err());
        assert!(decoded(&[EMITTED, b"\x00"].concat()).is_err());
        assert!(decoded(&with(b"\x91\xa2r1", b"\x91\x05")).is_err());
        assert!(decoded(&with(b"\xa2ev", b"\xaadisconnect")).is_err(), "a reserved name");
    }

    #[test]
    fn more_bytes_than_may_be_are_refused() {
        let head = b"\x93\xa1a\x83\xa4type\x02\xa4data\x92\xa2ev\xdb";
        let tail = b"\xa3nsp\xa1/\x80";
        let of = |bytes: usize| {
            let text = bytes - head.len() - 4 - tail.len();
            let length = u32::try_from(text).expect("it is small").to_be_bytes();
            decoded(&[&head[..], &length, &vec![b'x'; text], tail].concat())
        };
        assert!(of(EMISSION_BYTES_MAX).is_ok());
        assert!(of(EMISSION_BYTES_MAX + 1).is_err());
    }

    #[test]
    fn more_rooms_than_may_be_are_refused() {
        let naming = |count: u16| {
            let rooms =
                [&[0xdc_u8][..], &count.to_be_bytes(), &b"\xa1r".repeat(count.into())].concat();
            let start = EMITTED.windows(4).position(|it| it == b"\x91\xa2r1").expect("it is there");
            decoded(&[&EMITTED[..start], &rooms, &EMITTED[start + 4..]].concat())
        };
        let most = u16::try_from(EMISSION_ROOMS_MAX).expect("it is small");
        assert!(naming(most).is_ok_and(|emission| emission.rooms.len() == usize::from(most)));
        assert!(naming(most + 1).is_err());
    }
}
