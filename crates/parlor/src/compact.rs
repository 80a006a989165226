//! `parlor compact`: makes the data as small as what it holds.

use parlor_store::sqlite;

use crate::backup::data_of;
use crate::exit::Failure;
use crate::progress::Shown;
use crate::{cli, serve};

/// Compacts a data directory that no server is using, and prints what that gave.
///
/// # Errors
/// A [`Failure`] when there is nothing to compact, a server holds it, or there is no room.
pub(crate) fn run(arguments: &cli::Compact) -> Result<(), Failure> {
    let data = data_of(arguments.data.clone(), &arguments.config)?;
    let compacted = {
        let mut shown = Shown::new();
        sqlite::compact(&data, &mut |progress| shown.show(progress))
    };
    let compacted = compacted.map_err(|error| serve::explain(&data, &error))?;
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{}: {:.1} MiB, was {:.1} MiB",
        data.display(),
        mebibytes(compacted.bytes_after),
        mebibytes(compacted.bytes_before)
    );
    Ok(())
}
