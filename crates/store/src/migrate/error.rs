//! Why a migration does not go on, by what its operator can do.

use std::sync::Arc;

use parlor_chat::store::StoreError;

use crate::postgres;
use crate::sqlite;
use crate::sqlite::rows::Failure;

/// Why a migration does not go on. What was copied stays, and the same command goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The source cannot be read.
    #[error("the source cannot be read")]
    Source(#[source] sqlite::OpenError),
    /// Something in the source is not what was written.
    #[error("the source is damaged: {what}")]
    Damaged {
        /// What.
        what: Arc<str>,
    },
    /// Contents are sealed, and it was not said that they may be opened.
    #[error("contents of the source are sealed, and PostgreSQL would keep them open")]
    Sealed,
    /// PostgreSQL does not keep the character U+0000.
    #[error("a row for the table {table} has the character U+0000, which PostgreSQL does not keep")]
    Nul {
        /// Which table.
        table: &'static str,
    },
    /// The target cannot be used.
    #[error("the target cannot be used")]
    Target(#[from] postgres::OpenError),
    /// The target has tables, and no migration made them.
    #[error("the target is not empty: it has the table {table}")]
    NotEmpty {
        /// One of them.
        table: String,
    },
    /// The target has the migration of another store.
    #[error("the target has the migration of another store")]
    OtherSource,
    /// Another migration into the target is at work.
    #[error("another migration into this database is at work")]
    Busy,
    /// The migration ended before, and the source was used since.
    #[error("the migration ended at position {up_to}, and a server has used the source since")]
    SourceWentOn {
        /// The position of the last entry that the target got.
        up_to: u64,
    },
    /// What the target gives back is not what the source has.
    #[error("the copy is not what the source has: {}", .0.join("; "))]
    Different(Vec<String>),
    /// The runtime for the connection could not be started.
    #[error("the migration's threads cannot be started")]
    Threads(#[source] std::io::Error),
}

impl From<sqlite::OpenError> for MigrateError {
    fn from(error: sqlite::OpenError) -> Self {
        Self::Source(error)
    }
}

impl From<rusqlite::Error> for MigrateError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Source(error.into())
    }
}

impl From<tokio_postgres::Error> for MigrateError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Target(error.into())
    }
}

impl From<StoreError> for MigrateError {
    fn from(error: StoreError) -> Self {
        let what = match error {
            StoreError::Corrupt { what } => what,
            error => error.to_string().into(),
        };
        Self::Damaged { what }
    }
}

impl From<Failure> for MigrateError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error.into(),
            Failure::Engine(error) => error.into(),
        }
    }
}
