//! `parlor check`: verifies what is stored, without changing it.

use std::fs::{File, TryLockError};
use std::path::Path;

use parlor_store::sqlite::{DATABASE_FILE, OpenError, Verified, verify_file};

use crate::cli;
use crate::config::{self, Overrides};
use crate::exit::{Code, Failure};
use crate::progress::Shown;
use crate::serve;

/// What a server locks for as long as it uses a data directory.
const LOCK_FILE: &str = "parlor.lock";

/// Verifies a data directory, or a backup, and prints what was found.
///
/// # Errors
/// A [`Failure`] when there is nothing to check, a server holds it, or an invariant is broken.
pub(crate) fn run(arguments: &cli::Check) -> Result<(), Failure> {
    let overrides = Overrides { listen: None, data: arguments.data.clone() };
    let config = crate::load(&arguments.config, &overrides)?;
    crate::telemetry::start(&config::Log { level: String::from("warn"), ..config.log })?;
    if let Some(file) = &arguments.backup {
        let verified = verify(file).map_err(|error| serve::explain_file(file, &error))?;
        return told(&verified, &file.display().to_string(), "use another backup");
    }
    let data = serve::locate(&config.server.data)?;
    let shown = data.display();
    if !data.join(DATABASE_FILE).exists() {
        return Err(Failure::new(
            Code::Data,
            format!("there is no {DATABASE_FILE} in {shown}; name the directory with --data"),
        ));
    }
    let _held = hold(&data)?;
    let verified = verify(&data.join(DATABASE_FILE));
    let verified = verified.map_err(|error| serve::explain(&data, &error))?;
    let advice = "start no server on it, keep a copy of it, and restore a backup";
    told(&verified, &shown.to_string(), advice)
}

/// Verifies a database, showing how far it has come.
///
/// # Errors
/// [`OpenError`] when it cannot be read at all.
fn verify(file: &Path) -> Result<Verified, OpenError> {
    let mut shown = Shown::new();
    verify_file(file, &mut |progress| shown.show(progress))
}

/// Prints what was found, and fails if that is anything.
///
/// # Errors
/// A [`Failure`] with the number of findings and the advice.
pub(crate) fn told(verified: &Verified, name: &str, advice: &str) -> Result<(), Failure> {
    let findings = &verified.findings;
    for finding in findings {
        println!("{}: {}", finding.rule, finding.what);
    }
    if findings.is_empty() {
        println!("{name} is sound: all invariants hold for its {} messages", verified.entries);
        if verified.entries_sealed > 0 {
            println!(
                "{} of them are sealed, {} are not",
                verified.entries_sealed,
                verified.entries - verified.entries_sealed
            );
        }
        if verified.entries_without_sum > 0 {
            println!(
                "{} of them were written by an older version, without a checksum",
                verified.entries_without_sum
            );
        }
        return Ok(());
    }
    let count = match findings.len() {
        1 => String::from("1 finding"),
        count => format!("{count} findings"),
    };
    Err(Failure::new(Code::Failed, format!("{count} in {name}: {advice}")))
}

/// Keeps servers away from the directory for as long as the file is held.
fn hold(data: &Path) -> Result<Option<File>, Failure> {
    // Without the file no server has ever used it here: a backup, perhaps on a medium that is
    // read-only.
    let Ok(file) = File::open(data.join(LOCK_FILE)) else { return Ok(None) };
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(Failure::new(
            Code::Data,
            format!(
                "{} is in use by a server, and what changes cannot be checked: stop the server first",
                data.display()
            ),
        )),
        Err(TryLockError::Error(error)) => {
            Err(Failure::new(Code::Data, format!("cannot lock {}: {error}", data.display())))
        }
    }
}
