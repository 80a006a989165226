//! What differs between systems: the limit of open files, who may read a directory, what the
//! process uses, and the signals that end it.
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

/// What this process uses of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Memory in RAM.
    pub(crate) resident_bytes: u64,
    /// Time on processors, in user's and in system's mode.
    pub(crate) cpu: std::time::Duration,
}

/// What this process uses now, where the system says so.
#[cfg(target_os = "linux")]
pub(crate) fn usage() -> Option<Usage> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    parse_usage(&stat, rustix::param::page_size() as u64, rustix::param::clock_ticks_per_second())
}

/// Not known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn usage() -> Option<Usage> {
    None
}

/// Source: proc_pid_stat(5).
#[cfg(any(target_os = "linux", test))]
fn parse_usage(stat: &str, page_bytes: u64, ticks_a_second: u64) -> Option<Usage> {
    // The name before it may hold anything, parentheses too; the next field is the third.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    let resident_pages: u64 = fields.nth(8)?.parse().ok()?;
    let cpu = std::time::Duration::from_millis(ticks * 1_000 / ticks_a_second.max(1));
    Some(Usage { resident_bytes: resident_pages * page_bytes, cpu })
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
    fn usage_is_read_behind_whatever_the_name_is() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 900 0 3 0 150 50 0 0 20 0 9 0 100 5000 25 1844";
        let usage = super::parse_usage(stat, 4_096, 100).expect("it is all there");
        assert_eq!((usage.resident_bytes, usage.cpu.as_secs()), (25 * 4_096, 2));
        for cut in
            ["", "7 (a", "7 (a) S 1 7", "7 (a) S 1 7 7 0 -1 4 9 0 3 0 x 50 0 0 20 0 9 0 1 5 2"]
        {
            assert_eq!(super::parse_usage(cut, 4_096, 100), None, "{cut}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_memory() {
        assert!(super::usage().is_some_and(|usage| usage.resident_bytes > 100_000));
    }

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
