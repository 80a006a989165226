//! Full-text search: what the words of a text are, what a user looks for, and where a text has it.
//!
//! ```text
//! text of a message -> words -> an index (a backend's own), which proposes messages
//! text of a query   -> Query -> Query::find on the message's newest text -> highlights, or no match
//! ```
//!
//! An index only proposes: whether a message is found is decided on its content as it is, by
//! [`query::Query::find`]. So an index that is behind, or that knows fewer or more than it should,
//! never shows what is not there. [`port`] is how it is asked.

pub mod port;

pub mod query;

pub mod words;
