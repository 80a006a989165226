//! What lives around a message: edits, deletion, reactions, pins; and what is written on its outside
//! for the server to read, such as what it answers; and when it is said ([`schedule`]) and ends ([`timer`]).
//!
//! Whatever is done to a message is an entry of its own in the same log ([`Act`]), so that everybody
//! learns of it in the same order, and what is missed is caught up like what is said. [`decide`] says
//! who may do what, and is called by the store inside the commit; [`port`] is how it is kept. What
//! comes of all acts on a message is its [`MessageState`].

pub mod decide;

pub mod port;

pub mod schedule;

pub mod timer;

use std::sync::Arc;

use crate::entry::{Content, Millis};
use crate::ids::{InvalidId, Seq, UserId};

/// The longest emoji, in bytes.
pub const EMOJI_BYTES_MAX: usize = 32;

/// What somebody reacts with. Any short text will do: which are emojis changes every year.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Emoji(Arc<str>);

impl Emoji {
    /// Checks and takes one.
    ///
    /// # Errors
    /// [`InvalidId`] when it is empty, longer than [`EMOJI_BYTES_MAX`] or has control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=EMOJI_BYTES_MAX).contains(&text.len());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(Arc::from(text)))
        } else {
            let rule = "1 to 32 bytes without control characters";
            Err(InvalidId { kind: "emoji", rule })
        }
    }

    /// The emoji as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an entry says was done to an earlier message of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Which message.
    pub on: Seq,
    /// What.
    pub deed: Deed,
}

/// What was done to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Its content is another one now; `None` once the message was deleted or has ended, and all
    /// its contents with it.
    Edited(Option<Content>),
    /// Its content is gone, for everyone.
    Deleted,
    /// Who did it reacts so.
    Reacted(Emoji),
    /// Who did it no longer reacts so.
    Unreacted(Emoji),
    /// It is among what the conversation holds up to view.
    Pinned,
    /// It is no longer.
    Unpinned,
}

impl Deed {
    /// About how many bytes it holds.
    pub fn weight(&self) -> usize {
        match self {
            Self::Edited(Some(content)) => content.0.len(),
            Self::Reacted(emoji) | Self::Unreacted(emoji) => emoji.as_str().len(),
            Self::Edited(None) | Self::Deleted | Self::Pinned | Self::Unpinned => 0,
        }
    }
}

/// What is written on the outside of a message. The content is the sender's own business; this is
/// for the server to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// Which earlier message it answers.
    pub reply_to: Option<Reply>,
    /// The message whose thread it is in.
    pub thread: Option<Seq>,
    /// Who is to notice it, members all of them.
    pub mentions: Vec<UserId>,
    /// Whether all members are to notice it.
    pub mentions_all: bool,
    /// Whether it was said before, by this user or another.
    pub forwarded: bool,
    /// Whether it came as part of a request, which is for the recipient to know.
    pub request: bool,
    /// Whether it is for its sender's eyes alone, which nobody is told: a content rule says so.
    pub shadow: bool,
    /// Whether a moderator of the server did it, in its sender's place.
    pub moderated: bool,
}

impl Envelope {
    /// Whether nothing is written on it.
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    /// About how many bytes it holds.
    pub fn weight(&self) -> usize {
        let mentions: usize = self.mentions.iter().map(|user| 16 + user.as_str().len()).sum();
        let reply = self.reply_to.as_ref().map_or(0, |reply| 16 + reply.from.as_str().len());
        mentions + reply
    }
}

/// A message that another one answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its place in the same conversation.
    pub seq: Seq,
    /// Who said it.
    pub from: UserId,
}

/// What has become of a message, as one reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageState {
    /// Its newest content, and since when, if it was edited.
    pub edited: Option<(Content, Millis)>,
    /// The reactions to it, the one that was there first first.
    pub reactions: Vec<Reaction>,
    /// Whether it is pinned.
    pub pinned: bool,
    /// How many messages are in its thread, deleted ones too.
    pub replies: u64,
}

/// One kind of reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// With what.
    pub emoji: Emoji,
    /// How many users react so.
    pub count: u64,
    /// Whether the reader is one of them.
    pub mine: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_is_a_short_text() {
        for good in ["👍", "👩‍👩‍👧‍👦", "+1", &"x".repeat(32)] {
            assert_eq!(Emoji::parse(good).map(|emoji| emoji.as_str().to_owned()), Ok(good.into()));
        }
        for bad in ["", "a\n", &"x".repeat(33), "👍👍👍👍👍👍👍👍👍"] {
            assert!(Emoji::parse(bad).is_err(), "{bad:?}");
        }
    }
}
