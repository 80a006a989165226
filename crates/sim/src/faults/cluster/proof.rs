//! The proof that a failover which loses something can be seen: to a standby that nobody waited for.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::sleep;

use super::network::Host;
use super::{Cluster, NODES};
use crate::faults::Plan;
use crate::faults::proof::Talk;
use crate::faults::server::Server;

/// How long is sent while the standby hears nothing.
const SENDING: Duration = Duration::from_secs(2);

/// Fails over to a standby that lags; returns how many findings of loss there were.
///
/// # Errors
/// When nothing was lost.
pub(super) async fn asynchronous_loses(plan: &Plan, folder: &Path) -> Result<usize> {
    std::fs::create_dir_all(folder)?;
    let mut cluster = Cluster::start(&plan.binary, folder).await?;
    let talk = Talk::begin(cluster.nodes.iter().map(Server::addr).collect(), plan.seed);
    cluster.databases.wait_for_nobody().await?;
    cluster.network.part(Host::Database(0), Host::Database(1))?;
    sleep(SENDING).await;
    cluster.databases.fail_over().await?;
    cluster.network.heal()?;
    cluster.to_database.lead(cluster.databases.addr());
    for node in 0..NODES {
        cluster.nodes[node].kill().await?;
        cluster.nodes[node].start_again().await?;
    }
    let lost = talk.lost(cluster.nodes[0].addr()).await?;
    ensure!(lost > 0, "the harness is broken: a failover to a standby that lags lost nothing");
    Ok(lost)
}
