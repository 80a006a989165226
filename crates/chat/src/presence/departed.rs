//! Users who left: for how long they still count as online, and since when they are gone.
//!
//! Each is in one of two queues by time, first that of those in their grace, then that of the
//! others, until they come back or are the longest gone of too many. The first queue has a bound of
//! its own, far above that of the second: when all users of a node leave at once, each has its grace.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use super::{Bounds, State};
use crate::entry::Millis;
use crate::ids::UserId;

/// The users who left.
#[derive(Debug)]
pub(super) struct Departed {
    bounds: Bounds,
    users: HashMap<UserId, Gone>,
    in_grace: BTreeSet<(Millis, UserId)>,
    settled: BTreeSet<(Millis, UserId)>,
}

#[derive(Debug, Clone, Copy)]
struct Gone {
    at: Millis,
    in_grace: bool,
}

impl Departed {
    pub(super) fn new(bounds: Bounds) -> Self {
        let (users, in_grace) = (HashMap::new(), BTreeSet::new());
        Self { bounds, users, in_grace, settled: BTreeSet::new() }
    }

    /// Notes that a user is gone, if that is new.
    pub(super) fn leave(&mut self, user: &UserId, now: Millis) {
        if let Entry::Vacant(entry) = self.users.entry(user.clone()) {
            entry.insert(Gone { at: now, in_grace: true });
            self.in_grace.insert((now, user.clone()));
        }
    }

    /// Forgets a user who is here again.
    pub(super) fn come_back(&mut self, user: &UserId) {
        if let Some(gone) = self.users.remove(user) {
            let queue = if gone.in_grace { &mut self.in_grace } else { &mut self.settled };
            queue.remove(&(gone.at, user.clone()));
        }
    }

    /// Ends one grace that is over, or that is one too many, if there is one, and gives whose.
    pub(super) fn settle(&mut self, now: Millis) -> Option<UserId> {
        if self.next_end()? > now && self.in_grace.len() <= self.bounds.in_grace_max {
            return None;
        }
        let (at, user) = self.in_grace.pop_first()?;
        if let Some(gone) = self.users.get_mut(&user) {
            gone.in_grace = false;
        }
        self.settled.insert((at, user.clone()));
        if self.settled.len() > self.bounds.remembered_max
            && let Some((_, longest)) = self.settled.pop_first()
        {
            self.users.remove(&longest);
        }
        Some(user)
    }

    /// When the next grace ends.
    pub(super) fn next_end(&self) -> Option<Millis> {
        self.in_grace.first().map(|(at, _)| Millis(at.0.saturating_add(self.bounds.grace_ms)))
    }

    /// What is known of a user who is not here.
    pub(super) fn state(&self, user: &UserId) -> State {
        match self.users.get(user) {
            Some(Gone { in_grace: true, .. }) => State::Online,
            gone => State::Offline(gone.map(|gone| gone.at)),
        }
    }

    /// Those who left and still count as online.
    pub(super) fn in_grace(&self) -> impl Iterator<Item = &UserId> {
        self.in_grace.iter().map(|(_, user)| user)
    }
}
