//! What is told of receipts, typing and presence where many are in: to whom has the conversation open,
//! as counts, at most one packet an interval and kind, and the last change always. A state machine
//! with the time given in.
//!
//! A subscriber, called `S`, opens conversations, within a bound, and hears of each only what it does
//! not know already. Whoever drives the machine says what has changed, asks what is [`Crowds::due`],
//! and gives the present truth in; so what is told last is the truth. Of receipts the authors hear as
//! well, so they are due whether or not anybody has the conversation open.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use crate::entry::Millis;
use crate::ids::{ConversationId, Seq, UserId};
use crate::pace::Pace;

/// The bounds that it is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Milliseconds between two packets of one kind and conversation.
    pub gather_ms: u64,
    /// Conversations that one subscriber may have open.
    pub open_max: usize,
}

/// What something is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// How many have messages, and have read them.
    Receipts,
    /// Who types.
    Typing,
    /// How many are online.
    Presence,
}

/// The subscriber has as many conversations open as allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

/// A subscriber who has a conversation open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// Whose it is.
    pub user: UserId,
    /// The first entry that it hears receipts of.
    pub since: Seq,
    /// Who types, as far as it knows, by the number of that list; 0 for nobody.
    typing: u64,
    /// Whether that list has somebody else in it.
    sees_some: bool,
    online: Option<u64>,
}

/// A conversation that somebody has open.
#[derive(Debug)]
struct Open<S> {
    viewers: HashMap<S, Viewer>,
    typing: Vec<UserId>,
    /// The number of that list; a new one at each change.
    typing_number: u64,
}

/// Conversations that are open, and what is to be told of them.
#[derive(Debug)]
pub struct Crowds<S> {
    bounds: Bounds,
    open: HashMap<ConversationId, Open<S>>,
    subscribers: HashMap<S, Vec<ConversationId>>,
    pace: Pace<(ConversationId, Kind)>,
    /// Over which entries marks moved that are not told yet: after the first, up to the second.
    moved: HashMap<ConversationId, (Seq, Seq)>,
    /// When presence has to be looked at.
    later: BTreeSet<(Millis, ConversationId)>,
    lists: u64,
}

impl<S: Copy + Eq + Hash> Crowds<S> {
    /// Nothing is open.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            open: HashMap::new(),
            subscribers: HashMap::new(),
            pace: Pace::new(bounds.gather_ms),
            moved: HashMap::new(),
            later: BTreeSet::new(),
            lists: 0,
        }
    }

    /// Opens a conversation; once more changes nothing.
    ///
    /// # Errors
    /// [`TooMany`]; then nothing has changed.
    pub fn open(
        &mut self,
        subscriber: S,
        user: &UserId,
        conversation: &ConversationId,
        since: Seq,
        now: Millis,
    ) -> Result<(), TooMany> {
        let mine = self.subscribers.get(&subscriber);
        if mine.is_some_and(|mine| mine.contains(conversation)) {
            return Ok(());
        }
        if mine.map_or(0, Vec::len) >= self.bounds.open_max {
            return Err(TooMany);
        }
        self.subscribers.entry(subscriber).or_default().push(conversation.clone());
        let unopened = || Open { viewers: HashMap::new(), typing: Vec::new(), typing_number: 0 };
        let open = self.open.entry(conversation.clone()).or_insert_with(unopened);
        let viewer =
            Viewer { user: user.clone(), since, typing: 0, sees_some: false, online: None };
        open.viewers.insert(subscriber, viewer);
        self.changed(conversation, Kind::Typing, now);
        self.changed(conversation, Kind::Presence, now);
        Ok(())
    }

    /// Closes a conversation; tells whether it was open.
    pub fn close(&mut self, subscriber: S, conversation: &ConversationId) -> bool {
        let Some(mine) = self.subscribers.get_mut(&subscriber) else { return false };
        let Some(at) = mine.iter().position(|of| of == conversation) else { return false };
        mine.swap_remove(at);
        if mine.is_empty() {
            self.subscribers.remove(&subscriber);
        }
        self.unview(subscriber, conversation);
        true
    }

    /// Closes all that a subscriber has open.
    pub fn forget(&mut self, subscriber: S) {
        let mine = self.subscribers.remove(&subscriber).unwrap_or_default();
        mine.iter().for_each(|conversation| self.unview(subscriber, conversation));
    }

    /// Closes a conversation for all subscribers of a user, who is out of it; or of all, if it is no
    /// more.
    pub fn end(&mut self, conversation: &ConversationId, user: Option<&UserId>) {
        let Some(open) = self.open.get(conversation) else { return };
        let is_theirs = |viewer: &Viewer| user.is_none_or(|user| viewer.user == *user);
        let viewers = open.viewers.iter().filter(|(_, viewer)| is_theirs(viewer));
        let theirs: Vec<S> = viewers.map(|(subscriber, _)| *subscriber).collect();
        theirs.into_iter().for_each(|subscriber| {
            self.close(subscriber, conversation);
        });
    }

    /// Says that a mark moved over the entries after one and up to another.
    pub fn marked(&mut self, conversation: &ConversationId, after: Seq, up_to: Seq, now: Millis) {
        let moved = self.moved.entry(conversation.clone()).or_insert((after, up_to));
        *moved = (moved.0.min(after), moved.1.max(up_to));
        self.pace.note(&(conversation.clone(), Kind::Receipts), now);
    }

    /// Says that who types, or how many are online, has changed.
    pub fn changed(&mut self, conversation: &ConversationId, kind: Kind, now: Millis) {
        if self.open.contains_key(conversation) {
            self.pace.note(&(conversation.clone(), kind), now);
        }
    }

    /// Says that how many are online may change at a time to come.
    pub fn changes_at(&mut self, conversation: &ConversationId, at: Millis) {
        if self.open.contains_key(conversation) {
            // However many go, so many looks at a time are enough.
            let at = at.0.next_multiple_of(self.bounds.gather_ms.max(1));
            self.later.insert((Millis(at), conversation.clone()));
        }
    }

    /// What is to be told now.
    pub fn due(&mut self, now: Millis) -> Vec<(ConversationId, Kind)> {
        while self.later.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, conversation)) = self.later.pop_first() else { break };
            self.changed(&conversation, Kind::Presence, now);
        }
        self.pace.due(now)
    }

    /// When to ask for what is due next.
    pub fn next_due(&self) -> Option<Millis> {
        let later = self.later.first().map(|(at, _)| *at);
        self.pace.next_due().into_iter().chain(later).min()
    }

    /// Over which entries marks have moved since this was asked last.
    pub fn moved(&mut self, conversation: &ConversationId) -> Option<(Seq, Seq)> {
        self.moved.remove(conversation)
    }

    /// Who has a conversation open.
    pub fn viewers(&self, conversation: &ConversationId) -> Vec<(S, Viewer)> {
        let open = self.open.get(conversation).into_iter();
        open.flat_map(|open| &open.viewers).map(|(s, viewer)| (*s, viewer.clone())).collect()
    }

    /// Whether a subscriber has a conversation open.
    pub fn has_open(&self, subscriber: S, conversation: &ConversationId) -> bool {
        self.open.get(conversation).is_some_and(|open| open.viewers.contains_key(&subscriber))
    }

    /// The conversations that somebody has open.
    pub fn all_open(&self) -> impl Iterator<Item = &ConversationId> {
        self.open.keys()
    }

    /// Whether somebody has a conversation open.
    pub fn is_open(&self, conversation: &ConversationId) -> bool {
        self.open.contains_key(conversation)
    }

    /// Whom to tell who types, nobody of themself; they count as told.
    pub fn typing(
        &mut self,
        conversation: &ConversationId,
        users: Vec<UserId>,
    ) -> Vec<(S, UserId)> {
        let Some(open) = self.open.get_mut(conversation) else { return Vec::new() };
        if open.typing != users {
            self.lists += 1;
            open.typing_number = if users.is_empty() { 0 } else { self.lists };
            open.typing = users;
        }
        let mut told = Vec::new();
        for (subscriber, viewer) in &mut open.viewers {
            if viewer.typing == open.typing_number {
                continue;
            }
            viewer.typing = open.typing_number;
            let sees_some = open.typing.iter().any(|user| *user != viewer.user);
            if sees_some || viewer.sees_some {
                told.push((*subscriber, viewer.user.clone()));
            }
            viewer.sees_some = sees_some;
        }
        told
    }

    /// Whom to tell how many are online; they count as told.
    pub fn online(&mut self, conversation: &ConversationId, count: u64) -> Vec<S> {
        let Some(open) = self.open.get_mut(conversation) else { return Vec::new() };
        let mut told = Vec::new();
        for (subscriber, viewer) in &mut open.viewers {
            if viewer.online.replace(count) != Some(count) {
                told.push(*subscriber);
            }
        }
        told
    }

    /// Takes back that a subscriber was told of a kind; it is due again.
    pub fn untold(
        &mut self,
        subscriber: S,
        conversation: &ConversationId,
        kind: Kind,
        now: Millis,
    ) {
        let open = self.open.get_mut(conversation);
        let Some(viewer) = open.and_then(|open| open.viewers.get_mut(&subscriber)) else { return };
        match kind {
            Kind::Receipts => {}
            // No list has that number; and what it saw before may be a list with somebody in it.
            Kind::Typing => (viewer.typing, viewer.sees_some) = (u64::MAX, true),
            Kind::Presence => viewer.online = None,
        }
        self.changed(conversation, kind, now);
    }

    fn unview(&mut self, subscriber: S, conversation: &ConversationId) {
        let Some(open) = self.open.get_mut(conversation) else { return };
        open.viewers.remove(&subscriber);
        if open.viewers.is_empty() {
            self.open.remove(conversation);
        }
    }
}

#[cfg(test)]
mod tests;
