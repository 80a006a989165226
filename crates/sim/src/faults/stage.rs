//! Who takes part in a run, from the first connect to the verdict: raw devices, owners of groups, stock
//! clients of Node's and programs with the Rust SDK, all told the same phases.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::apps::Apps;
use super::device::Device;
use super::fleet::Fleet;
use super::grouping::Group;
use super::lives::Lives;
use super::owner::Owner;
use super::settle::{SETTLE_TIMEOUT, Settled, settle, until};
use super::shared::{Phase, Shared};
use super::tally::Tally;
use super::{Outcome, Plan, conductor, editing, migration, proxy, reports};
use crate::history::DeviceName;

/// How many clients a Node process has.
const CLIENTS_PER_PROCESS: usize = 20;

/// Devices by what they are.
#[derive(Debug, Default)]
pub(super) struct Cast {
    rust: Vec<DeviceName>,
    node: Vec<DeviceName>,
    apps: Vec<DeviceName>,
}

impl Cast {
    /// Who is who: every user has two devices; some users' second one is a stock client, or a program with
    /// the SDK.
    pub(super) fn new(plan: &Plan, users: &[String]) -> Self {
        let mut cast = Self::default();
        let others = users.len().saturating_sub(plan.node_clients).max(1);
        let mut other = 0;
        for (index, user) in users.iter().enumerate() {
            let name = |device: &str| DeviceName { user: user.clone(), device: device.into() };
            cast.rust.push(name("phone"));
            let before = index * plan.node_clients / users.len();
            let is_node = (index + 1) * plan.node_clients / users.len() > before;
            if is_node {
                cast.node.push(name("browser"));
                continue;
            }
            let before = other * plan.sdk_clients / others;
            other += 1;
            let is_app = other * plan.sdk_clients / others > before;
            if is_app { cast.apps.push(name("app")) } else { cast.rust.push(name("laptop")) }
        }
        cast
    }

    /// A history in which they are, and nothing has happened.
    pub(super) fn lives(&self) -> Lives {
        let mut lives = Lives::default();
        lives.devices.extend(self.rust.iter().chain(&self.node).chain(&self.apps).cloned());
        lives.apps.extend(self.apps.iter().cloned());
        lives
    }
}

/// What there is before anybody takes part.
pub(super) struct Scene {
    /// Where the server is reached: by all that choose anew at each connect, and by each process of others
    /// at one of them.
    pub(super) doors: Vec<SocketAddr>,
    /// Who talks.
    pub(super) users: Vec<String>,
    /// In which groups.
    pub(super) groups: Vec<Group>,
    /// What was observed so far.
    pub(super) lives: Lives,
}

/// Everybody who takes part.
pub(super) struct Stage {
    /// What they share.
    pub(super) shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    tasks: JoinSet<()>,
    fleets: Vec<Fleet>,
    reports: Arc<reports::Tally>,
    apps: Apps,
    devices: u64,
}

impl Stage {
    /// Starts them all, and waits until every device has been connected. Programs keep their outboxes
    /// in `folder`.
    ///
    /// # Errors
    /// When a process cannot be started, or not all are connected within a minute.
    pub(super) async fn gather(
        plan: &Plan,
        cast: Cast,
        scene: Scene,
        phase: watch::Sender<Phase>,
        folder: &Path,
    ) -> Result<Self> {
        let devices = cast.rust.len() + cast.node.len() + cast.apps.len();
        let shared = Arc::new(Shared {
            doors: scene.doors,
            pause: Duration::from_secs_f64(devices as f64 / plan.sends_per_second),
            users: scene.users,
            groups: scene.groups,
            edits: true,
            lives: scene.lives.into(),
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
        let watcher = phase.subscribe();
        let mut tasks = JoinSet::new();
        let seed = |index: usize| plan.seed.wrapping_mul(1_000_003).wrapping_add(index as u64);
        for (index, name) in cast.rust.into_iter().enumerate() {
            let device = Device::new(name, shared.clone(), watcher.clone(), seed(index));
            tasks.spawn(device.run());
        }
        for (number, group) in shared.groups.iter().enumerate() {
            let seed = seed(3 * devices + number);
            let owner = Owner::new(group.clone(), shared.clone(), watcher.clone(), seed);
            tasks.spawn(owner.run());
        }
        let reports = Arc::new(reports::Tally::default());
        let mut fleets = Vec::new();
        for (number, clients) in cast.node.chunks(CLIENTS_PER_PROCESS).enumerate() {
            let seed = seed(devices + CLIENTS_PER_PROCESS * number) as u32;
            let (door, clients) = (shared.door(number), clients.to_vec());
            let fleet =
                Fleet::start(&plan.node, door, clients, shared.clone(), reports.clone(), seed);
            fleets.push(fleet.await?);
        }
        let apps_seed = seed(4 * devices);
        let apps = Apps::start(&folder.join("apps"), &cast.apps, &shared, &watcher, apps_seed)?;
        let devices = devices as u64;
        let stage = Self { shared, phase, tasks, fleets, reports, apps, devices };
        until("every device is connected", || stage.connected() == stage.devices).await?;
        Ok(stage)
    }

    fn connected(&self) -> u64 {
        let others = [&self.reports, &self.apps.reports];
        let others = others.map(|it| it.connected.load(Ordering::Relaxed));
        self.shared.connected.load(Ordering::Relaxed) + others.iter().sum::<u64>()
    }

    /// Lets them send.
    ///
    /// # Errors
    /// When a Node process has ended.
    pub(super) async fn send(&mut self) -> Result<()> {
        self.tell(Phase::Send, "send").await
    }

    /// Lets them send what is not acknowledged, and waits until all is.
    ///
    /// # Errors
    /// When that takes more than a minute, or a Node process has ended.
    pub(super) async fn finish(&mut self) -> Result<()> {
        self.tell(Phase::Finish, "finish").await?;
        let fleets = self.fleets.len() as u64;
        let done = || self.reports.done.load(Ordering::Relaxed) == fleets;
        until("every Node client is acknowledged", done).await?;
        let unacked = || self.shared.unacked.load(Ordering::Relaxed);
        until("every send is acknowledged", || unacked() == 0).await?;
        self.apps.drained(&self.shared).await
    }

    async fn tell(&mut self, phase: Phase, word: &str) -> Result<()> {
        self.phase.send(phase)?;
        for fleet in &mut self.fleets {
            fleet.tell(word).await?;
        }
        Ok(())
    }

    /// Reads everything back from a server until nothing is missing.
    ///
    /// # Errors
    /// When the server, or a program, cannot be asked.
    pub(super) async fn settle(&self, server: SocketAddr) -> Result<Settled> {
        settle(&self.shared, server, &self.apps, SETTLE_TIMEOUT).await
    }

    /// Ends them all.
    ///
    /// # Errors
    /// When nobody is there any more.
    pub(super) async fn stop(&mut self) -> Result<()> {
        self.phase.send(Phase::Stop)?;
        self.fleets.clear();
        while let Some(ended) = self.tasks.join_next().await {
            ended?;
        }
        Ok(())
    }

    /// What came of it all; what was observed is written down when something was found.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(super) fn outcome(
        self,
        Settled { verdict, forgotten }: Settled,
        mut tally: Tally,
        folder: &Path,
    ) -> Result<Outcome> {
        let shared = &self.shared;
        for (what, counter) in [
            ("connections that resumed by a position", &shared.resumes),
            ("connections to which the server said snapshot", &shared.snapshots),
            ("connections of Node clients recovered", &self.reports.recovered),
            ("Node clients that read all anew after a snapshot", &self.reports.rebuilt),
            ("kills of processes of programs with the SDK", &self.apps.kills),
            ("times that such a program said it is live, by conversation", &self.apps.reports.live),
            ("sends refused, to groups that their sender was not in", &shared.denied),
            ("changes of groups of which only the answer was lost", &shared.repeated),
        ] {
            tally.add(what, counter.load(Ordering::Relaxed));
        }
        let lives = shared.lives.lock();
        tally.add("sends whose refusal came late: no order asked", lives.unordered.len() as u64);
        tally.add("changes of groups wished", lives.wished.len() as u64);
        let edits = lives.sent.iter().filter(|sent| editing::is_edit(&sent.content)).count();
        tally.add("edits", edits as u64);
        tally.add(
            "sends of programs that were killed before they had them on disk",
            forgotten as u64,
        );
        let sends = lives.sent.len() - lives.refused.len() - forgotten;
        if !verdict.is_kept() {
            lives.write(&folder.join("history"))?;
            let findings = verdict.findings().map(|(kind, finding)| format!("{kind}: {finding}\n"));
            std::fs::write(folder.join("findings"), findings.collect::<String>())?;
        }
        let acked = sends - shared.unacked.load(Ordering::Relaxed) as usize;
        Ok(Outcome {
            kills: tally.of(conductor::KILLS) + tally.of(migration::KILLS),
            cuts: shared.cuts.load(Ordering::Relaxed) + tally.of(proxy::CUTS),
            tally,
            sends,
            acked,
            verdict,
            kept: None,
            harness: String::new(),
        })
    }
}
