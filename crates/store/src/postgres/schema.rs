//! The tables, and how an older database becomes one of this version.
//!
//! Names are the ids that clients know, not numbers: what a commit touches is then one conversation or
//! one user, and there is no table of names that all writes share. Versions are noted in
//! `schema_version`; an advisory lock lets one server at a time move on.

use aws_lc_rs::rand;

use super::OpenError;
use super::conn::{Conn, params};

/// The version this binary writes.
pub(crate) const VERSION: i64 = 2;

/// What leads from one version to the next; the first makes an empty database version 1.
const STEPS: [&str; VERSION as usize] =
    [include_str!("schema_1.sql"), include_str!("schema_2.sql")];

/// Held while the schema moves on ("parlor" as a number).
pub(crate) const LOCK: i64 = 0x7061_726c_6f72;

/// Brings an empty or older database to [`VERSION`].
///
/// # Errors
/// [`OpenError::NewerSchema`] where a newer binary was here; nothing is changed then.
pub(crate) async fn migrate(conn: Conn<'_>) -> Result<(), OpenError> {
    conn.run("BEGIN").await?;
    let moved = steps(conn).await;
    conn.run(if moved.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    moved
}

/// The same, within a transaction.
pub(crate) async fn steps(conn: Conn<'_>) -> Result<(), OpenError> {
    conn.query("SELECT pg_advisory_xact_lock($1)", params![LOCK]).await?;
    conn.run(
        "CREATE TABLE IF NOT EXISTS schema_version \
         (version bigint PRIMARY KEY, since timestamptz NOT NULL DEFAULT now()); \
         COMMENT ON TABLE schema_version IS 'The versions that these tables have had.'",
    )
    .await?;
    let found = conn.number("SELECT max(version) FROM schema_version", params![]).await?;
    if found > VERSION {
        return Err(OpenError::NewerSchema { found, known: VERSION });
    }
    for (from, step) in STEPS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        let to = from as i64 + 1;
        tracing::info!(from, to, "the store's schema moves on");
        conn.run(step).await?;
        conn.execute("INSERT INTO schema_version (version) VALUES ($1)", params![to]).await?;
    }
    if found == 0 {
        for name in ["birth", "seal_key"] {
            let mut secret = [0u8; 32];
            rand::fill(&mut secret).map_err(|_| OpenError::NoRandomness)?;
            let sql = "INSERT INTO meta (key, value) VALUES ($1, $2)";
            conn.execute(sql, params![name, &secret[..]]).await?;
        }
    }
    Ok(())
}
