//! Watermarks of groups in which many are, on their way to the store: each conversation's are stored
//! together, at once where it was quiet and at most once in an interval. Pure: the time is given in.

use std::collections::HashMap;

use crate::entry::Millis;
use crate::ids::ConversationId;
use crate::pace::Pace;
use crate::receipts::{Gathered, Marks};
use crate::store::Mark;

/// Marks that wait to be stored, each with those who wait for it (`W`, such as an ack).
#[derive(Debug)]
pub struct CrowdMarks<W> {
    of: HashMap<ConversationId, Marks<W>>,
    pace: Pace<ConversationId>,
    len: usize,
    marks_max: usize,
}

impl<W> CrowdMarks<W> {
    /// Gathers at most `marks_max` marks; those of one conversation are due at most once in
    /// `interval_ms`.
    pub fn new(marks_max: usize, interval_ms: u64) -> Self {
        Self { of: HashMap::new(), pace: Pace::new(interval_ms), len: 0, marks_max }
    }

    /// Adds a mark, merged by max with one of the same user, conversation and kind. When there is no
    /// more room, all that wait are due.
    ///
    /// # Errors
    /// Gives both back when there is no room: store what is gathered first.
    pub fn add(
        &mut self,
        mark: Mark,
        waiting: Option<W>,
        now: Millis,
    ) -> Result<(), (Mark, Option<W>)> {
        let conversation = mark.conversation.clone();
        let merges = self.of.get(&conversation).is_some_and(|marks| marks.has(&mark));
        if self.len >= self.marks_max && !merges {
            self.pace.hurry();
            return Err((mark, waiting));
        }
        let marks = self.of.entry(conversation.clone()).or_insert_with(|| Marks::new(usize::MAX));
        let before = marks.len();
        marks.add(mark, waiting)?;
        self.len += marks.len() - before;
        self.pace.note(&conversation, now);
        if self.len >= self.marks_max {
            self.pace.hurry();
        }
        Ok(())
    }

    /// Takes those of the conversations that are due, a list for each.
    pub fn due(&mut self, now: Millis) -> Vec<(ConversationId, Vec<Gathered<W>>)> {
        let mut due = Vec::new();
        for conversation in self.pace.due(now) {
            let Some(mut marks) = self.of.remove(&conversation) else { continue };
            self.len -= marks.len();
            due.push((conversation, marks.take()));
        }
        due
    }

    /// Lets all that wait be due.
    pub fn hurry(&mut self) {
        self.pace.hurry();
    }

    /// When to ask for what is due next.
    pub fn next_due(&self) -> Option<Millis> {
        self.pace.next_due()
    }

    /// Whether marks of a conversation wait.
    pub fn has(&self, conversation: &ConversationId) -> bool {
        self.of.contains_key(conversation)
    }

    /// How many marks wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{DeviceId, GroupId, Seq, UserId};
    use crate::store::MarkKind;

    fn group(name: &str) -> ConversationId {
        ConversationId::group(&GroupId::parse(name).expect("shape"))
    }

    fn read(of: &str, user: usize, seq: u64) -> Mark {
        Mark {
            user: UserId::parse(&format!("u{user}")).expect("shape"),
            conversation: group(of),
            seq: Seq(seq),
            kind: MarkKind::Read(DeviceId::shared()),
            now: Millis(1),
        }
    }

    fn seqs<W>(due: Vec<(ConversationId, Vec<Gathered<W>>)>) -> Vec<(ConversationId, Vec<u64>)> {
        let sorted = |marks: Vec<Gathered<W>>| {
            let mut seqs: Vec<u64> = marks.iter().map(|it| it.mark.seq.0).collect();
            seqs.sort_unstable();
            seqs
        };
        due.into_iter().map(|(of, marks)| (of, sorted(marks))).collect()
    }

    #[test]
    fn ten_thousand_readers_are_due_at_once_and_once_an_interval() {
        let mut marks = CrowdMarks::new(65_536, 1_000);
        assert!(marks.add(read("g", 0, 1), Some(0), Millis(50)).is_ok());
        assert_eq!(seqs(marks.due(Millis(50))), [(group("g"), vec![1])]);
        let mut dues = 0;
        for user in 1..10_000 {
            let now = Millis(50 + user as u64 / 5);
            assert!(marks.add(read("g", user, 2), Some(user), now).is_ok());
            dues += usize::from(!marks.due(now).is_empty());
        }
        assert_eq!(dues, 1);
        assert!(!marks.due(Millis(3_050)).is_empty() && marks.is_empty());
    }

    #[test]
    fn each_conversation_has_its_own_pace() {
        let mut marks = CrowdMarks::<()>::new(99, 1_000);
        assert!(marks.add(read("a", 0, 1), None, Millis(0)).is_ok());
        assert_eq!(marks.due(Millis(0)).len(), 1);
        assert!(marks.add(read("a", 0, 2), None, Millis(400)).is_ok());
        assert!(marks.add(read("b", 0, 7), None, Millis(400)).is_ok());
        assert_eq!(seqs(marks.due(Millis(400))), [(group("b"), vec![7])]);
        assert_eq!(marks.next_due(), Some(Millis(1_000)));
        assert!(marks.add(read("a", 0, 5), None, Millis(600)).is_ok());
        assert_eq!(seqs(marks.due(Millis(1_000))), [(group("a"), vec![5])]);
    }

    #[test]
    fn what_is_full_is_due_and_takes_no_new_mark_but_still_merges() {
        let mut marks = CrowdMarks::<()>::new(2, 1_000);
        assert!(marks.add(read("a", 0, 1), None, Millis(0)).is_ok());
        assert_eq!(marks.due(Millis(0)).len(), 1);
        for user in 0..2 {
            assert!(marks.add(read("a", user, 2), None, Millis(1)).is_ok());
        }
        assert!(marks.add(read("a", 2, 2), None, Millis(2)).is_err());
        assert!(marks.add(read("b", 0, 2), None, Millis(2)).is_err());
        assert!(marks.add(read("a", 1, 3), None, Millis(2)).is_ok());
        assert_eq!((marks.len(), seqs(marks.due(Millis(3)))), (2, vec![(group("a"), vec![2, 3])]));
        assert!(marks.add(read("b", 0, 2), None, Millis(4)).is_ok());
        assert_eq!(marks.due(Millis(4)).len(), 1);
    }

    #[test]
    fn what_is_hurried_is_due() {
        let mut marks = CrowdMarks::<()>::new(9, 1_000);
        assert!(marks.add(read("a", 0, 1), None, Millis(0)).is_ok());
        assert_eq!(marks.due(Millis(0)).len(), 1);
        assert!(marks.add(read("a", 0, 2), None, Millis(1)).is_ok());
        marks.hurry();
        assert_eq!(marks.due(Millis(1)).len(), 1);
    }
}
