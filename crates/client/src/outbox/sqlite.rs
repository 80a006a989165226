//! An outbox in a file, which survives the end of the program, however it ends.
//!
//! One row an item, as JSON. The file belongs to one program at a time: two that emptied the same
//! outbox could overtake each other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, params};
use thiserror::Error;

use super::{Change, OutboxItem, OutboxStore, StoreError};

/// The layout that this version writes.
const LAYOUT: i64 = 1;

/// Why an outbox cannot be opened.
#[derive(Debug, Error)]
enum OpenError {
    #[error("another program is using the outbox {}", .0.display())]
    InUse(PathBuf),
    #[error("the outbox {} was written by a newer version", .0.display())]
    Newer(PathBuf),
    #[error("the outbox {} cannot be opened", path.display())]
    Failed { path: PathBuf, source: rusqlite::Error },
}

/// Keeps messages in a SQLite file.
#[derive(Debug)]
pub struct SqliteOutbox {
    connection: Connection,
}

impl SqliteOutbox {
    /// Opens the file, or makes it. It is this program's alone until it is dropped.
    ///
    /// # Errors
    /// The folder is not there, the file is no outbox, or another program has it open.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        Self::try_open(path)
            .map_err(|source| -> StoreError {
                let path = path.to_owned();
                let is_busy = source.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
                Arc::new(if is_busy {
                    OpenError::InUse(path)
                } else {
                    OpenError::Failed { path, source }
                })
            })?
            .ok_or_else(|| Arc::new(OpenError::Newer(path.to_owned())) as StoreError)
    }

    fn try_open(path: &Path) -> Result<Option<Self>, rusqlite::Error> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if layout > LAYOUT {
            return Ok(None);
        }
        // A write takes the lock, which is then kept.
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             CREATE TABLE IF NOT EXISTS outbox (
                 owner TEXT NOT NULL,
                 client_id TEXT NOT NULL,
                 item TEXT NOT NULL,
                 PRIMARY KEY (owner, client_id)
             ) STRICT;
             PRAGMA user_version = {LAYOUT};
             COMMIT;"
        ))?;
        Ok(Some(Self { connection }))
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    Arc::new(error)
}

impl OutboxStore for SqliteOutbox {
    fn items(&mut self, owner: &str) -> Result<Vec<OutboxItem>, StoreError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT item FROM outbox WHERE owner = ?1")
            .map_err(failed)?;
        let rows = select.query_map([owner], |row| row.get::<_, String>(0)).map_err(failed)?;
        rows.map(|row| serde_json::from_str(&row.map_err(failed)?).map_err(failed)).collect()
    }

    fn apply(&mut self, owner: &str, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction().map_err(failed)?;
        for change in changes {
            match change {
                Change::Put(item) => {
                    let text = serde_json::to_string(item).map_err(failed)?;
                    let put = "INSERT OR REPLACE INTO outbox (owner, client_id, item) VALUES (?1, ?2, ?3)";
                    transaction.execute(put, params![owner, item.client_id, text])
                }
                Change::Remove(client_id) => {
                    let remove = "DELETE FROM outbox WHERE owner = ?1 AND client_id = ?2";
                    transaction.execute(remove, params![owner, client_id])
                }
            }
            .map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::super::{Failure, MemoryOutbox};
    use super::*;
    use crate::target::Target;

    fn item(number: u64, failed: bool) -> OutboxItem {
        OutboxItem {
            client_id: format!("key-{number}"),
            order: number,
            target: Target::User("bob".into()),
            content: json!({"text": "it's \"quoted\"", "n": number}),
            more: Map::new(),
            created_at: 1,
            failure: failed.then(|| Failure { code: "blocked".into(), error: "no".into() }),
        }
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            3 => (0..6u64, any::<bool>()).prop_map(|(number, failed)| Change::Put(item(number, failed))),
            2 => (0..6u64).prop_map(|number| Change::Remove(format!("key-{number}"))),
        ]
    }

    fn sorted(store: &mut dyn OutboxStore, owner: &str) -> Vec<OutboxItem> {
        let mut items = store.items(owner).expect("it is read");
        items.sort_by_key(|item| item.order);
        items
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Both stores hold the same after the same, and the file also once it is opened again.
        #[test]
        fn stores_agree(rounds in prop::collection::vec((any::<bool>(), prop::collection::vec(change(), 0..6)), 0..6)) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("outbox.db");
            let mut file = SqliteOutbox::open(&path).expect("it opens");
            let mut memory = MemoryOutbox::default();
            for (is_alice, changes) in rounds {
                let owner = if is_alice { "alice" } else { "bob" };
                file.apply(owner, &changes).expect("it is written");
                memory.apply(owner, &changes).expect("it is written");
            }
            drop(file);
            let mut file = SqliteOutbox::open(&path).expect("it opens again");
            for owner in ["alice", "bob"] {
                prop_assert_eq!(sorted(&mut file, owner), sorted(&mut memory, owner));
            }
        }
    }

    #[test]
    fn a_file_is_of_one_program_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("outbox.db");
        let first = SqliteOutbox::open(&path).expect("it opens");
        let second = SqliteOutbox::open(&path).expect_err("it is taken").to_string();
        assert!(second.contains("another program"), "{second}");
        drop(first);
        SqliteOutbox::open(&path).expect("it is free");
    }

    #[test]
    fn what_is_no_outbox_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "dear diary, ".repeat(100)).expect("it is written");
        SqliteOutbox::open(&path).expect_err("no outbox");
        assert!(std::fs::read(&path).expect("it is there").starts_with(b"dear diary"));
    }
}
