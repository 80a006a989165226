//! Who is here: users and their sessions on this node.
//!
//! A session is listed when its socket is connected and leaves the list when its socket is gone,
//! or when it is the stalest of too many. The delivery thread asks the list who has to be told;
//! the sweeper goes through it for tokens that end.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use parking_lot::Mutex;
use parlor_chat::entry::Millis;
use parlor_chat::group::port::Memberships;
use parlor_chat::ids::{DeviceId, GroupId, UserId};
use parlor_chat::rate::{Bucket, Rate, TooFast};
use smallvec::SmallVec;

use crate::rosters::{Change, Roster};
use crate::session::Session;

/// How long a revocation is remembered for sessions that are being opened meanwhile.
const REVOCATION_KEPT_MS: u64 = 60_000;

/// The sessions of one user.
pub(crate) type OfUser = SmallVec<[Arc<Session>; 2]>;

/// All sessions of this node.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// Milliseconds for which who left still counts as online.
    grace_ms: u64,
    users: DashMap<UserId, Present>,
    count: AtomicUsize,
    revoked: Mutex<VecDeque<(UserId, DeviceId, Millis)>>,
    tokens_revoked: Mutex<HashMap<UserId, TokensRevoked>>,
    suspended: Mutex<VecDeque<Suspended>>,
}

/// All of a user's tokens from before a time were revoked.
#[derive(Debug)]
struct TokensRevoked {
    not_before: Millis,
    at: Millis,
}

/// A suspension that sessions which are being opened may have missed.
#[derive(Debug)]
struct Suspended {
    user: UserId,
    until: Option<Millis>,
    at: Millis,
}

#[derive(Debug, Default)]
struct Present {
    sessions: SmallVec<[Arc<Session>; 1]>,
    bucket: Bucket,
    /// The user's groups; there while there are sessions, and if they are known a while longer.
    roster: Option<Box<Roster>>,
    /// Until when the user counts as online after the last session.
    grace_until: Millis,
}

impl Sessions {
    pub(crate) fn new(grace_ms: u64) -> Self {
        Self { grace_ms, ..Self::default() }
    }

    /// Lists a session. If its user now has more than `max`, gives the stalest of the others,
    /// which is no longer listed.
    pub(crate) fn add(&self, session: &Arc<Session>, max: usize) -> Option<Arc<Session>> {
        let user = session.user()?;
        let mut present = self.users.entry(user.clone()).or_default();
        let stalest = if present.sessions.len() >= max.max(1) {
            let others = present.sessions.iter().enumerate();
            let at = others.min_by_key(|(_, other)| other.heard()).map(|(at, _)| at);
            at.map(|at| present.sessions.swap_remove(at))
        } else {
            self.count.fetch_add(1, Ordering::Relaxed);
            None
        };
        if present.sessions.is_empty() {
            present.roster = None;
        }
        present.sessions.push(Arc::clone(session));
        // Before anything is read for it, so that no change falls between.
        present.roster.get_or_insert_default();
        stalest
    }

    /// Takes a session off the list; whether it was there.
    pub(crate) fn remove(&self, session: &Session, now: Millis) -> bool {
        let Some(user) = session.user() else { return false };
        let Entry::Occupied(mut entry) = self.users.entry(user.clone()) else { return false };
        let present = entry.get_mut();
        let found = present.sessions.iter().position(|other| std::ptr::eq(&**other, session));
        if let Some(at) = found {
            present.sessions.swap_remove(at);
            self.count.fetch_sub(1, Ordering::Relaxed);
            // Only the last one's end begins the grace: a session may be taken off twice.
            if present.sessions.is_empty() {
                present.grace_until = Millis(now.0 + self.grace_ms);
                present.roster.take_if(|roster| !roster.is_known());
            }
        }
        // Who was in groups is swept later: their groups are still asked for.
        if present.roster.is_none() && present.is_forgettable(now) {
            entry.remove();
        }
        found.is_some()
    }

    /// Goes through the users who are online and in a group, in no order. `visit` must not ask this
    /// list anything.
    pub(crate) fn each_in_group(
        &self,
        group: &GroupId,
        now: Millis,
        mut visit: impl FnMut(&UserId),
    ) {
        for entry in &self.users {
            if entry.groups_online(now).is_some_and(|roster| roster.has(group)) {
                visit(entry.key());
            }
        }
    }

    /// How many users of each of some groups are online, by one look at everybody.
    pub(crate) fn count_online(
        &self,
        groups: &BTreeSet<GroupId>,
        now: Millis,
    ) -> HashMap<GroupId, u64> {
        let mut counts: HashMap<_, _> = groups.iter().map(|group| (group.clone(), 0)).collect();
        if groups.is_empty() {
            return counts;
        }
        for entry in &self.users {
            let Some(roster) = entry.groups_online(now) else { continue };
            for group in roster.among(groups) {
                if let Some(count) = counts.get_mut(group) {
                    *count += 1;
                }
            }
        }
        counts
    }

    /// A user's sessions.
    pub(crate) fn of(&self, user: &UserId) -> OfUser {
        self.users
            .get(user)
            .map(|present| present.sessions.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Whether it is known which groups a user is in; so, too, for who is not here.
    pub(crate) fn roster_is_known(&self, user: &UserId) -> bool {
        let present = self.users.get(user);
        present.and_then(|present| present.roster.as_ref().map(|it| it.is_known())).unwrap_or(true)
    }

    /// Takes which groups a user is in.
    pub(crate) fn read_roster(&self, user: &UserId, memberships: Memberships) {
        if let Some(mut present) = self.users.get_mut(user)
            && let Some(roster) = &mut present.roster
        {
            roster.read(memberships);
        }
    }

    /// Does something with a user's roster; no change of it comes in between. An empty one is
    /// given for who is not here.
    pub(crate) fn with_roster<T>(&self, user: &UserId, act: impl FnOnce(&Roster) -> T) -> T {
        let present = self.users.get(user);
        match present.as_ref().and_then(|present| present.roster.as_deref()) {
            Some(roster) => act(roster),
            None => act(&Roster::default()),
        }
    }

    /// Takes that a user's membership changed, and does what follows from it; nothing for who is
    /// not here.
    pub(crate) fn follow(&self, user: &UserId, change: Change, then: impl FnOnce()) {
        if let Some(mut present) = self.users.get_mut(user)
            && let Some(roster) = &mut present.roster
        {
            roster.follow(change);
            then();
        }
    }

    /// Whether a user has a session here.
    pub(crate) fn is_here(&self, user: &UserId) -> bool {
        self.users.get(user).is_some_and(|present| !present.sessions.is_empty())
    }

    /// Takes so many commands out of a user's bucket.
    pub(crate) fn charge(
        &self,
        user: &UserId,
        rate: &Rate,
        now: Millis,
        commands: u32,
    ) -> Result<(), TooFast> {
        match self.users.get_mut(user) {
            Some(mut present) => present.bucket.take_many(rate, now, commands),
            None => Ok(()),
        }
    }

    /// Remembers for a while that a device was revoked, and gives its sessions.
    pub(crate) fn revoke(&self, user: &UserId, device: &DeviceId, now: Millis) -> OfUser {
        let mut revoked = self.revoked.lock();
        while revoked.front().is_some_and(|(_, _, at)| at.0 + REVOCATION_KEPT_MS < now.0) {
            revoked.pop_front();
        }
        revoked.push_back((user.clone(), device.clone(), now));
        drop(revoked);
        self.of(user).into_iter().filter(|session| session.device() == device).collect()
    }

    /// Whether the session's device was revoked after the session was let in.
    pub(crate) fn was_revoked(&self, session: &Session) -> bool {
        let revoked = self.revoked.lock();
        revoked.iter().any(|(user, device, at)| {
            session.user() == Some(user) && session.device() == device && *at >= session.since
        })
    }

    /// Remembers for a while that a user's older tokens were revoked, and gives the sessions that
    /// have one.
    pub(crate) fn revoke_tokens(&self, user: &UserId, not_before: Millis, at: Millis) -> OfUser {
        let mut revoked = self.tokens_revoked.lock();
        revoked.retain(|_, old| old.at.0 + REVOCATION_KEPT_MS >= at.0);
        let known = revoked.get(user).map_or(not_before, |known| known.not_before.max(not_before));
        revoked.insert(user.clone(), TokensRevoked { not_before: known, at });
        drop(revoked);
        self.of(user).into_iter().filter(|session| session.is_issued_before(not_before)).collect()
    }

    /// Whether the session's token was revoked after it was looked at.
    pub(crate) fn was_token_revoked(&self, session: &Session) -> bool {
        let revoked = self.tokens_revoked.lock();
        let of_user = session.user().and_then(|user| revoked.get(user));
        of_user.is_some_and(|revoked| session.is_issued_before(revoked.not_before))
    }

    /// Remembers for a while that a user was suspended, and gives the user's sessions.
    pub(crate) fn suspend(&self, user: &UserId, until: Option<Millis>, now: Millis) -> OfUser {
        let mut suspended = self.suspended.lock();
        suspended.retain(|it| it.at.0 + REVOCATION_KEPT_MS >= now.0 && it.user != *user);
        suspended.push_back(Suspended { user: user.clone(), until, at: now });
        drop(suspended);
        self.of(user)
    }

    /// Forgets that a user was suspended.
    pub(crate) fn unsuspend(&self, user: &UserId) {
        self.suspended.lock().retain(|it| it.user != *user);
    }

    /// Until when the session's user was suspended after the session was let in, if at all.
    pub(crate) fn was_suspended(&self, session: &Session) -> Option<Option<Millis>> {
        let suspended = self.suspended.lock();
        let meanwhile =
            |it: &&Suspended| session.user() == Some(&it.user) && it.at >= session.since;
        suspended.iter().find(meanwhile).map(|it| it.until)
    }

    /// Goes through all sessions, and forgets users who are not here and owe nothing.
    pub(crate) fn sweep(&self, now: Millis, mut visit: impl FnMut(&Arc<Session>)) {
        self.users.retain(|_, present| {
            present.sessions.iter().for_each(&mut visit);
            !present.is_forgettable(now)
        });
    }

    /// How many sessions there are.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// How many users are listed.
    pub(crate) fn users(&self) -> usize {
        self.users.len()
    }
}

impl Present {
    fn is_forgettable(&self, now: Millis) -> bool {
        let is_in_grace = self.roster.is_some() && self.grace_until > now;
        self.sessions.is_empty() && !is_in_grace && self.bucket.is_full(now)
    }

    /// The groups of a user who counts as online.
    fn groups_online(&self, now: Millis) -> Option<&Roster> {
        let is_online = !self.sessions.is_empty() || self.grace_until > now;
        self.roster.as_deref().filter(|_| is_online)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("an id in a test")
    }

    fn session(name: &str, heard: u64) -> Arc<Session> {
        Arc::new(Session::new(user(name), DeviceId::shared(), None, Millis(heard)))
    }

    #[test]
    fn the_stalest_goes_and_not_the_new_one() {
        let sessions = Sessions::default();
        let (old, fresh, new) = (session("a", 1), session("a", 2), session("a", 0));
        assert!(sessions.add(&old, 2).is_none() && sessions.add(&fresh, 2).is_none());
        old.hear(Millis(9));
        let gone = sessions.add(&new, 2).expect("one too many");
        assert!(Arc::ptr_eq(&gone, &fresh));
        assert_eq!(sessions.len(), 2);
        sessions.remove(&gone, Millis(9));
        assert_eq!((sessions.len(), sessions.of(&user("a")).len()), (2, 2));
    }

    #[test]
    fn a_user_who_left_keeps_an_empty_bucket() {
        let (sessions, rate) = (Sessions::default(), Rate::new(1, 1));
        let one = session("a", 1);
        sessions.add(&one, 9);
        assert!(sessions.charge(&user("a"), &rate, Millis(1_000), 1).is_ok());
        sessions.remove(&one, Millis(1_000));
        assert!(!sessions.is_here(&user("a")));
        assert!(sessions.charge(&user("a"), &rate, Millis(1_001), 1).is_err());
        sessions.sweep(Millis(5_000), |_| ());
        assert_eq!(sessions.users(), 0);
    }

    #[test]
    fn who_left_counts_as_online_for_the_grace_of_the_last_session_alone() {
        use parlor_chat::entry::Position;
        use parlor_chat::group::port::Memberships;
        for grace_ms in [0, 100] {
            let (sessions, one) = (Sessions::new(grace_ms), session("a", 1));
            let groups: BTreeSet<_> = [GroupId::parse("g").expect("an id in a test")].into();
            let count = |now| {
                let counts = sessions.count_online(&groups, Millis(now));
                let mut each = 0;
                groups.iter().for_each(|of| sessions.each_in_group(of, Millis(now), |_| each += 1));
                assert_eq!(counts.values().sum::<u64>(), each);
                each
            };
            sessions.add(&one, 9);
            let memberships =
                Memberships { groups: groups.iter().cloned().collect(), as_of: Position(1) };
            sessions.read_roster(&user("a"), memberships);
            assert_eq!(count(5), 1);
            assert!(sessions.remove(&one, Millis(1_000)));
            assert!(sessions.with_roster(&user("a"), |roster| roster.groups().count()) == 1);
            // It ends once by the server, and once with its socket.
            assert!(!sessions.remove(&one, Millis(1_000 + grace_ms / 2)));
            let during = u64::from(grace_ms > 0);
            assert_eq!((count(1_000), count(1_000 + grace_ms)), (during, 0));
            sessions.sweep(Millis(1_000 + grace_ms), |_| ());
            assert_eq!(sessions.users(), 0);
        }
    }

    #[test]
    fn a_session_that_was_being_opened_hears_of_the_revocation() {
        let sessions = Sessions::default();
        let (before, after) = (session("a", 5), session("a", 20));
        sessions.add(&before, 9);
        assert_eq!(sessions.revoke(&user("a"), &DeviceId::shared(), Millis(10)).len(), 1);
        assert!(sessions.was_revoked(&before) && !sessions.was_revoked(&after));
    }

    #[test]
    fn a_session_that_was_being_opened_hears_that_its_token_was_revoked() {
        let sessions = Sessions::default();
        let issued = |at| {
            let user = user("a");
            let session = Session::new(user, DeviceId::shared(), None, Millis(5));
            Arc::new(session.issued(at))
        };
        let (none, old, new) = (issued(None), issued(Some(Millis(9))), issued(Some(Millis(10))));
        for session in [&none, &old, &new] {
            assert!(sessions.add(session, 9).is_none());
        }
        assert_eq!(sessions.revoke_tokens(&user("a"), Millis(10), Millis(20)).len(), 2);
        let late = [issued(Some(Millis(9))), issued(Some(Millis(10)))];
        assert_eq!(late.each_ref().map(|one| sessions.was_token_revoked(one)), [true, false]);
        assert!(!sessions.was_token_revoked(&session("b", 1)));
        old.reissue(Some(Millis(11)));
        assert!(!sessions.was_token_revoked(&old));
        sessions.revoke_tokens(&user("c"), Millis(1), Millis(20 + REVOCATION_KEPT_MS + 1));
        assert!(!sessions.was_token_revoked(&late[0]), "what is over is forgotten");
    }
}
