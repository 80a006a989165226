//! Why a database cannot be used.

use std::time::Duration;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address is none.
    #[error("the address of the database is none")]
    Address(#[source] tokio_postgres::Error),
    /// The server refused something, or there is no way to it.
    #[error("the database cannot be used")]
    Database(#[from] tokio_postgres::Error),
    /// No connection came about.
    #[error("no connection to the database: {reason}{}", advice(reason))]
    Connect {
        /// Why.
        reason: String,
    },
    /// The way to it cannot be encrypted.
    #[error("the way to the database cannot be encrypted: {reason}")]
    Tls {
        /// Why.
        reason: String,
    },
    /// This machine's clock and the server's differ by more than [`super::Config::clock_skew_max`].
    #[error(
        "this machine's clock is {} ms {} the database's, and {} ms are allowed: set both by NTP",
        ahead_ms.abs(),
        if *ahead_ms > 0 { "ahead of" } else { "behind" },
        max.as_millis()
    )]
    ClockSkew {
        /// How far this machine's is ahead; behind, if it is below 0.
        ahead_ms: i64,
        /// What is allowed.
        max: Duration,
    },
    /// A newer version wrote it.
    #[error("the database has schema {found}, this version knows up to {known}")]
    NewerSchema {
        /// The version that it has.
        found: i64,
        /// The newest one known.
        known: i64,
    },
    /// Its tables are not those of a store.
    #[error("the database is not a store of Parlor's")]
    NotAStore,
    /// A store is being brought here, and not all of it is here.
    #[error("a migration into the database has not ended: run `parlor migrate` again")]
    MigrationUnfinished,
    /// The system gave no random bytes.
    #[error("no random bytes to be had")]
    NoRandomness,
    /// The runtime for its connections could not be started.
    #[error("the store's threads cannot be started")]
    Threads(#[source] std::io::Error),
}

/// What to do about it, where that is known.
fn advice(reason: &str) -> &'static str {
    // PgBouncer's words.
    match reason.contains("unsupported startup parameter") {
        true => ". A pooler stands between: set store.pooler to true",
        false => "",
    }
}
