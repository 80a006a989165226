//! The chain of the audit log: each entry's hash is over all that it says, by name, and the hash of the
//! entry before it.

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::moderation::{DeedKind, ReportId};
use sha2::{Digest, Sha256};

pub(crate) type Hash = [u8; 32];

/// The hash before the first entry.
pub(crate) const BEFORE_FIRST: Hash = [0; 32];

/// An entry about to be written.
pub(crate) struct Doing<'a> {
    pub(crate) at: Millis,
    pub(crate) by: &'a UserId,
    pub(crate) deed: DeedKind,
    pub(crate) user: &'a UserId,
    pub(crate) report: Option<ReportId>,
    pub(crate) until: Option<Millis>,
    pub(crate) text: Option<&'a str>,
    pub(crate) note: Option<&'a str>,
    pub(crate) client_id: Option<&'a str>,
}

/// The hash of an entry: no two different ones give the same bytes.
pub(crate) fn hash(before: &Hash, number: i64, doing: &Doing<'_>) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(b"parlor: audit 1");
    hasher.update(before);
    hasher.update(number.to_be_bytes());
    hasher.update(doing.at.0.to_be_bytes());
    let mut text = |text: Option<&str>| {
        hasher.update([u8::from(text.is_some())]);
        hasher.update((text.map_or(0, str::len) as u64).to_be_bytes());
        hasher.update(text.unwrap_or_default().as_bytes());
    };
    for said in [doing.by.as_str(), doing.deed.name(), doing.user.as_str()] {
        text(Some(said));
    }
    for said in [doing.text, doing.note, doing.client_id] {
        text(said);
    }
    for number in [doing.report.map(|report| report.0), doing.until.map(|until| until.0)] {
        hasher.update([u8::from(number.is_some())]);
        hasher.update(number.unwrap_or(0).to_be_bytes());
    }
    hasher.finalize().into()
}

pub(crate) fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("an id in a test")
    }

    #[test]
    fn every_field_is_in_the_hash() {
        let (a, b) = (user("a"), user("b"));
        let plain = || Doing {
            at: Millis(5),
            by: &a,
            deed: DeedKind::Warn,
            user: &b,
            report: None,
            until: None,
            text: None,
            note: None,
            client_id: None,
        };
        let all = [
            plain(),
            Doing { at: Millis(6), ..plain() },
            Doing { by: &b, ..plain() },
            Doing { deed: DeedKind::Suspend, ..plain() },
            Doing { user: &a, ..plain() },
            Doing { report: Some(ReportId(1)), ..plain() },
            Doing { until: Some(Millis(1)), ..plain() },
            Doing { text: Some(""), ..plain() },
            Doing { text: Some("x"), ..plain() },
            Doing { note: Some("x"), ..plain() },
            Doing { client_id: Some("x"), ..plain() },
        ];
        let mut hashes: Vec<Hash> = all.iter().map(|it| hash(&BEFORE_FIRST, 1, it)).collect();
        hashes.extend([hash(&[1; 32], 1, &plain()), hash(&BEFORE_FIRST, 2, &plain())]);
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }
}
