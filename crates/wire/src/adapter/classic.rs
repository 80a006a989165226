//! The classic adapter, and the emitter.

use serde::Deserialize;

use super::read::{Options, Packet, Room, name, parse, rooms, text};
use super::{Call, Message, Selection};
use crate::packet::{Limits, PacketError};

/// `type`s of requests.
pub(super) const SOCKETS: u64 = 0;
pub(super) const ALL_ROOMS: u64 = 1;
pub(super) const REMOTE_JOIN: u64 = 2;
pub(super) const REMOTE_LEAVE: u64 = 3;
pub(super) const REMOTE_DISCONNECT: u64 = 4;
pub(super) const REMOTE_FETCH: u64 = 5;
pub(super) const SERVER_SIDE_EMIT: u64 = 6;
pub(super) const BROADCAST: u64 = 7;

/// Reads what is published for rooms: `[uid, packet, options]`.
///
/// # Errors
/// Not such a message, no event, one with an ack's number or a reserved name, or over a limit.
pub fn emitted(bytes: &[u8], limits: &Limits) -> Result<Message, PacketError> {
    let (json, attachments) = text(bytes, limits)?;
    let (from, packet, options): (Box<str>, Packet<'_>, Option<Options>) = parse(&json)?;
    let options = options.unwrap_or_default();
    Ok(Message {
        from: name(from)?,
        namespace: packet.nsp.clone().unwrap_or_else(|| "/".into()),
        request: None,
        call: Call::Emit {
            event: packet.event(attachments, limits)?,
            volatile: options.is_volatile(),
            timeout_ms: None,
            sockets: options.selection()?,
        },
    })
}

#[derive(Deserialize)]
struct Request<'a> {
    /// An emitter has none.
    uid: Option<Box<str>>,
    #[serde(rename = "requestId")]
    request: Option<Box<str>>,
    #[serde(rename = "type")]
    kind: u64,
    opts: Option<Options>,
    rooms: Option<Vec<Room>>,
    close: Option<bool>,
    #[serde(borrow)]
    packet: Option<Packet<'a>>,
}

/// Reads a request on the channel of `namespace`; a request does not name it.
///
/// # Errors
/// Not such a message, or over a limit.
pub fn requested(bytes: &[u8], namespace: &str, limits: &Limits) -> Result<Message, PacketError> {
    let (json, attachments) = text(bytes, limits)?;
    let request: Request<'_> = parse(&json)?;
    let (is_volatile, timeout_ms) = match &request.opts {
        Some(options) => (options.is_volatile(), options.timeout_ms()),
        None => (false, None),
    };
    // Older adapters name one socket in place of these.
    let sockets = || request.opts.ok_or(PacketError::Data)?.selection();
    let call = match request.kind {
        SOCKETS => Call::SocketIds {
            sockets: Selection { rooms: rooms(request.rooms)?, except: Vec::new() },
        },
        ALL_ROOMS => Call::Rooms,
        REMOTE_JOIN => Call::Join { sockets: sockets()?, rooms: rooms(request.rooms)? },
        REMOTE_LEAVE => Call::Leave { sockets: sockets()?, rooms: rooms(request.rooms)? },
        REMOTE_DISCONNECT => {
            Call::Disconnect { sockets: sockets()?, close: request.close.unwrap_or(false) }
        }
        REMOTE_FETCH => Call::Fetch { sockets: sockets()? },
        SERVER_SIDE_EMIT => Call::ServerSideEmit,
        BROADCAST => Call::Emit {
            sockets: sockets()?,
            event: request.packet.ok_or(PacketError::Data)?.event(attachments, limits)?,
            volatile: is_volatile,
            timeout_ms,
        },
        _ => return Err(PacketError::UnknownKind),
    };
    Ok(Message {
        from: request.uid.map(name).transpose()?.unwrap_or_default(),
        namespace: namespace.into(),
        request: request.request.map(name).transpose()?,
        call,
    })
}
