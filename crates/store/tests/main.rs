//! The tests of the embedded store.
//!
//! One program, so that what they share is built and linked once.

mod around;
mod audit;
mod backup;
mod contract;
mod crowds;
mod damage;
mod devices;
mod failures;
#[cfg(target_os = "linux")]
mod fsync;
mod kill;
mod people;
mod retention;
mod sealing;
mod search;
mod timers;
mod verify;
