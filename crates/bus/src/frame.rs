//! A message as it travels: who says it, about which log, and as which of what it says on the topic.
//!
//! Version 1: the version (one byte), the node, the log (8 bytes each), the kind (one byte), the seq (8 bytes),
//! then the message. Numbers are big-endian. The seq counts what a node has said on a topic, from 1 and
//! without a gap, dropped messages included: so a loss shows in the next frame, and a repetition is known
//! for one.

use parlor_chat::bus::NodeId;

/// The version that is written, and the only one that is read.
const VERSION: u8 = 1;

/// Bytes before the message.
pub(crate) const HEADER_BYTES: usize = 26;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It carries a message.
    Message,
    /// What was said up to its seq may not have been heard.
    Gap,
    /// The node goes.
    Bye,
}

/// One frame, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) node: NodeId,
    pub(crate) log: u64,
    pub(crate) kind: Kind,
    pub(crate) seq: u64,
    pub(crate) message: &'a [u8],
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Another version's.
    #[error("it has the form {0}, which is not known here")]
    Version(u8),
    /// Not what the version says.
    #[error("it is damaged")]
    Damaged,
}

impl<'a> Frame<'a> {
    /// The bytes of it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.message.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.node.0.to_be_bytes());
        bytes.extend_from_slice(&self.log.to_be_bytes());
        bytes.push(match self.kind {
            Kind::Message => 0,
            Kind::Gap => 1,
            Kind::Bye => 2,
        });
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(self.message);
        bytes
    }

    /// Takes bytes apart, whatever they are.
    ///
    /// # Errors
    /// [`Unreadable`] when they are no frame of a known version.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let (version, rest) = bytes.split_first().ok_or(Unreadable::Damaged)?;
        if *version != VERSION {
            return Err(Unreadable::Version(*version));
        }
        let (node, rest) = number(rest)?;
        let (log, rest) = number(rest)?;
        let (kind, rest) = rest.split_first().ok_or(Unreadable::Damaged)?;
        let (seq, message) = number(rest)?;
        let kind = match kind {
            0 => Kind::Message,
            1 => Kind::Gap,
            2 => Kind::Bye,
            _ => return Err(Unreadable::Damaged),
        };
        if kind != Kind::Message && !message.is_empty() {
            return Err(Unreadable::Damaged);
        }
        Ok(Self { node: NodeId(node), log, kind, seq, message })
    }
}

fn number(bytes: &[u8]) -> Result<(u64, &[u8]), Unreadable> {
    let (number, rest) = bytes.split_first_chunk::<8>().ok_or(Unreadable::Damaged)?;
    Ok((u64::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frame_has_the_bytes_that_are_documented() {
        let frame =
            Frame { node: NodeId(1), log: 2, kind: Kind::Message, seq: 3, message: b"hello" };
        let bytes = frame.encode();
        assert_eq!(bytes[0], 1);
        assert_eq!(bytes[1..9], 1u64.to_be_bytes());
        assert_eq!(bytes[9..17], 2u64.to_be_bytes());
        assert_eq!(bytes[17], 0);
        assert_eq!(bytes[18..26], 3u64.to_be_bytes());
        assert_eq!(&bytes[HEADER_BYTES..], b"hello");
    }

    #[test]
    fn other_versions_kinds_and_cut_frames_are_none() {
        let frame = Frame { node: NodeId(1), log: 2, kind: Kind::Gap, seq: 3, message: b"" };
        let bytes = frame.encode();
        for cut in 0..bytes.len() {
            assert_eq!(Frame::decode(&bytes[..cut]), Err(Unreadable::Damaged));
        }
        let changed = |at: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            bytes
        };
        assert_eq!(Frame::decode(&changed(0, 2)), Err(Unreadable::Version(2)));
        assert_eq!(Frame::decode(&changed(17, 3)), Err(Unreadable::Damaged));
        let longer = [bytes.as_slice(), b"x"].concat();
        assert_eq!(Frame::decode(&longer), Err(Unreadable::Damaged));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            node: u64, log: u64, seq: u64, message: Vec<u8>, kind in 0usize..3
        ) {
            let kind = [Kind::Message, Kind::Gap, Kind::Bye][kind];
            let message = if kind == Kind::Message { message } else { Vec::new() };
            let frame = Frame { node: NodeId(node), log, kind, seq, message: &message };
            let bytes = frame.encode();
            prop_assert_eq!(Frame::decode(&bytes), Ok(frame));
        }

        #[test]
        fn what_is_read_is_written_the_same(mut bytes: Vec<u8>, known: bool) {
            if known && let Some(version) = bytes.first_mut() {
                *version = VERSION;
            }
            if let Ok(frame) = Frame::decode(&bytes) {
                prop_assert_eq!(frame.encode(), bytes);
            }
        }
    }
}
