//! Who is connected to other nodes, of those that somebody here asks about.
//!
//! The directory of the bus knows it of everybody; here is what it said of the users who are watched, or were
//! asked about a moment ago, and what the other nodes have said since.
//!
//! A node first tells the others and then writes the directory, so what it said a moment ago counts for more
//! than what is read there. It is kept so long of everybody, who may be asked about next; longer of nobody else.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use parlor_chat::bus::{Elsewhere as Seats, NodeId};
use parlor_chat::entry::Millis;
use parlor_chat::ids::{DeviceId, UserId};

/// How long what was asked for is kept of users whom nobody watches.
const KEPT_MS: u64 = 30_000;
/// After so long the directory knows what a node has said.
pub(super) const SEATED_WITHIN: Duration = Duration::from_secs(2);
/// Users who came or went a moment ago and whom nobody asks about. Above it the next are not kept.
const UNASKED_MAX: usize = 16_384;

/// The seats of users on other nodes.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    users: HashMap<UserId, Known>,
    /// Since when something is known of users whom nobody asks about, the longest first.
    unasked: VecDeque<(Millis, UserId)>,
}

#[derive(Debug, Default)]
struct Known {
    seats: Vec<Seat>,
    at: Millis,
    /// Whether somebody here asks, or asked, about the user.
    is_asked: bool,
}

/// What is known of a user on a node; no devices, if the user is gone from there.
#[derive(Debug)]
struct Seat {
    node: NodeId,
    devices: Vec<DeviceId>,
    /// When the node said it; `None` for the directory's word.
    said: Option<Millis>,
}

impl Seat {
    /// Whether the directory may not have known of it when it was asked.
    fn is_newer(&self, asked: Millis) -> bool {
        self.said.is_some_and(|said| said.0 + SEATED_WITHIN.as_millis() as u64 > asked.0)
    }
}

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

    /// Takes what the directory, asked at `asked`, says of a user; whether the user came or went by that.
    pub(crate) fn learn(&self, user: &UserId, found: Seats, asked: Millis) -> bool {
        let mut all = self.0.lock();
        let known = all.users.entry(user.clone()).or_default();
        let was_connected = known.is_connected();
        known.is_asked = true;
        known.at = known.at.max(asked);
        known.seats.retain(|seat| seat.is_newer(asked));
        for (node, devices) in found {
            if known.seats.iter().all(|seat| seat.node != node) {
                known.seats.push(Seat { node, devices, said: None });
            }
        }
        was_connected != known.is_connected()
    }

    /// Takes what a node says of a user; whether the user came or went by that.
    pub(crate) fn seat(
        &self,
        node: NodeId,
        user: &UserId,
        devices: Vec<DeviceId>,
        is_watched: bool,
        now: Millis,
    ) -> bool {
        let mut all = self.0.lock();
        all.forget_unasked(now);
        if !is_watched && !all.users.contains_key(user) {
            if all.unasked.len() == UNASKED_MAX {
                return false;
            }
            all.unasked.push_back((now, user.clone()));
        }
        let known = all.users.entry(user.clone()).or_default();
        let was_connected = known.is_connected();
        known.is_asked |= is_watched;
        known.at = now;
        known.seats.retain(|seat| seat.node != node);
        known.seats.push(Seat { node, devices, said: Some(now) });
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

    /// Takes that what nodes said may have been missed: from now on the directory knows better. Gives
    /// everybody of whom something is known.
    pub(crate) fn missed(&self) -> Vec<UserId> {
        let mut all = self.0.lock();
        let seats = all.users.values_mut().flat_map(|known| &mut known.seats);
        seats.for_each(|seat| seat.said = None);
        all.users.keys().cloned().collect()
    }

    /// Forgets those whom nobody watches and nobody asked about lately.
    pub(crate) fn sweep(&self, now: Millis, is_watched: impl Fn(&UserId) -> bool) {
        let mut all = self.0.lock();
        all.forget_unasked(now);
        all.users.retain(|user, known| known.at.0 + KEPT_MS > now.0 || is_watched(user));
    }
}

impl All {
    /// Forgets those whom nobody has asked about and of whom the directory knows by now.
    fn forget_unasked(&mut self, now: Millis) {
        let is_written = |at: &Millis| at.0 + SEATED_WITHIN.as_millis() as u64 <= now.0;
        while self.unasked.front().is_some_and(|(at, _)| is_written(at)) {
            let Some((_, user)) = self.unasked.pop_front() else { break };
            let Some(known) = self.users.get(&user) else { continue };
            if known.is_asked {
                continue;
            }
            // More was said of the user meanwhile.
            match is_written(&known.at) {
                true => drop(self.users.remove(&user)),
                false => self.unasked.push_back((known.at, user)),
            }
        }
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
        assert!(!all.has(&a) && all.missed().is_empty());
    }

    #[test]
    fn whom_nobody_asks_about_is_known_only_as_long_as_the_directory_may_not_know() {
        let (all, a, b) = (Elsewhere::default(), user("a"), user("b"));
        let phone = || vec![DeviceId::parse("phone").expect("an id in a test")];
        let within = SEATED_WITHIN.as_millis() as u64;
        all.seat(NodeId(1), &a, phone(), false, Millis(1));
        assert!(!all.learn(&a, Vec::new(), Millis(within)), "the directory does not have it yet");
        assert_eq!(all.devices(&a).len(), 1);
        all.seat(NodeId(1), &b, phone(), false, Millis(1));
        all.seat(NodeId(1), &b, phone(), false, Millis(9));
        all.seat(NodeId(1), &user("c"), phone(), false, Millis(1 + within));
        assert!(all.has(&b), "more was said");
        all.sweep(Millis(9 + within), |user| *user == a);
        assert!(!all.has(&b) && all.has(&a) && all.has(&user("c")));
        for n in 0..UNASKED_MAX {
            all.seat(NodeId(1), &user(&format!("u{n}")), phone(), false, Millis(9 + within));
        }
        assert!(all.has(&user(&format!("u{}", UNASKED_MAX - 2))));
        assert!(!all.has(&user(&format!("u{}", UNASKED_MAX - 1))), "one too many");
    }

    #[test]
    fn what_a_node_said_a_moment_ago_is_newer_than_the_directorys_answer() {
        let (all, a) = (Elsewhere::default(), user("a"));
        let phone = || vec![DeviceId::parse("phone").expect("an id in a test")];
        let within = SEATED_WITHIN.as_millis() as u64;
        all.seat(NodeId(1), &a, phone(), true, Millis(1));
        assert!(!all.learn(&a, Vec::new(), Millis(within)), "it is not written yet");
        assert!(all.learn(&a, Vec::new(), Millis(1 + within)), "it was taken back, unheard");
        let before = Millis(3 + within);
        all.seat(NodeId(1), &a, Vec::new(), true, Millis(4 + within));
        let found = || vec![(NodeId(1), phone()), (NodeId(2), phone())];
        assert!(all.learn(&a, found(), before), "on the second node alone");
        assert_eq!(all.devices(&a).len(), 1);
        assert_eq!(all.missed(), std::slice::from_ref(&a));
        assert!(!all.learn(&a, found(), before));
        assert_eq!(all.devices(&a).len(), 2, "it may have come back, unheard");
    }
}
