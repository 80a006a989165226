//! Chat's events over the gateway.
#![allow(dead_code)]
mod commands;
pub mod content;
mod fields;
mod identity;
mod json;
mod records;
pub use identity::{AuthError, Authenticator, Identity};
