//! Watermarks on their way to the store, and what a session still has to confirm.
//!
//! [`Marks`] gathers marks of many sessions and merges them by max, so that a reader who scrolls
//! costs one write; it is bounded, and full means: store what is there first. [`Unconfirmed`] is
//! one session's list of what was pushed to it; when the client is known to have received
//! everything up to a position, the marks to set are taken out of it.

use std::collections::HashMap;
use std::collections::hash_map;

use crate::entry::Position;
use crate::ids::{ConversationId, DeviceId, Seq, UserId};
use crate::store::{Mark, MarkKind};

/// Marks that wait to be stored, each with those who wait for it (`W`, such as an ack).
#[derive(Debug)]
pub struct Marks<W> {
    pending: HashMap<(UserId, ConversationId, MarkKind), Gathered<W>>,
    pending_max: usize,
}

/// Places below the highest that one gathered mark remembers; beyond it the lowest is forgotten.
const LOWER_SEQS_MAX: usize = 64;

/// One merged mark and who waits for it.
#[derive(Debug)]
pub struct Gathered<W> {
    /// The highest of the merged marks.
    pub mark: Mark,
    /// Who gave a mark that was merged into it, and up to where.
    pub waiting: Vec<(Seq, W)>,
    /// Where the others that were merged into it go.
    lower: Vec<Seq>,
}

impl<W> Gathered<W> {
    fn merge(&mut self, mark: &Mark, waiting: Option<W>) {
        let lower = mark.seq.min(self.mark.seq);
        self.mark.seq = mark.seq.max(self.mark.seq);
        self.mark.now = mark.now.max(self.mark.now);
        self.waiting.extend(waiting.map(|waiting| (mark.seq, waiting)));
        if lower == self.mark.seq || self.lower.contains(&lower) {
            return;
        }
        self.lower.push(lower);
        if self.lower.len() > LOWER_SEQS_MAX {
            self.lower.sort_unstable();
            self.lower.remove(0);
        }
    }

    /// The mark that its receipt alone would be, for which nobody waits.
    pub fn delivered(&self, device: DeviceId) -> Self {
        let kind = MarkKind::Delivered(device);
        let mark = Mark { kind, ..self.mark.clone() };
        Self { mark, waiting: Vec::new(), lower: self.lower.clone() }
    }

    /// Whether marks of different places were merged into it.
    pub fn is_merged(&self) -> bool {
        !self.lower.is_empty()
    }

    /// Takes the merge back, highest first. For a mark that was refused because it goes beyond
    /// the head: those merged with it may not, and must not be lost or refused with it.
    pub fn one_by_one(self) -> Vec<Self> {
        let Self { mark, waiting, mut lower } = self;
        lower.sort_unstable_by(|a, b| b.cmp(a));
        let alone = |seq| Self {
            mark: Mark { seq, ..mark.clone() },
            waiting: Vec::new(),
            lower: Vec::new(),
        };
        let mut apart: Vec<Self> = [mark.seq].into_iter().chain(lower).map(alone).collect();
        for (seq, waiting) in waiting {
            // One that was forgotten fares as the next above it.
            let at = apart.iter().rposition(|one| one.mark.seq >= seq).unwrap_or(0);
            apart[at].waiting.push((seq, waiting));
        }
        apart
    }
}

impl<W> Marks<W> {
    /// Gathers at most `pending_max` marks.
    pub fn new(pending_max: usize) -> Self {
        Self { pending: HashMap::new(), pending_max }
    }

    /// Adds a mark, merged by max with one of the same user, conversation and kind.
    ///
    /// # Errors
    /// Gives both back when there is no room: store what is gathered first.
    pub fn add(&mut self, mark: Mark, waiting: Option<W>) -> Result<(), (Mark, Option<W>)> {
        let room = self.pending.len() < self.pending_max;
        let key = (mark.user.clone(), mark.conversation.clone(), mark.kind.clone());
        match self.pending.entry(key) {
            hash_map::Entry::Occupied(mut merged) => merged.get_mut().merge(&mark, waiting),
            hash_map::Entry::Vacant(vacant) if room => {
                let waiting = waiting.into_iter().map(|waiting| (mark.seq, waiting)).collect();
                vacant.insert(Gathered { mark, waiting, lower: Vec::new() });
            }
            hash_map::Entry::Vacant(_) => return Err((mark, waiting)),
        }
        Ok(())
    }

    /// Whether one waits with which this one would be merged.
    pub fn has(&self, mark: &Mark) -> bool {
        let key = (mark.user.clone(), mark.conversation.clone(), mark.kind.clone());
        self.pending.contains_key(&key)
    }

    /// How many marks wait.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Takes all of them.
    pub fn take(&mut self) -> Vec<Gathered<W>> {
        self.pending.drain().map(|(_, gathered)| gathered).collect()
    }
}

/// What was pushed to one session and not yet confirmed. Holds no memory while empty.
#[derive(Debug, Default)]
pub struct Unconfirmed {
    pushed: Vec<Pushed>,
}

#[derive(Debug)]
struct Pushed {
    conversation: ConversationId,
    seq: Seq,
    position: Position,
}

impl Unconfirmed {
    /// Notes an entry that was pushed, at most `entries_max` at once.
    ///
    /// Entries of a conversation must be pushed in seq order. When there is no room, only the
    /// newest of each conversation is kept (it confirms the others), and if that does not help,
    /// the oldest is forgotten: it will be pushed again after a reconnect.
    pub fn pushed(
        &mut self,
        conversation: &ConversationId,
        seq: Seq,
        position: Position,
        entries_max: usize,
    ) {
        if self.pushed.len() >= entries_max.max(1) {
            self.keep_newest_of_each();
            let over = (self.pushed.len() + 1).saturating_sub(entries_max.max(1));
            self.pushed.drain(..over);
        }
        self.pushed.push(Pushed { conversation: conversation.clone(), seq, position });
    }

    /// Takes what is confirmed once everything up to `position` was received: for each
    /// conversation the highest seq.
    pub fn confirmed(&mut self, position: Position) -> Vec<(ConversationId, Seq)> {
        let mut highest: HashMap<ConversationId, Seq> = HashMap::new();
        self.pushed.retain(|pushed| {
            let received = pushed.position <= position;
            if received {
                let seq = highest.entry(pushed.conversation.clone()).or_default();
                *seq = pushed.seq.max(*seq);
            }
            !received
        });
        if self.pushed.is_empty() {
            self.pushed = Vec::new();
        }
        highest.into_iter().collect()
    }

    /// Forgets what the client confirmed itself.
    pub fn marked(&mut self, conversation: &ConversationId, seq: Seq) {
        self.pushed.retain(|pushed| &pushed.conversation != conversation || pushed.seq > seq);
        if self.pushed.is_empty() {
            self.pushed = Vec::new();
        }
    }

    /// How many entries are noted.
    pub fn len(&self) -> usize {
        self.pushed.len()
    }

    /// Whether nothing awaits confirmation.
    pub fn is_empty(&self) -> bool {
        self.pushed.is_empty()
    }

    fn keep_newest_of_each(&mut self) {
        let mut newest: HashMap<ConversationId, Seq> = HashMap::new();
        for pushed in &self.pushed {
            let seq = newest.entry(pushed.conversation.clone()).or_default();
            *seq = pushed.seq.max(*seq);
        }
        self.pushed.retain(|pushed| newest.get(&pushed.conversation) == Some(&pushed.seq));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entry::Millis;
    use crate::ids::DeviceId;

    fn user(n: usize) -> UserId {
        UserId::parse(&format!("u{n}")).expect("shape")
    }

    fn chat(n: usize) -> ConversationId {
        ConversationId::direct(&user(0), &user(n))
    }

    fn read(n: usize, seq: u64) -> Mark {
        let kind = MarkKind::Read(DeviceId::shared());
        Mark { user: user(0), conversation: chat(n), seq: Seq(seq), kind, now: Millis(seq) }
    }

    #[test]
    fn marks_of_one_kind_merge_by_max_and_all_are_answered() {
        let mut marks = Marks::new(10);
        for seq in [3, 9, 4] {
            assert!(marks.add(read(1, seq), Some(seq)).is_ok());
        }
        let taken = marks.take();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].mark.seq, Seq(9));
        assert_eq!(taken[0].waiting, vec![(Seq(3), 3), (Seq(9), 9), (Seq(4), 4)]);
        assert!(marks.is_empty());
    }

    #[test]
    fn a_merge_can_be_taken_back_with_each_answer_at_its_place() {
        let mut marks = Marks::new(10);
        for seq in [5, 2, 99, 2] {
            assert!(marks.add(read(1, seq), Some(seq)).is_ok());
        }
        let merged = marks.take().pop().expect("one mark");
        assert!(merged.is_merged());
        let apart = merged.one_by_one();
        let each: Vec<_> =
            apart.iter().map(|one| (one.mark.seq.0, one.waiting.len(), one.is_merged())).collect();
        assert_eq!(each, vec![(99, 1, false), (5, 1, false), (2, 2, false)]);
    }

    #[test]
    fn a_merge_remembers_no_more_places_than_it_may() {
        let mut marks = Marks::new(10);
        for seq in 1..=500 {
            assert!(marks.add(read(1, seq), Some(seq)).is_ok());
        }
        let apart = marks.take().pop().expect("one mark").one_by_one();
        assert_eq!(apart.len(), LOWER_SEQS_MAX + 1);
        assert_eq!(apart.iter().map(|one| one.waiting.len()).sum::<usize>(), 500);
        assert!(apart.iter().all(|one| one.waiting.iter().all(|(seq, _)| *seq <= one.mark.seq)));
    }

    #[test]
    fn delivered_and_read_do_not_merge() {
        let mut marks = Marks::<()>::new(10);
        let delivered = Mark { kind: MarkKind::Delivered(DeviceId::shared()), ..read(1, 1) };
        assert!(marks.add(read(1, 1), None).is_ok());
        assert!(marks.add(delivered, None).is_ok());
        assert_eq!(marks.len(), 2);
    }

    #[test]
    fn a_full_gathering_takes_no_new_mark_but_still_merges() {
        let mut marks = Marks::<()>::new(1);
        assert!(marks.add(read(1, 1), None).is_ok());
        assert!(marks.add(read(2, 1), None).is_err());
        assert!(marks.add(read(1, 2), None).is_ok());
    }

    #[test]
    fn what_the_client_marked_itself_is_no_longer_awaited() {
        let mut unconfirmed = Unconfirmed::default();
        for seq in 1..=3 {
            unconfirmed.pushed(&chat(1), Seq(seq), Position(seq), 10);
        }
        unconfirmed.marked(&chat(1), Seq(2));
        assert_eq!(unconfirmed.confirmed(Position(9)), vec![(chat(1), Seq(3))]);
        assert_eq!(unconfirmed.pushed.capacity(), 0);
    }

    proptest! {
        /// Whatever is confirmed was pushed at or below the position, and with room for all
        /// nothing at or below it is left out.
        #[test]
        fn exactly_what_was_received_is_confirmed(
            chats in prop::collection::vec(1usize..5, 1..60),
            entries_max in 1usize..80,
            cut in 0u64..70,
        ) {
            let mut unconfirmed = Unconfirmed::default();
            let mut heads: HashMap<usize, u64> = HashMap::new();
            let mut expected: HashMap<ConversationId, Seq> = HashMap::new();
            for (position, n) in chats.iter().enumerate() {
                let position = position as u64 + 1;
                let head = heads.entry(*n).or_default();
                *head += 1;
                unconfirmed.pushed(&chat(*n), Seq(*head), Position(position), entries_max);
                prop_assert!(unconfirmed.len() <= entries_max);
                if position <= cut {
                    expected.insert(chat(*n), Seq(*head));
                }
            }
            let confirmed: HashMap<_, _> = unconfirmed.confirmed(Position(cut)).into_iter().collect();
            for (conversation, seq) in &confirmed {
                prop_assert!(seq <= &expected[conversation]);
            }
            if chats.len() <= entries_max {
                prop_assert_eq!(confirmed, expected);
            }
        }
    }
}
