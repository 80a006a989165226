//! Chat's events over the gateway: the only place where the two meet.
//!
//! An event comes in through `dispatch`, its payload is read by `commands` (on `fields` and
//! `content`) and becomes a call to the store; what the store commits comes back through
//! `delivery` and goes out to the `sessions` concerned. `connect` lets devices in,
//! `catch_up` brings them up to date (in `turns`; from where they say they are by `resume`, as
//! the sockets they were by `recovery`),
//! What is private to a user goes through `own` (`drafts`, `stars`, `conversation_settings`,
//! `contacts`, `privacy`; what is said later in `schedules`), who people are through `profiles`;
//! `search` finds messages.
//! `presence` tells who is there to whom `visibility` lets see it; `crowds` tells it, and receipts and
//! typing, as counts where many are in;
//! `nodes` tells other nodes, and hears them; `adapter` is what the app's Socket.IO servers ask;
//! `backend` is what the app's own server does on behalf of users;
//! `traces` shows the course of a command, here and on other nodes;
//! `receipts` keeps how far they are, `expiry` and `closing` end them. What clients see is written by `records`.
//!
//! Nothing here waits inside a handler; nothing is kept per session that an idle one does not
//! need; every event that asks for an answer gets one; content and tokens are never logged.

mod backend;
mod identity;
mod service;
mod settings;
mod stats;

mod closing;
mod connect;
mod expiry;
mod rosters;
mod session;
mod sessions;
mod tails;

mod app_events;
mod around;
mod around_commands;
mod blocks;
mod commands;
mod contacts;
pub mod content;
mod conversation_settings;
mod crowds;
mod dispatch;
mod drafts;
mod fields;
mod group_commands;
mod groups;
pub mod hook;
mod lines;
mod moderation;
mod new_ids;
mod own;
mod paces;
mod privacy;
mod profiles;
mod queries;
mod receipts;
pub mod rules;
mod schedules;
mod screening;
mod search;
mod sends;
mod stars;
mod timers;
mod traces;
mod tutorial;

mod adapter;
mod nodes;
mod online;
mod presence;
mod typing;
mod visibility;

mod catch_up;
mod delivery;
mod recovery;
mod resume;
mod turns;

mod around_records;
mod clock;
mod group_records;
mod group_rules;
mod jitter;
mod json;
mod records;
mod requests;

pub use adapter::{Answering, MemberLimits};
pub use backend::{Answer, Backend, refusal_json};
pub use delivery::Delivery;
pub use identity::{AuthError, Authenticator, Identity};
pub use service::Service;
pub use settings::{Mode, Settings};
pub use stats::{ModerationStats, Stats};
pub use traces::{Begun, Kind as SpanKind, Name, Parent, Span, Tracer, Value, follow};
