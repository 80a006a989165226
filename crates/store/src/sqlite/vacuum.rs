//! Gives freed pages back to the file system, a few at a time.
//!
//! Pages that removed entries leave free are used for new entries, so that a store that removes as
//! much as it takes in stays as large as it is. Only when far more is free are pages moved from the
//! file's end into the holes, and the end cut off. Files that an older version made cannot do this;
//! [`compact`] makes them anew, once, so that they can.

use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;

use super::life::DirLock;
use super::progress::{Progress, Report};
use super::{DATABASE_FILE, OpenError, restore, schema};

/// So many free pages are no reason to move any.
const FREE_PAGES_KEPT: i64 = 1_024;

/// Nor is this share of all pages.
const FREE_SHARE_KEPT: i64 = 10;

/// Pages moved between two looks at the clock.
const MOVED_AT_ONCE: u32 = 16;

/// `PRAGMA auto_vacuum` of a file that can give pages back.
const INCREMENTAL: i64 = 2;

/// Sees to it that a file that is new can give pages back.
pub(crate) fn prepare(conn: &Connection) -> Result<(), rusqlite::Error> {
    conn.pragma_update(None, "auto_vacuum", INCREMENTAL)
}

/// Whether pages should be given back.
pub(crate) fn is_wanted(conn: &Connection) -> Result<bool, rusqlite::Error> {
    let (free, all) = (pragma(conn, "freelist_count")?, pragma(conn, "page_count")?);
    let is_much = free > FREE_PAGES_KEPT && free > all / FREE_SHARE_KEPT;
    Ok(is_much && pragma(conn, "auto_vacuum")? == INCREMENTAL)
}

/// Gives pages back within a transaction, until a deadline or until few are free. Tells whether
/// there are more.
pub(crate) fn step(conn: &Connection, deadline: Instant) -> Result<bool, rusqlite::Error> {
    while is_wanted(conn)? {
        if Instant::now() >= deadline {
            return Ok(true);
        }
        let mut statement =
            conn.prepare_cached(&format!("PRAGMA incremental_vacuum({MOVED_AT_ONCE})"))?;
        let mut moved = statement.query(())?;
        while moved.next()?.is_some() {}
    }
    Ok(false)
}

/// What a store's file was and is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Its size before, in bytes.
    pub bytes_before: u64,
    /// Its size now.
    pub bytes_after: u64,
}

/// Makes a store's file anew without its free pages, and able to give pages back from then on. No
/// server may be using it. It takes as much room again as the file is large.
///
/// # Errors
/// [`OpenError`]; then the store is as it was.
pub fn compact(dir: &Path, report: Report<'_>) -> Result<Compacted, OpenError> {
    let path = dir.join(DATABASE_FILE);
    let bytes = || {
        let file = std::fs::metadata(&path);
        file.map(|file| file.len()).map_err(|source| OpenError::Io { path: path.clone(), source })
    };
    let bytes_before = bytes()?;
    let _lock = DirLock::take(dir)?;
    restore::refuse_unfinished(dir)?;
    let mut conn = Connection::open(&path)?;
    schema::migrate(&mut conn)?;
    report(Progress { step: "compacting", done: 0, total: None });
    // Beside the data, where there is room, rather than where temporary files go.
    conn.pragma_update(None, "temp_store_directory", dir.to_string_lossy())?;
    conn.pragma_update(None, "temp_store", "FILE")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    prepare(&conn)?;
    conn.execute_batch("VACUUM")?;
    // Closing moves the log into the database and cuts the file.
    conn.close().map_err(|(_, error)| error)?;
    Ok(Compacted { bytes_before, bytes_after: bytes()? })
}

fn pragma(conn: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}
