//! Kills in the middle of a migration: the server is started on the data of an earlier version and
//! dies at a write that the migration makes; then it starts again, and the data must be whole.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use rand::Rng;
use rand::rngs::StdRng;

use super::copy::{Copy, Way};
use super::disk::{Disk, Instant, Site};
use super::power::Kept;
use super::server::{Launch, Server};
use super::settle::check_store;
use super::tally::Tally;

/// What they are counted under.
pub(super) const KILLS: &str = "kills in a migration";
/// How long a start may take to come to the write that it dies at.
const PATIENCE: Duration = Duration::from_secs(20);

/// Kills `times` migrations of what lies in the data folder, each anew; the last one stays, killed.
///
/// # Errors
/// When the migration cannot be hit, or what it leaves is not sound.
pub(super) async fn kill_in_the_middle(
    binary: &Path,
    disk: &Disk,
    log: &Path,
    times: u64,
    rng: &mut StdRng,
    tally: &mut Tally,
) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let copy = Copy::take(disk.data(), scratch.path())?;
    let expected = copy.logs()?;
    // Where it ends: the first sync of the log is that of its commit.
    let writes_before = disk.calls(Site::LogWrite)?;
    die_at(binary, disk, log, (Site::LogSync, 1, Instant::Before)).await?;
    let writes = disk.calls(Site::LogWrite)? - writes_before;
    ensure!(writes > 0, "the migration writes nothing");
    for time in 0..times {
        copy.put_back(disk.data(), Way::AllInPlace)?;
        disk.settle()?;
        let instant = [Instant::Before, Instant::Halfway, Instant::After][rng.random_range(0..3)];
        let site = match rng.random_range(0..=writes) {
            0 => (Site::LogSync, 1, instant),
            nth => (Site::LogWrite, nth, instant),
        };
        die_at(binary, disk, log, site).await?;
        tally.one(KILLS);
        if rng.random() {
            let gone = disk.lose_power(Kept::Some, rng)?;
            tally.one("kills in a migration with loss of power");
            tally.add("pages thrown away by loss of power", gone);
        }
        if time + 1 < times {
            let mut server = Server::start(Launch::on_disk(binary, disk, log, &[])?).await?;
            server.kill().await?;
            let after = scratch.path().join("after");
            let found = Copy::take(disk.data(), &after)?.logs()?;
            ensure!(found == expected, "after {site:?} the migrated data is not what it was");
            let checked = scratch.path().join("checked");
            fs::create_dir_all(&checked)?;
            Copy::take(disk.data(), &checked)?;
            check_store(binary, &checked).await?;
        }
    }
    Ok(())
}

async fn die_at(
    binary: &Path,
    disk: &Disk,
    log: &Path,
    (site, nth, instant): (Site, u64, Instant),
) -> Result<()> {
    disk.kill_at(site, nth, instant)?;
    let mut server = Server::spawn_only(Launch::on_disk(binary, disk, log, &[])?)?;
    let ended = server.ended_within(PATIENCE).await?;
    ensure!(disk.spare()?, "the server was to die at {site:?} {nth} of its start, and {ended:?}");
    Ok(())
}
