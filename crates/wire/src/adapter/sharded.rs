//! The sharded adapter.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::read::{Options, Packet, Room, name, parse, rooms, text};
use super::{Call, Message};
use crate::packet::{Limits, PacketError};

/// `type`s of messages.
pub(super) const INITIAL_HEARTBEAT: u64 = 1;
pub(super) const HEARTBEAT: u64 = 2;
pub(super) const BROADCAST: u64 = 3;
pub(super) const SOCKETS_JOIN: u64 = 4;
pub(super) const SOCKETS_LEAVE: u64 = 5;
pub(super) const DISCONNECT_SOCKETS: u64 = 6;
pub(super) const FETCH_SOCKETS: u64 = 7;
pub(super) const SERVER_SIDE_EMIT: u64 = 9;
pub(super) const ADAPTER_CLOSE: u64 = 13;

#[derive(Deserialize)]
struct Told<'a> {
    uid: Box<str>,
    nsp: Box<str>,
    #[serde(rename = "type")]
    kind: u64,
    #[serde(borrow, default)]
    data: Option<Data<'a>>,
}

#[derive(Deserialize, Default)]
struct Data<'a> {
    #[serde(rename = "requestId")]
    request: Option<Box<str>>,
    opts: Option<Options>,
    rooms: Option<Vec<Room>>,
    close: Option<bool>,
    /// An event; for the app's own code an array, which is none.
    #[serde(borrow)]
    packet: Option<&'a RawValue>,
}

/// Reads a message.
///
/// # Errors
/// Not such a message, or over a limit.
pub fn told(bytes: &[u8], limits: &Limits) -> Result<Message, PacketError> {
    let (json, attachments) = text(bytes, limits)?;
    let told: Told<'_> = parse(&json)?;
    let data = told.data.unwrap_or_default();
    let (is_volatile, timeout_ms) = match &data.opts {
        Some(options) => (options.is_volatile(), options.timeout_ms()),
        None => (false, None),
    };
    let sockets = || data.opts.ok_or(PacketError::Data)?.selection();
    let call = match told.kind {
        BROADCAST => {
            let packet: Packet<'_> = parse(data.packet.ok_or(PacketError::Data)?.get())?;
            Call::Emit {
                sockets: sockets()?,
                event: packet.event(attachments, limits)?,
                volatile: is_volatile,
                timeout_ms,
            }
        }
        SOCKETS_JOIN => Call::Join { sockets: sockets()?, rooms: rooms(data.rooms)? },
        SOCKETS_LEAVE => Call::Leave { sockets: sockets()?, rooms: rooms(data.rooms)? },
        DISCONNECT_SOCKETS => {
            Call::Disconnect { sockets: sockets()?, close: data.close.unwrap_or(false) }
        }
        FETCH_SOCKETS => Call::Fetch { sockets: sockets()? },
        SERVER_SIDE_EMIT => Call::ServerSideEmit,
        INITIAL_HEARTBEAT | HEARTBEAT | ADAPTER_CLOSE => Call::Nothing,
        _ => return Err(PacketError::UnknownKind),
    };
    Ok(Message {
        from: name(told.uid)?,
        namespace: told.nsp,
        request: data.request.map(name).transpose()?,
        call,
    })
}
