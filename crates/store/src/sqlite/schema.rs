//! The tables, and how an older file becomes one of this version.
//!
//! Entries lie in the order of arrival, which makes their position the row id and writes few
//! pages per batch; one compact index finds them by conversation and seq, and its last row of a
//! conversation is the head. Users, conversations and devices have small integer names inside.
//! Nothing is written per recipient of a message. `messages` is a view for people.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::OpenError;
use super::mark_blocks;

/// The version this binary writes.
pub(crate) const VERSION: i64 = 12;

/// The version since which the marks of groups' members are in blocks.
const BLOCKS_SINCE: i64 = 11;

/// Marks a file as Parlor's ("PRLR").
const APPLICATION_ID: i64 = 0x5052_4c52;

/// What leads from one version to the next; the first makes an empty file version 1.
const STEPS: [&str; VERSION as usize] = [
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
    include_str!("schema_8.sql"),
    include_str!("schema_9.sql"),
    include_str!("schema_10.sql"),
    include_str!("schema_11.sql"),
    include_str!("schema_12.sql"),
];

/// Brings an empty or older file to [`VERSION`].
///
/// # Errors
/// [`OpenError::NewerSchema`] or [`OpenError::NotAStore`] for what cannot be taken; the file is
/// left as it was.
pub(crate) fn migrate(conn: &mut Connection) -> Result<(), OpenError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&tx)?;
    if found == 0 {
        tracing::info!(schema = VERSION, "a new store is made");
    }
    for (from, step) in STEPS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        if found > 0 {
            tracing::info!(from, to = from + 1, "the store's schema moves on");
        }
        tx.execute_batch(step)?;
        tx.pragma_update(None, "user_version", from as i64 + 1)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        if from as i64 + 1 == BLOCKS_SINCE {
            mark_blocks::gather(&tx)?;
        }
    }
    tx.commit()?;
    Ok(())
}

/// The version of an existing store, checked to be one this binary can take.
pub(crate) fn check(conn: &Connection) -> Result<(), OpenError> {
    let found: i64 = pragma(conn, "user_version")?;
    if pragma(conn, "application_id")? != APPLICATION_ID {
        return Err(OpenError::NotAStore);
    }
    match found {
        VERSION => Ok(()),
        older if older < VERSION => Err(OpenError::OlderSchema { found, known: VERSION }),
        _ => Err(OpenError::NewerSchema { found, known: VERSION }),
    }
}

fn version(tx: &Transaction<'_>) -> Result<i64, OpenError> {
    let found = pragma(tx, "user_version")?;
    if found > VERSION {
        return Err(OpenError::NewerSchema { found, known: VERSION });
    }
    let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    let application = pragma(tx, "application_id")?;
    let fresh = found == 0 && application == 0 && tables == 0;
    let ours = (1..=VERSION).contains(&found) && application == APPLICATION_ID;
    if fresh || ours { Ok(found) } else { Err(OpenError::NotAStore) }
}

fn pragma(conn: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}
