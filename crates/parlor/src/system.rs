//! What differs between systems: the limit of open files, who may read a directory, and the
//! signals that end a process.
//! The only module with code for one kind of system, each with a fallback for the others.

use std::path::Path;

/// Raises the soft limit of open files to the hard one, since every connection is one. Returns
/// what the limit is now, where the system has one.
#[cfg(unix)]
pub(crate) fn raise_open_files_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return limit.current;
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Refused by systems whose real bound lies below the hard limit; the soft one stays then.
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files could not be raised");
    }
    getrlimit(Resource::Nofile).current
}

/// There is no such limit here.
#[cfg(not(unix))]
pub(crate) fn raise_open_files_limit() -> Option<u64> {
    None
}

/// Makes a directory, and those above it, for this user alone: what it holds is private. One that
/// is there already is left as it is.
///
/// # Errors
/// When it cannot be made.
#[cfg(unix)]
pub(crate) fn make_private_dir(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a directory, and those above it.
///
/// # Errors
/// When it cannot be made.
#[cfg(not(unix))]
pub(crate) fn make_private_dir(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

/// The signals that ask the server to end.
#[cfg(unix)]
pub(crate) struct EndSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl EndSignals {
    /// Starts to listen for SIGTERM and SIGINT; from then on they no longer end the process.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { terminate, interrupt })
    }

    /// Waits for the next one and names it.
    ///
    /// # Cancel safety
    /// Cancel safe: a signal that comes between two calls is not lost.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// The signals that ask the server to end.
#[cfg(not(unix))]
pub(crate) struct EndSignals;

#[cfg(not(unix))]
impl EndSignals {
    /// Starts to listen for Ctrl-C.
    ///
    /// # Errors
    /// Never here.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next one and names it.
    pub(crate) async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    #[test]
    fn data_is_private_to_its_user() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        super::make_private_dir(&path).unwrap();
        super::make_private_dir(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn soft_limit_of_open_files_reaches_the_hard_one() {
        use rustix::process::{Resource, getrlimit};

        let now = super::raise_open_files_limit();
        assert_eq!(now, getrlimit(Resource::Nofile).maximum);
    }
}
