//! Which database this is, and which life its log is in.
//!
//! A log that was put back from a copy, or taken over by a standby that lagged behind, may lack its
//! end, and would hand out the same seqs again for other entries; so it must get another epoch. The
//! epoch is made of four things, and another value of any of them makes another one: a secret made with
//! the tables, the system identifier of the cluster, the number of the database in it (a dump that is
//! loaded elsewhere has others), and the timeline, which a promotion and a recovery to a point in time
//! move on. The timeline is read from the name of the log file that is written now, since
//! `pg_control_checkpoint()` lags behind a promotion.

use parlor_chat::entry::Epoch;
use parlor_chat::store::SealKey;
use sha2::{Digest, Sha256};

use super::OpenError;
use super::conn::{Conn, params};

const EPOCH: &str = "SELECT \
    (SELECT value FROM meta WHERE key = 'birth'), \
    (SELECT system_identifier FROM pg_control_system()), \
    (SELECT oid::bigint FROM pg_database WHERE datname = current_database()), \
    substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)";

/// The epoch of the database behind a connection, as it is now.
///
/// # Errors
/// Also where the server is a standby, which writes nothing.
pub(crate) async fn epoch(conn: Conn<'_>) -> Result<Epoch, OpenError> {
    let row = conn.first(EPOCH, params![]).await?.ok_or(OpenError::NotAStore)?;
    let birth: Option<Vec<u8>> = row.try_get(0)?;
    let (system, database): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    let timeline: String = row.try_get(3)?;
    let mut hasher = Sha256::new();
    hasher.update(b"parlor: epoch 1");
    hasher.update(birth.ok_or(OpenError::NotAStore)?);
    hasher.update(system.to_be_bytes());
    hasher.update(database.to_be_bytes());
    hasher.update(timeline.as_bytes());
    let digest = hasher.finalize();
    let number = digest.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    // Below 2^53, as clients' numbers must be, and not 0.
    Ok(Epoch(1 + number % ((1 << 53) - 2)))
}

/// Notes the epoch in the database, by which a standby shows that it has this life of the log (`replica`).
pub(crate) async fn note(conn: Conn<'_>, epoch: Epoch) -> Result<(), tokio_postgres::Error> {
    let sql = "INSERT INTO meta (key, value) VALUES ('epoch', $1) \
        ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE meta.value <> excluded.value";
    conn.execute(sql, params![&epoch.0.to_be_bytes()[..]]).await.map(|_| ())
}

/// A name for the log, the same for all its lives and nodes, that tells nothing of its secrets.
pub(crate) fn log_id(seal_key: &SealKey) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(b"parlor: log id 1");
    hasher.update(seal_key.0);
    hasher.finalize().iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte))
}

/// The secret that was made with the tables.
pub(crate) async fn seal_key(conn: Conn<'_>) -> Result<SealKey, OpenError> {
    let sql = "SELECT value FROM meta WHERE key = 'seal_key'";
    let row = conn.first(sql, params![]).await?.ok_or(OpenError::NotAStore)?;
    let key: Vec<u8> = row.try_get(0)?;
    Ok(SealKey(key.try_into().map_err(|_| OpenError::NotAStore)?))
}
