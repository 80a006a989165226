//! Proof that Parlor keeps its promise: a checker of histories and runs that break things.
//!
//! [`history`] is what a run observed: what each client sent, what it was told, what each device
//! saw, what the log holds at the end. [`checker`] is pure and asks the promise's questions of it.
//! [`world`] simulates small worlds on the domain's own machines, a thousand a second. [`faults`]
//! runs the real binary among real clients and breaks everything around it. Either under a seed.
//! [`app`] is what a fault run starts and kills: processes of programs with the Rust client.

pub mod history;

mod membership;

mod groups;

mod receipts;

mod edits;

mod shown;

mod clock;

pub mod checker;

pub mod world;

pub mod faults;

pub mod app;
