//! What the app is told as it happens.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::conversation::Conversation;
use crate::parlor::Parlor;
use crate::protocol::Message;
use crate::target::Target;

/// Updates that are kept for a reader who is behind.
pub(crate) const UPDATES_MAX: usize = 4_096;

/// What has happened, as the core tells it.
#[derive(Debug, Clone)]
pub(crate) enum News {
    Message(Target, Arc<Message>),
    Changed(Target),
    List,
    Presence(String),
    Anew,
    Event(String, Value),
}

/// Something happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Update {
    /// Somebody else said something: each message once, and those of a conversation in order. With a
    /// device of its own, what was said while the client was away comes too.
    Message {
        /// Where it was said.
        conversation: Conversation,
        /// What was said.
        message: Arc<Message>,
    },
    /// What there is to show of a conversation is another: its messages, receipts, who types, its
    /// name.
    Changed(Conversation),
    /// The list of conversations is another, or all of them may be.
    List,
    /// A user whose presence is watched came or went.
    Presence {
        /// The user.
        user: String,
    },
    /// More was said than the client could be told one by one: look at what there is to show.
    Anew,
    /// This reader was so far behind that it missed so many updates: look at what there is to show.
    Missed(u64),
    /// Any other event of the server's, with its payload.
    Event {
        /// Its name.
        name: String,
        /// What it says.
        payload: Value,
    },
}

/// What happens, from when it was asked for.
#[derive(Debug)]
pub struct Updates {
    parlor: Parlor,
    receiver: Receiver<News>,
}

impl Updates {
    pub(crate) fn new(parlor: Parlor, receiver: Receiver<News>) -> Self {
        Self { parlor, receiver }
    }

    /// The next update; `None` once the client is closed.
    ///
    /// Some thousands are kept for a reader who is behind; one who is further behind misses the
    /// oldest, and is told so.
    ///
    /// # Cancel safety
    /// It is: no update is lost.
    pub async fn next(&mut self) -> Option<Update> {
        let conversation = |target| Conversation::new(self.parlor.clone(), target);
        let received = tokio::select! {
            biased;
            received = self.receiver.recv() => received,
            () = self.parlor.shared().until_closed() => return None,
        };
        Some(match received {
            Ok(News::Message(target, message)) => {
                Update::Message { conversation: conversation(target), message }
            }
            Ok(News::Changed(target)) => Update::Changed(conversation(target)),
            Ok(News::List) => Update::List,
            Ok(News::Presence(user)) => Update::Presence { user },
            Ok(News::Anew) => Update::Anew,
            Ok(News::Event(name, payload)) => Update::Event { name, payload },
            Err(RecvError::Lagged(missed)) => Update::Missed(missed),
            Err(RecvError::Closed) => return None,
        })
    }
}
