//! Parlor's domain: who may say what to whom, in which order it is kept, and what a device has
//! still to hear. Pure: it does no I/O, reads no clock and knows neither JSON, sockets nor SQL.
//!
//! Reading order: [`ids`] (what things are called), [`entry`] (what a conversation's log holds),
//! [`limits`] (every bound), [`refusal`] (why a command can fail), [`own`] (what is private to a
//! user), [`privacy`] (what others may), [`requests`] (what strangers write first), [`people`] (who
//! they are), [`store`] (the port that keeps it all), [`group`] (conversations of many, and their part
//! of the port), [`around`] (what is done to messages, likewise), [`app_event`] (what apps say that the
//! server does not understand); then what a connection's commands go through: [`rate`] (how fast),
//! [`idempotency`] (how old a key may be), [`aborts`] (order after a failure); then what a device hears:
//! [`resume`] (whether what it says of itself is good), [`catch_up`] (from connecting to live),
//! [`receipts`] (what it confirms) and [`presence`] (who is there, and who is told so); what is otherwise
//! where many are in, [`crowd_marks`] and [`crowds`], at the [`pace`] that they are told at; then what
//! several nodes need: [`bus`] (the port by which they speak) and [`order`] (in which order each gives out what all
//! commit, by hints that may get lost). What keeps a community civil is in
//! [`moderation`] and [`rules`]; how messages are found by their words in [`search`]; by what a command is
//! known that somebody wants to see the course of, in [`trace`]. A command comes
//! in already parsed into these types; what it decides goes out through the port.

pub mod ids;

pub mod entry;

pub mod limits;

pub mod refusal;

pub mod group;

pub mod around;

pub mod app_event;

pub mod own;

pub mod privacy;

pub mod requests;

pub mod people;

pub mod store;

pub mod rate;

pub mod idempotency;

pub mod aborts;

pub mod resume;

pub mod catch_up;

pub mod receipts;

pub mod pace;

pub mod crowd_marks;

pub mod crowds;

pub mod presence;

pub mod bus;

pub mod order;

pub mod moderation;

pub mod rules;

pub mod search;

pub mod trace;
