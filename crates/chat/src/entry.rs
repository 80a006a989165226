//! What a conversation's log holds.
//!
//! An entry is immutable once committed. Its `seq` is dense within the conversation and is given
//! in the same durable commit that inserts it; its `position` is the node-wide commit counter,
//! which only grows. Neither is ever made before the commit.

use std::sync::Arc;

use crate::app_event::AppEvent;
use crate::around::{Act, Deed, Envelope};
use crate::group::Change;
use crate::ids::{ClientId, ConversationId, MessageId, Seq, UserId};

/// A moment in milliseconds since the Unix epoch, UTC. Below 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

/// A count of commits in one store: entries committed later have higher positions. Below 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// Identifies one life of the log: it changes when a store is restored from a copy, so that a
/// cursor from another life is never taken for one of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

/// What was said: the JSON text exactly as the sender wrote it, already checked at the edge for
/// size, depth and forbidden characters. Opaque here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content(pub Arc<str>);

/// One committed entry of a conversation's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The conversation whose log this is in.
    pub conversation: ConversationId,
    /// Place in the conversation: 1, 2, 3, … without gaps.
    pub seq: Seq,
    /// Place among all commits of the store.
    pub position: Position,
    /// The life of the log in which it was committed.
    pub epoch: Epoch,
    /// Commit time; never decreases with `seq`.
    pub ts: Millis,
    /// Who said or did it.
    pub from: UserId,
    /// The other member of a direct conversation, equal to `from` for notes to oneself; nobody in
    /// a group, and for what the system did in somebody's direct conversation.
    pub to: Option<UserId>,
    /// The sender's idempotency key, if one was given.
    pub client_id: Option<ClientId>,
    /// What is written on its outside, if there is something: of what is no message at most that it is
    /// shadowed.
    pub envelope: Option<Arc<Envelope>>,
    /// When its content ends, if it does; `None` also of one whose content was deleted before.
    pub expires: Option<Millis>,
    /// What was said or done.
    pub body: Body,
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A message.
    Said(Content),
    /// A message whose content was deleted, or has ended ([`Entry::expires`]).
    Gone,
    /// Something about the group itself.
    Changed(Change),
    /// Something done to an earlier message.
    Acted(Act),
    /// An event of the app's own.
    App(AppEvent),
    /// Messages from here on end after so many milliseconds; `None` for never.
    TimerSet(Option<u64>),
}

impl Body {
    /// What was said, if it is a message.
    pub fn said(&self) -> Option<&Content> {
        match self {
            Self::Said(content) => Some(content),
            Self::Gone | Self::Changed(_) | Self::Acted(_) | Self::App(_) | Self::TimerSet(_) => {
                None
            }
        }
    }

    /// Whether it is a message, its content there or not.
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Said(_) | Self::Gone)
    }

    /// The new content, if it is an edit whose message was not deleted.
    pub fn edit(&self) -> Option<&Content> {
        match self {
            Self::Acted(Act { deed: Deed::Edited(content), .. }) => content.as_ref(),
            _ => None,
        }
    }

    /// The same without its content, if it has one that can go.
    pub fn emptied(&self) -> Self {
        match self {
            Self::Said(_) => Self::Gone,
            Self::Acted(Act { on, deed: Deed::Edited(_) }) => {
                Self::Acted(Act { on: *on, deed: Deed::Edited(None) })
            }
            other => other.clone(),
        }
    }

    /// What was changed, if it is a change.
    pub fn changed(&self) -> Option<&Change> {
        match self {
            Self::Changed(change) => Some(change),
            Self::Said(_) | Self::Gone | Self::Acted(_) | Self::App(_) | Self::TimerSet(_) => None,
        }
    }

    /// About how many bytes it holds.
    pub fn weight(&self) -> usize {
        match self {
            Self::Said(content) => content.0.len(),
            Self::Gone | Self::TimerSet(_) => 0,
            Self::Changed(change) => change.weight(),
            Self::Acted(act) => act.deed.weight(),
            Self::App(event) => event.weight(),
        }
    }
}

impl Entry {
    /// The id clients know it by. It encodes conversation and seq, so no index is needed.
    pub fn id(&self) -> MessageId {
        MessageId::new(&self.conversation, self.seq)
    }

    /// Whether nobody but its sender may see it.
    pub fn is_shadowed(&self) -> bool {
        self.envelope.as_ref().is_some_and(|envelope| envelope.shadow)
    }

    /// Whether a moderator of the server did it, in the name of the message's author.
    pub fn is_moderated(&self) -> bool {
        self.envelope.as_ref().is_some_and(|envelope| envelope.moderated)
    }

    /// Whether its content has ended by then.
    pub fn has_expired(&self, now: Millis) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    /// The entry as it may be told at that time: without its content once that has ended.
    pub fn told_at(self: &Arc<Self>, now: Millis) -> Arc<Self> {
        match self.has_expired(now) {
            true => Arc::new(Self { body: self.body.emptied(), ..(**self).clone() }),
            false => Arc::clone(self),
        }
    }
}
