//! What is built beside the set-up and the lints, where a core would be idle.
//!
//! Not beside the tests: on two cores those on PostgreSQL then take twice as long, although most of them wait more
//! than they work, and what they wait for may come too late.

use std::collections::BTreeMap;
#[cfg(target_os = "linux")]
use std::process::Command;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::checks::fuzz;
use crate::command::in_silence;
use crate::setup;
use crate::workspace::{Profile, Workspace};

/// One thing to build, in the order in which they are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Build {
    /// The server, as whoever builds it does.
    Server,
    /// What counts, and what it counts in beside the server, likewise.
    Counting,
    /// The benchmark's peers on Node and Python, of which one builds SQLite.
    Peers,
    /// What cargo-fuzz runs.
    Fuzz,
}

impl Build {
    /// Builds it; what is built already takes a moment.
    ///
    /// # Errors
    /// It cannot be built.
    pub(crate) fn make(self, workspace: &Workspace) -> Result<()> {
        match self {
            Self::Server => in_silence(&mut workspace.server(Profile::Release)),
            Self::Counting => in_silence(&mut workspace.counting()),
            Self::Peers => setup::peers(workspace),
            Self::Fuzz => in_silence(&mut fuzz::build(workspace)?),
        }
    }
}

/// Has all else on the machine go before this thread and the programs that it starts from now on: they run when a
/// core would be idle (`SCHED_IDLE`; what has but a low priority keeps others from waking up at once). Elsewhere
/// than on Linux it does nothing.
///
/// # Errors
/// The system does not take it.
pub(crate) fn step_back() -> Result<()> {
    #[cfg(target_os = "linux")]
    in_silence(Command::new("chrt").args(["--idle", "--pid", "0"]).arg(thread()))?;
    Ok(())
}

/// The number of this thread.
#[cfg(target_os = "linux")]
fn thread() -> String {
    rustix::thread::gettid().as_raw_nonzero().to_string()
}

/// How each build ended.
pub(crate) type Ended = BTreeMap<Build, Result<(), String>>;

/// Waits until nothing is built any more.
pub(crate) fn settle(ended: &Receiver<(Build, Result<(), String>)>) -> Ended {
    let began = Instant::now();
    let ended = ended.iter().collect();
    println!("\nwaited {:.1} s for the rest to be built", began.elapsed().as_secs_f64());
    ended
}

/// Whether all of these are built.
///
/// # Errors
/// One of them is not, and why.
pub(crate) fn check(ended: &Ended, builds: &[Build]) -> Result<()> {
    builds.iter().try_for_each(|build| match ended.get(build) {
        Some(Ok(())) => Ok(()),
        Some(Err(why)) => bail!("{why}"),
        None => bail!("{build:?} was not built"),
    })
}
