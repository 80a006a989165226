//! A client of [Parlor](https://github.com/parlor-chat/parlor), a chat server.
//!
//! What a user writes is kept until the server has it, and sent once and in order, whatever is cut,
//! killed or restarted meanwhile; what others say is there once, in order and without holes.
//!
//! ```no_run
//! # async fn run() -> Result<(), parlor_client::Error> {
//! use parlor_client::Parlor;
//!
//! let parlor = Parlor::builder("http://127.0.0.1:3000").token("alice").connect()?;
//! let sent = parlor.direct("bob").send("Hello!").await?.sent().await?;
//! println!("number {} of the conversation", sent.seq);
//! # Ok(())
//! # }
//! ```
//!
//! How it is made: [`Builder`] starts a task, the *driver*, which keeps one connection after the
//! other and brings what the server says into the *core*; and a thread, the *keeper*, which calls the
//! [`OutboxStore`]. The core decides, without I/O; handles ([`Parlor`], [`Conversation`]) look at it
//! and wish things of it.

mod backoff;
mod builder;
mod clock;
mod conversation;
mod core;
mod driver;
mod error;
mod keeper;
mod link;
mod message;
mod outbox;
mod parlor;
mod protocol;
mod shared;
mod status;
mod target;
mod timeline;
mod tls;
mod token;
mod update;

pub use crate::core::{ConversationView, PresenceView};
pub use builder::Builder;
pub use conversation::{Conversation, Sending};
pub use error::{Error, Refusal};
pub use message::{ChatMessage, MessageState};
#[cfg(feature = "sqlite")]
pub use outbox::SqliteOutbox;
pub use outbox::{Change, Failure, MemoryOutbox, OutboxItem, OutboxStore, StoreError};
pub use parlor::{ConversationList, Parlor};
pub use protocol::{
    Deed, Entry, Limits, LogEntry, Message, Reaction, Ready, ReplyTo, Sent, Watermark,
};
pub use status::{Reason, State, Status};
pub use target::Target;
pub use token::TokenReason;
pub use update::{Update, Updates};
