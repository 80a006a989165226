//! Who says the same again and again, within a bound of memory.
//!
//! What was said is remembered by a keyed hash. Two generations of what was remembered follow each
//! other: when the younger one has half of what may be held, or is as old as the longest window,
//! the older one is forgotten. So nothing within a window is forgotten unless memory is short.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::mem;

use parlor_chat::entry::{Content, Millis};
use parlor_chat::limits::Limits;
use smallvec::SmallVec;

use super::Author;

/// How often the same may be said, and within what time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloodBound {
    /// So often.
    pub repeats_max: u32,
    /// Within so many milliseconds.
    pub window_ms: u64,
}

/// When the same was said, and under which key.
type Times = SmallVec<[(Millis, Option<u64>); 2]>;

/// What was said lately.
#[derive(Debug, Default)]
pub(super) struct Flood {
    hasher: RandomState,
    younger: HashMap<u64, Times>,
    older: HashMap<u64, Times>,
    /// When the younger generation began.
    since: Millis,
    window_max_ms: u64,
}

impl Flood {
    /// Whether a content is one too many; if not, it is remembered. A retry, known by its key,
    /// counts once.
    pub(super) fn exceeds(
        &mut self,
        rule: usize,
        author: Author<'_>,
        content: &Content,
        bound: FloodBound,
        limits: &Limits,
    ) -> bool {
        let Author { user, client_id, now } = author;
        self.turn(now, bound.window_ms, limits.flood_contents_max);
        let said = self.hasher.hash_one((rule, user, &*content.0));
        let key = client_id.map(|key| self.hasher.hash_one(key));
        let mut times = self.younger.remove(&said).or_else(|| self.older.remove(&said));
        let times = times.get_or_insert_default();
        times.retain(|(at, _)| at.0.saturating_add(bound.window_ms) > now.0);
        let is_retry = key.is_some() && times.iter().any(|(_, of)| *of == key);
        let exceeds = !is_retry && times.len() >= bound.repeats_max as usize;
        if !is_retry && !exceeds {
            times.push((now, key));
        }
        self.younger.insert(said, mem::take(times));
        exceeds
    }

    fn turn(&mut self, now: Millis, window_ms: u64, contents_max: usize) {
        self.window_max_ms = self.window_max_ms.max(window_ms);
        let is_old = self.since.0.saturating_add(self.window_max_ms) <= now.0;
        if is_old || self.younger.len() >= (contents_max / 2).max(1) {
            self.older = mem::take(&mut self.younger);
            self.since = now;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.younger.len() + self.older.len()
    }
}

#[cfg(test)]
mod tests {
    use parlor_chat::ids::{ClientId, UserId};

    use super::*;

    const BOUND: FloodBound = FloodBound { repeats_max: 2, window_ms: 100 };

    fn said(flood: &mut Flood, user: &str, text: &str, key: Option<&str>, now: u64) -> bool {
        let user = UserId::parse(user).expect("an id in a test");
        let key = key.map(|key| ClientId::parse(key).expect("a key in a test"));
        let author = Author { user: &user, client_id: key.as_ref(), now: Millis(now) };
        let limits = Limits { flood_contents_max: 10, ..Limits::default() };
        flood.exceeds(0, author, &Content(text.into()), BOUND, &limits)
    }

    #[test]
    fn the_same_may_be_said_so_often_within_the_window() {
        let mut flood = Flood::default();
        let mut say = |text, now| said(&mut flood, "a", text, None, now);
        assert_eq!([say("x", 1_000), say("x", 1_050), say("x", 1_060)], [false, false, true]);
        assert!(!say("y", 1_070), "something else is not the same");
        assert_eq!([say("x", 1_099), say("x", 1_100)], [true, false], "the first has passed");
        assert_eq!([say("x", 1_149), say("x", 1_150)], [true, false]);
        assert!(!said(&mut flood, "b", "x", None, 1_150), "another may say it");
    }

    #[test]
    fn a_retry_counts_once() {
        let mut flood = Flood::default();
        for now in 1_000..1_010 {
            assert!(!said(&mut flood, "a", "x", Some("k"), now));
        }
        assert!(!said(&mut flood, "a", "x", Some("l"), 1_010));
        assert!(said(&mut flood, "a", "x", Some("m"), 1_011));
        assert!(!said(&mut flood, "a", "x", Some("k"), 1_012));
    }

    #[test]
    fn memory_is_bounded() {
        let mut flood = Flood::default();
        for n in 0..1_000 {
            said(&mut flood, "a", &n.to_string(), None, 1_000);
            assert!(flood.len() <= 11);
        }
    }
}
