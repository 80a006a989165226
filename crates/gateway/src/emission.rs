//! What programs beside a cluster of Socket.IO servers emit to rooms, read from what they publish.

use bytes::Bytes;
use parlor_wire::msgpack;
pub use parlor_wire::packet::PacketError as EmissionError;
use parlor_wire::packet::{EventArgs, Limits};

/// An event for rooms, as `@socket.io/redis-emitter` and `@socket.io/redis-adapter` publish it.
#[derive(Debug, Clone, PartialEq)]
pub struct Emission {
    /// The namespace whose sockets it is for.
    pub namespace: Box<str>,
    /// The event's name.
    pub event: Box<str>,
    /// Its arguments: the JSON text of an array, with placeholders for the attachments.
    pub args: String,
    /// The binary arguments.
    pub attachments: Vec<Bytes>,
    /// The rooms; none for everybody.
    pub rooms: Vec<Box<str>>,
    /// Rooms whose sockets do not get it.
    pub except: Vec<Box<str>>,
    /// Whether it may be dropped for who cannot take it at once.
    pub volatile: bool,
}

impl Emission {
    /// Decodes what was published.
    ///
    /// # Errors
    /// Not such an event, one with a name that the protocol keeps for itself, or over a limit of a packet.
    pub fn decode(published: &[u8]) -> Result<Self, EmissionError> {
        let bytes = Bytes::copy_from_slice(published);
        let emission = msgpack::decode_emission(&bytes, &Limits::default())?;
        let args = EventArgs::split(&emission.packet.data)?;
        Ok(Self {
            event: args.name().into(),
            args: args.to_array(),
            namespace: emission.packet.namespace,
            attachments: emission.packet.attachments,
            rooms: emission.rooms,
            except: emission.except,
            volatile: emission.volatile,
        })
    }
}
