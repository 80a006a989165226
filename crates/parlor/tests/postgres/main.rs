//! The binary on a real PostgreSQL server.

mod migrate;
#[allow(dead_code, reason = "the store's tests use all of it")]
#[path = "../../../store/tests/postgres/server.rs"]
mod server;
