//! Short fault runs, of one server and of several nodes, checked like the long ones.

use anyhow::Result;

use crate::load::{self, Site};
use crate::workspace::{Profile, Workspace};

const SHORT_RUN_SECONDS: u64 = 45;

/// One server, from a seed of the run's own choice, which it prints.
pub(crate) fn short(workspace: &Workspace) -> Result<()> {
    load::faults(workspace, Profile::Dev, Site::Server, SHORT_RUN_SECONDS, None)
}

/// The same for three nodes with their database and their bus.
pub(crate) fn short_cluster(workspace: &Workspace) -> Result<()> {
    load::faults(workspace, Profile::Dev, Site::Cluster, SHORT_RUN_SECONDS, None)
}
