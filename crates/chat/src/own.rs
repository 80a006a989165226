//! A user's own records: what is private to a user and the same on all of their devices, such as
//! drafts, stars, contacts and settings.
//!
//! A record is a value under a user, a kind and a key. A wish to put or remove some of them is one
//! commit ([`OwnChange`]); others of the user's devices hear what changed at once, and a device that
//! was away learns it from [`OwnMoved`], removals included. Each record has a time that only grows,
//! so that of two news of one record the later is known. Values are JSON text that was checked at
//! the edge; the store looks into none but those of [`crate::privacy`] and
//! [`crate::requests`].

use std::sync::Arc;

use crate::entry::Millis;
use crate::ids::{ConversationId, MessageId, Seq, UserId};
use crate::store::Origin;

/// The longest key, in bytes: that of a message of two users with the longest ids.
pub const OWN_KEY_BYTES_MAX: usize = 1_024;
/// Removed records that are remembered for each user and kind. A device that was away while more
/// were removed reads that kind anew.
pub const OWN_REMOVED_MAX: usize = 256;
/// Changed records of one kind that a device that was away is told; of more it is told to read
/// that kind anew.
pub const OWN_MOVED_MAX: usize = 1_000;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnKind {
    /// What is being written in a conversation (the key).
    Draft,
    /// That a message (the key) is starred.
    Star,
    /// Until when a conversation (the key) is muted.
    Muted,
    /// That a conversation (the key) is archived.
    Archived,
    /// That a conversation (the key) is marked as unread. A read mark in it removes this.
    Unread,
    /// That a conversation (the key) is pinned.
    Pinned,
    /// That a message (the key) is not shown to this user.
    Hidden,
    /// A user (the key) whom this one knows.
    Contact,
    /// A setting of [`crate::privacy`] by its name (the key).
    Privacy,
    /// A message that is to be said later, by its id (the key): see [`crate::around::schedule`].
    Schedule,
    /// What became of a conversation (the key) that began as a request to this user: see
    /// [`crate::requests`]. The store makes it; a user only changes or removes it.
    Request,
}

impl OwnKind {
    /// Every kind there is.
    pub const ALL: [Self; 11] = [
        Self::Draft,
        Self::Star,
        Self::Muted,
        Self::Archived,
        Self::Unread,
        Self::Pinned,
        Self::Hidden,
        Self::Contact,
        Self::Privacy,
        Self::Schedule,
        Self::Request,
    ];
}

/// Which record of its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnKey(Arc<str>);

impl OwnKey {
    /// Takes a key that was kept, or that a client hands back.
    ///
    /// Gives `None` when it is empty or longer than [`OWN_KEY_BYTES_MAX`].
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=OWN_KEY_BYTES_MAX).contains(&text.len());
        fits.then(|| Self(Arc::from(text)))
    }

    /// The record about a conversation.
    pub fn conversation(conversation: &ConversationId) -> Self {
        Self(Arc::from(conversation.as_str()))
    }

    /// The record about a message.
    pub fn message(message: &MessageId) -> Self {
        Self(Arc::from(message.as_str()))
    }

    /// The record about another user.
    pub fn user(user: &UserId) -> Self {
        Self(Arc::from(user.as_str()))
    }

    /// The record of a setting.
    pub fn setting(name: &'static str) -> Self {
        Self(Arc::from(name))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A record's value: JSON text, checked at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnValue(pub Arc<str>);

impl OwnValue {
    /// A value out of JSON text.
    pub fn of(json: &str) -> Self {
        Self(Arc::from(json))
    }
}

/// A record as it is since its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRecord {
    /// What it is about.
    pub kind: OwnKind,
    /// Which of its kind.
    pub key: OwnKey,
    /// Its value; `None` once it is removed.
    pub value: Option<OwnValue>,
    /// When it last changed: about the time of the wish, and later than the change before.
    pub at: Millis,
}

/// What one record is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnWish {
    /// What it is about.
    pub kind: OwnKind,
    /// Which of its kind; each at most once in a change.
    pub key: OwnKey,
    /// Its value; `None` to remove it.
    pub value: Option<OwnValue>,
}

/// A wish to change records of one user, all or none. What changes together has one time, at least that
/// of every record named.
#[derive(Debug, Clone)]
pub struct OwnChange {
    /// Whose records, authenticated.
    pub user: UserId,
    /// What they are to be.
    pub wishes: Vec<OwnWish>,
    /// An entry that has to be there for the user, or else nothing is changed.
    pub about: Option<(ConversationId, Seq)>,
    /// How many records of each kind concerned the user may have.
    pub records_max: usize,
    /// When.
    pub now: Millis,
    /// Passed on to [`OwnCommitted::origin`].
    pub origin: Origin,
}

/// What became of an [`OwnChange`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnChanged {
    /// Every record that was named, as it is now, in the order of the wishes. One that was so
    /// already has the time of its last change, and 0 if it was not there.
    pub records: Vec<OwnRecord>,
}

/// Records of one user that changed in one durable commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCommitted {
    /// Whose.
    pub user: UserId,
    /// The connection that wished it, which needs no word.
    pub origin: Origin,
    /// Those that are not what they were.
    pub records: Vec<OwnRecord>,
}

/// Which records of one kind to read.
#[derive(Debug, Clone)]
pub struct OwnQuery {
    /// Whose.
    pub user: UserId,
    /// Of which kind.
    pub kind: OwnKind,
    /// Where to go on.
    pub after: Option<OwnCursor>,
    /// At most so many.
    pub limit: usize,
}

/// Where the next page of records starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCursor {
    /// When the last record of the page changed.
    pub at: Millis,
    /// Its key.
    pub key: OwnKey,
}

/// Records of one kind, last changed first. One that changes while pages are read goes to the front.
#[derive(Debug, Clone)]
pub struct OwnPage {
    /// The records, none of them removed.
    pub records: Vec<OwnRecord>,
    /// Where to go on, or `None` at the end.
    pub next: Option<OwnCursor>,
}

/// What changed among a user's records since a position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnMoved {
    /// Those that changed, removed ones included; kind by kind, each in the order of change.
    pub records: Vec<OwnRecord>,
    /// Kinds of which more changed, or more were removed, than is told: they are to be read anew.
    pub reread: Vec<OwnKind>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_ids_make_keys_that_fit() {
        let (one, other) = ("%".repeat(128), ":".repeat(128));
        let user = |text: &str| UserId::parse(text).expect("an id in a test");
        let conversation = ConversationId::direct(&user(&one), &user(&other));
        let message = MessageId::new(&conversation, Seq((1 << 53) - 1));
        let key = OwnKey::message(&message);
        assert_eq!(OwnKey::parse(key.as_str()), Some(key));
    }

    #[test]
    fn keys_at_their_bounds() {
        assert!(OwnKey::parse(&"k".repeat(OWN_KEY_BYTES_MAX)).is_some());
        assert!(OwnKey::parse(&"k".repeat(OWN_KEY_BYTES_MAX + 1)).is_none());
        assert!(OwnKey::parse("").is_none());
    }

    #[test]
    fn every_kind_is_listed_once_in_its_order() {
        assert!(OwnKind::ALL.is_sorted() && OwnKind::ALL[10] as usize == 10);
    }
}
