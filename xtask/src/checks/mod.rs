//! The checks of `cargo xtask test`, one module per noun.

pub(crate) mod clients;
pub(crate) mod docs;
pub(crate) mod documents;
pub(crate) mod faults;
pub(crate) mod fuzz;
pub(crate) mod graph;
pub(crate) mod readme;
pub(crate) mod rust;
pub(crate) mod sdk;
pub(crate) mod sim;
pub(crate) mod web;
