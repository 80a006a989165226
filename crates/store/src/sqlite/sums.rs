//! The checksum that an entry is kept with, over all that makes it up.
//!
//! It is made from what clients are told, not from the row: the names of the conversation and of
//! the epoch, rather than the numbers that stand for them inside. So a damaged user, conversation
//! or life is found by the entries that refer to it, and an index that leads to the wrong row is
//! found by the row. Facts that later versions added change nothing for entries without them. It
//! guards against disks and memory, not against people.

use crc32fast::Hasher;
use parlor_chat::ids::UserId;

/// What an entry is, beside its content.
#[derive(Debug, Clone)]
pub(crate) struct Facts<'a> {
    pub(crate) position: i64,
    pub(crate) conversation: &'a str,
    pub(crate) seq: i64,
    pub(crate) epoch: u64,
    pub(crate) ts: i64,
    /// Whether the first of the conversation's members said it.
    pub(crate) by_low: bool,
    pub(crate) low_count: i64,
    pub(crate) client_id: Option<&'a str>,
    /// What it is: see `body`.
    pub(crate) kind: i64,
    /// How many entries up to this one are messages; `None` in entries of older versions.
    pub(crate) said: Option<i64>,
    /// Who said it, in a group, or if it is by none of the two whose conversation it is.
    pub(crate) sender: Option<UserId>,
    /// The seq of the entry that it is about.
    pub(crate) about: Option<i64>,
    /// What is written on its outside.
    pub(crate) envelope: Option<&'a str>,
    /// The seq of the entry that deleted its content; its own once the content has ended.
    pub(crate) gone: Option<i64>,
    /// When its content ends.
    pub(crate) expires: Option<i64>,
}

impl Facts<'_> {
    /// Gives the facts as bytes, in pieces; no two different ones give the same bytes.
    pub(crate) fn each(&self, mut take: impl FnMut(&[u8])) {
        for number in [self.position, self.seq, self.ts, self.low_count] {
            take(&number.to_le_bytes());
        }
        take(&self.epoch.to_le_bytes());
        take(&[u8::from(self.by_low), u8::from(self.client_id.is_some())]);
        for text in [self.conversation, self.client_id.unwrap_or_default()] {
            take(&(text.len() as u64).to_le_bytes());
            take(text.as_bytes());
        }
        // The parts before tell their lengths, so this can be taken for none of them.
        if let Some(said) = self.said {
            take(&self.kind.to_le_bytes());
            take(&said.to_le_bytes());
            let sender = self.sender.as_ref().map_or("", UserId::as_str);
            take(&(sender.len() as u64).to_le_bytes());
            take(sender.as_bytes());
        }
        // Each begins with a byte that is its own, and that no content begins with.
        if let Some(about) = self.about {
            take(&[1]);
            take(&about.to_le_bytes());
        }
        if let Some(envelope) = self.envelope {
            take(&[2]);
            take(&(envelope.len() as u64).to_le_bytes());
            take(envelope.as_bytes());
        }
        if let Some(gone) = self.gone {
            take(&[3]);
            take(&gone.to_le_bytes());
        }
        if let Some(expires) = self.expires {
            take(&[4]);
            take(&expires.to_le_bytes());
        }
    }

    /// What sealed content is bound to: an entry can be opened in its own place alone.
    pub(crate) fn context(&self) -> Vec<u8> {
        let mut context = b"parlor: content of ".to_vec();
        self.each(|bytes| context.extend_from_slice(bytes));
        context
    }

    /// The checksum of an entry, as its row keeps it.
    pub(crate) fn sum(&self, content: &[u8]) -> i64 {
        let mut hasher = Hasher::new();
        self.each(|bytes| hasher.update(bytes));
        hasher.update(content);
        // As a signed number it never takes more than four bytes of the row.
        i64::from(hasher.finalize().cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts<'_> = Facts {
        position: 7,
        conversation: "dm:a:b",
        seq: 3,
        epoch: 99,
        ts: 1_800_000_000_000,
        by_low: true,
        low_count: 2,
        client_id: Some("k"),
        kind: 0,
        said: None,
        sender: None,
        about: None,
        envelope: None,
        gone: None,
        expires: None,
    };

    #[test]
    fn every_fact_and_the_content_change_the_sum() {
        let sum = FACTS.sum(b"\"x\"");
        assert_eq!(sum, FACTS.sum(b"\"x\""));
        for other in [
            Facts { position: 8, ..FACTS },
            Facts { conversation: "dm:a:c", ..FACTS },
            Facts { seq: 2, ..FACTS },
            Facts { epoch: 98, ..FACTS },
            Facts { ts: 1_800_000_000_001, ..FACTS },
            Facts { by_low: false, ..FACTS },
            Facts { low_count: 3, ..FACTS },
            Facts { client_id: None, ..FACTS },
            Facts { client_id: Some(""), ..FACTS },
            Facts { said: Some(3), ..FACTS },
            Facts { said: Some(2), ..FACTS },
            Facts { said: Some(3), kind: 1, ..FACTS },
            Facts { said: Some(3), sender: UserId::parse("a").ok(), ..FACTS },
            Facts { about: Some(1), ..FACTS },
            Facts { about: Some(2), ..FACTS },
            Facts { envelope: Some("{}"), ..FACTS },
            Facts { gone: Some(1), ..FACTS },
            Facts { gone: Some(4), ..FACTS },
            Facts { expires: Some(1), ..FACTS },
            Facts { gone: Some(3), expires: Some(1), ..FACTS },
        ] {
            assert_ne!(sum, other.sum(b"\"x\""), "{other:?}");
        }
        assert_ne!(sum, FACTS.sum(b"\"y\""));
    }

    #[test]
    fn a_name_that_runs_into_the_next_field_is_another_sum() {
        let one = Facts { conversation: "dm:a:bk", client_id: Some(""), ..FACTS };
        let other = Facts { conversation: "dm:a:b", client_id: Some("k"), ..FACTS };
        assert_ne!(one.sum(b""), other.sum(b""));
    }

    #[test]
    fn the_sum_of_a_known_entry_stays_what_it_was() {
        // Files that are out there hold it.
        assert_eq!(FACTS.sum(b"\"x\""), 1_674_109_952);
    }
}
