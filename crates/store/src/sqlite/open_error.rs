//! Why a store, or a backup of one, cannot be opened.

use std::path::PathBuf;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the data directory {} is in use by another server", dir.display())]
    InUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// The file was written by a newer version.
    #[error("the store has schema {found}, this version knows {known}: a newer version wrote it")]
    NewerSchema {
        /// What the file says.
        found: i64,
        /// What this version can take.
        known: i64,
    },
    /// The file was written by an older version, and this is not the place to migrate it.
    #[error("the store has schema {found}, this version writes {known}: start its server once")]
    OlderSchema {
        /// What the file says.
        found: i64,
        /// What this version writes.
        known: i64,
    },
    /// The file is a database, but not a store of Parlor's.
    #[error("the database is not a store of Parlor's")]
    NotAStore,
    /// Entries are sealed, and the master key that opens them is not configured.
    #[error("messages here are sealed by the master key {name}, which is not configured")]
    KeyMissing {
        /// The key's public name.
        name: String,
    },
    /// A conversation's key cannot be opened by the master key that sealed it.
    #[error("the key of conversation {conversation} is damaged")]
    KeyUnusable {
        /// The conversation's number.
        conversation: i64,
    },
    /// The key of a user's records cannot be opened by the master key that sealed it.
    #[error("the key of the records of user {user} is damaged")]
    OwnKeyUnusable {
        /// The user's number.
        user: i64,
    },
    /// A restore was begun here and did not end.
    #[error("a restore of {} did not end: run it again", dir.display())]
    RestoreUnfinished {
        /// The data directory.
        dir: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The engine refuses.
    #[error("the database cannot be used")]
    Engine(#[from] rusqlite::Error),
}
