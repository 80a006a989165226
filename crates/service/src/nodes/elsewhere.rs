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
pub(crate) struct Elsewhere(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    users: HashMap<UserId, Known>,
    /// Counts what nodes said.
    said: u64,
}

#[derive(Debug, Default)]
struct Known {
    seats: Vec<Seat>,
    at: Millis,
}

/// What is known of a user on a node; no devices, if the user is gone from there.
#[derive(Debug)]
struct Seat {
    node: NodeId,
    devices: Vec<DeviceId>,
    /// Which of all that nodes said this was; 0 for the directory's word.
    said: u64,
}

/// When the directory was asked: what nodes said since is newer than its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked(u64);

impl Known {
    fn is_connected(&self) -> bool {
        self.seats.iter().any(|seat| !seat.devices.is_empty())
    }
}

impl Elsewhere {
    /// Whether a user is connected to another node, as far as is known.
    pub(crate) fn has(&self, user: &UserId) -> bool {
        self.0.lock().users.get(user).is_some_and(Known::is_connected)
    }

    /// The devices on which a user is connected to other nodes.
    pub(crate) fn devices(&self, user: &UserId) -> Vec<DeviceId> {
        let all = self.0.lock();
        let seats = all.users.get(user).map(|known| known.seats.iter());
        seats.into_iter().flatten().flat_map(|seat| seat.devices.iter().cloned()).collect()
    }

    /// To be called before the directory is asked.
    pub(crate) fn ask(&self) -> Asked {
        Asked(self.0.lock().said)
    }

    /// Takes what the directory says of a user; whether the user came or went by that.
    pub(crate) fn learn(&self, user: &UserId, found: Seats, asked: Asked, now: Millis) -> bool {
        let mut all = self.0.lock();
        let known = all.users.entry(user.clone()).or_default();
        let was_connected = known.is_connected();
        known.at = now;
        known.seats.retain(|seat| seat.said > asked.0);
        for (node, devices) in found {
            if known.seats.iter().all(|seat| seat.node != node) {
                known.seats.push(Seat { node, devices, said: 0 });
            }
        }
        was_connected != known.is_connected()
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
        if !is_watched && !all.users.contains_key(user) {
            return false;
        }
        all.said += 1;
        let said = all.said;
        let known = all.users.entry(user.clone()).or_default();
        let was_connected = known.is_connected();
        known.at = now;
        known.seats.retain(|seat| seat.node != node);
        known.seats.push(Seat { node, devices, said });
        was_connected != known.is_connected()
    }

    /// Takes that a node is gone; gives the users who went by that.
    pub(crate) fn left(&self, node: NodeId) -> Vec<UserId> {
        let mut gone = Vec::new();
        for (user, known) in &mut self.0.lock().users {
            let was_connected = known.is_connected();
            known.seats.retain(|seat| seat.node != node);
            if was_connected && !known.is_connected() {
                gone.push(user.clone());
            }
        }
        gone
    }

    /// Everybody of whom something is known.
    pub(crate) fn users(&self) -> Vec<UserId> {
        self.0.lock().users.keys().cloned().collect()
    }

    /// Forgets those whom nobody watches and nobody asked about lately.
    pub(crate) fn sweep(&self, now: Millis, is_watched: impl Fn(&UserId) -> bool) {
        let mut all = self.0.lock();
        all.users.retain(|user, known| known.at.0 + KEPT_MS > now.0 || is_watched(user));
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
        assert!(all.learn(&a, vec![(NodeId(3), phone())], all.ask(), Millis(2)));
        assert!(!all.learn(&a, vec![(NodeId(4), phone())], all.ask(), Millis(2)));
        all.sweep(Millis(2 + KEPT_MS - 1), |_| false);
        all.sweep(Millis(2 + KEPT_MS), |_| true);
        assert!(all.has(&a));
        all.sweep(Millis(2 + KEPT_MS), |_| false);
        assert!(!all.has(&a) && all.users().is_empty());
    }
    #[test]
    fn what_a_node_said_meanwhile_is_newer_than_the_directorys_answer() {
        let (all, a) = (Elsewhere::default(), user("a"));
        let phone = || vec![DeviceId::parse("phone").expect("an id in a test")];
        let asked = all.ask();
        all.seat(NodeId(1), &a, phone(), true, Millis(1));
        assert!(!all.learn(&a, Vec::new(), asked, Millis(2)), "it came behind the question");
        let asked = all.ask();
        all.seat(NodeId(1), &a, Vec::new(), true, Millis(3));
        let found = vec![(NodeId(1), phone()), (NodeId(2), phone())];
        assert!(all.learn(&a, found, asked, Millis(4)), "on the second node alone");
        assert_eq!(all.devices(&a).len(), 1);
    }
}
