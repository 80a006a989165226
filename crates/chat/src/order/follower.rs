//! When a node reads the log that it follows, and when it answers for what it committed: the decisions of
//! whoever drives an [`Order`].
//!
//! ```text
//! expect, heard, page, … ──► to be given out   (at each)
//!                            told: answers whose entries were given out, or that waited too long
//!                            look: a page is to be read now; report by page or failed
//!                            due:  then at the latest it is to be asked again
//! ```
//!
//! An entry that is missed may still come by a hint, so it is waited for a moment ([`HINT_MAX`]) before the log
//! is read; if a page was not enough, the next is read at once. If nothing is missed the log is looked at every
//! so often, since the last hints may be the ones that were lost. Who waits for the answer of a commit waits
//! for the entries before it to be given out, but no longer than [`ANSWER_MAX`]: it is committed.
//!
//! What always holds: answers are given in the order of the commits. One page is read at a time. As long as
//! pages can be read, everything that is in the log is given out, whatever is heard or not. Times are those of
//! a steady clock, from any beginning on; nothing here waits.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::Order;
use crate::entry::Entry;
use crate::store::Committed;

/// How long the answer of a commit waits for the entries before it to be given out.
pub const ANSWER_MAX: Duration = Duration::from_millis(250);
/// How long an entry that a hint may still bring is waited for before it is read.
pub const HINT_MAX: Duration = Duration::from_millis(25);
/// How long it rests after a page could not be read.
pub const PAUSE: Duration = Duration::from_millis(200);

/// A piece of the whole log.
#[derive(Debug, Clone)]
pub struct Page {
    /// What there is after the position that it was asked for, in order.
    pub entries: Vec<Arc<Entry>>,
    /// It has all there is up to this position.
    pub up_to: u64,
    /// The log went up to there.
    pub head: u64,
}

/// An order, the answers that wait for it, and when the log is read. An answer is whatever the driver gives.
#[derive(Debug)]
pub struct Follower<A> {
    order: Order,
    /// Answers behind entries that were not given out yet, in that order.
    waiting: VecDeque<Behind<A>>,
    is_reading: bool,
    looks: Looks,
}

/// An answer that is given behind an entry.
#[derive(Debug)]
struct Behind<A> {
    position: u64,
    answer: A,
    /// Then at the latest.
    due: Duration,
}

/// When the log is looked at.
#[derive(Debug)]
struct Looks {
    /// How often when nothing is missed.
    every: Duration,
    /// Since when the entry that is next is missed.
    behind_since: Option<Duration>,
    /// What is missed will not be heard.
    is_urgent: bool,
    /// Then, whether or not anything is missed.
    next: Duration,
    /// Not before, since the last look failed.
    not_before: Duration,
}

impl Looks {
    fn at(&self) -> Duration {
        let missed = match self.behind_since {
            Some(since) if self.is_urgent => since,
            Some(since) => since + HINT_MAX,
            None => self.next,
        };
        missed.min(self.next).max(self.not_before)
    }
}

impl<A> Follower<A> {
    /// Everything up to `applied` counts as given out; at most `ahead_max` entries are kept aside; the log is
    /// looked at so often if nothing is heard.
    pub fn new(applied: u64, ahead_max: usize, now: Duration, every: Duration) -> Self {
        let looks = Looks {
            every,
            behind_since: None,
            is_urgent: false,
            next: now + every,
            not_before: now,
        };
        let order = Order::new(applied, ahead_max);
        Self { order, waiting: VecDeque::new(), is_reading: false, looks }
    }

    /// What was given out, and what was counted meanwhile.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Takes what is about to be committed here; it may come to nothing.
    pub fn expect(&mut self, entries: Vec<Committed>) {
        self.order.expect(entries);
    }

    /// Takes that the log goes up to there.
    pub fn seen(&mut self, head: u64) {
        self.order.seen(head);
    }

    /// Takes entries that were committed, here or elsewhere; gives what is to be given out now, in order.
    pub fn heard(&mut self, entries: impl IntoIterator<Item = Committed>) -> Vec<Committed> {
        let given = self.order.heard(entries);
        self.given(given)
    }

    /// Takes that hints may have been missed.
    pub fn missed(&mut self, now: Duration) {
        self.looks.next = now;
    }

    /// Takes the page that [`Follower::look`] asked for; gives what is to be given out now, in order.
    pub fn page(&mut self, now: Duration, page: Page) -> Vec<Committed> {
        let Page { entries, up_to, head } = page;
        self.is_reading = false;
        self.order.seen(head);
        let given = self.order.page(entries, up_to);
        // More than one page behind: what is next will not be heard.
        self.looks.is_urgent = head > up_to;
        self.looks.next = now + self.looks.every;
        self.given(given)
    }

    /// Takes that the page could not be read.
    pub fn failed(&mut self, now: Duration) {
        self.is_reading = false;
        self.looks.not_before = now + PAUSE;
    }

    fn given(&mut self, given: Vec<Committed>) -> Vec<Committed> {
        if !given.is_empty() {
            // Whatever is missed now is another one.
            self.looks.behind_since = None;
        }
        given
    }

    /// Takes an answer that is to be given behind the entry at a position; [`Follower::told`] gives it back.
    pub fn answer(&mut self, now: Duration, position: u64, answer: A) {
        self.waiting.push_back(Behind { position, answer, due: now + ANSWER_MAX });
    }

    /// The next answer that is to be given now: its entries were given out, or it waited too long.
    pub fn told(&mut self, now: Duration) -> Option<A> {
        let applied = self.order.applied();
        let is_told = |it: &&Behind<A>| it.position <= applied || it.due <= now;
        self.waiting.front().filter(is_told)?;
        self.waiting.pop_front().map(|it| it.answer)
    }

    /// The answers that still wait, for who follows no longer.
    pub fn left(self) -> impl Iterator<Item = A> {
        self.waiting.into_iter().map(|it| it.answer)
    }

    /// Takes how often the log is to be looked at from now on when nothing is missed.
    pub fn look_every(&mut self, now: Duration, every: Duration) {
        self.looks.every = every;
        self.looks.next = self.looks.next.min(now + every);
    }

    /// Says behind which position the log is to be read now, if it is time; that is then under way.
    pub fn look(&mut self, now: Duration) -> Option<u64> {
        match self.order.is_behind() {
            true => drop(self.looks.behind_since.get_or_insert(now)),
            false => self.looks.behind_since = None,
        }
        if self.is_reading || self.looks.at() > now {
            return None;
        }
        self.is_reading = true;
        Some(self.order.applied())
    }

    /// When there is something to tell or to read at the latest, if it is known.
    pub fn due(&self) -> Option<Duration> {
        let answer = self.waiting.front().map(|it| it.due);
        let look = (!self.is_reading).then(|| self.looks.at());
        answer.into_iter().chain(look).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::tests::{committed, entry};

    const EVERY: Duration = Duration::from_secs(5);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn follower() -> Follower<char> {
        Follower::new(0, 8, ms(0), EVERY)
    }

    fn page(positions: std::ops::RangeInclusive<u64>, head: u64) -> Page {
        let up_to = *positions.end();
        Page { entries: positions.map(entry).collect(), up_to, head }
    }

    #[test]
    fn what_a_hint_may_still_bring_is_waited_for_a_moment_and_then_read() {
        let mut follower = follower();
        follower.heard([committed(2)]);
        assert_eq!(follower.look(ms(100)), None);
        assert_eq!(follower.due(), Some(ms(100) + HINT_MAX));
        assert_eq!(follower.look(ms(100) + HINT_MAX), Some(0));
        assert_eq!(follower.look(ms(900)), None, "one at a time");
        assert_eq!(follower.due(), None);
        assert_eq!(follower.page(ms(900), page(1..=1, 2)).len(), 2);
        assert_eq!(follower.look(ms(900)), None);
        assert_eq!(follower.due(), Some(ms(900) + EVERY));
    }

    #[test]
    fn the_moment_begins_anew_for_another_entry_that_is_missed() {
        let mut follower = follower();
        follower.heard([committed(2), committed(5)]);
        assert_eq!(follower.look(ms(100)), None);
        follower.heard([committed(1)]);
        assert_eq!(follower.look(ms(120)), None);
        assert_eq!(follower.due(), Some(ms(120) + HINT_MAX));
    }

    #[test]
    fn the_page_behind_one_that_was_not_enough_is_read_at_once() {
        let mut follower = follower();
        follower.seen(9);
        follower.look(ms(0));
        assert_eq!(follower.look(ms(25)), Some(0));
        follower.page(ms(40), page(1..=4, 9));
        assert_eq!(follower.look(ms(40)), Some(4));
        follower.page(ms(50), page(5..=9, 9));
        assert_eq!(follower.look(ms(50)), None);
    }

    #[test]
    fn it_rests_after_a_page_could_not_be_read() {
        let mut follower = follower();
        follower.missed(ms(10));
        assert_eq!(follower.look(ms(10)), Some(0));
        follower.failed(ms(20));
        follower.missed(ms(30));
        assert_eq!(follower.look(ms(30)), None);
        assert_eq!(follower.look(ms(20) + PAUSE), Some(0));
    }

    #[test]
    fn the_log_is_looked_at_sooner_once_less_is_heard() {
        let mut follower = follower();
        follower.look_every(ms(100), ms(500));
        assert_eq!(follower.due(), Some(ms(600)));
        follower.look_every(ms(200), EVERY);
        assert_eq!(follower.due(), Some(ms(600)));
        assert_eq!(follower.look(ms(600)), Some(0));
    }

    #[test]
    fn answers_are_given_in_order_behind_their_entries_or_when_they_waited_too_long() {
        let mut follower = follower();
        follower.answer(ms(0), 0, 'a');
        assert_eq!(follower.told(ms(0)), Some('a'));
        follower.heard([committed(2)]);
        follower.answer(ms(10), 2, 'b');
        follower.answer(ms(20), 0, 'c');
        assert_eq!(follower.told(ms(20)), None, "in order");
        let given = follower.heard([committed(1)]);
        assert_eq!(given.len(), 2);
        assert_eq!((follower.told(ms(21)), follower.told(ms(21))), (Some('b'), Some('c')));
        follower.answer(ms(30), 9, 'd');
        assert_eq!(follower.due(), Some(ms(30) + ANSWER_MAX));
        assert_eq!(follower.told(ms(29) + ANSWER_MAX), None);
        assert_eq!(follower.told(ms(30) + ANSWER_MAX), Some('d'));
        follower.answer(ms(300), 9, 'e');
        assert_eq!(follower.left().collect::<Vec<_>>(), ['e']);
    }
}
