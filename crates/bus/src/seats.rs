//! Which users the directory has yet to hear of. Of what is said of one user the last holds.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::ids::{DeviceId, UserId};
use tokio::sync::Notify;

/// A user, and the devices that are connected.
pub(crate) type Seat = (UserId, Vec<DeviceId>);

/// What waits to be written.
pub(crate) struct Seats {
    users_max: usize,
    state: Mutex<State>,
    wake: Arc<Notify>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<UserId, Vec<DeviceId>>,
    under_way: usize,
    /// Whether somebody found no room.
    is_incomplete: bool,
}

impl Seats {
    /// Room for so many users, and whom to wake.
    pub(crate) fn new(users_max: usize, wake: Arc<Notify>) -> Self {
        Self { users_max, state: Mutex::default(), wake }
    }

    /// Has a user's devices written.
    pub(crate) fn say(&self, user: UserId, devices: Vec<DeviceId>) {
        {
            let mut state = self.state.lock();
            if state.waiting.len() >= self.users_max && !state.waiting.contains_key(&user) {
                state.is_incomplete = true;
                return;
            }
            state.waiting.insert(user, devices);
        }
        self.wake.notify_one();
    }

    /// Takes some. They are to be given to [`done`](Self::done) or [`again`](Self::again).
    pub(crate) fn take(&self, users_max: usize) -> Vec<Seat> {
        let mut state = self.state.lock();
        let taken: Vec<Seat> = state.waiting.extract_if(|_, _| true).take(users_max).collect();
        state.under_way += taken.len();
        taken
    }

    /// That so many of the taken ones are written.
    pub(crate) fn done(&self, users: usize) {
        self.state.lock().under_way -= users;
    }

    /// Puts back what could not be written, unless something newer was said meanwhile.
    pub(crate) fn again(&self, seats: Vec<Seat>) {
        let mut state = self.state.lock();
        state.under_way -= seats.len();
        for (user, devices) in seats {
            if let Entry::Vacant(place) = state.waiting.entry(user) {
                place.insert(devices);
            }
        }
    }

    /// How many users wait or are under way.
    pub(crate) fn len(&self) -> usize {
        let state = self.state.lock();
        state.waiting.len() + state.under_way
    }

    /// Whether somebody found no room, once there is room for all again. Says so once.
    pub(crate) fn is_incomplete(&self) -> bool {
        let mut state = self.state.lock();
        let told = state.is_incomplete && state.waiting.is_empty();
        state.is_incomplete &= !told;
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> UserId {
        UserId::parse(text).expect("shape")
    }

    fn device(text: &str) -> Vec<DeviceId> {
        vec![DeviceId::parse(text).expect("shape")]
    }

    #[test]
    fn the_last_holds_also_over_what_comes_back() {
        let seats = Seats::new(10, Arc::default());
        seats.say(user("al"), device("one"));
        seats.say(user("al"), device("two"));
        let taken = seats.take(10);
        assert_eq!(taken, [(user("al"), device("two"))]);
        seats.say(user("al"), device("three"));
        assert_eq!(seats.len(), 2);
        seats.again(taken);
        assert_eq!(seats.take(10), [(user("al"), device("three"))]);
        seats.done(1);
        assert_eq!(seats.len(), 0);
    }

    #[test]
    fn who_found_no_room_is_told_of_once_it_is_there() {
        let seats = Seats::new(1, Arc::default());
        seats.say(user("al"), device("one"));
        seats.say(user("bo"), device("one"));
        assert!(!seats.is_incomplete());
        assert_eq!(seats.take(10).len(), 1);
        assert!(seats.is_incomplete() && !seats.is_incomplete());
    }
}
