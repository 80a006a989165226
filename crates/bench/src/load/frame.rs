//! The client's side of WebSocket, as small as a load generator can have it.
//!
//! Written apart from the server's codec, so that the two cannot share a mistake. Servers under
//! measurement send whole, unmasked, uncompressed frames; anything else is an error.

/// RFC 6455 asks clients to mask; a fixed key costs the server what a random one would.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(super) const TEXT: u8 = 0x1;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xa;

/// A whole frame at the head of the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) opcode: u8,
    pub(super) payload: &'a [u8],
    /// Bytes of the frame, header included.
    pub(super) length: usize,
}

/// Reads the frame at the head of `bytes`; `None` while it is not whole.
///
/// # Errors
/// A fragmented, compressed or masked frame.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Frame<'_>>, &'static str> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    if first & 0xf0 != 0x80 {
        return Err("the server sent a fragmented or compressed frame");
    }
    if second & 0x80 != 0 {
        return Err("the server sent a masked frame");
    }
    let (header, length) = match second {
        126 => {
            let Some(length) = bytes.get(2..4) else { return Ok(None) };
            (4, usize::from(u16::from_be_bytes([length[0], length[1]])))
        }
        127 => return Err("the server sent a frame over 64 KB"),
        short => (2, usize::from(short)),
    };
    let Some(payload) = bytes.get(header..header + length) else { return Ok(None) };
    Ok(Some(Frame { opcode: first & 0x0f, payload, length: header + length }))
}

/// Appends a masked frame with this payload of at most 65,535 bytes.
pub(super) fn write(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match u16::try_from(payload.len()) {
        Ok(short @ 0..=125) => out.push(0x80 | short as u8),
        Ok(length) => {
            out.push(0x80 | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => unreachable!("the load generator sends short messages only"),
    }
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_only_when_whole() {
        let bytes = [0x81, 3, b'2', b'a', b'b', 0x81];
        for end in 0..5 {
            assert_eq!(read(&bytes[..end]), Ok(None));
        }
        let frame = Frame { opcode: TEXT, payload: b"2ab", length: 5 };
        assert_eq!(read(&bytes), Ok(Some(frame)));
    }

    #[test]
    fn a_long_frame_has_a_two_byte_length() {
        let mut bytes = vec![0x81, 126, 0x01, 0x00];
        bytes.extend([b'x'; 256]);
        assert_eq!(read(&bytes).unwrap().unwrap().length, 260);
        assert_eq!(read(&bytes[..3]), Ok(None));
    }

    #[test]
    fn fragments_and_masks_are_refused() {
        assert!(read(&[0x01, 0]).is_err());
        assert!(read(&[0x81, 0x80]).is_err());
    }

    #[test]
    fn a_written_frame_unmasks_to_its_payload() {
        let mut out = Vec::new();
        write(&mut out, TEXT, &[b'x'; 200]);
        assert_eq!(out[..4], [0x81, 0xfe, 0, 200]);
        assert!(out[8..].iter().zip(MASK.iter().cycle()).all(|(byte, mask)| byte ^ mask == b'x'));
        assert_eq!(out.len(), 208);
    }
}
