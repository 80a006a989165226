//! Proof that Parlor keeps its promise: a checker of histories and runs that break things.
//!
//! [`history`] is what a run observed: what each client sent, what it was told, what each device
//! saw, what the log holds at the end. [`checker`] is pure and asks the promise's questions of it.
//! [`server`] starts and kills the real binary, [`client`] is the least Socket.IO client, [`device`] reconnects and resends
//! as a stock client with retries does, [`faults`] puts them together under a seed.

pub mod history;

mod receipts;

pub mod checker;

pub mod server;

pub mod client;

pub mod device;

pub mod faults;
