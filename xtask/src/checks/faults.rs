//! A short fault run: every kind of fault, checked like the long ones.

use anyhow::Result;

use crate::load::{self, Site};
use crate::workspace::{Profile, Workspace};

const SHORT_RUN_SECONDS: u64 = 45;

/// Runs from a seed of its own choice, which it prints.
pub(crate) fn short(workspace: &Workspace) -> Result<()> {
    load::faults(workspace, Profile::Dev, Site::Server, SHORT_RUN_SECONDS, None)
}
