//! Who is online, and which subscribers are to be told: a state machine with the time given in.
//!
//! A user is online from the first session until a grace period after the last one is gone; a return
//! within it changes nothing. Who is here is known to whoever drives the machine, which therefore
//! keeps nothing for users that are here and not watched: it learns of arrivals and departures by
//! [`Presence::changed`], keeps who left (within a bound, the longest gone forgotten first), and for
//! each watched user what each subscriber knows. A change is told once it is [`Presence::due`], a
//! short while after the first of several, so that only the last state is told; and only to
//! subscribers who know otherwise.
//!
//! What a subscriber is told alternates, and once all is quiet it is the truth as far as that
//! subscriber may see it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use crate::entry::Millis;
use crate::ids::UserId;

mod view;

pub use view::{Sight, State, View};

mod departed;

use departed::Departed;

/// The bounds that presence is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Milliseconds from the end of a user's last session until the user is offline.
    pub grace_ms: u64,
    /// Milliseconds for which changes of one user are gathered before the last is told.
    pub gather_ms: u64,
    /// Users of one subscriber.
    pub subscriptions_max: usize,
    /// Users in their grace; above it that of the longest gone ends.
    pub in_grace_max: usize,
    /// Users who are offline and since when is remembered.
    pub remembered_max: usize,
}

/// A packet that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tell<S> {
    /// To whom.
    pub to: S,
    /// What they see from now on.
    pub view: View,
}

/// Names one wish to subscribe, whose answer is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

/// The subscriber would have more subscriptions than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

/// Presence of users, told to subscribers that are called `S`.
#[derive(Debug)]
pub struct Presence<S> {
    bounds: Bounds,
    /// The latest time that was given in; a clock that steps back stands still here.
    now: Millis,
    departed: Departed,
    watched: HashMap<UserId, Watched<S>>,
    subscribers: HashMap<S, Mine>,
    /// Watched users about whom something may have to be told, by when.
    due: BTreeSet<(Millis, UserId)>,
    subscriptions: usize,
    tickets: u64,
    coalesced: u64,
}

#[derive(Debug)]
struct Watched<S> {
    here: bool,
    due: Option<Millis>,
    /// Changes since something was last told.
    changes: u64,
    subscribers: HashMap<S, Hears>,
}

/// What a subscriber knows of one user.
#[derive(Debug, Clone, Copy, Default)]
struct Hears {
    online: bool,
    /// Whether it was ever answered.
    is_known: bool,
    /// The last subscription, as long as its answer is not out, which no packet may overtake.
    awaits: Option<Ticket>,
    /// Whether something was due meanwhile.
    missed: bool,
}

#[derive(Debug)]
struct Mine {
    viewer: UserId,
    users: HashSet<UserId>,
}

impl<S: Copy + Eq + Hash> Presence<S> {
    /// Nobody is watched, nobody has left.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            now: Millis(0),
            departed: Departed::new(bounds),
            watched: HashMap::new(),
            subscribers: HashMap::new(),
            due: BTreeSet::new(),
            subscriptions: 0,
            tickets: 0,
            coalesced: 0,
        }
    }

    /// A user's sessions have changed: `here` says whether there are any now. Saying the same twice
    /// changes nothing.
    pub fn changed(&mut self, user: &UserId, here: bool, now: Millis) {
        self.advance(now);
        let was_online = self.is_online(user);
        if let Some(watched) = self.watched.get_mut(user) {
            watched.here = here;
        }
        if !here {
            self.departed.leave(user, self.now);
            self.advance(now);
        } else {
            self.departed.come_back(user);
            if !was_online {
                self.note_change(user);
            }
        }
    }

    /// Subscribes to these users, each once, with whether they are here now. Nothing is told of them
    /// before [`Presence::answered`] or [`Presence::unanswered`].
    ///
    /// # Errors
    /// [`TooMany`]; then nothing has changed.
    pub fn subscribe(
        &mut self,
        subscriber: S,
        viewer: &UserId,
        users: &[(UserId, bool)],
    ) -> Result<Ticket, TooMany> {
        let known = self.subscribers.get(&subscriber).map(|mine| &mine.users);
        let is_new = |user: &&UserId| known.is_none_or(|known| !known.contains(*user));
        let new: HashSet<_> = users.iter().map(|(user, _)| user).filter(is_new).collect();
        let had = known.map_or(0, HashSet::len);
        if had + new.len() > self.bounds.subscriptions_max {
            return Err(TooMany);
        }
        self.subscriptions += new.len();
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        if users.is_empty() {
            return Ok(ticket);
        }
        let new_mine = || Mine { viewer: viewer.clone(), users: HashSet::new() };
        let mine = self.subscribers.entry(subscriber).or_insert_with(new_mine);
        for (user, here) in users {
            mine.users.insert(user.clone());
            let unwatched =
                || Watched { here: *here, due: None, changes: 0, subscribers: HashMap::new() };
            let watched = self.watched.entry(user.clone()).or_insert_with(unwatched);
            watched.subscribers.entry(subscriber).or_default().awaits = Some(ticket);
        }
        Ok(ticket)
    }

    /// What a subscriber is answered about a user; from then on it knows that. Of no effect beyond
    /// the view if it is not subscribed to that user (any more).
    pub fn answer(
        &mut self,
        subscriber: S,
        user: &UserId,
        here: bool,
        sight: Sight,
        now: Millis,
    ) -> View {
        let view = View::new(self.state(user, here, now), sight);
        let hears = self.watched.get_mut(user).and_then(|it| it.subscribers.get_mut(&subscriber));
        if let Some(hears) = hears {
            hears.online = view.online;
            hears.is_known = true;
        }
        view
    }

    /// The answer is out: from now on the subscriber is told what changes, unless it has asked again.
    pub fn answered(&mut self, subscriber: S, users: &[UserId], ticket: Ticket) {
        for user in users {
            self.settle(subscriber, user, ticket);
        }
    }

    /// There is no answer: what was not subscribed to before is not now.
    pub fn unanswered(&mut self, subscriber: S, users: &[UserId], ticket: Ticket) {
        for user in users {
            if self.settle(subscriber, user, ticket).is_some_and(|hears| !hears.is_known) {
                self.unsubscribe(subscriber, std::slice::from_ref(user));
            }
        }
    }

    /// Awaits the answer no more, if it is the last that was asked for.
    fn settle(&mut self, subscriber: S, user: &UserId, ticket: Ticket) -> Option<Hears> {
        let hears = self.watched.get_mut(user)?.subscribers.get_mut(&subscriber)?;
        hears.awaits.take_if(|awaits| *awaits == ticket)?;
        let settled = *hears;
        if std::mem::take(&mut hears.missed) {
            self.make_due(user, self.now);
        }
        Some(settled)
    }

    /// Ends subscriptions to these users, if there are any.
    pub fn unsubscribe(&mut self, subscriber: S, users: &[UserId]) {
        let Some(mine) = self.subscribers.get_mut(&subscriber) else { return };
        let ended: Vec<_> = users.iter().filter(|user| mine.users.remove(*user)).collect();
        if mine.users.is_empty() {
            self.subscribers.remove(&subscriber);
        }
        ended.into_iter().for_each(|user| self.unwatch(subscriber, user));
    }

    /// Ends all subscriptions of a subscriber.
    pub fn forget(&mut self, subscriber: S) {
        let Some(mine) = self.subscribers.remove(&subscriber) else { return };
        mine.users.iter().for_each(|user| self.unwatch(subscriber, user));
    }

    /// What is known of a user, of whom it is known whether they are here.
    pub fn state(&mut self, user: &UserId, here: bool, now: Millis) -> State {
        self.advance(now);
        if here { State::Online } else { self.known(user) }
    }

    /// Users who are not here and still count as online.
    pub fn in_grace(&mut self, now: Millis) -> impl Iterator<Item = &UserId> {
        self.advance(now);
        self.departed.in_grace()
    }

    /// Says that others may see more, or less, of a user than before.
    pub fn look_again(&mut self, user: &UserId, now: Millis) {
        self.advance(now);
        self.make_due(user, self.now);
    }

    /// The users, at most `max`, about whom something may have to be told now; each is to be given to
    /// [`Presence::tell`] or [`Presence::postpone`].
    pub fn due(&mut self, now: Millis, max: usize) -> Vec<UserId> {
        self.advance(now);
        let mut users = Vec::new();
        while users.len() < max && self.due.first().is_some_and(|(at, _)| *at <= self.now) {
            let Some((_, user)) = self.due.pop_first() else { break };
            if let Some(watched) = self.watched.get_mut(&user) {
                watched.due = None;
            }
            users.push(user);
        }
        users
    }

    /// Looks at a user again after so many milliseconds.
    pub fn postpone(&mut self, user: &UserId, ms: u64) {
        self.make_due(user, Millis(self.now.0 + ms));
    }

    /// Whom to tell about a user; they count as told. `sight` says what a viewer may see.
    pub fn tell(&mut self, user: &UserId, sight: impl Fn(&UserId) -> Sight) -> Vec<Tell<S>> {
        let state = self.known(user);
        let Some(watched) = self.watched.get_mut(user) else { return Vec::new() };
        let mut tells = Vec::new();
        for (subscriber, hears) in &mut watched.subscribers {
            if hears.awaits.is_some() {
                hears.missed = true;
                continue;
            }
            let Some(mine) = self.subscribers.get(subscriber) else { continue };
            let view = View::new(state, sight(&mine.viewer));
            if view.online != hears.online {
                hears.online = view.online;
                tells.push(Tell { to: *subscriber, view });
            }
        }
        let changes = std::mem::take(&mut watched.changes);
        self.coalesced += changes.saturating_sub(u64::from(!tells.is_empty()));
        tells
    }

    /// A packet could not be handed over: the subscriber knows what it knew before, and is told
    /// after so many milliseconds.
    pub fn untold(&mut self, user: &UserId, tell: &Tell<S>, ms: u64) {
        let Some(watched) = self.watched.get_mut(user) else { return };
        let Some(hears) = watched.subscribers.get_mut(&tell.to) else { return };
        hears.online = !tell.view.online;
        self.postpone(user, ms);
    }

    /// When to ask for what is due next.
    pub fn next_due(&self) -> Option<Millis> {
        let due = self.due.first().map(|(at, _)| *at);
        self.departed.next_end().into_iter().chain(due).min()
    }

    /// How many subscriptions there are.
    pub fn subscriptions(&self) -> usize {
        self.subscriptions
    }

    /// Changes of watched users that were never told, since a later one took their place or nobody
    /// could see them.
    pub fn coalesced(&self) -> u64 {
        self.coalesced
    }

    /// Whether somebody subscribes to a user.
    pub fn is_watched(&self, user: &UserId) -> bool {
        self.watched.contains_key(user)
    }

    /// Whether a watched user is online; of others only whether they are in their grace.
    fn is_online(&self, user: &UserId) -> bool {
        self.known(user) == State::Online
    }

    fn known(&self, user: &UserId) -> State {
        if self.watched.get(user).is_some_and(|watched| watched.here) {
            return State::Online;
        }
        self.departed.state(user)
    }

    /// Ends the graces that are over.
    fn advance(&mut self, now: Millis) {
        self.now = self.now.max(now);
        while let Some(user) = self.departed.settle(self.now) {
            self.note_change(&user);
        }
    }

    fn note_change(&mut self, user: &UserId) {
        if let Some(watched) = self.watched.get_mut(user) {
            watched.changes += 1;
            self.make_due(user, Millis(self.now.0 + self.bounds.gather_ms));
        }
    }

    fn make_due(&mut self, user: &UserId, at: Millis) {
        let Some(watched) = self.watched.get_mut(user) else { return };
        if watched.due.is_some_and(|due| due <= at) {
            return;
        }
        if let Some(later) = watched.due.replace(at) {
            self.due.remove(&(later, user.clone()));
        }
        self.due.insert((at, user.clone()));
    }

    fn unwatch(&mut self, subscriber: S, user: &UserId) {
        let Some(watched) = self.watched.get_mut(user) else { return };
        if watched.subscribers.remove(&subscriber).is_some() {
            self.subscriptions -= 1;
        }
        if watched.subscribers.is_empty() {
            if let Some(due) = watched.due {
                self.due.remove(&(due, user.clone()));
            }
            self.watched.remove(user);
        }
    }
}

#[cfg(test)]
mod tests;
