//! The event protocol's shapes, as `docs/protocol.md` describes them, as types.
//!
//! The service writes its JSON field by field and needs none of this; nothing that is shipped
//! depends on it. `typescript` makes the types of `clients/typescript` of these shapes, and
//! [`check_event`] and [`check_answer`] hold what a server says against them: the service's tests
//! do so with every event and answer that they hear. So a field that is added there and not here,
//! or the other way round, fails a test, and one that is here and not in the committed TypeScript
//! fails another. `asyncapi` describes all of it in `docs/asyncapi.json`, for people and generators.

#![allow(dead_code, reason = "shapes are read by their derives alone")]
#![allow(missing_docs, reason = "docs/protocol.md says what fields mean")]
#![allow(unreachable_pub, reason = "derives ask for it")]

mod asyncapi;
mod conversation;
mod entry;
mod group;
mod message;
mod moderation;
mod own;
mod people;
mod presence;
mod registry;
mod session;
mod shape;
mod typescript;

pub use asyncapi::asyncapi;
pub use registry::{check_answer, check_event, event_names};
pub use typescript::{codes, types};
