//! Parlor's domain: who may say what to whom, in which order it is kept, and what a device has
//! still to hear. Pure: it does no I/O, reads no clock and knows neither JSON, sockets nor SQL.
//!
//! Reading order: [`ids`] (what things are called), [`entry`] (what a conversation's log holds),
//! [`limits`] (every bound), [`refusal`] (why a command can fail), [`store`] (the port that keeps
//! it all). A command comes in already parsed into these types; what it decides goes out through
//! the port.

pub mod ids;

pub mod entry;

pub mod limits;

pub mod refusal;

pub mod store;
