//! The ends of the logs of groups that something was said in lately.
//!
//! What is broadcast to a group is not noted for each of its many sockets. When a socket proves that
//! it has everything up to a position, it is looked up here which entry of each of its user's groups
//! that was. A group that is quiet for a while is forgotten: by then everybody has proved.

use std::collections::VecDeque;

use dashmap::DashMap;
use parlor_chat::entry::{Entry, Millis, Position};
use parlor_chat::ids::{GroupId, Seq};

/// Entries that are remembered of one group. A proof of something older proves nothing of it.
const ENTRIES_MAX: usize = 256;
/// How long after its last entry a group is remembered.
const KEPT_MS: u64 = 180_000;

/// The newest entries of groups.
#[derive(Debug, Default)]
pub(crate) struct Tails(DashMap<GroupId, Tail>);

#[derive(Debug, Default)]
struct Tail {
    entries: VecDeque<(Position, Seq)>,
    at: Millis,
}

impl Tails {
    /// Notes an entry of a group, in the order of the log.
    pub(crate) fn note(&self, group: &GroupId, entry: &Entry, now: Millis) {
        let mut tail = self.0.entry(group.clone()).or_default();
        if tail.entries.len() >= ENTRIES_MAX {
            tail.entries.pop_front();
        }
        tail.entries.push_back((entry.position, entry.seq));
        tail.at = now;
    }

    /// The newest entry of a group after one position and up to another.
    pub(crate) fn newest(&self, group: &GroupId, after: Position, up_to: Position) -> Option<Seq> {
        let tail = self.0.get(group)?;
        let within = tail.entries.partition_point(|(position, _)| *position <= up_to);
        let (position, seq) = *tail.entries.get(within.checked_sub(1)?)?;
        (position > after).then_some(seq)
    }

    /// The position of the newest entry of a group.
    pub(crate) fn head(&self, group: &GroupId) -> Option<Position> {
        self.0.get(group)?.entries.back().map(|(position, _)| *position)
    }

    /// Forgets groups that are quiet.
    pub(crate) fn sweep(&self, now: Millis) {
        self.0.retain(|_, tail| tail.at.0 + KEPT_MS > now.0);
    }
}

#[cfg(test)]
mod tests {
    use parlor_chat::entry::{Body, Content, Epoch};
    use parlor_chat::ids::{ConversationId, UserId};

    use super::*;

    fn entry(group: &GroupId, seq: u64) -> Entry {
        Entry {
            conversation: ConversationId::group(group),
            seq: Seq(seq),
            position: Position(10 * seq),
            epoch: Epoch(1),
            ts: Millis(1),
            from: UserId::parse("a").expect("an id in a test"),
            to: None,
            client_id: None,
            envelope: None,
            expires: None,
            body: Body::Said(Content("1".into())),
        }
    }

    #[test]
    fn a_position_stands_for_the_newest_entry_up_to_it() {
        let (tails, group) = (Tails::default(), GroupId::parse("g").expect("an id in a test"));
        let newest = |after, up_to| tails.newest(&group, Position(after), Position(up_to));
        assert_eq!(newest(0, 99), None);
        (1..=400).for_each(|seq| tails.note(&group, &entry(&group, seq), Millis(5)));
        assert_eq!(newest(0, 4_000), Some(Seq(400)));
        assert_eq!(newest(0, 3_995), Some(Seq(399)));
        assert_eq!(newest(3_990, 3_995), None);
        assert_eq!(newest(0, 1_440), None, "that is not remembered any more");
        assert_eq!(newest(0, 1_450), Some(Seq(145)));
        assert_eq!(tails.head(&group), Some(Position(4_000)));
        tails.sweep(Millis(5 + KEPT_MS - 1));
        assert!(tails.head(&group).is_some());
        tails.sweep(Millis(5 + KEPT_MS));
        assert!(tails.head(&group).is_none());
    }
}
