//! Moves an embedded store to PostgreSQL: entries, and whatever else it has.
//!
//! ```text
//! a server is using the source:   new entries -> slices -> target; run it again once the server is stopped
//! nobody is (the lock is held):   every slice compared, and put anew where it differs
//!                                 -> the other tables anew -> all of it read back and compared -> servers may come
//! ```
//!
//! **What is right is decided by the last pass alone.** It holds the lock of the source, so nothing moves
//! under it. Whatever was copied before, beside a running server, is only there to make that pass short: entries
//! of slices that were deleted, edited, ended or removed since differ from those of the source, and are put
//! anew. So no position, and no state of an earlier pass, is ever believed; a pass that is cut off anywhere,
//! a source that was put back from a backup, and a target that somebody changed, all end the same.
//!
//! **The target is nobody's until it is whole.** The tables are made in an empty database, without the
//! secret that the epoch is made of, so no server opens it (`postgres/migration`); the secret comes with the
//! commit that ends the migration. The epoch is another one than the source's: positions and seqs go on,
//! and clients that resume get a snapshot.
//!
//! **What is compared** are counts and checksums over the rows that the target gives back after the commit,
//! against those that are read from the source, whose entries are held against their own checksums on the way
//! (`cells`, `log`).
//!
//! Reading order: `tables`, `reading`, `log`, `source`, `target`, `passes`.

mod cells;
mod error;
mod log;
mod marks;
mod opened;
mod passes;
mod reading;
mod source;
mod tables;
mod target;

use std::path::PathBuf;
use std::sync::Arc;

pub use error::MigrateError;
pub use reading::Unsealed;

use crate::postgres;
use crate::postgres::migration::Found;
use crate::sqlite::{Keyring, Report};
use log::Search;
use source::Source;
use target::Target;

/// What is to be moved where.
#[derive(Debug)]
pub struct Migration {
    /// The data directory of the embedded store.
    pub from: PathBuf,
    /// The keys that its contents are sealed by, if they are.
    pub keyring: Option<Arc<Keyring>>,
    /// Whether sealed contents may be opened on the way.
    pub unsealed: Unsealed,
    /// The database, and whether messages there are to be found by their words.
    pub to: postgres::Config,
}

/// What the target has of a table, as it was read back from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// Their checksum, which is that of the source's.
    pub checksum: String,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A server is using the source: the target has entries up to this position, and is not whole.
    Follows {
        /// The position.
        up_to: u64,
    },
    /// All is there, and servers may use the target.
    Finished {
        /// The position of the newest entry.
        up_to: u64,
        /// What each table has.
        tables: Vec<Counted>,
    },
    /// It was all there before, and the source has not been used since.
    FinishedBefore {
        /// The position of the newest entry.
        up_to: u64,
    },
}

/// Moves a store, or goes on with that. Blocks; not to be called within an asynchronous runtime.
///
/// # Errors
/// [`MigrateError`]. What is there stays, and the same call goes on from there.
pub fn migrate(migration: &Migration, report: Report<'_>) -> Result<Outcome, MigrateError> {
    let mut source = Source::open(&migration.from, migration.keyring.clone(), migration.unsealed)?;
    let target = Target::connect(&migration.to)?;
    let search = if migration.to.search { Search::On } else { Search::Off };
    match target.claim(&source.origin()?)? {
        Found::Foreign(table) => Err(MigrateError::NotEmpty { table }),
        Found::OfAnother => Err(MigrateError::OtherSource),
        Found::Finished { up_to, opening } => {
            let up_to = up_to.unsigned_abs();
            let is_unused = source.snapshot(|reading| reading.opening())? == opening;
            match is_unused {
                true => Ok(Outcome::FinishedBefore { up_to }),
                false => Err(MigrateError::SourceWentOn { up_to }),
            }
        }
        Found::UnderWay { .. } if source.is_at_rest() => {
            passes::settle(&mut source, &target, search, report)
        }
        Found::UnderWay { up_to } => passes::follow(&mut source, &target, up_to, search, report),
    }
}
