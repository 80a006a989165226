//! Whether the store may acknowledge writes.
//!
//! A write that fails for want of space, or because the file is read-only, can succeed later: the
//! writer probes, and a probe that commits heals the store. A failed fsync is final until the
//! process is started again, since what the engine believes to be on disk may not be there.

use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::store::StoreError;
use rusqlite::ErrorCode;
use rusqlite::ffi;

/// Shared between the writer, the checkpointer and whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Health {
    ill: Mutex<Option<Ill>>,
}

#[derive(Debug, Clone)]
struct Ill {
    reason: Arc<str>,
    lasting: Lasting,
}

/// Whether a failure can pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// Until a probe commits.
    UntilProbed,
    /// Until the process is started again.
    UntilRestart,
}

impl Health {
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match &*self.ill.lock() {
            None => Ok(()),
            Some(ill) => Err(StoreError::Unavailable { reason: ill.reason.clone() }),
        }
    }

    /// Whether a probe may heal it.
    pub(crate) fn can_heal(&self) -> bool {
        self.ill.lock().as_ref().is_some_and(|ill| ill.lasting == Lasting::UntilProbed)
    }

    /// Notes a failure; what is final stays.
    pub(crate) fn fail(&self, reason: &str, lasting: Lasting) {
        let mut ill = self.ill.lock();
        if ill.as_ref().is_some_and(|ill| ill.lasting == Lasting::UntilRestart) {
            return;
        }
        tracing::error!(reason, ?lasting, "the store stops acknowledging");
        *ill = Some(Ill { reason: reason.into(), lasting });
    }

    /// Notes that a probe committed.
    pub(crate) fn heal(&self) {
        let mut ill = self.ill.lock();
        if ill.as_ref().is_some_and(|ill| ill.lasting == Lasting::UntilProbed) {
            tracing::info!("the store acknowledges again");
            *ill = None;
        }
    }
}

/// How long a failure of the engine lasts.
pub(crate) fn lasting(error: &rusqlite::Error) -> Lasting {
    let Some(failure) = error.sqlite_error() else { return Lasting::UntilRestart };
    match failure.code {
        ErrorCode::DiskFull
        | ErrorCode::ReadOnly
        | ErrorCode::CannotOpen
        | ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::OutOfMemory
        | ErrorCode::OperationInterrupted => Lasting::UntilProbed,
        // A quota that is used up is told as a failed write; the pages never reached the log's
        // committed part, so a later write can be trusted.
        ErrorCode::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_WRITE => {
            Lasting::UntilProbed
        }
        _ => Lasting::UntilRestart,
    }
}

/// Whether a failure says that what is stored is damaged, rather than that it cannot be reached: a
/// page that is none, a value of another type, or rows that contradict a constraint.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_none_or(|failure| {
        matches!(
            failure.code,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation
        )
    })
}

/// What a failure of the engine is to the caller.
pub(crate) fn told(error: &rusqlite::Error) -> StoreError {
    if is_damage(error) {
        StoreError::Corrupt { what: error.to_string().into() }
    } else {
        StoreError::Unavailable { reason: error.to_string().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(extended_code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(extended_code), None)
    }

    #[test]
    fn a_failed_fsync_is_final() {
        assert_eq!(lasting(&failure(ffi::SQLITE_IOERR_FSYNC)), Lasting::UntilRestart);
        assert_eq!(lasting(&failure(ffi::SQLITE_CORRUPT)), Lasting::UntilRestart);
        let health = Health::default();
        health.fail("fsync", Lasting::UntilRestart);
        health.fail("full", Lasting::UntilProbed);
        health.heal();
        assert!(
            matches!(health.check(), Err(StoreError::Unavailable { reason }) if &*reason == "fsync")
        );
    }

    #[test]
    fn damage_is_told_apart_from_a_disk_that_fails() {
        for damage in [ffi::SQLITE_CORRUPT, ffi::SQLITE_CORRUPT_INDEX, ffi::SQLITE_NOTADB] {
            assert!(matches!(told(&failure(damage)), StoreError::Corrupt { .. }));
        }
        for disk in [ffi::SQLITE_IOERR_READ, ffi::SQLITE_FULL, ffi::SQLITE_CANTOPEN] {
            assert!(matches!(told(&failure(disk)), StoreError::Unavailable { .. }));
        }
    }

    #[test]
    fn a_full_disk_heals() {
        assert_eq!(lasting(&failure(ffi::SQLITE_FULL)), Lasting::UntilProbed);
        assert_eq!(lasting(&failure(ffi::SQLITE_IOERR_WRITE)), Lasting::UntilProbed);
        let health = Health::default();
        health.fail("full", Lasting::UntilProbed);
        assert!(health.can_heal() && health.check().is_err());
        health.heal();
        assert!(health.check().is_ok());
    }
}
