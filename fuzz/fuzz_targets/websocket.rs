//! A connection's bytes, cut in pieces: no panic, progress, bounded messages, and the same
//! messages as from the bytes in one piece.
//!
//! The first byte chooses role and extension, the second the size of the pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_wire::websocket::{Decoder, Deflate, FrameError, Message, Role};

const MESSAGE_BYTES_MAX: u32 = 4096;

fuzz_target!(|input: &[u8]| {
    let [options, piece_bytes, bytes @ ..] = input else { return };
    let decoder = || {
        let role = if options & 1 == 0 { Role::Server } else { Role::Client };
        let deflate = if options & 2 == 0 { Deflate::Off } else { Deflate::Negotiated };
        Decoder::new(role, deflate, MESSAGE_BYTES_MAX)
    };
    let whole = read(decoder(), bytes, bytes.len().max(1));
    let pieces = read(decoder(), bytes, usize::from(*piece_bytes).max(1));
    assert_eq!(whole, pieces);
});

/// What was read, printed, and why reading ended.
fn read(
    mut decoder: Decoder,
    bytes: &[u8],
    piece_bytes: usize,
) -> (Vec<String>, Option<FrameError>) {
    let mut messages = Vec::new();
    let mut kept = Vec::new();
    for piece in bytes.chunks(piece_bytes) {
        kept.extend_from_slice(piece);
        loop {
            let frame_bytes = Decoder::frame_bytes(&kept);
            match decoder.decode(&mut kept) {
                Ok(None) => {
                    assert!(frame_bytes.is_none_or(|bytes| bytes > kept.len()));
                    break;
                }
                Ok(Some((consumed, message))) => {
                    assert_eq!(frame_bytes, Some(consumed));
                    let message_bytes = match &message {
                        Message::Text(text) => text.len(),
                        Message::Binary(bytes) => bytes.len(),
                        Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
                        Message::Close { reason, .. } => reason.len(),
                        Message::Fragment => 0,
                    };
                    assert!(message_bytes <= MESSAGE_BYTES_MAX as usize);
                    messages.push(format!("{message:?}"));
                    kept.drain(..consumed);
                }
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}
