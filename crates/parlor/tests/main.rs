//! The tests of the binary: its commands, and the server as a process.
//!
//! One program, so that what they share is built and linked once.

mod api;
mod api_admission;
mod api_document;
mod api_groups;
mod api_manual;
mod backup;
#[cfg(feature = "chat")]
mod chat;
mod commands;
mod damage;
mod encryption;
#[cfg(target_os = "linux")]
mod half_open;
mod moderation;
mod operate;
mod serve;
mod support;
mod web;
