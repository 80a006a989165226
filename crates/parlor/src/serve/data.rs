//! Opens the data directory, and says what to do where that fails.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor_chat::store::CommitSink;
use parlor_store::sqlite::{OpenError, SqliteStore};

use crate::config::{self, Config};
use crate::exit::{Code, Failure};

/// The data directory as an absolute path, so that messages say where it is.
///
/// # Errors
/// A [`Failure`] when the working directory is gone.
pub(crate) fn locate(configured: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(configured).map_err(|error| refused(configured, &error))
}

/// Makes the data directory, if it is missing.
///
/// # Errors
/// A [`Failure`] when it cannot be made.
pub(crate) fn prepare(data: &Path) -> Result<(), Failure> {
    crate::system::make_private_dir(data).map_err(|error| refused(data, &error))
}

/// Opens the store.
///
/// # Errors
/// A [`Failure`] that says what to do.
pub(crate) fn open(
    data: &Path,
    config: &Config,
    sink: Arc<dyn CommitSink>,
) -> Result<Arc<SqliteStore>, Failure> {
    let keyring = config::keyring(&config.encryption)?.map(Arc::new);
    prepare(data)?;
    let store = super::settings::store(config, data, keyring);
    SqliteStore::open(store, sink).map(Arc::new).map_err(|error| explain(data, &error))
}

/// Why the data cannot be used, and what to do.
pub(crate) fn explain(data: &Path, error: &OpenError) -> Failure {
    match error {
        OpenError::InUse { .. } => Failure::new(
            Code::Data,
            format!(
                "{} is in use by another server: stop that one, or choose another directory with \
                 --data",
                data.display()
            ),
        ),
        OpenError::KeyMissing { name } => Failure::new(
            Code::Data,
            format!(
                "{}: messages here are sealed by the master key {name}, which is not configured: \
                 set encryption.master_key_file, or encryption.previous_master_key_files if it was \
                 replaced",
                data.display()
            ),
        ),
        OpenError::NewerSchema { .. }
        | OpenError::KeyUnusable { .. }
        | OpenError::OwnKeyUnusable { .. }
        | OpenError::OlderSchema { .. }
        | OpenError::RestoreUnfinished { .. }
        | OpenError::NotAStore => {
            Failure::new(Code::Data, format!("{} cannot be used: {error}", data.display()))
        }
        OpenError::Io { .. } | OpenError::Engine(_) => refused(data, error),
    }
}

/// Why a backup cannot be used.
pub(crate) fn explain_file(file: &Path, error: &OpenError) -> Failure {
    let why = with_sources(error);
    Failure::new(Code::Data, format!("{} cannot be used as a backup: {why}", file.display()))
}

fn refused(data: &Path, error: &dyn std::error::Error) -> Failure {
    let why = with_sources(error);
    Failure::new(
        Code::Data,
        format!(
            "the data directory {} cannot be used: {why}; it must be a directory that this user may \
             write, on a local disk (choose another with --data)",
            data.display()
        ),
    )
}

/// An error with all that led to it.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        why.push_str(": ");
        why.push_str(&error.to_string());
        source = error.source();
    }
    why
}
