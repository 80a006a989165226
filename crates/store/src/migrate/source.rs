//! The source: a data directory that is only read, and whether a server is using it.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::error::MigrateError;
use super::reading::{Reading, Unsealed};
use crate::kept::clock::Clock;
use crate::postgres::migration::Origin;
use crate::sqlite::life::{self, DirLock};
use crate::sqlite::names::Names;
use crate::sqlite::{DATABASE_FILE, Keyring, OpenError, keys, restore, schema, verify};

/// The source of a migration.
#[derive(Debug)]
pub(crate) struct Source {
    conn: Connection,
    names: Names,
    unsealed: Unsealed,
    /// Held if no server is using the source; then none can begin to.
    lock: Option<DirLock>,
}

impl Source {
    pub(crate) fn open(
        dir: &Path,
        keyring: Option<Arc<Keyring>>,
        unsealed: Unsealed,
    ) -> Result<Self, MigrateError> {
        let path = dir.join(DATABASE_FILE);
        std::fs::metadata(&path).map_err(|source| OpenError::Io { path: path.clone(), source })?;
        restore::refuse_unfinished(dir)?;
        let lock = match DirLock::take(dir) {
            Ok(lock) => Some(lock),
            Err(OpenError::InUse { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let conn = verify::open_to_read(&path)?;
        schema::check(&conn)?;
        let sealed = "SELECT EXISTS (SELECT 1 FROM data_key) OR EXISTS (SELECT 1 FROM own_key)";
        if unsealed == Unsealed::Refuse && conn.query_row(sealed, (), |row| row.get(0))? {
            return Err(MigrateError::Sealed);
        }
        keys::check(&conn, keyring.as_deref())?;
        // Contents that have ended and are still there are brought as they are: the target takes them out.
        let names = Names::new(keyring, Clock::SYSTEM);
        Ok(Self { conn, names, unsealed, lock })
    }

    /// Whether what is read now is all there will be.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.lock.is_some()
    }

    pub(crate) fn origin(&self) -> Result<Origin, MigrateError> {
        let seal_key = life::seal_key(&self.conn)?.0;
        let mut hasher = Sha256::new();
        hasher.update(b"parlor: origin of a migration 1");
        hasher.update(seal_key);
        Ok(Origin { id: hasher.finalize().into(), seal_key })
    }

    /// Reads in one snapshot.
    pub(crate) fn snapshot<T>(
        &mut self,
        read: impl FnOnce(&mut Reading<'_>) -> Result<T, MigrateError>,
    ) -> Result<T, MigrateError> {
        self.conn.execute_batch("BEGIN")?;
        let done = read(&mut Reading::new(&self.conn, &mut self.names, self.unsealed));
        self.conn.execute_batch("ROLLBACK")?;
        done
    }
}

impl Reading<'_> {
    /// A number that the source keeps about itself.
    pub(crate) fn noted(&self, key: &str) -> Result<Option<i64>, MigrateError> {
        let sql = "SELECT value FROM meta WHERE key = ?1";
        Ok(self.conn.query_row(sql, [key], |row| row.get(0)).optional()?)
    }

    /// What the source has from the last server that opened it: another one has another.
    pub(crate) fn opening(&self) -> Result<i64, MigrateError> {
        Ok(self.noted("token")?.unwrap_or(0))
    }
}
