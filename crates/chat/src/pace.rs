//! At most one of something in so many milliseconds, and the last of it always: told at once where
//! it was quiet, else when the time is over. Pure: the time is given in.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use crate::entry::Millis;

/// When each of several things, called `K`, is told next. It remembers those that were told within the
/// last interval, or are to be.
#[derive(Debug)]
pub struct Pace<K> {
    interval_ms: u64,
    /// The latest time that was given in; a clock that steps back stands still here.
    now: Millis,
    known: HashMap<K, Turn>,
    /// What is to be told, and what is to be forgotten, by when.
    turns: BTreeSet<(Millis, K)>,
}

/// What is next for one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// It is told then.
    Tell(Millis),
    /// It was told, and may be told again then.
    Rest(Millis),
}

impl Turn {
    fn at(self) -> Millis {
        match self {
            Self::Tell(at) | Self::Rest(at) => at,
        }
    }
}

impl<K: Clone + Ord + Hash> Pace<K> {
    /// Nothing is to be told.
    pub fn new(interval_ms: u64) -> Self {
        Self { interval_ms, now: Millis(0), known: HashMap::new(), turns: BTreeSet::new() }
    }

    /// Says that there is news of it.
    pub fn note(&mut self, key: &K, now: Millis) {
        self.now = self.now.max(now);
        let next = match self.known.get(key).copied() {
            Some(Turn::Tell(_)) => return,
            Some(Turn::Rest(until)) => {
                self.turns.remove(&(until, key.clone()));
                until.max(self.now)
            }
            None => self.now,
        };
        self.known.insert(key.clone(), Turn::Tell(next));
        self.turns.insert((next, key.clone()));
    }

    /// What is to be told now; it counts as told.
    pub fn due(&mut self, now: Millis) -> Vec<K> {
        self.now = self.now.max(now);
        let mut due = Vec::new();
        while self.turns.first().is_some_and(|(at, _)| *at <= self.now) {
            let Some((_, key)) = self.turns.pop_first() else { break };
            match self.known.remove(&key) {
                Some(Turn::Tell(_)) => due.push(key),
                Some(Turn::Rest(_)) | None => {}
            }
        }
        let until = Millis(self.now.0 + self.interval_ms);
        for key in &due {
            self.known.insert(key.clone(), Turn::Rest(until));
            self.turns.insert((until, key.clone()));
        }
        due
    }

    /// Lets what waits be told at the next look, however soon that is.
    pub fn hurry(&mut self) {
        let later: Vec<K> = self.waiting().cloned().collect();
        for key in later {
            if let Some(turn) = self.known.insert(key.clone(), Turn::Tell(self.now)) {
                self.turns.remove(&(turn.at(), key.clone()));
            }
            self.turns.insert((self.now, key));
        }
    }

    /// Forgets that there was news of it.
    pub fn forget(&mut self, key: &K) {
        if let Some(turn) = self.known.remove(key) {
            self.turns.remove(&(turn.at(), key.clone()));
        }
    }

    /// When to look again, so that nothing is late; also what is only forgotten then.
    pub fn next_due(&self) -> Option<Millis> {
        self.turns.first().map(|(at, _)| *at)
    }

    /// How many things are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn waiting(&self) -> impl Iterator<Item = &K> {
        let waits = |(_, turn): &(&K, &Turn)| matches!(turn, Turn::Tell(_));
        self.known.iter().filter(waits).map(|(key, _)| key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_is_told_at_once_and_the_last_when_the_time_is_over() {
        let mut pace = Pace::new(1_000);
        pace.note(&"a", Millis(5_000));
        assert_eq!(pace.next_due(), Some(Millis(5_000)));
        assert_eq!(pace.due(Millis(5_000)), ["a"]);
        for at in [5_001, 5_400, 5_999] {
            pace.note(&"a", Millis(at));
            assert_eq!(pace.due(Millis(at)), Vec::<&str>::new());
        }
        assert_eq!(pace.next_due(), Some(Millis(6_000)));
        assert_eq!(pace.due(Millis(6_000)), ["a"]);
        assert_eq!(pace.due(Millis(6_999)), Vec::<&str>::new());
        assert_eq!(pace.due(Millis(7_000)), Vec::<&str>::new());
        assert!(pace.is_empty(), "what is quiet is forgotten");
    }

    #[test]
    fn what_is_hurried_is_told_at_the_next_look() {
        let mut pace = Pace::new(1_000);
        pace.note(&1, Millis(10));
        assert_eq!(pace.due(Millis(10)), [1]);
        pace.note(&1, Millis(20));
        pace.note(&2, Millis(20));
        pace.hurry();
        assert_eq!(pace.due(Millis(20)), [1, 2]);
    }

    proptest! {
        /// Whatever comes when: two of one are an interval apart, everything noted is told at its time
        /// or later and no later than an interval, and nothing is told without news.
        #[test]
        fn at_most_one_in_an_interval_and_the_last_is_never_lost(
            steps in prop::collection::vec((0u8..4, 0u64..700, any::<bool>()), 1..120),
        ) {
            let mut pace = Pace::new(1_000);
            let (mut now, mut told, mut news) = (Millis(0), HashMap::new(), HashMap::new());
            let mut look = |pace: &mut Pace<u8>, now: Millis, news: &mut HashMap<u8, Millis>| {
                for key in pace.due(now) {
                    let last = told.insert(key, now);
                    prop_assert!(last.is_none_or(|last: Millis| last.0 + 1_000 <= now.0));
                    prop_assert!(news.remove(&key).is_some());
                }
                for (key, at) in news.iter() {
                    let free = told.get(key).map_or(*at, |last| Millis(last.0 + 1_000));
                    prop_assert!(free > now, "{} is late", key);
                }
                Ok(())
            };
            for (key, ms, noted) in steps {
                // A driver looks whenever something is due.
                let until = Millis(now.0 + ms);
                while let Some(at) = pace.next_due().filter(|at| *at <= until) {
                    now = now.max(at);
                    look(&mut pace, now, &mut news)?;
                }
                now = until;
                if noted {
                    pace.note(&key, now);
                    news.entry(key).or_insert(now);
                    look(&mut pace, now, &mut news)?;
                }
                prop_assert!(pace.len() <= 4);
            }
            while let Some(at) = pace.next_due() {
                now = now.max(at);
                look(&mut pace, now, &mut news)?;
            }
            prop_assert!(news.is_empty() && pace.is_empty());
        }
    }
}
