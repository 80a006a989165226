//! Socket.IO packets in MessagePack, as socket.io-msgpack-parser writes them.
//!
//! A packet is one binary message: a map of `type`, `nsp`, `data` and `id`, with bytes in place
//! and no announced attachments. Decoded, it looks as if it had come in the default encoding: the
//! data is JSON text, its bytes are numbered attachments. Encoding takes the same way back.
//!
//! What JSON has no word for: a timestamp becomes its ISO 8601 text, `undefined` and numbers that
//! are not finite become `null`, an extension of unknown type becomes `[type, bytes]`.

mod decode;
mod encode;
mod item;
mod time;

pub use decode::decode;
pub(crate) use decode::to_json;
pub(crate) use encode::from_json;
pub use encode::{EncodeError, encode};
