//! The sockets that type now, with the time given in: what has to be told of them, and what is over.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;

use super::Target;

/// Milliseconds for which the same `typing` of a socket is not told again.
const REPEAT_MS: u64 = 1_000;

/// A socket that types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typist {
    pub(super) user: UserId,
    pub(super) target: Target,
    /// Told apart from what the socket typed before.
    pub(super) turn: u64,
    /// When it was last told, or is about to be.
    told_at: Millis,
    /// Whether the others know of it.
    pub(super) is_told: bool,
    /// Whether they know of it as one of many.
    pub(super) is_one_of_many: bool,
    expires: Millis,
}

/// What has to be told when a socket starts to type.
#[derive(Debug, Default)]
pub(super) struct Started {
    /// What it typed elsewhere until now.
    pub(super) ended: Option<Typist>,
    /// That it types, unless somebody is kept out.
    pub(super) turn: Option<u64>,
}

/// The sockets, called `K`, that type now.
#[derive(Debug)]
pub(super) struct Typists<K> {
    sockets: HashMap<K, Typist>,
    expiring: BTreeSet<(Millis, K)>,
    turns: u64,
}

impl<K> Default for Typists<K> {
    fn default() -> Self {
        Self { sockets: HashMap::new(), expiring: BTreeSet::new(), turns: 0 }
    }
}

impl<K: Copy + Ord + Hash> Typists<K> {
    /// Notes that a socket types.
    pub(super) fn start(
        &mut self,
        socket: K,
        user: &UserId,
        target: &Target,
        now: Millis,
        expires: Millis,
    ) -> Started {
        let ended = self.remove_if(socket, |typist| typist.target != *target);
        let mut started = Started { ended: ended.filter(|typist| typist.is_told), turn: None };
        match self.sockets.entry(socket) {
            Entry::Occupied(mut entry) => {
                let typist = entry.get_mut();
                self.expiring.remove(&(typist.expires, socket));
                typist.expires = expires;
                if typist.told_at.0 + REPEAT_MS <= now.0 {
                    typist.told_at = now;
                    started.turn = Some(typist.turn);
                }
            }
            Entry::Vacant(entry) => {
                self.turns += 1;
                started.turn = Some(self.turns);
                entry.insert(Typist {
                    user: user.clone(),
                    target: target.clone(),
                    turn: self.turns,
                    told_at: now,
                    is_told: false,
                    is_one_of_many: false,
                    expires,
                });
            }
        }
        self.expiring.insert((expires, socket));
        started
    }

    /// Ends what a socket types, if it is that.
    pub(super) fn remove_if(
        &mut self,
        socket: K,
        is_it: impl Fn(&Typist) -> bool,
    ) -> Option<Typist> {
        self.sockets.get(&socket).filter(|typist| is_it(typist))?;
        let typist = self.sockets.remove(&socket)?;
        self.expiring.remove(&(typist.expires, socket));
        Some(typist)
    }

    /// Notes that the others are about to know, as of one of many or not; `false` if it is over
    /// meanwhile.
    pub(super) fn told(&mut self, socket: K, turn: u64, is_one_of_many: bool) -> bool {
        let typist = self.sockets.get_mut(&socket).filter(|typist| typist.turn == turn);
        typist
            .map(|typist| (typist.is_told, typist.is_one_of_many) = (true, is_one_of_many))
            .is_some()
    }

    /// Who types somewhere as one of many, each once, in the order of their ids.
    pub(super) fn many_in(&self, target: &Target) -> Vec<UserId> {
        let there = |typist: &&Typist| typist.is_one_of_many && typist.target == *target;
        let users: BTreeSet<_> = self.sockets.values().filter(there).map(|it| &it.user).collect();
        users.into_iter().cloned().collect()
    }

    /// Ends what was not repeated in time; gives what the others know of.
    pub(super) fn expired(&mut self, now: Millis) -> Vec<Typist> {
        let mut ended = Vec::new();
        while let Some((_, socket)) = self.expiring.first().filter(|(at, _)| *at <= now).copied() {
            ended.extend(self.remove_if(socket, |_| true).filter(|typist| typist.is_told));
        }
        ended
    }

    /// Whether a socket is known to type in the same place as another that ended.
    pub(super) fn goes_on(&self, socket: K, ended: &Typist) -> bool {
        let typist = self.sockets.get(&socket);
        typist.is_some_and(|typist| typist.is_told && typist.target == ended.target)
    }

    /// When the next one ends that is not repeated.
    pub(super) fn next_end(&self) -> Option<Millis> {
        self.expiring.first().map(|(at, _)| *at)
    }

    /// Whether nobody types.
    pub(super) fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("an id in a test")
    }

    fn to(name: &str) -> Target {
        Target::Direct(user(name))
    }

    fn start(typists: &mut Typists<u8>, socket: u8, target: &str, now: u64) -> Started {
        typists.start(socket, &user("a"), &to(target), Millis(now), Millis(now + 6_000))
    }

    /// Starts, and lets the others know.
    fn told(typists: &mut Typists<u8>, socket: u8, target: &str, now: u64) {
        let turn = start(typists, socket, target, now).turn.expect("news");
        assert!(typists.told(socket, turn, false));
    }

    #[test]
    fn a_repeat_within_a_second_is_no_news_and_puts_the_end_off() {
        let mut typists = Typists::default();
        told(&mut typists, 1, "b", 1_000);
        assert_eq!(start(&mut typists, 1, "b", 1_999).turn, None);
        assert_eq!(typists.next_end(), Some(Millis(7_999)));
        assert!(start(&mut typists, 1, "b", 2_000).turn.is_some());
        assert_eq!(typists.expired(Millis(7_999)), []);
        assert_eq!(typists.expired(Millis(8_000)).len(), 1);
        assert!(typists.is_empty() && typists.expiring.is_empty());
    }

    #[test]
    fn typing_elsewhere_ends_it_here() {
        let mut typists = Typists::default();
        told(&mut typists, 1, "b", 0);
        let started = start(&mut typists, 1, "c", 1);
        assert_eq!(started.ended.map(|typist| typist.target), Some(to("b")));
        assert!(started.turn.is_some());
        let started = start(&mut typists, 1, "b", 2);
        assert!(started.ended.is_none(), "nobody knew yet");
        assert_eq!(typists.expiring.len(), 1);
    }

    #[test]
    fn what_ended_while_it_was_looked_up_is_not_told() {
        let mut typists = Typists::default();
        let turn = start(&mut typists, 1, "b", 0).turn.expect("news");
        let ended = typists.remove_if(1, |_| true).expect("it types");
        assert!(!ended.is_told && !typists.told(1, turn, false));
        let again = start(&mut typists, 1, "b", 1).turn.expect("news");
        assert!(!typists.told(1, turn, false) && typists.told(1, again, false));
    }

    #[test]
    fn another_socket_may_go_on() {
        let mut typists = Typists::default();
        told(&mut typists, 1, "b", 0);
        told(&mut typists, 2, "b", 1);
        start(&mut typists, 3, "b", 2);
        let ended = typists.remove_if(1, |_| true).expect("it types");
        assert!(typists.goes_on(2, &ended));
        assert!(!typists.goes_on(3, &ended), "nobody knows of it");
        assert!(!typists.goes_on(1, &ended));
        let elsewhere = Typist { target: to("c"), ..ended };
        assert!(!typists.goes_on(2, &elsewhere));
    }
    #[test]
    fn who_types_as_one_of_many_is_listed_once() {
        let mut typists = Typists::default();
        for (socket, name) in [(1, "b"), (2, "a"), (3, "b"), (4, "c")] {
            let there = to(if socket < 4 { "x" } else { "y" });
            let started = typists.start(socket, &user(name), &there, Millis(0), Millis(9));
            assert!(typists.told(socket, started.turn.expect("news"), true));
        }
        told(&mut typists, 5, "x", 0);
        assert_eq!(typists.many_in(&to("x")), [user("a"), user("b")]);
        typists.remove_if(1, |_| true);
        assert_eq!(typists.many_in(&to("x")), [user("a"), user("b")]);
        typists.remove_if(3, |_| true);
        assert_eq!(typists.many_in(&to("x")), [user("a")]);
    }
}
