//! `permessage-deflate` (RFC 7692) without context takeover in either direction.
//!
//! A client offers the extension, [`negotiate`] reads the offers and gives the header to answer
//! with. Each message is then compressed alone, so one compressed broadcast fits every client.
//! Inflating stops at the caller's limit, however much more the input would unfold to.
//!
//! Compressor and decompressor are large, so a thread keeps one of each and resets it. That is safe
//! only with a decompressor that refuses references to before the stream's start, as zlib-rs does
//! and miniz_oxide does not: a peer that sends them expects a context that it was denied.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use thiserror::Error;

/// The answer to an accepted offer: no context takeover either way.
pub const ANSWER: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// What a sender cuts off the end of a message and a receiver puts back (RFC 7692, 7.2).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The most offers that are read from one header.
const OFFERS_MAX: usize = 16;

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

thread_local! {
    static COMPRESS: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false));
    static DECOMPRESS: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Reads a `Sec-WebSocket-Extensions` request header; `Some` is the header to answer with.
///
/// An offer that wants a smaller window of the server is passed over, as are unknown, repeated or
/// malformed parameters.
#[must_use]
pub fn negotiate(offers: &str) -> Option<&'static str> {
    offers.split(',').take(OFFERS_MAX).any(acceptable).then_some(ANSWER)
}

fn acceptable(offer: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    if parts.next() != Some("permessage-deflate") {
        return false;
    }
    let mut seen = [false; 3];
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
            None => (part, None),
        };
        let index = match (name, value) {
            ("server_no_context_takeover", None) => 0,
            ("client_no_context_takeover", None) => 1,
            ("client_max_window_bits", None) => 2,
            ("client_max_window_bits", Some(bits)) if window_bits(bits) => 2,
            _ => return false,
        };
        if std::mem::replace(&mut seen[index], true) {
            return false;
        }
    }
    true
}

fn window_bits(value: &str) -> bool {
    let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    matches!(value, "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15")
}

/// Compresses one message into `out`; what is appended is the payload of a frame with RSV1 set.
pub fn compress(message: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    COMPRESS.with_borrow_mut(|compress| {
        compress.reset();
        out.reserve(message.len() / 2 + 64);
        let mut flushed = false;
        while !flushed {
            if out.capacity() - out.len() < 16 {
                out.reserve(message.len() / 2 + 64);
            }
            let rest = &message[compress.total_in() as usize..];
            let status = compress.compress_vec(rest, out, FlushCompress::Sync);
            // Compressing to memory fails only if the stream was finished, which a flush is not.
            debug_assert!(status.is_ok());
            flushed = status.is_err()
                || (compress.total_in() as usize == message.len() && out.len() < out.capacity());
        }
    });
    if out[start..].ends_with(&TAIL) {
        out.truncate(out.len() - TAIL.len());
    }
    if out.len() == start {
        // An empty stored block, without its tail: the empty message.
        out.push(0);
    }
}

/// Inflates one message's payload, of at most `max_bytes` once unfolded.
///
/// # Errors
/// Not a DEFLATE stream, or longer than the limit.
pub fn inflate(payload: &[u8], max_bytes: usize) -> Result<Vec<u8>, InflateError> {
    DECOMPRESS.with_borrow_mut(|decompress| {
        decompress.reset(false);
        let mut out = Vec::new();
        inflate_part(decompress, payload, max_bytes, &mut out)?;
        inflate_part(decompress, &TAIL, max_bytes, &mut out)?;
        Ok(out)
    })
}

fn inflate_part(
    decompress: &mut Decompress,
    mut input: &[u8],
    max_bytes: usize,
    out: &mut Vec<u8>,
) -> Result<(), InflateError> {
    loop {
        if out.len() == out.capacity() {
            // One byte over the limit is room enough to notice that it is crossed.
            let room = (max_bytes - out.len()).saturating_add(1);
            out.reserve_exact(out.len().max(input.len() * 2).max(256).min(room));
        }
        let before = decompress.total_in();
        let status = decompress
            .decompress_vec(input, out, FlushDecompress::Sync)
            .map_err(|_| InflateError::Malformed)?;
        input = &input[(decompress.total_in() - before) as usize..];
        if out.len() > max_bytes {
            return Err(InflateError::TooBig { limit: max_bytes });
        }
        match status {
            // A sender may end its stream and begin another within the message.
            Status::StreamEnd => decompress.reset(false),
            Status::Ok | Status::BufError if out.len() == out.capacity() => continue,
            Status::Ok if !input.is_empty() => continue,
            Status::BufError if !input.is_empty() => return Err(InflateError::Malformed),
            Status::Ok | Status::BufError => return Ok(()),
        }
        if input.is_empty() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_the_rfc_inflate_to_hello() {
        let samples: [&[u8]; 4] = [
            // 7.2.3.1: one compressed block
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            // 7.2.3.3: no compression
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            // 7.2.3.4: BFINAL set
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            // 7.2.3.5: two blocks
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ];
        for sample in samples {
            assert_eq!(inflate(sample, 5).as_deref(), Ok(&b"Hello"[..]), "{sample:02x?}");
        }
    }

    #[test]
    fn the_context_takeover_sample_needs_a_context_and_is_refused() {
        // 7.2.3.2: the second "Hello" refers back to the first.
        assert_eq!(inflate(&[0xf2, 0x00, 0x11, 0x00, 0x00], 100), Err(InflateError::Malformed),);
    }

    #[test]
    fn hello_compresses_to_the_sample_of_the_rfc() {
        let mut out = Vec::new();
        compress(b"Hello", &mut out);
        assert_eq!(out, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    }

    #[test]
    fn the_empty_message_makes_the_round_trip() {
        let mut out = b"before".to_vec();
        compress(b"", &mut out);
        assert!(out.len() > 6);
        assert_eq!(inflate(&out[6..], 0).as_deref(), Ok(&b""[..]));
        assert_eq!(inflate(&[], 0).as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn each_message_is_compressed_alone() {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        compress(b"the same words", &mut first);
        compress(b"the same words", &mut second);
        assert_eq!(first, second);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let mut bomb = Vec::new();
        compress(&vec![0; 10_000_000], &mut bomb);
        assert!(bomb.len() < 100_000);
        let error = Err(InflateError::TooBig { limit: 1_000_000 });
        assert_eq!(inflate(&bomb, 1_000_000), error);
        assert_eq!(inflate(&bomb, 10_000_000).map(|out| out.len()), Ok(10_000_000));
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        let mut out = Vec::new();
        compress(&[7; 1000], &mut out);
        assert_eq!(inflate(&out, 1000).map(|out| out.len()), Ok(1000));
        assert_eq!(inflate(&out, 999), Err(InflateError::TooBig { limit: 999 }));
    }

    #[test]
    fn garbage_is_malformed() {
        assert_eq!(inflate(&[0xff; 40], 1000), Err(InflateError::Malformed));
    }

    #[test]
    fn offers_of_browsers_and_node_are_accepted() {
        for offer in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=15",
            "permessage-deflate; client_max_window_bits=\"10\"",
            "permessage-deflate;server_no_context_takeover ;client_no_context_takeover",
            "x-webkit-deflate-frame, permessage-deflate",
            "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        ] {
            assert_eq!(negotiate(offer), Some(ANSWER), "{offer}");
        }
    }

    #[test]
    fn offers_that_cannot_be_kept_are_declined() {
        for offer in [
            "",
            "permessage-bzip2",
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_max_window_bits; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; unknown",
        ] {
            assert_eq!(negotiate(offer), None, "{offer}");
        }
    }
}
