//! A copy of the store as it is at one moment, made while a server may be writing.
//!
//! ```text
//! snapshot -> pages, a piece at a time -> NAME.partial -> fsync, check -> renamed to NAME
//! ```
//!
//! The copy is made in one snapshot of the source: it holds what was committed before it and
//! nothing later, entries, keys and watermarks alike, and writes never make it start over. It reads
//! no page through the server, takes no lock that a send waits for, and leaves the disk alone for as
//! long as it used it, piece by piece. While it runs the server's write-ahead log cannot be started
//! anew, so it grows by what is written meanwhile.
//!
//! What is not whole never has the name that was asked for.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::progress::{Progress, Report};
use super::restore::refuse_unfinished;
use super::verify::{Verified, open_to_read, verify_file};
use super::{DATABASE_FILE, OpenError, schema};

/// Pages copied between two pauses: a mebibyte.
const PIECE_PAGES: i32 = 256;

/// Pieces after which the copy is synced, so that the disk never owes much at once.
const PIECES_PER_SYNC: u32 = 16;

/// Whether a copy is checked before it gets its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// By all that [`super::verify()`] knows; one that is not sound is thrown away.
    Whole,
    /// Not at all: for data that is known to be damaged, or checked elsewhere.
    Skip,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is something of that name already.
    #[error("{} is there already", path.display())]
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// Another copy of that name is being made.
    #[error("another backup is writing {}", path.display())]
    InProgress {
        /// Where it is being made.
        path: PathBuf,
    },
    /// The copy does not pass the check.
    #[error("the data is damaged")]
    Unsound(Verified),
    /// The source cannot be read, or is of another version.
    #[error(transparent)]
    Source(#[from] OpenError),
    /// The copy cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The engine cannot write the copy.
    #[error("cannot write the copy")]
    Engine(#[from] rusqlite::Error),
}

/// Copies the store in `dir` to the file `to`, which must not exist; tells what the check saw.
///
/// # Errors
/// [`CopyError`]; then there is no file `to`.
pub fn backup(
    dir: &Path,
    to: &Path,
    check: Check,
    report: Report<'_>,
) -> Result<Option<Verified>, CopyError> {
    if to.exists() {
        return Err(CopyError::Exists { path: to.to_owned() });
    }
    refuse_unfinished(dir)?;
    let source = dir.join(DATABASE_FILE);
    let partial = match check {
        Check::Whole => Partial::copy(&source, to, Older::Refuse, report)?,
        Check::Skip => Partial::copy(&source, to, Older::Take, report)?,
    };
    let verified = match check {
        Check::Whole => Some(partial.check(report)?),
        Check::Skip => None,
    };
    partial.finish(to)?;
    Ok(verified)
}

/// Whether a store that an older version wrote is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Older {
    /// No: it could not be checked.
    Refuse,
    /// Yes.
    Take,
}

/// A copy that is not known to be whole; unless it is finished it goes when it is dropped.
pub(crate) struct Partial {
    path: PathBuf,
    /// Held until the file has its name, so that no two copies write to one file.
    file: Option<File>,
}

impl Partial {
    /// Copies a database to a file beside `to`.
    pub(crate) fn copy(
        source: &Path,
        to: &Path,
        older: Older,
        report: Report<'_>,
    ) -> Result<Self, CopyError> {
        let source = open_to_read(source)?;
        match schema::check(&source) {
            Err(OpenError::OlderSchema { .. }) if older == Older::Take => {}
            checked => checked?,
        }
        let partial = Self::begin(to)?;
        partial.fill(&source, report)?;
        Ok(partial)
    }

    /// Makes an empty file, for this user alone, in place of what a copy that was killed left.
    fn begin(to: &Path) -> Result<Self, CopyError> {
        let mut name = to.as_os_str().to_owned();
        name.push(".partial");
        let path = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let failed = |source| CopyError::Write { path: path.clone(), source };
        let file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CopyError::InProgress { path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).map_err(failed)?;
        Ok(Self { path, file: Some(file) })
    }

    /// Brings the copy to this version.
    pub(crate) fn migrate(&self) -> Result<(), CopyError> {
        let mut copy = Connection::open(&self.path)?;
        schema::migrate(&mut copy)?;
        copy.close().map_err(|(_, error)| error)?;
        self.sync()
    }

    /// Checks the copy by all that is known.
    pub(crate) fn check(&self, report: Report<'_>) -> Result<Verified, CopyError> {
        let verified = verify_file(&self.path, report)?;
        if verified.findings.is_empty() { Ok(verified) } else { Err(CopyError::Unsound(verified)) }
    }

    fn fill(&self, source: &Connection, report: Report<'_>) -> Result<(), CopyError> {
        let mut copy = Connection::open(&self.path)?;
        // What is killed halfway is thrown away, so it needs neither a journal nor the engine's
        // syncs.
        copy.pragma_update(None, "journal_mode", "OFF")?;
        copy.pragma_update(None, "synchronous", "OFF")?;
        // The snapshot that all pieces are read in.
        source.execute_batch("BEGIN")?;
        source.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
        let steps = Backup::new(source, &mut copy)?;
        for piece in 1.. {
            let began = Instant::now();
            let result = steps.step(PIECE_PAGES)?;
            if piece % PIECES_PER_SYNC == 0 {
                self.sync()?;
            }
            let pages = steps.progress();
            let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
            let total = count(pages.pagecount);
            let done = total.saturating_sub(count(pages.remaining));
            report(Progress { step: "pages copied", done, total: Some(total) });
            match result {
                StepResult::Done => break,
                // As long for the server's own commits as the piece took.
                _ => std::thread::park_timeout(began.elapsed()),
            }
        }
        drop(steps);
        source.execute_batch("ROLLBACK")?;
        // One file, which can be read where nothing can be written.
        copy.pragma_update(None, "journal_mode", "DELETE")?;
        copy.close().map_err(|(_, error)| error)?;
        self.sync()
    }

    fn sync(&self) -> Result<(), CopyError> {
        let failed = |source| CopyError::Write { path: self.path.clone(), source };
        self.file.as_ref().map_or(Ok(()), File::sync_all).map_err(failed)
    }

    /// Gives the copy its name, for good.
    pub(crate) fn finish(mut self, to: &Path) -> Result<(), CopyError> {
        if to.exists() {
            return Err(CopyError::Exists { path: to.to_owned() });
        }
        std::fs::rename(&self.path, to)
            .and_then(|()| sync_dir_of(to))
            .map_err(|source| CopyError::Write { path: to.to_owned(), source })?;
        self.file = None;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Whatever is left is not whole, by its name.
            for tail in ["", "-wal", "-shm", "-journal"] {
                let mut name = self.path.as_os_str().to_owned();
                name.push(tail);
                drop(std::fs::remove_file(name));
            }
        }
    }
}

/// Makes a rename in a file's directory durable.
pub(crate) fn sync_dir_of(file: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty());
        File::open(dir.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}
