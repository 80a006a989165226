//! What is answered.

use bytes::Bytes;

use crate::json::push_string;
use crate::msgpack::{self, EncodeError};

/// Which adapter a cluster's servers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The classic one, for any Redis.
    Classic,
    /// The sharded one, for Redis 7 and its clusters.
    Sharded,
}

/// An answer to a [`super::Message`] with a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer<'a> {
    /// The sockets: the JSON text of an array of objects of `id`, `handshake`, `rooms` and `data`.
    Sockets(&'a str),
    /// Their ids: the JSON text of an array.
    SocketIds(&'a str),
    /// The rooms: the JSON text of an array.
    Rooms(&'a str),
    /// How many sockets are asked for an ack.
    Asked(usize),
    /// What one of them answered: JSON text, with placeholders for the attachments.
    Ack(&'a str, &'a [Bytes]),
    /// That no code of the app is here to be given an event.
    NoCode,
}

impl Answer<'_> {
    /// Appends the answer to a request as a server with that `uid` in that namespace gives it.
    ///
    /// # Errors
    /// JSON text that is none, or attachments that do not fit it. `out` is as it was.
    pub fn encode(
        &self,
        dialect: Dialect,
        uid: &str,
        namespace: &str,
        request: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let text = match dialect {
            Dialect::Classic => self.classic(request),
            Dialect::Sharded => self.sharded(uid, namespace, request),
        };
        match self {
            Self::Ack(_, attachments) if !attachments.is_empty() => {
                msgpack::from_json(&text, attachments, out)
            }
            _ => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }
    }

    fn classic(&self, request: &str) -> String {
        let mut out = String::from("{\"requestId\":");
        push_string(request, &mut out);
        let kind = match self {
            Self::Asked(_) => Some("8"),
            Self::Ack(..) => Some("9"),
            Self::NoCode => Some("6"),
            _ => None,
        };
        if let Some(kind) = kind {
            out.extend([",\"type\":", kind]);
        }
        let name = match self {
            // Its `data` is what the code answered; a sharded one's is its `packet`.
            Self::NoCode => "data",
            _ => self.name(),
        };
        out.extend([",\"", name, "\":", &self.value(), "}"]);
        out
    }

    fn sharded(&self, uid: &str, namespace: &str, request: &str) -> String {
        let kind = match self {
            Self::Asked(_) => "11",
            Self::Ack(..) => "12",
            Self::NoCode => "10",
            Self::Sockets(_) | Self::SocketIds(_) | Self::Rooms(_) => "8",
        };
        let mut out = String::from("{\"uid\":");
        push_string(uid, &mut out);
        out.push_str(",\"nsp\":");
        push_string(namespace, &mut out);
        out.extend([",\"type\":", kind, ",\"data\":{\"requestId\":"]);
        push_string(request, &mut out);
        out.extend([",\"", self.name(), "\":", &self.value(), "}}"]);
        out
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Sockets(_) | Self::SocketIds(_) => "sockets",
            Self::Rooms(_) => "rooms",
            Self::Asked(_) => "clientCount",
            Self::Ack(..) | Self::NoCode => "packet",
        }
    }

    fn value(&self) -> String {
        match self {
            Self::Sockets(json) | Self::SocketIds(json) | Self::Rooms(json) => (*json).to_owned(),
            Self::Asked(count) => count.to_string(),
            Self::Ack(json, _) => (*json).to_owned(),
            Self::NoCode => String::from("null"),
        }
    }
}
