//! What nodes say to each other in passing, in the form of `postcard`.
//!
//! All of it is a hint. What changes what somebody may do is in the store, and is looked up again when words
//! may have been missed; the rest is what clients hear only while they are there.

use std::borrow::Cow;

use parlor_chat::trace::TraceContext;
use serde::{Deserialize, Serialize};

/// Something that one node tells the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Word<'a> {
    /// An event for a room, behind everything up to a position: so who left the room by then does not hear it.
    Emit {
        after: u64,
        #[serde(borrow)]
        to: Address<'a>,
        event: Cow<'a, str>,
        said: Cow<'a, str>,
    },
    /// On which devices a user is connected to the node from now on; none: not at all.
    Seat { user: Cow<'a, str>, devices: Vec<Cow<'a, str>> },
    /// A user has decided something about others that is remembered.
    Decided { user: Cow<'a, str> },
    /// A device was revoked.
    DeviceRevoked { user: Cow<'a, str>, device: Cow<'a, str> },
    /// A user's tokens from before a time were revoked.
    TokensRevoked { user: Cow<'a, str>, not_before: u64 },
    /// A user was suspended.
    Suspended { user: Cow<'a, str>, until: Option<u64> },
    /// A suspension was ended.
    Unsuspended { user: Cow<'a, str> },
    /// The node wants to know of these large groups how many are online, and who types.
    CrowdAsk { groups: Vec<Cow<'a, str>> },
    /// How many of a large group are online on the node, and who types there.
    CrowdCount { group: Cow<'a, str>, online: u64, typing: Vec<Cow<'a, str>> },
    /// A mark moved in a large group, over what follows `after`.
    CrowdMarked { conversation: Cow<'a, str>, after: u64, up_to: u64 },
}

/// For which sockets an event is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address<'a> {
    /// Those in this room,
    pub(crate) room: Cow<'a, str>,
    /// but not in that one.
    pub(crate) except: Option<Cow<'a, str>>,
    /// Only those that can be written to at once.
    pub(crate) volatile: bool,
}

impl Address<'_> {
    /// The same, of its own.
    pub(crate) fn into_owned(self) -> Address<'static> {
        let own = |room: Cow<'_, str>| Cow::Owned(room.into_owned());
        Address { room: own(self.room), except: self.except.map(own), volatile: self.volatile }
    }
}

impl Word<'_> {
    /// The message, with the span behind it that the word is part of, if it is traced: who does not know of
    /// that reads no further.
    pub(crate) fn encode(&self, of: Option<TraceContext>) -> Vec<u8> {
        let mut bytes = postcard::to_stdvec(self).unwrap_or_else(|error| {
            tracing::error!(%error, "publish: a word to other nodes cannot be written");
            Vec::new()
        });
        bytes.extend(of.iter().flat_map(|of| of.to_bytes()));
        bytes
    }
}

/// The word of a message, and the span that it is part of; `None` for what no version says.
pub(crate) fn decode(message: &[u8]) -> Option<(Word<'_>, Option<TraceContext>)> {
    let (word, rest) = postcard::take_from_bytes(message).ok()?;
    Some((word, rest.first_chunk().copied().and_then(TraceContext::from_bytes)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_understood_as_they_were_meant() {
        let room = |except| Address { room: "user:a".into(), except, volatile: true };
        for word in [
            Word::Emit { after: 7, to: room(None), event: "read".into(), said: "[1]".into() },
            Word::Emit {
                after: 7,
                to: room(Some("user:b".into())),
                event: "x".into(),
                said: "".into(),
            },
            Word::Seat { user: "a".into(), devices: vec!["".into(), "phone".into()] },
            Word::Suspended { user: "a".into(), until: Some(9) },
            Word::CrowdMarked { conversation: "g:x".into(), after: 3, up_to: 9 },
        ] {
            assert_eq!(decode(&word.encode(None)), Some((word, None)));
        }
    }

    #[test]
    fn the_span_of_a_word_goes_along_and_older_nodes_read_what_they_know() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let of = TraceContext::sampled(parent);
        let word = || Word::Decided { user: "a".into() };
        let message = word().encode(of);
        assert_eq!(decode(&message), Some((word(), of)));
        // As a node reads it that knows of no spans, and one that says more behind them.
        assert_eq!(postcard::from_bytes(&message), Ok(word()));
        assert_eq!(decode(&[&*message, &[1, 2]].concat()), Some((word(), of)));
        // As what such a node says, or one that says something else there, is read.
        assert_eq!(decode(&word().encode(None)), Some((word(), None)));
        assert_eq!(decode(&message[..message.len() - 1]), Some((word(), None)));
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(&bytes);
        }
    }
}
