//! What a database knows of a migration into it: from which store, how far, and whether it has ended.
//!
//! While it has not, no server may use the database. It lacks the secret that the epoch is made of, so that
//! none can, of whatever version; and this version says why.

use aws_lc_rs::rand;

use super::conn::{Conn, params};
use super::retention::{self, REMOVED_AGE, REMOVED_UP_TO};
use super::{OpenError, schema};

const TABLE: &str = "CREATE TABLE migration ( \
        id       boolean PRIMARY KEY DEFAULT true CHECK (id), \
        source   bytea NOT NULL, \
        up_to    bigint NOT NULL DEFAULT 0, \
        began    timestamptz NOT NULL DEFAULT now(), \
        finished timestamptz, \
        opening  bigint \
    ); \
    COMMENT ON TABLE migration IS 'One row: that this store was brought here from another.'; \
    COMMENT ON COLUMN migration.source IS 'Which one, by a digest of its secret.'; \
    COMMENT ON COLUMN migration.up_to IS 'Entries up to this position are here.'; \
    COMMENT ON COLUMN migration.opening IS 'What the source had from its last server when it ended.'";

/// A store that is brought here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    /// What it is known by.
    pub(crate) id: [u8; 32],
    /// The secret that was made with it, of which ids and tokens are made.
    pub(crate) seal_key: [u8; 32],
}

/// What a database is to a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// It has tables that no migration made; one of them.
    Foreign(String),
    /// The migration of another store.
    OfAnother,
    /// This migration, with entries up to a position.
    UnderWay { up_to: i64 },
    /// This migration, whole, and what the source had from its last server then.
    Finished { up_to: i64, opening: i64 },
}

/// Refuses a database into which a store is being brought.
///
/// # Errors
/// [`OpenError::MigrationUnfinished`].
pub(crate) async fn refuse_unfinished(conn: Conn<'_>) -> Result<(), OpenError> {
    let is_there = "SELECT 1 WHERE to_regclass('migration') IS NOT NULL";
    if conn.exists(is_there, params![]).await?
        && conn.exists("SELECT 1 FROM migration WHERE finished IS NULL", params![]).await?
    {
        return Err(OpenError::MigrationUnfinished);
    }
    Ok(())
}

/// Makes the tables in an empty database, or finds what was begun. All or nothing, and held against a
/// server that makes its tables.
pub(crate) async fn claim(conn: Conn<'_>, origin: &Origin) -> Result<Found, OpenError> {
    conn.run("BEGIN").await?;
    let found = claimed(conn, origin).await;
    conn.run(if found.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    found
}

async fn claimed(conn: Conn<'_>, origin: &Origin) -> Result<Found, OpenError> {
    conn.query("SELECT pg_advisory_xact_lock($1)", params![schema::LOCK]).await?;
    let tables = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') \
                  ORDER BY c.relname <> 'migration', c.relname LIMIT 1";
    match conn.first(tables, params![]).await? {
        None => {
            schema::steps(conn).await?;
            conn.run(TABLE).await?;
            conn.execute("INSERT INTO migration (source) VALUES ($1)", params![&origin.id[..]])
                .await?;
            conn.execute("DELETE FROM meta WHERE key = 'birth'", params![]).await?;
            let sql = "UPDATE meta SET value = $1 WHERE key = 'seal_key'";
            conn.execute(sql, params![&origin.seal_key[..]]).await?;
            return Ok(Found::UnderWay { up_to: 0 });
        }
        Some(row) => {
            let table: String = row.try_get(0)?;
            if table != "migration" {
                return Ok(Found::Foreign(table));
            }
        }
    }
    let sql = "SELECT source, up_to, finished IS NOT NULL, coalesce(opening, 0) FROM migration";
    let row = conn.first(sql, params![]).await?.ok_or(OpenError::NotAStore)?;
    let (source, up_to): (Vec<u8>, i64) = (row.try_get(0)?, row.try_get(1)?);
    if source != origin.id {
        return Ok(Found::OfAnother);
    }
    if row.try_get(2)? {
        return Ok(Found::Finished { up_to, opening: row.try_get(3)? });
    }
    // A newer version may go on with what an older one began.
    schema::steps(conn).await?;
    Ok(Found::UnderWay { up_to })
}

/// What a store is like when it was brought here whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    /// The position of the newest entry.
    pub(crate) head: i64,
    /// Up to where retention has looked at entries, and for which age.
    pub(crate) removed_up_to: Option<i64>,
    pub(crate) removed_age_ms: Option<i64>,
    /// What the source has from its last server.
    pub(crate) opening: i64,
}

/// Gives the database to servers: a new life of the log begins, behind the newest entry.
pub(crate) async fn finish(conn: Conn<'_>, whole: &Whole) -> Result<(), OpenError> {
    let mut birth = [0u8; 32];
    rand::fill(&mut birth).map_err(|_| OpenError::NoRandomness)?;
    conn.run("BEGIN").await?;
    let done = finished(conn, whole, &birth).await;
    conn.run(if done.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    Ok(done?)
}

async fn finished(
    conn: Conn<'_>,
    whole: &Whole,
    birth: &[u8; 32],
) -> Result<(), tokio_postgres::Error> {
    conn.execute("UPDATE counter SET position = $1", params![whole.head]).await?;
    let kept = [(REMOVED_UP_TO, whole.removed_up_to), (REMOVED_AGE, whole.removed_age_ms)];
    for (key, value) in kept {
        if let Some(value) = value {
            retention::note(conn, key, value).await?;
        }
    }
    let sql = "INSERT INTO meta (key, value) VALUES ('birth', $1) \
               ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    conn.execute(sql, params![&birth[..]]).await?;
    let sql = "UPDATE migration SET finished = now(), up_to = $1, opening = $2";
    conn.execute(sql, params![whole.head, whole.opening]).await?;
    Ok(())
}
