//! Whose turn it is on the data directory, and which life its log is in.
//!
//! One server at a time: a lock file is held for as long as the store is open.
//!
//! A log that was put back from a copy may lack its end, and would hand out the same seqs again
//! for other entries; so it must get a new epoch. A sidecar file beside the database is written
//! at every opening with a fresh token that the database keeps too, the database file's inode, its
//! own time of birth, and, at every checkpoint and at the end, the position reached. A database that
//! does not know the sidecar's token, lies in another inode, or has not reached its position is a
//! copy; and so is a sidecar that was born at another time than it says: then the whole directory
//! was put back, over the files that were there.
//! (A copy of a whole disk, put back whole, cannot be told from a crash.)

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use parlor_chat::entry::Epoch;
use parlor_chat::store::SealKey;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::OpenError;

const LOCK_FILE: &str = "parlor.lock";
pub(crate) const LIFE_FILE: &str = "parlor.life";

/// Holds the data directory until it is dropped.
#[derive(Debug)]
pub(crate) struct DirLock {
    _file: File,
}

impl DirLock {
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(LOCK_FILE);
        let io = |source| OpenError::Io { path: path.clone(), source };
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }
}

/// The life the log is in.
#[derive(Debug)]
pub(crate) struct Life {
    /// Its small id, as entries name it.
    pub(crate) id: i64,
    pub(crate) epoch: Epoch,
}

/// The file beside the database that a copy of the database lacks.
#[derive(Debug)]
pub(crate) struct Sidecar {
    path: PathBuf,
    token: i64,
    inode: u64,
}

/// What a sidecar said when it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    token: i64,
    inode: u64,
    position: i64,
    /// Whether it is the file that was written, and not a copy of it.
    is_original: bool,
}

impl Sidecar {
    /// Notes how far the log has come. Replaces the file in one step, which a loss of power does
    /// not undo: an older sidecar would make a copy of what is none.
    pub(crate) fn reached(&self, position: i64) -> std::io::Result<()> {
        let fresh = self.path.with_extension("life.new");
        let mut file = File::create(&fresh)?;
        let (token, inode, born) = (self.token, self.inode, born(&file).unwrap_or(0));
        write!(file, "token {token}\ninode {inode}\nposition {position}\nborn {born}\n")?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.path)?;
        match self.path.parent() {
            Some(dir) if cfg!(unix) => File::open(dir)?.sync_all(),
            _ => Ok(()),
        }
    }
}

/// When a file came to be, in nanoseconds since 1970; `None` where the file system does not say.
/// A new name does not change it, and a copy does not have it, even over an older file.
fn born(file: &File) -> Option<u64> {
    let born = file.metadata().ok()?.created().ok()?;
    u64::try_from(born.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

fn read_sidecar(path: &Path) -> Option<Found> {
    let mut file = File::open(path).ok()?;
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<u64>().ok())
    };
    Some(Found {
        token: i64::try_from(field("token")?).ok()?,
        inode: field("inode")?,
        position: i64::try_from(field("position")?).ok()?,
        is_original: field("born").is_none_or(|said| said == born(&file).unwrap_or(0)),
    })
}

#[cfg(unix)]
fn inode(path: &Path) -> std::io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata(path)?.ino())
}

#[cfg(not(unix))]
fn inode(_: &Path) -> std::io::Result<u64> {
    Ok(0)
}

/// The secret that was made with the store.
pub(crate) fn seal_key(conn: &Connection) -> Result<SealKey, OpenError> {
    let sql = "SELECT value FROM meta WHERE key = 'seal_key'";
    let key: Option<Vec<u8>> = conn.query_row(sql, (), |row| row.get(0)).optional()?;
    let key = key.and_then(|key| <[u8; 32]>::try_from(key).ok()).ok_or(OpenError::NotAStore)?;
    Ok(SealKey(key))
}

/// Tells which life an opened database is in, beginning a new one where it must, and the
/// position of its last entry.
pub(crate) fn begin(
    conn: &mut Connection,
    dir: &Path,
    db: &Path,
) -> Result<(Life, Sidecar, i64), OpenError> {
    let path = dir.join(LIFE_FILE);
    let io = |source| OpenError::Io { path: path.clone(), source };
    let inode = inode(db).map_err(io)?;
    let found = read_sidecar(&path);

    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let meta = |key: &str| {
        tx.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, i64>(0))
            .optional()
    };
    let head: i64 =
        tx.query_row("SELECT coalesce(max(pos), 0) FROM entry", (), |row| row.get(0))?;
    let (known, before) = (meta("token")?, meta("token_before")?);
    let current = tx
        .query_row("SELECT id, epoch FROM life ORDER BY id DESC LIMIT 1", (), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    let same_file = found.is_some_and(|found| {
        // The process may have ended between the commit of a token and its sidecar.
        let token_known = known == Some(found.token) || before == Some(found.token);
        token_known && found.inode == inode && found.position <= head && found.is_original
    });
    let (id, epoch) = match current {
        Some(current) if same_file => current,
        _ => {
            // Below 2^53, as clients' numbers must be, and not 0.
            let insert = "INSERT INTO life (epoch, began_after) \
                          VALUES (1 + abs(random() % 9007199254740990), ?1) RETURNING id, epoch";
            let made = tx.query_row(insert, [head], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if current.is_some() {
                tracing::warn!(epoch = made.1, "the store is a copy: its log begins a new life");
            }
            made
        }
    };
    let upsert = "INSERT INTO meta (key, value) VALUES (?1, ?2) \
                  ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    let token: i64 =
        tx.query_row("SELECT 1 + abs(random() % 9007199254740990)", (), |row| row.get(0))?;
    tx.execute(upsert, ("token_before", known.unwrap_or(0)))?;
    tx.execute(upsert, ("token", token))?;
    tx.commit()?;

    let sidecar = Sidecar { path: path.clone(), token, inode };
    sidecar.reached(head).map_err(io)?;
    let epoch = Epoch(u64::try_from(epoch).map_err(|_| OpenError::NotAStore)?);
    Ok((Life { id, epoch }, sidecar, head))
}
