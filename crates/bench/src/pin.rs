//! Starting a process on one core, by `taskset`.

use std::ffi::OsStr;
use std::process::Command;

/// A command that runs the program on this core, or anywhere.
pub(crate) fn pinned(core: Option<u32>, program: impl AsRef<OsStr>) -> Command {
    match core {
        Some(core) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &core.to_string()]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// Whether processes can be pinned: `taskset` is there and the machine has two cores.
pub(crate) fn possible() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores > 1 && Command::new("taskset").arg("--version").output().is_ok()
}
