//! Backends of chat's store port, one folder each, and the contract suite they all pass.
//!
//! [`sqlite`] is the embedded default: one file, one writer thread, group commit. What every
//! backend must keep to is written down as tests in `contract` (feature `contract`).

mod kept;

pub mod sqlite;

#[cfg(feature = "contract")]
pub mod contract;
