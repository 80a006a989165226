//! Backends of chat's store port, one folder each, and the contract suite they all pass.
//!
//! [`sqlite`] is the embedded default: one file, one writer thread, group commit. `postgres` (feature
//! `postgres`) keeps the same on a server of its own, and `migrate` moves a store from the one to the other. What every
//! backend must keep to is written down as tests in `contract` (feature `contract`).

mod kept;

pub mod sqlite;

#[cfg(feature = "postgres")]
pub mod postgres;

#[cfg(feature = "postgres")]
pub mod migrate;

#[cfg(feature = "contract")]
pub mod contract;
