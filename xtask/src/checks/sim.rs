//! The simulation: every seed that ever failed, fresh seeds, and the planted faults.

use anyhow::Result;

use crate::command::both;
use crate::load;
use crate::workspace::{Profile, Workspace};

const FRESH_SECONDS: u64 = 30;

/// Sees that the checker finds what is planted, and beside that, that it finds nothing else in fresh worlds,
/// from a seed of its own choice, which is printed.
pub(crate) fn short(workspace: &Workspace) -> Result<()> {
    workspace.build_tools(Profile::Dev)?;
    let planted = || load::sim(workspace, Profile::Dev, 0, None, true);
    both(planted, || load::sim(workspace, Profile::Dev, FRESH_SECONDS, None, false))
}
