//! What the server says, as far as this library reads it: `docs/protocol.md` has the meanings.
//!
//! These are not the types of `crates/protocol`, which hold the server to its documents: those
//! refuse what they do not know and have every field, so a client made of them would end at the
//! first server that is newer. Here are the fields that a client uses; all others are passed over,
//! as the protocol's rule of compatibility asks, what may be missing has a default, and a kind of
//! another year is `Other`.

mod conversation;
mod entry;
mod message;
mod people;
mod session;

pub use conversation::Watermark;
pub(crate) use conversation::{
    ConversationsPage, HistoryPage, Moved, MovedEvent, Receipt, Summary, Synced,
};
pub use entry::{Deed, Entry, LogEntry};
pub use message::{Message, Reaction, ReplyTo, Sent};
pub(crate) use people::{PresenceLine, PresencePage, TypingEvent};
pub(crate) use session::{Closing, Position, Snapshot};
pub use session::{Limits, Ready};

/// The version of the protocol that this library speaks.
pub(crate) const VERSION: &str = "1";
