//! The proof that a loss can be seen: what may acknowledge too early must lose acknowledged messages to the
//! same faults, and the same checker must say so.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Plan;
use super::apps::Apps;
use super::device::Device;
use super::disk::Disk;
use super::power::Kept;
use super::server::{Launch, Server};
use super::settle::{Settled, settle, until};
use super::shared::{Phase, Shared};
use crate::history::DeviceName;

const USERS: usize = 8;
const CUTS: usize = 2;
/// How long is sent before each cut.
const SENDING: Duration = Duration::from_millis(1000);
/// How long catching up may take at the end: what is lost does not come.
const SETTLE_PATIENCE: Duration = Duration::from_secs(2);

/// A few devices that talk.
pub(super) struct Talk {
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    tasks: JoinSet<()>,
}

impl Talk {
    /// Begins to send, through these doors.
    pub(super) fn begin(doors: Vec<SocketAddr>, seed: u64) -> Self {
        let users: Vec<String> = (0..USERS).map(|n| format!("user{n}")).collect();
        let shared = Arc::new(Shared {
            doors,
            pause: Duration::from_millis(50),
            users: users.clone(),
            groups: Vec::new(),
            edits: false,
            lives: Default::default(),
            connected: AtomicU64::new(0),
            unacked: AtomicU64::new(0),
            denied: AtomicU64::new(0),
            wished: Notify::new(),
            repeated: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
            resumes: AtomicU64::new(0),
            snapshots: AtomicU64::new(0),
        });
        let phase = watch::Sender::new(Phase::Send);
        let mut tasks = JoinSet::new();
        for (index, user) in users.into_iter().enumerate() {
            let name = DeviceName { user, device: "phone".into() };
            shared.lives.lock().devices.push(name.clone());
            let seed = seed.wrapping_add(index as u64);
            tasks.spawn(Device::new(name, shared.clone(), phase.subscribe(), seed).run());
        }
        Self { shared, phase, tasks }
    }

    /// Ends it, and says how much of what was acknowledged is in no log of the server's.
    ///
    /// # Errors
    /// When sends are not acknowledged within a minute, or the server cannot be asked.
    pub(super) async fn lost(self, server: SocketAddr) -> Result<usize> {
        self.phase.send(Phase::Finish)?;
        let unacked = || self.shared.unacked.load(Ordering::Relaxed);
        until("every send is acknowledged", || unacked() == 0).await?;
        let Settled { verdict, .. } =
            settle(&self.shared, server, &Apps::none(), SETTLE_PATIENCE).await?;
        self.phase.send(Phase::Stop)?;
        self.tasks.join_all().await;
        let is_loss = |finding: &&String| finding.contains("acked and not in the log");
        Ok(verdict.lost.iter().filter(is_loss).count())
    }
}

/// Cuts the power of a server that may acknowledge before it syncs; returns how many findings of loss there
/// were.
///
/// # Errors
/// When nothing was lost.
pub(super) async fn relaxed_loses(plan: &Plan, folder: &Path) -> Result<usize> {
    std::fs::create_dir_all(folder)?;
    let disk = Disk::make(&folder.join("disk"), &folder.join("data"))?;
    let settings = [("PARLOR_DURABILITY__FSYNC", "relaxed")];
    let log = folder.join("server.log");
    let mut server = Server::start(Launch::on_disk(&plan.binary, &disk, &log, &settings)?).await?;
    let talk = Talk::begin(vec![server.addr()], plan.seed);
    let mut rng = StdRng::seed_from_u64(plan.seed);
    for _ in 0..CUTS {
        sleep(SENDING).await;
        server.kill().await?;
        disk.lose_power(Kept::Synced, &mut rng)?;
        server.start_again().await?;
    }
    let lost = talk.lost(server.addr()).await?;
    server.kill().await?;
    ensure!(lost > 0, "the harness is broken: a relaxed server lost nothing when power was lost");
    Ok(lost)
}
