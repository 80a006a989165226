//! Puts a backup in the place of a data directory's store.
//!
//! ```text
//! backup -> checked copy beside the old files -> note -> old files aside -> copy in place -> note gone
//! ```
//!
//! While the note is there no server opens the directory, since old and new files may be mixed: a
//! restore that was killed is run again, and goes on with the same place for the old files. What is
//! put back has no file that says which life it is in, so it begins a new one when it is opened.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::backup::{CopyError, Older, Partial, sync_dir_of};
use super::life::{DirLock, LIFE_FILE};
use super::progress::Report;
use super::verify::Verified;
use super::{DATABASE_FILE, OpenError};

/// The note that a restore is under way; it names where the old files go.
const NOTE_FILE: &str = "parlor.restore";

/// The copy, until it is in place.
const FRESH_FILE: &str = "parlor.db.restored";

/// What to do with a store that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existing {
    /// Leave everything as it is.
    Refuse,
    /// Move its files to a directory of this name within the data directory.
    KeepAside(String),
}

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the check of the backup saw.
    pub verified: Verified,
    /// Where the old files are, if there were any.
    pub kept: Option<PathBuf>,
}

/// Refuses a directory in which a restore did not end.
pub(crate) fn refuse_unfinished(dir: &Path) -> Result<(), OpenError> {
    if dir.join(NOTE_FILE).exists() {
        return Err(OpenError::RestoreUnfinished { dir: dir.to_owned() });
    }
    Ok(())
}

/// Restores the backup `from` to the data directory `dir`, which must exist.
///
/// # Errors
/// [`CopyError`]: the directory is held by a server, holds a store that is not to be replaced, or
/// the backup is damaged or of another version. Then nothing has changed, unless it is
/// [`CopyError::Write`]: then the restore may have to be run again, as the server will say.
pub fn restore(
    from: &Path,
    dir: &Path,
    existing: &Existing,
    report: Report<'_>,
) -> Result<Restored, CopyError> {
    let _lock = DirLock::take(dir)?;
    let unfinished = std::fs::read_to_string(dir.join(NOTE_FILE)).ok();
    let database = dir.join(DATABASE_FILE);
    let aside = match (existing, &unfinished) {
        (_, Some(aside)) if aside.is_empty() => None,
        (_, Some(aside)) => Some(dir.join(aside)),
        (Existing::KeepAside(name), None) if holds_store(dir) => Some(dir.join(name)),
        (Existing::Refuse, None) if holds_store(dir) => {
            return Err(CopyError::Exists { path: database });
        }
        _ => None,
    };
    let fresh = dir.join(FRESH_FILE);
    let failed = |source| CopyError::Write { path: dir.to_owned(), source };
    if fresh.exists() {
        std::fs::remove_file(&fresh).map_err(failed)?;
    }
    let partial = Partial::copy(from, &fresh, Older::Take, report)?;
    partial.migrate()?;
    let verified = partial.check(report)?;
    partial.finish(&fresh)?;

    note(dir, aside.as_deref()).map_err(failed)?;
    if let Some(aside) = &aside {
        keep(dir, aside).map_err(failed)?;
    }
    std::fs::rename(&fresh, &database)
        .and_then(|()| sync_dir_of(&database))
        .and_then(|()| std::fs::remove_file(dir.join(NOTE_FILE)))
        .and_then(|()| sync_dir_of(&database))
        .map_err(failed)?;
    Ok(Restored { verified, kept: aside.filter(|aside| aside.exists()) })
}

/// The files of a store. The log goes before the database that it belongs to would be replaced:
/// a log beside another database would be taken for its own.
const FILES: [&str; 4] = ["parlor.db-wal", "parlor.db-shm", LIFE_FILE, DATABASE_FILE];

fn holds_store(dir: &Path) -> bool {
    FILES.iter().any(|name| dir.join(name).exists())
}

fn note(dir: &Path, aside: Option<&Path>) -> std::io::Result<()> {
    let path = dir.join(NOTE_FILE);
    let mut file = std::fs::File::create(&path)?;
    let name = aside.and_then(Path::file_name).unwrap_or_default();
    file.write_all(name.as_encoded_bytes())?;
    file.sync_all()?;
    sync_dir_of(&path)
}

fn keep(dir: &Path, aside: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(aside)?;
    for name in FILES {
        let (path, kept) = (dir.join(name), aside.join(name));
        match (path.exists(), kept.exists()) {
            (true, false) => std::fs::rename(&path, &kept)?,
            // What is kept is the old one; this was put in place by a restore that did not end.
            (true, true) => std::fs::remove_file(&path)?,
            (false, _) => {}
        }
    }
    sync_dir_of(&aside.join(DATABASE_FILE))?;
    sync_dir_of(aside)
}
