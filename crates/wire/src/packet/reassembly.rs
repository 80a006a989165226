//! Packets whose attachments are still to come.
//!
//! The text comes first and says how many follow; each is a binary message of its own, and nothing
//! else may come between. Count and bytes are bounded, and until the first packet that has
//! attachments a connection holds nothing but an empty pointer.

use bytes::Bytes;

use super::{Kind, Limits, Packet, PacketError};

/// A packet with its attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedPacket {
    /// What it is for.
    pub kind: Kind,
    /// The namespace.
    pub namespace: Box<str>,
    /// The id that an answer is asked for under, or given to.
    pub ack_id: Option<u64>,
    /// JSON text with placeholders; empty if there is none.
    pub data: String,
    /// The attachments that the placeholders number.
    pub attachments: Vec<Bytes>,
}

impl OwnedPacket {
    /// The packet as if its text were at hand.
    #[must_use]
    pub fn as_packet(&self) -> Packet<'_> {
        Packet {
            kind: self.kind,
            namespace: &self.namespace,
            ack_id: self.ack_id,
            attachments: self.attachments.len(),
            data: &self.data,
        }
    }
}

/// Puts text packets and the attachments that follow them together; 8 bytes when idle.
#[derive(Debug, Default)]
pub struct Reassembly {
    waiting: Option<Box<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    packet: OwnedPacket,
    announced: usize,
    bytes: usize,
}

impl Reassembly {
    /// Whether a packet waits for attachments.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Takes a text packet; `None` if its attachments must come first.
    ///
    /// # Errors
    /// The packet is refused, or an attachment was due.
    pub fn text<'a>(
        &mut self,
        text: &'a str,
        limits: &Limits,
    ) -> Result<Option<Packet<'a>>, PacketError> {
        if self.waiting.is_some() {
            return Err(PacketError::UnexpectedText);
        }
        let packet = Packet::decode(text, limits)?;
        if packet.attachments == 0 {
            return Ok(Some(packet));
        }
        self.waiting = Some(Box::new(Waiting {
            packet: OwnedPacket {
                kind: packet.kind,
                namespace: packet.namespace.into(),
                ack_id: packet.ack_id,
                data: packet.data.to_owned(),
                attachments: Vec::new(),
            },
            announced: packet.attachments,
            bytes: 0,
        }));
        Ok(None)
    }

    /// Takes an attachment; gives the packet with its last.
    ///
    /// # Errors
    /// None is due, or the attachments are over the limit.
    pub fn binary(
        &mut self,
        attachment: Bytes,
        limits: &Limits,
    ) -> Result<Option<OwnedPacket>, PacketError> {
        let mut waiting = self.waiting.take().ok_or(PacketError::UnexpectedBinary)?;
        waiting.bytes = waiting.bytes.saturating_add(attachment.len());
        let limit = limits.attachment_bytes_max;
        if waiting.bytes > limit {
            return Err(PacketError::AttachmentsTooBig { limit });
        }
        waiting.packet.attachments.push(attachment);
        if waiting.packet.attachments.len() == waiting.announced {
            return Ok(Some(waiting.packet));
        }
        self.waiting = Some(waiting);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str =
        r#"52-/admin,7["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;

    #[test]
    fn attachments_complete_the_packet_that_announced_them() {
        let limits = Limits::default();
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.text(TWO, &limits), Ok(None));
        assert!(reassembly.is_waiting());
        assert_eq!(reassembly.binary(Bytes::from_static(&[1]), &limits), Ok(None));
        let packet = reassembly.binary(Bytes::from_static(&[2, 3]), &limits).expect("allowed");
        let packet = packet.expect("complete");
        assert!(!reassembly.is_waiting());
        assert_eq!(packet.attachments, [&[1][..], &[2, 3]]);
        let mut text = String::new();
        packet.as_packet().encode(&mut text);
        assert_eq!(text, TWO);
    }

    #[test]
    fn a_packet_without_attachments_passes_through() {
        let mut reassembly = Reassembly::default();
        for text in [r#"2["a"]"#, r#"50-["a"]"#] {
            let packet = reassembly.text(text, &Limits::default()).expect("valid");
            assert_eq!(packet.map(|packet| packet.data), Some(r#"["a"]"#));
            assert!(!reassembly.is_waiting());
        }
    }

    #[test]
    fn text_between_attachments_is_refused() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.text(TWO, &Limits::default()), Ok(None));
        let error = Err(PacketError::UnexpectedText);
        assert_eq!(reassembly.text(r#"2["a"]"#, &Limits::default()), error);
    }

    #[test]
    fn unannounced_bytes_are_refused() {
        let mut reassembly = Reassembly::default();
        let error = Err(PacketError::UnexpectedBinary);
        assert_eq!(reassembly.binary(Bytes::new(), &Limits::default()), error);
    }

    #[test]
    fn all_attachments_together_are_bounded() {
        let limits = Limits { attachment_bytes_max: 3, ..Limits::default() };
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.text(TWO, &limits), Ok(None));
        assert_eq!(reassembly.binary(Bytes::from_static(&[1, 2]), &limits), Ok(None));
        let error = Err(PacketError::AttachmentsTooBig { limit: 3 });
        assert_eq!(reassembly.binary(Bytes::from_static(&[1, 2]), &limits), error);
        assert!(!reassembly.is_waiting());
    }

    #[test]
    fn an_idle_connection_holds_one_pointer() {
        assert_eq!(size_of::<Reassembly>(), size_of::<usize>());
    }
}
