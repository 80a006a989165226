//! Copies of the data folder, as an operator makes and puts back with the server stopped, and what
//! a copy holds, read by SQL from a copy of the copy.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rusqlite::{Connection, Row};
use serde::Deserialize;

use super::lives::{Heads, Logs};
use super::{editing, group_log};
use crate::history::Message;

/// The files of a stopped server's data that belong together.
const DATABASE: [&str; 2] = ["parlor.db", "parlor.db-wal"];
/// The file beside them that says whether they are a copy.
const SIDECAR: &str = "parlor.life";

/// What was said between two users of a run, each log in order, as earlier versions have it.
const SAID: &str = "SELECT conversation, seq, sender, content, \
    (SELECT ts FROM entry WHERE pos = position), 0, NULL FROM messages \
    WHERE conversation LIKE 'dm:user%' ORDER BY conversation, seq";
/// What was said and done between two users of a run and in groups, each log in order.
const DONE: &str = "SELECT coalesce('group:' || g.name, 'dm:' || l.name || ':' || h.name) AS place, \
    e.seq, u.name, e.content, e.ts, e.kind, e.about FROM entry e \
    JOIN user u ON u.id = e.sender JOIN conversation c ON c.id = e.conversation \
    LEFT JOIN user l ON l.id = c.low LEFT JOIN user h ON h.id = c.high \
    LEFT JOIN chat_group g ON g.conversation = c.id \
    WHERE place LIKE 'dm:user%' OR place LIKE 'group:%' ORDER BY place, e.seq";
/// What `kind` says of an entry.
const MESSAGE: i64 = 0;
const EDIT: i64 = 2;

/// How a copy is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The database alone, over the files that are there.
    DatabaseInPlace,
    /// The database alone, as new files.
    DatabaseAnew,
    /// Every file, as new files.
    AllAnew,
    /// Every file, over the files that are there, as `cp` does.
    AllInPlace,
}

impl Way {
    /// All of them.
    pub(super) const ALL: [Self; 4] =
        [Self::DatabaseInPlace, Self::DatabaseAnew, Self::AllAnew, Self::AllInPlace];
}

/// A copy of the data folder.
#[derive(Debug)]
pub(super) struct Copy {
    folder: PathBuf,
}

impl Copy {
    /// Copies the data of a stopped server into a new folder.
    ///
    /// # Errors
    /// When files cannot be copied.
    pub(super) fn take(data: &Path, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        for name in DATABASE.iter().chain([&SIDECAR]) {
            let from = data.join(name);
            let to = folder.join(name);
            if from.exists() {
                fs::copy(from, to)?;
            } else if to.exists() {
                fs::remove_file(to)?;
            }
        }
        Ok(Self { folder: folder.into() })
    }

    /// Puts the copy in the place of a stopped server's data.
    ///
    /// # Errors
    /// When files cannot be written.
    pub(super) fn put_back(&self, data: &Path, way: Way) -> Result<()> {
        let with_sidecar = matches!(way, Way::AllAnew | Way::AllInPlace);
        let anew = matches!(way, Way::DatabaseAnew | Way::AllAnew);
        for entry in fs::read_dir(data)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let stale = name.ends_with("-shm") || name.ends_with("-wal");
            if stale || (anew && DATABASE.contains(&name.as_str())) {
                fs::remove_file(&path)?;
            }
        }
        for name in DATABASE.iter().chain([&SIDECAR].into_iter().filter(|_| with_sidecar)) {
            let from = self.folder.join(name);
            if !from.exists() {
                continue;
            }
            if anew {
                // A new file beside the old one, so that not even the inode is the same.
                let fresh = data.join("copied");
                fs::copy(&from, &fresh)?;
                fs::rename(fresh, data.join(name))?;
            } else {
                fs::write(data.join(name), fs::read(&from)?)?;
            }
        }
        Ok(())
    }

    /// What it holds. Reads a copy of the copy, since opening a database changes it.
    ///
    /// # Errors
    /// When it is no store.
    pub(super) fn logs(&self) -> Result<Logs> {
        let scratch = tempfile::tempdir()?;
        Self::take(&self.folder, scratch.path())?;
        let db = Connection::open(scratch.path().join(DATABASE[0]))?;
        let mut logs = Logs::new();
        let tables = "SELECT 1 FROM sqlite_schema WHERE name = 'chat_group'";
        // Earlier versions know no groups, and nothing but messages.
        let sql = if db.prepare(tables)?.exists(())? { DONE } else { SAID };
        let mut statement = db.prepare(sql)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let message = entry(row)?;
            logs.entry(message.conversation.clone()).or_default().push(message);
        }
        Ok(logs)
    }
}

/// Reads a row of [`SAID`] or [`DONE`].
fn entry(row: &Row<'_>) -> Result<Message> {
    let stored = Stored {
        conversation: row.get(0)?,
        seq: u64::try_from(row.get::<_, i64>(1)?)?,
        from: row.get(2)?,
        content: row.get(3)?,
        ts: u64::try_from(row.get::<_, i64>(4)?)?,
        kind: row.get(5)?,
        about: row.get(6)?,
    };
    stored.message()
}

/// An entry as a store keeps it.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    conversation: String,
    seq: u64,
    from: String,
    content: String,
    ts: u64,
    kind: i64,
    about: Option<i64>,
}

impl Stored {
    /// The same as clients are told it.
    ///
    /// # Errors
    /// When it is none that the run makes.
    pub(super) fn message(self) -> Result<Message> {
        let Self { conversation, seq, from, content, ts, kind, about } = self;
        let said = || -> Result<String> { Ok(serde_json::from_str(&content)?) };
        let content = match kind {
            MESSAGE => said()?,
            EDIT => {
                let about = about.context("an edit of nothing")?;
                editing::text(&format!("{conversation}:{about}"), &said()?)
            }
            _ => group_log::stored(&content)?,
        };
        Ok(Message { id: format!("{conversation}:{seq}"), conversation, seq, from, content, ts })
    }
}

/// How far each log goes.
pub(super) fn heads(logs: &Logs) -> Heads {
    logs.iter().map(|(conversation, log)| (conversation.clone(), log.len() as u64)).collect()
}
