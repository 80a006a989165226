//! The simulation: every seed that ever failed, the planted faults, then fresh seeds.

use anyhow::Result;

use crate::load;
use crate::workspace::Workspace;

const FRESH_SECONDS: u64 = 45;

/// Sees that the checker finds what is planted, then that it finds nothing else, for two minutes
/// from a seed of its own choice, which is printed.
pub(crate) fn short(workspace: &Workspace) -> Result<()> {
    load::sim(workspace, 0, None, true)?;
    load::sim(workspace, FRESH_SECONDS, None, false)
}
