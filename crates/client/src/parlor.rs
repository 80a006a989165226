//! The client: one user on one device, connected to one server.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::{oneshot, watch};

use crate::builder::Builder;
use crate::conversation::Conversation;
use crate::core::{ConversationView, PresenceView};
use crate::driver::ask;
use crate::error::Error;
use crate::protocol::Ready;
use crate::shared::Shared;
use crate::status::{Reason, State, Status};
use crate::target::Target;
use crate::update::Updates;

/// A client of a Parlor server. Clones are the same client; it is closed when the last is dropped.
#[derive(Clone)]
pub struct Parlor {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    user: String,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close(Reason::ClosedByApp);
    }
}

/// The list of conversations as far as it was read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConversationList {
    /// Those that moved last come first.
    pub conversations: Vec<ConversationView>,
    /// Whether [`Parlor::load_more`] will find more.
    pub has_more: bool,
}

impl Parlor {
    /// Begins to make a client of the server at this address, such as `https://chat.example.com`.
    #[must_use]
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    pub(crate) fn new(shared: Arc<Shared>, user: String) -> Self {
        Self { handle: Arc::new(Handle { shared, user }) }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    /// The user.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.handle.user
    }

    /// Where the connection stands, and why: now (`borrow`) and as it changes (`changed`).
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared().status.clone()
    }

    /// What the server said of itself when it was last connected to, its limits among it.
    #[must_use]
    pub fn ready(&self) -> Option<Ready> {
        self.shared().look().ready().cloned()
    }

    /// Resolves once the client has everything and hears what comes at once.
    ///
    /// # Errors
    /// [`Error::Closed`] when it is closed before.
    pub async fn live(&self) -> Result<(), Error> {
        let mut status = self.status();
        let is_over = |status: &Status| matches!(status.state, State::Live | State::Closed);
        let reached = status.wait_for(is_over).await.map(|status| status.clone());
        match reached {
            Ok(Status { state: State::Live, .. }) => Ok(()),
            Ok(status) => Err(Error::Closed(status.reason.unwrap_or(Reason::ClosedByApp))),
            Err(_) => Err(Error::Closed(Reason::ClosedByApp)),
        }
    }

    /// What happens from now on. May be asked for several times.
    #[must_use]
    pub fn updates(&self) -> Updates {
        Updates::new(self.clone(), self.shared().news.subscribe())
    }

    /// The conversation with another user, or with oneself. Nobody needs to have said anything in it.
    #[must_use]
    pub fn direct(&self, user: impl Into<String>) -> Conversation {
        Conversation::new(self.clone(), Target::User(user.into()))
    }

    /// The conversation of a group.
    #[must_use]
    pub fn group(&self, group: impl Into<String>) -> Conversation {
        Conversation::new(self.clone(), Target::Group(group.into()))
    }

    /// The conversation with this target.
    #[must_use]
    pub fn conversation(&self, target: Target) -> Conversation {
        Conversation::new(self.clone(), target)
    }

    /// The user's conversations, as far as they were read.
    #[must_use]
    pub fn conversations(&self) -> ConversationList {
        let (conversations, has_more) = self.shared().look().conversations();
        ConversationList { conversations, has_more }
    }

    /// Reads the next page of conversations. Resolves when it is there, or there is none.
    ///
    /// # Errors
    /// The server refuses, or the client is closed.
    pub async fn load_more(&self) -> Result<(), Error> {
        let (reader, read) = oneshot::channel();
        self.shared().act(|core| core.load_more(reader));
        self.outcome(read).await
    }

    /// Asks the server anything of the protocol that has no function of its own here. It is asked
    /// once.
    ///
    /// # Errors
    /// The server refuses; or, with [`Error::Disconnected`] and [`Error::TimedOut`], it is not known
    /// whether it was done.
    pub async fn command(&self, name: &str, payload: impl Serialize) -> Result<Value, Error> {
        let payload = serde_json::to_value(payload)
            .map_err(|error| Error::Usage(format!("the payload is no JSON: {error}")))?;
        let shared = self.shared();
        let _permit = shared.asked.acquire().await;
        ask(shared, name, payload).await
    }

    /// Whether a watched user is there; `None` while it is not known.
    #[must_use]
    pub fn presence(&self, user: &str) -> Option<PresenceView> {
        self.shared().look().presence(user)
    }

    /// Asks to be told when a user comes and goes, until [`Parlor::unwatch_presence`].
    pub fn watch_presence(&self, user: &str) {
        self.shared().act(|core| core.watch_presence(user));
    }

    /// The contrary.
    pub fn unwatch_presence(&self, user: &str) {
        self.shared().act(|core| core.unwatch_presence(user));
    }

    /// How many messages wait to be sent, refused ones aside.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.shared().look().outbox.unsent()
    }

    /// Tries to connect now, if it is waiting for its next try and the server did not say how long.
    pub fn retry_now(&self) {
        self.shared().hurry.notify_one();
    }

    /// Disconnects for good, and resolves once the outbox's store is given up. What waits in the
    /// outbox stays there for the next client.
    pub async fn close(&self) {
        self.shared().close(Reason::ClosedByApp);
        let mut kept = self.shared().kept.subscribe();
        // The sender lives as long as this.
        let _ = kept.wait_for(|kept| *kept).await;
    }

    /// Waits for what the core is to answer.
    pub(crate) async fn outcome<T>(
        &self,
        answer: oneshot::Receiver<Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            answer = answer => answer.unwrap_or_else(|_| Err(self.closed())),
            () = self.shared().until_closed() => Err(self.closed()),
        }
    }

    fn closed(&self) -> Error {
        let reason = self.shared().status.borrow().reason.clone();
        Error::Closed(reason.unwrap_or(Reason::ClosedByApp))
    }
}

impl std::fmt::Debug for Parlor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let status = self.shared().look().status();
        f.debug_struct("Parlor").field("user", &self.user_id()).field("status", &status).finish()
    }
}
