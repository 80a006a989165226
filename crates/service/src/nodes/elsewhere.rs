//! Who is connected to other nodes, of those that somebody here asks about.
//!
//! The directory of the bus knows it of everybody; here is what it said of the users who are watched, or were
//! asked about a moment ago, and what the other nodes have said since. Nothing is kept of anybody else.

use std::collections::HashMap;

use parking_lot::Mutex;
use parlor_chat::bus::{Elsewhere as Seats, NodeId};
use parlor_chat::entry::Millis;
use parlor_chat::ids::{DeviceId, UserId};

/// How long what was asked for is kept of users whom nobody watches.
const KEPT_MS: u64 = 30_000;

/// The seats of users on other nodes.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere(Mutex<HashMap<UserId, Known>>);

#[derive(Debug, Default)]
struct Known {
    seats: Seats,
    at: Millis,
}

impl Elsewhere {
    /// Whether a user is connected to another node, as far as is known.
    pub(crate) fn has(&self, user: &UserId) -> bool {
        self.0.lock().get(user).is_some_and(|known| !known.seats.is_empty())
    }

    /// The devices on which a user is connected to other nodes.
    pub(crate) fn devices(&self, user: &UserId) -> Vec<DeviceId> {
        let known = self.0.lock();
        let seats = known.get(user).map(|known| known.seats.iter());
        seats.into_iter().flatten().flat_map(|(_, devices)| devices.iter().cloned()).collect()
    }

    /// Takes what the directory says of a user; whether the user came or went by that.
    pub(crate) fn learn(&self, user: &UserId, seats: Seats, now: Millis) -> bool {
        let mut all = self.0.lock();
        let known = all.entry(user.clone()).or_default();
        let was_gone = known.seats.is_empty();
        *known = Known { seats, at: now };
        was_gone != known.seats.is_empty()
    }

    /// Takes what a node says of a user who is known, or watched; whether the user came or went by that.
    pub(crate) fn seat(
        &self,
        node: NodeId,
        user: &UserId,
        devices: Vec<DeviceId>,
        is_watched: bool,
        now: Millis,
    ) -> bool {
        let mut all = self.0.lock();
        if !is_watched && !all.contains_key(user) {
            return false;
        }
        let known = all.entry(user.clone()).or_default();
        let was_gone = known.seats.is_empty();
        known.at = now;
        known.seats.retain(|(of, _)| *of != node);
        if !devices.is_empty() {
            known.seats.push((node, devices));
        }
        was_gone != known.seats.is_empty()
    }

    /// Takes that a node is gone; gives the users who went by that.
    pub(crate) fn left(&self, node: NodeId) -> Vec<UserId> {
        let mut gone = Vec::new();
        for (user, known) in self.0.lock().iter_mut() {
            let was = known.seats.len();
            known.seats.retain(|(of, _)| *of != node);
            if known.seats.is_empty() && was > 0 {
                gone.push(user.clone());
            }
        }
        gone
    }

    /// Everybody of whom something is known.
    pub(crate) fn users(&self) -> Vec<UserId> {
        self.0.lock().keys().cloned().collect()
    }

    /// Forgets those whom nobody watches and nobody asked about lately.
    pub(crate) fn sweep(&self, now: Millis, is_watched: impl Fn(&UserId) -> bool) {
        self.0.lock().retain(|user, known| known.at.0 + KEPT_MS > now.0 || is_watched(user));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("an id in a test")
    }

    #[test]
    fn a_user_is_there_as_long_as_on_any_node() {
        let (all, a) = (Elsewhere::default(), user("a"));
        let phone = || vec![DeviceId::parse("phone").expect("an id in a test")];
        assert!(!all.seat(NodeId(1), &a, phone(), false, Millis(1)), "nobody asks");
        assert!(all.seat(NodeId(1), &a, phone(), true, Millis(1)));
        assert!(!all.seat(NodeId(2), &a, phone(), false, Millis(1)));
        assert!(!all.seat(NodeId(1), &a, Vec::new(), false, Millis(1)));
        assert!(all.has(&a) && all.devices(&a).len() == 1);
        assert_eq!(all.left(NodeId(1)), []);
        assert_eq!(all.left(NodeId(2)), std::slice::from_ref(&a));
        assert!(!all.has(&a));
        assert!(all.learn(&a, vec![(NodeId(3), phone())], Millis(2)));
        assert!(!all.learn(&a, vec![(NodeId(4), phone())], Millis(2)));
        all.sweep(Millis(2 + KEPT_MS - 1), |_| false);
        all.sweep(Millis(2 + KEPT_MS), |_| true);
        assert!(all.has(&a));
        all.sweep(Millis(2 + KEPT_MS), |_| false);
        assert!(!all.has(&a) && all.users().is_empty());
    }
}
