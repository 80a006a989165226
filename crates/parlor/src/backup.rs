//! `parlor backup` and `parlor restore`: a copy of the data while the server runs, and the way back.

use std::path::{Path, PathBuf};

use parlor_chat::entry::Millis;
use parlor_store::sqlite::{self, Check, CopyError, DATABASE_FILE, Existing, OpenError};

use crate::config::{self, Overrides};
use crate::exit::{Code, Failure};
use crate::progress::Shown;
use crate::{check, cli, serve};

/// Copies the data to a file, beside a server that may be using it.
///
/// # Errors
/// A [`Failure`] when there is nothing to copy, the copy cannot be written, or it is damaged.
pub(crate) fn back_up(arguments: &cli::Backup) -> Result<(), Failure> {
    let data = data_of(arguments.data.clone(), &arguments.config)?;
    if !data.join(DATABASE_FILE).exists() {
        return Err(Failure::new(
            Code::Data,
            format!(
                "there is no {DATABASE_FILE} in {}; name the directory with --data",
                data.display()
            ),
        ));
    }
    let to = destination(&arguments.to, crate::now());
    let check = if arguments.no_verify { Check::Skip } else { Check::Whole };
    let verified = {
        let mut shown = Shown::new();
        sqlite::backup(&data, &to, check, &mut |progress| shown.show(progress))
    };
    match verified.map_err(|error| refused(error, &data, &to))? {
        Some(verified) => {
            println!("{}: {} messages, all invariants hold", to.display(), verified.entries);
        }
        None => println!("{}: not verified", to.display()),
    }
    Ok(())
}

/// Puts a backup in the place of the data, of which no server may be using any.
///
/// # Errors
/// A [`Failure`] when the backup is not sound, or the directory is used or not empty.
pub(crate) fn restore(arguments: &cli::Restore) -> Result<(), Failure> {
    let data = data_of(arguments.data.clone(), &arguments.config)?;
    let from = &arguments.from;
    if !from.is_file() {
        return Err(Failure::new(
            Code::Usage,
            format!("--from {}: there is no such file", from.display()),
        ));
    }
    serve::prepare(&data)?;
    let existing = match arguments.replace {
        true => Existing::KeepAside(format!("replaced-{}", stamp(crate::now()))),
        false => Existing::Refuse,
    };
    let restored = {
        let mut shown = Shown::new();
        sqlite::restore(from, &data, &existing, &mut |progress| shown.show(progress))
    };
    let restored = restored.map_err(|error| match error {
        CopyError::Exists { .. } => Failure::new(
            Code::Data,
            format!(
                "{} holds data already, which may be newer than the backup: give --replace to keep \
                 it aside, or another directory with --data",
                data.display()
            ),
        ),
        CopyError::Unsound(verified) => {
            let advice = "use another backup; nothing was changed";
            check::told(&verified, &from.display().to_string(), advice).err().unwrap_or_else(|| {
                Failure::new(Code::Failed, format!("{}: {advice}", from.display()))
            })
        }
        CopyError::Source(error) if !matches!(error, OpenError::InUse { .. }) => {
            serve::explain_file(from, &error)
        }
        error => refused(error, &data, &data),
    })?;
    println!("{}: {} messages restored", data.display(), restored.verified.entries);
    if let Some(kept) = restored.kept {
        println!("what was there before is in {}", kept.display());
    }
    println!("the log begins a new epoch when the server starts");
    Ok(())
}

/// The data directory that a command is about, with logging for a command.
///
/// # Errors
/// A [`Failure`] when the configuration is wrong.
pub(crate) fn data_of(data: Option<PathBuf>, file: &cli::ConfigFile) -> Result<PathBuf, Failure> {
    let config = crate::load(file, &Overrides { listen: None, data })?;
    crate::telemetry::start(&config::Log { level: String::from("warn"), ..config.log })?;
    serve::locate(&config.server.data)
}

fn refused(error: CopyError, source: &Path, to: &Path) -> Failure {
    match error {
        CopyError::Exists { path } => Failure::new(
            Code::Failed,
            format!("{} is there already, and is not overwritten", path.display()),
        ),
        CopyError::InProgress { path } => Failure::new(
            Code::Failed,
            format!("another backup is writing {}: let it end, or name another", path.display()),
        ),
        CopyError::Unsound(verified) => {
            let advice = "no backup was kept; see what `parlor check` says, or give --no-verify";
            check::told(&verified, &source.display().to_string(), advice)
                .err()
                .unwrap_or_else(|| Failure::new(Code::Failed, advice))
        }
        CopyError::Source(error) => serve::explain(source, &error),
        CopyError::Write { .. } | CopyError::Engine(_) => {
            let why = serve::with_sources(&error);
            Failure::new(Code::Failed, format!("{} cannot be written: {why}", to.display()))
        }
    }
}

/// Where a backup goes: the file that was named, or one named by the time in that directory.
fn destination(to: &Path, now: Millis) -> PathBuf {
    if to.is_dir() { to.join(format!("parlor-{}.db", stamp(now))) } else { to.to_owned() }
}

/// A moment in UTC, to the second, as part of a file's name: `20270115T080000Z`.
fn stamp(now: Millis) -> String {
    let (days, second) = (now.0 / 86_400_000, now.0 / 1_000 % 86_400);
    // Years begin in March here, so that the odd day is the last of one, and are counted from 0 in
    // eras of 400 years, which are all 146,097 days long.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_utc() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_800_000_000, "20270115T080000Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(stamp(Millis(seconds * 1_000)), text);
        }
    }

    #[test]
    fn a_directory_gets_a_file_named_by_the_time() {
        let dir = tempfile::tempdir().unwrap();
        let named = destination(dir.path(), Millis(0));
        assert_eq!(named, dir.path().join("parlor-19700101T000000Z.db"));
        let file = dir.path().join("mine.db");
        assert_eq!(destination(&file, Millis(0)), file);
    }
}
