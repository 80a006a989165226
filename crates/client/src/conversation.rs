//! One conversation: what there is to see of it, and what can be done in it.

use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use crate::core::{ConversationView, Core, Outcome};
use crate::error::Error;
use crate::message::ChatMessage;
use crate::parlor::Parlor;
use crate::protocol::Sent;
use crate::target::Target;

/// A conversation with another user, with oneself, or in a group.
#[derive(Debug, Clone)]
pub struct Conversation {
    parlor: Parlor,
    target: Target,
}

/// A message that is in the outbox.
#[derive(Debug)]
pub struct Sending {
    parlor: Parlor,
    client_id: String,
    sent: Outcome<Sent>,
}

impl Sending {
    /// Its idempotency key, by which it is found among the messages until it is sent and after.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Resolves once it is in the server's log. Who drops this does not stop the message.
    ///
    /// # Errors
    /// It is refused for good, or discarded; or the client is closed before, and the next one with
    /// this outbox will send it.
    pub async fn sent(self) -> Result<Sent, Error> {
        self.parlor.outcome(self.sent).await
    }
}

impl Conversation {
    pub(crate) fn new(parlor: Parlor, target: Target) -> Self {
        Self { parlor, target }
    }

    /// Whom it is with.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> String {
        self.target.conversation_id(self.parlor.user_id())
    }

    /// Sends a text, or any JSON: it is shown at once, kept until the server has it, and sent once,
    /// behind all that was sent here before, now or whenever there is a connection. Resolves once it
    /// is in the outbox's store; [`Sending::sent`] says when the server has it.
    ///
    /// # Errors
    /// The outbox is full or cannot be written, or the client is closed.
    ///
    /// # Cancel safety
    /// It may have been sent, or not.
    pub async fn send(&self, content: impl Into<Value>) -> Result<Sending, Error> {
        self.send_with(content, Map::new()).await
    }

    /// The same with further fields of `private_message` or `group_message`: `replyTo`, `thread`,
    /// `forwardOf`, `mentions`.
    ///
    /// # Errors
    /// As [`Conversation::send`].
    pub async fn send_with(
        &self,
        content: impl Into<Value>,
        more: Map<String, Value>,
    ) -> Result<Sending, Error> {
        let (target, content) = (self.target.clone(), content.into());
        self.sending(|core| core.send(target, content, more).map(Some))
            .await?
            .ok_or(Error::Discarded)
    }

    /// Sends a refused message again, behind all others; `None` if there is no such.
    ///
    /// # Errors
    /// As [`Conversation::send`].
    pub async fn retry(&self, client_id: &str) -> Result<Option<Sending>, Error> {
        self.sending(|core| Ok(core.retry(client_id))).await
    }

    async fn sending(
        &self,
        put: impl FnOnce(&mut Core) -> Result<Option<(String, Outcome<()>, Outcome<Sent>)>, Error>,
    ) -> Result<Option<Sending>, Error> {
        let shared = self.parlor.shared();
        let _permit = shared.unsaved.acquire().await;
        let Some((client_id, saved, sent)) = shared.act(put)? else { return Ok(None) };
        self.parlor.outcome(saved).await?;
        Ok(Some(Sending { parlor: self.parlor.clone(), client_id, sent }))
    }

    /// Drops a refused message; `false` if there is no such.
    pub fn discard(&self, client_id: &str) -> bool {
        self.parlor.shared().act(|core| core.discard(client_id))
    }

    /// Opens it: the newest messages are read, and kept while it is open. Resolves when they are
    /// there.
    ///
    /// # Errors
    /// The server refuses, or the client is closed.
    pub async fn open(&self) -> Result<(), Error> {
        let (reader, read) = oneshot::channel();
        self.parlor.shared().act(|core| core.open(&self.target, reader));
        self.parlor.outcome(read).await
    }

    /// Says that nobody looks at it any more: most of its messages are forgotten here.
    pub fn close(&self) {
        self.parlor.shared().act(|core| core.close_conversation(&self.target));
    }

    /// Reads a page of older messages. Resolves when they are there, or there are none.
    ///
    /// # Errors
    /// The server refuses, or the client is closed.
    pub async fn load_older(&self) -> Result<(), Error> {
        let (reader, read) = oneshot::channel();
        self.parlor.shared().act(|core| core.load_older(&self.target, reader));
        self.parlor.outcome(read).await
    }

    /// Its messages, oldest first: a piece of the log without a hole, then what waits to be sent.
    #[must_use]
    pub fn messages(&self) -> Vec<ChatMessage> {
        let core = self.parlor.shared().look();
        let waiting = core.outbox.waiting(&self.target);
        match core.look(&self.target) {
            Some(held) => held.messages(&waiting, core.clock.now_ms()),
            None => waiting.iter().map(|item| ChatMessage::waiting(item, &core.me)).collect(),
        }
    }

    /// Whether [`Conversation::load_older`] will find more.
    #[must_use]
    pub fn has_older(&self) -> bool {
        self.parlor.shared().look().look(&self.target).is_none_or(|held| held.has_older())
    }

    /// Whether older or missing messages are being read.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.parlor.shared().look().look(&self.target).is_some_and(|held| held.is_reading())
    }

    /// What is known of it.
    #[must_use]
    pub fn view(&self) -> ConversationView {
        let mut core = self.parlor.shared().look();
        core.held(&self.target).view()
    }

    /// The user has read everything up to now. Told to the server soon, and once.
    pub fn mark_read(&self) {
        self.parlor.shared().act(|core| core.mark_read(&self.target, None));
    }

    /// The user has read everything up to this number.
    pub fn mark_read_to(&self, seq: u64) {
        self.parlor.shared().act(|core| core.mark_read(&self.target, Some(seq)));
    }

    /// Call it at each key that the user presses: others are told now and then, and when it ends.
    pub fn types(&self) {
        self.parlor.shared().act(|core| core.types(&self.target));
    }

    /// Changes what one of the user's own messages says.
    ///
    /// # Errors
    /// As [`Parlor::command`].
    pub async fn edit(&self, message_id: &str, content: impl Into<Value>) -> Result<(), Error> {
        let content = content.into();
        let payload = json!({ "messageId": message_id, "content": content });
        self.parlor.command("edit", payload).await.map(drop)
    }

    /// Deletes a message for everyone.
    ///
    /// # Errors
    /// As [`Parlor::command`].
    pub async fn delete(&self, message_id: &str) -> Result<(), Error> {
        self.parlor.command("delete", json!({ "messageId": message_id })).await.map(drop)
    }

    /// Adds the user's reaction to a message.
    ///
    /// # Errors
    /// As [`Parlor::command`].
    pub async fn react(&self, message_id: &str, emoji: &str) -> Result<(), Error> {
        let payload = json!({ "messageId": message_id, "emoji": emoji });
        self.parlor.command("react", payload).await.map(drop)
    }

    /// Takes the user's reaction back.
    ///
    /// # Errors
    /// As [`Parlor::command`].
    pub async fn unreact(&self, message_id: &str, emoji: &str) -> Result<(), Error> {
        let payload = json!({ "messageId": message_id, "emoji": emoji });
        self.parlor.command("unreact", payload).await.map(drop)
    }
}
