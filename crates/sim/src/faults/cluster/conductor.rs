//! Deals the faults to nodes, links and engines: one after the other, in an order that follows from the seed,
//! each to its end: whatever was away is back, and every node says that it is ready.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use tokio::time::{Instant, sleep, timeout};

use super::databases::Which;
use super::network::{Direction, Door};
use super::redis::Memory;
use super::{Cluster, NODES};
use crate::faults::client::{Connection, Hello};
use crate::faults::conductor::KILLS;
use crate::faults::copy::heads;
use crate::faults::progress::Progress;
use crate::faults::shared::Shared;
use crate::faults::tally::Tally;

/// How long every node may take to be ready after a fault.
const READY_PATIENCE: Duration = Duration::from_secs(30);
/// How long a wish for a change of a group is waited for.
const WISH_PATIENCE: Duration = Duration::from_secs(10);
/// A kill comes at most so long after an owner has wished for a change of a group, in microseconds:
/// before, in and after the commit.
const CHANGE_TAKES_US: u64 = 6_000;
/// At least so long after a failover comes the next: each makes a life that is checked by itself.
const FAILOVER_SPACING: Duration = Duration::from_secs(45);
/// How long a node is stopped, links are cut or slow, and processes are away, in milliseconds: less and more
/// than a lease, and than clients and nodes wait for an answer.
const OUTAGE_MS: std::ops::Range<u64> = 50..9_000;
/// How soon after the database is there again it is gone for good, in milliseconds.
const AFTER_CRASH_MS: std::ops::Range<u64> = 0..500;
/// How far a clock is put before or behind, in milliseconds: less than a node refuses to start with.
const SKEW_MS_MAX: i64 = 5_000;
/// The longest that packets are kept back on a slow link, in milliseconds.
const LATE_MS_MAX: u64 = 150;
/// How long a link that loses some packets loses all of them, and then none, in milliseconds.
const FLICKER_MS: std::ops::Range<u64> = 10..250;

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// SIGKILL to a node.
    Kill,
    /// The same while a group is changed.
    KillInChange,
    /// SIGKILL to all nodes.
    KillAll,
    /// SIGTERM to a node, and a new start.
    Drain,
    /// The same to each node, one after the other.
    Roll,
    /// SIGSTOP to a node, and SIGCONT.
    Pause,
    /// A node comes back with a clock that goes before or behind.
    Skew,
    /// What is said by, to, or between a node and somebody is lost.
    Cut(Door),
    /// The same, and SIGKILL to another node meanwhile, which comes back.
    CutAndKill(Door),
    /// Some of it.
    Flicker(Door),
    /// All nodes hear from an engine late.
    Slow(Door),
    /// SIGKILL to the primary, which recovers.
    DatabaseCrash,
    /// The same while a node is stopped, which then wakes up.
    CrashInPause,
    /// The same, and right after it the primary is gone for good.
    CrashAndFailover,
    /// SIGKILL to the primary; the standby takes its place.
    Failover,
    /// The disk of one of them is full.
    DiskFull(Which),
    /// Redis ends and comes back.
    RedisRestart(Memory),
}

impl Fault {
    /// Whether a node may refuse sends meanwhile, to be sent again: when it is to end, or the database does
    /// not answer it.
    fn refuses(self) -> bool {
        match self {
            Self::Drain | Self::Roll | Self::Pause | Self::DatabaseCrash => true,
            Self::CrashInPause | Self::CrashAndFailover | Self::Failover => true,
            Self::Cut(door) | Self::CutAndKill(door) => door == Door::Database,
            Self::Flicker(door) | Self::Slow(door) => door == Door::Database,
            Self::Skew | Self::DiskFull(_) => true,
            Self::Kill | Self::KillInChange | Self::KillAll | Self::RedisRestart(_) => false,
        }
    }
}

/// Each deck is dealt whole before the next is shuffled.
const DECK: [(Fault, usize); 25] = [
    (Fault::Kill, 4),
    (Fault::KillInChange, 2),
    (Fault::KillAll, 1),
    (Fault::Drain, 2),
    (Fault::Roll, 1),
    (Fault::Pause, 3),
    (Fault::Skew, 2),
    (Fault::Cut(Door::Clients), 2),
    (Fault::Cut(Door::Database), 2),
    (Fault::Cut(Door::Redis), 2),
    (Fault::CutAndKill(Door::Database), 1),
    (Fault::CutAndKill(Door::Redis), 1),
    (Fault::Flicker(Door::Clients), 1),
    (Fault::Flicker(Door::Database), 1),
    (Fault::Flicker(Door::Redis), 1),
    (Fault::Slow(Door::Database), 1),
    (Fault::Slow(Door::Redis), 1),
    (Fault::DatabaseCrash, 2),
    (Fault::CrashInPause, 1),
    (Fault::Failover, 1),
    (Fault::CrashAndFailover, 1),
    (Fault::DiskFull(Which::Primary), 1),
    (Fault::DiskFull(Which::Standby), 1),
    (Fault::RedisRestart(Memory::Kept), 1),
    (Fault::RedisRestart(Memory::Lost), 1),
];

/// Deals faults to a cluster.
pub(super) struct Conductor<'a> {
    cluster: &'a mut Cluster,
    shared: &'a Arc<Shared>,
    rng: StdRng,
    deck: VecDeque<Fault>,
    failed_over: Option<Instant>,
    tally: &'a mut Tally,
    progress: Progress,
}

impl<'a> Conductor<'a> {
    /// A conductor that writes what it does to a file in `folder`.
    pub(super) fn new(
        cluster: &'a mut Cluster,
        shared: &'a Arc<Shared>,
        seed: u64,
        folder: &Path,
        tally: &'a mut Tally,
    ) -> Result<Self> {
        Ok(Self {
            cluster,
            shared,
            rng: StdRng::seed_from_u64(seed),
            deck: VecDeque::new(),
            failed_over: None,
            tally,
            progress: Progress::begin(&folder.join("faults.log"))?,
        })
    }

    /// Deals for so long; the last fault is done to its end.
    ///
    /// # Errors
    /// When something does not come back.
    pub(super) async fn run(mut self, duration: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            let pause = Duration::from_millis(self.rng.random_range(100..1500));
            let left = duration.saturating_sub(start.elapsed());
            sleep(pause.min(left)).await;
            if pause >= left {
                self.progress.clear();
                return Ok(());
            }
            let fault = self.deal();
            self.note(format_args!("{fault:?}"))?;
            let refuses = u64::from(fault.refuses());
            self.shared.refusals.fetch_add(refuses, Ordering::Relaxed);
            self.carry_out(fault).await.with_context(|| format!("while at {fault:?}"))?;
            self.wait_until_ready().await.with_context(|| format!("after {fault:?}"))?;
            self.shared.refusals.fetch_add(refuses, Ordering::Relaxed);
            self.note(format_args!("  done"))?;
            let (sends, seen) = {
                let lives = self.shared.lives.lock();
                (lives.sent.len(), lives.seen())
            };
            self.progress.show(&format!(
                "{:>4} s  {fault:?}  kills {}  sends {sends}  seen {seen}",
                start.elapsed().as_secs(),
                self.tally.of(KILLS),
            ));
        }
    }

    fn deal(&mut self) -> Fault {
        if self.deck.is_empty() {
            let cards = DECK.iter().flat_map(|(fault, many)| std::iter::repeat_n(*fault, *many));
            let mut cards: Vec<_> = cards.collect();
            cards.shuffle(&mut self.rng);
            self.deck = cards.into();
        }
        let fault = self.deck.pop_front().expect("a deck has cards");
        let is_early = self.failed_over.is_some_and(|at| at.elapsed() < FAILOVER_SPACING);
        let is_failover = matches!(fault, Fault::Failover | Fault::CrashAndFailover);
        if is_failover && is_early { Fault::DatabaseCrash } else { fault }
    }

    async fn carry_out(&mut self, fault: Fault) -> Result<()> {
        let node = self.rng.random_range(0..NODES);
        let outage = self.outage();
        match fault {
            Fault::Kill => {
                self.kill(node).await?;
                self.tally.one("kills of a node at random instants");
                sleep(outage / 4).await;
                self.cluster.nodes[node].start_again().await
            }
            Fault::KillInChange => {
                let wished = timeout(WISH_PATIENCE, self.shared.wished.notified());
                wished.await.context("no owner wished for anything")?;
                sleep(Duration::from_micros(self.rng.random_range(0..CHANGE_TAKES_US))).await;
                self.kill(node).await?;
                self.tally.one("kills of a node while a group was changed");
                self.cluster.nodes[node].start_again().await
            }
            Fault::KillAll => {
                for node in 0..NODES {
                    self.kill(node).await?;
                }
                self.tally.one("kills of all nodes");
                for node in 0..NODES {
                    self.cluster.nodes[node].start_again().await?;
                }
                Ok(())
            }
            Fault::Drain => self.drain(node).await,
            Fault::Roll => {
                for node in 0..NODES {
                    self.drain(node).await?;
                }
                self.tally.one("rolling restarts");
                Ok(())
            }
            Fault::Pause => {
                self.cluster.nodes[node].signal("STOP").await?;
                sleep(outage).await;
                self.cluster.nodes[node].signal("CONT").await?;
                self.tally.one("nodes stopped for a while");
                Ok(())
            }
            Fault::Skew => {
                let by = self.rng.random_range(-SKEW_MS_MAX..=SKEW_MS_MAX);
                self.note(format_args!("  node {node} {by} ms"))?;
                self.cluster.nodes[node].set_clock(by);
                self.drain(node).await?;
                self.tally.one("clocks that were put before or behind");
                Ok(())
            }
            Fault::CutAndKill(door) => {
                let direction = *Direction::ALL.choose(&mut self.rng).context("there are some")?;
                self.note(format_args!("  node {node} {direction:?} {outage:?}"))?;
                self.cluster.network.cut(node, door, direction)?;
                sleep(outage / 2).await;
                let other = (node + self.rng.random_range(1..NODES)) % NODES;
                self.kill(other).await?;
                self.cluster.nodes[other].start_again().await?;
                sleep(outage / 2).await;
                self.cluster.network.heal()?;
                self.tally.one("links cut while another node was killed");
                Ok(())
            }
            Fault::Cut(door) => {
                let direction = *Direction::ALL.choose(&mut self.rng).context("there are some")?;
                self.note(format_args!("  node {node} {direction:?} {outage:?}"))?;
                self.cluster.network.cut(node, door, direction)?;
                sleep(outage).await;
                self.cluster.network.heal()?;
                self.tally.one("links cut");
                Ok(())
            }
            Fault::Flicker(door) => self.flicker(node, door, outage).await,
            Fault::Slow(door) => {
                let late = Duration::from_millis(self.rng.random_range(1..LATE_MS_MAX));
                let carrier = match door {
                    Door::Database => &self.cluster.to_database,
                    Door::Redis => &self.cluster.to_redis,
                    Door::Clients => bail!("clients are slowed by their proxy"),
                };
                carrier.slow(late);
                sleep(outage).await;
                carrier.slow(Duration::ZERO);
                self.tally.one("links slow");
                Ok(())
            }
            Fault::DatabaseCrash => {
                self.cluster.databases.crash().await?;
                self.tally.one("kills of the database, which recovered");
                Ok(())
            }
            Fault::CrashInPause => {
                self.cluster.nodes[node].signal("STOP").await?;
                sleep(outage / 2).await;
                self.cluster.databases.crash().await?;
                sleep(outage / 2).await;
                self.cluster.nodes[node].signal("CONT").await?;
                self.tally.one("kills of the database while a node was stopped");
                Ok(())
            }
            Fault::CrashAndFailover => {
                self.cluster.databases.crash().await?;
                // What the crash left behind may count as committed before the standby has it.
                sleep(Duration::from_millis(self.rng.random_range(AFTER_CRASH_MS))).await;
                self.fail_over().await?;
                self.tally.one("failovers right after the database had recovered");
                Ok(())
            }
            Fault::Failover => self.fail_over().await,
            Fault::DiskFull(which) => {
                self.cluster.databases.fill(which).await?;
                sleep(outage).await;
                self.cluster.databases.make_room(which).await?;
                self.tally.one(match which {
                    Which::Primary => "times that the primary's disk was full",
                    Which::Standby => "times that the standby's disk was full",
                });
                Ok(())
            }
            Fault::RedisRestart(memory) => {
                self.cluster.redis.restart(memory, outage / 2).await?;
                self.tally.one(match memory {
                    Memory::Kept => "restarts of Redis with what it knew",
                    Memory::Lost => "restarts of Redis with nothing",
                });
                Ok(())
            }
        }
    }

    /// Loses packets for moments, again and again.
    async fn flicker(&mut self, node: usize, door: Door, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let direction = *Direction::ALL.choose(&mut self.rng).context("there are some")?;
            self.cluster.network.cut(node, door, direction)?;
            sleep(Duration::from_millis(self.rng.random_range(FLICKER_MS))).await;
            self.cluster.network.heal()?;
            sleep(Duration::from_millis(self.rng.random_range(FLICKER_MS))).await;
        }
        self.tally.one("links that lost some packets");
        Ok(())
    }

    /// The primary is gone for good, and the standby, which has all that was acknowledged, takes its place.
    /// A node notices that the log has another life, and takes nothing until it is started again.
    async fn fail_over(&mut self) -> Result<()> {
        self.cluster.databases.fail_over().await?;
        self.cluster.to_database.lead(self.cluster.databases.addr());
        for node in 0..NODES {
            self.wait_for_page(node, 503).await.context("a failover went unnoticed")?;
        }
        for node in 0..NODES {
            self.cluster.nodes[node].kill().await?;
        }
        // No node writes now: this is what the new life begins with.
        let logs = self.cluster.databases.logs().await?;
        let kept = heads(&logs);
        let before = {
            let mut lives = self.shared.lives.lock();
            lives.end(logs, kept);
            lives.epoch().map(str::to_owned)
        };
        for node in 0..NODES {
            self.cluster.nodes[node].start_again().await?;
        }
        self.probe().await?;
        if self.shared.lives.lock().epoch() == before.as_deref() {
            self.find("a failover went unnoticed".into());
        }
        self.cluster.databases.attach().await.context("no new standby")?;
        self.failed_over = Some(Instant::now());
        self.tally.one("failovers of the database");
        Ok(())
    }

    async fn drain(&mut self, node: usize) -> Result<()> {
        self.cluster.nodes[node].drain().await?;
        self.tally.one("restarts of a node by SIGTERM");
        self.cluster.nodes[node].start_again().await
    }

    async fn kill(&mut self, node: usize) -> Result<()> {
        if let Some(status) = self.cluster.nodes[node].ended_within(Duration::ZERO).await? {
            self.find(format!("node {node} ended by itself: {status}"));
        }
        self.cluster.nodes[node].kill().await?;
        self.tally.one(KILLS);
        Ok(())
    }

    fn outage(&mut self) -> Duration {
        // As many short ones as long ones.
        let (short, long) = (OUTAGE_MS.start as f64, OUTAGE_MS.end as f64);
        let power = self.rng.random_range(short.ln()..long.ln());
        Duration::from_secs_f64(power.exp() / 1000.0)
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        for node in 0..NODES {
            self.wait_for_page(node, 200).await?;
        }
        Ok(())
    }

    /// Waits until a node says that it is ready, or that it is not.
    async fn wait_for_page(&mut self, node: usize, wanted: u16) -> Result<()> {
        let deadline = Instant::now() + READY_PATIENCE;
        loop {
            let said = self.cluster.nodes[node].page("/readyz").await;
            if said.as_ref().is_ok_and(|(status, _)| *status == wanted) {
                return Ok(());
            }
            if let Some(status) = self.cluster.nodes[node].ended_within(Duration::ZERO).await? {
                bail!("node {node} ended by itself: {status}");
            }
            ensure!(
                Instant::now() < deadline,
                "node {node} does not answer /readyz by {wanted} after {READY_PATIENCE:?}, but {said:?}"
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// A connection of the run's own, past the proxies: which life the log is in is noted. Where everybody
    /// comes back at once it may be turned away, and comes again like any other.
    async fn probe(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_PATIENCE;
        loop {
            match self.life().await {
                Ok(epoch) => {
                    self.shared.lives.lock().of(&epoch);
                    return Ok(());
                }
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn life(&self) -> Result<String> {
        let hello = Hello::new("probe", "probe");
        let mut connection = Connection::open(self.cluster.nodes[0].addr(), &hello).await?;
        let ready = connection.event("ready").await?;
        Ok(ready["epoch"].as_str().context("a ready without epoch")?.to_owned())
    }

    fn note(&mut self, step: fmt::Arguments<'_>) -> Result<()> {
        Ok(self.progress.note(&step.to_string())?)
    }

    fn find(&mut self, what: String) {
        // It is among the findings in any case.
        let _ = self.progress.note(&format!("FOUND: {what}"));
        self.shared.lives.lock().findings.push(what);
    }
}
