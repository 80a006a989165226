//! Deals the faults: one after the other, with pauses between, in an order that follows from the
//! seed. Each is done in full before the next: the server is back and healthy, in the life of the
//! log that it should be in.
//!
//! A fault that could pass unnoticed is held to its effect: a kill in a commit to the call at which
//! the server died, a full disk and a failing fsync to the refusals that followed, a restore to the
//! new epoch.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tokio::time::{Instant, sleep, timeout};

use super::client::{Connection, Hello};
use super::copy::{Copy, Way, heads};
use super::disk::{Disk, Instant as Moment, Site};
use super::power::Kept;
use super::progress::Progress;
use super::server::Server;
use super::shared::Shared;
use super::tally::Tally;

/// How long a chosen instant is waited for.
const INSTANT_PATIENCE: Duration = Duration::from_secs(10);
/// How long a checkpoint is waited for before one is made by ending the server.
const CHECKPOINT_PATIENCE: Duration = Duration::from_secs(2);
/// A kill comes at most so long after an owner has wished for a change of a group, in microseconds:
/// before, in and after the commit.
const CHANGE_TAKES_US: u64 = 6_000;
/// At least so long after a restore comes the next: each makes a life that is checked by itself.
const RESTORE_SPACING: Duration = Duration::from_secs(60);

mod illness;

/// What can be done to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Kill,
    KillInCommit,
    KillInChange,
    KillInCheckpoint,
    Drain,
    PowerLoss,
    FullDisk,
    FailedSync,
    Restore,
}

/// Each deck is dealt whole before the next is shuffled.
const DECK: [(Fault, usize); 9] = [
    (Fault::Kill, 4),
    (Fault::KillInCommit, 4),
    (Fault::KillInChange, 3),
    (Fault::KillInCheckpoint, 2),
    (Fault::Drain, 2),
    (Fault::PowerLoss, 4),
    (Fault::FullDisk, 1),
    (Fault::FailedSync, 2),
    (Fault::Restore, 1),
];

/// Deals faults to a server.
pub(super) struct Conductor<'a> {
    server: &'a mut Server,
    disk: &'a Disk,
    shared: &'a Arc<Shared>,
    rng: StdRng,
    deck: VecDeque<Fault>,
    folder: PathBuf,
    copy: Option<Copy>,
    restored: Option<Instant>,
    tally: &'a mut Tally,
    progress: Progress,
}

impl<'a> Conductor<'a> {
    /// A conductor that keeps its copies in `folder`.
    pub(super) fn new(
        server: &'a mut Server,
        disk: &'a Disk,
        shared: &'a Arc<Shared>,
        seed: u64,
        folder: &Path,
        tally: &'a mut Tally,
    ) -> Result<Self> {
        Ok(Self {
            server,
            disk,
            shared,
            rng: StdRng::seed_from_u64(seed),
            deck: VecDeque::new(),
            folder: folder.join("copy"),
            copy: None,
            restored: None,
            tally,
            progress: Progress::begin(&folder.join("faults.log"))?,
        })
    }

    /// Deals for so long; the last fault is done to its end.
    ///
    /// # Errors
    /// When the server does not come back, or a fault does not take hold.
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
            self.note_reasons().await?;
            self.note(format_args!("{fault:?}"))?;
            let refuses = matches!(fault, Fault::FullDisk | Fault::FailedSync | Fault::Drain);
            self.shared.refusals.fetch_add(u64::from(refuses), Ordering::Relaxed);
            self.carry_out(fault).await.with_context(|| format!("while at {fault:?}"))?;
            self.shared.refusals.fetch_add(u64::from(refuses), Ordering::Relaxed);
            self.note(format_args!("  done"))?;
            let (sends, seen) = {
                let lives = self.shared.lives.lock();
                (lives.sent.len(), lives.seen())
            };
            self.progress.show(&format!(
                "{:>4} s  {fault:?}  kills {}  cuts {}  sends {sends}  seen {seen}",
                start.elapsed().as_secs(),
                self.tally.of(KILLS),
                self.shared.cuts.load(Ordering::Relaxed),
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
        let is_early = self.restored.is_some_and(|at| at.elapsed() < RESTORE_SPACING);
        if fault == Fault::Restore && (is_early || self.copy.is_none()) {
            return Fault::Kill;
        }
        fault
    }

    async fn carry_out(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::Kill => {
                self.kill().await?;
                self.tally.one("kills at random instants");
                if self.copy.is_none() || self.rng.random_ratio(1, 4) {
                    self.note(format_args!("  copied"))?;
                    self.copy = Some(Copy::take(self.disk.data(), &self.folder)?);
                }
                self.start_again().await
            }
            Fault::KillInCommit => {
                self.die_in_commit().await?;
                self.start_again().await
            }
            Fault::KillInChange => {
                let wished = timeout(INSTANT_PATIENCE, self.shared.wished.notified());
                wished.await.context("no owner wished for anything")?;
                let pause = self.rng.random_range(0..CHANGE_TAKES_US);
                sleep(Duration::from_micros(pause)).await;
                self.kill().await?;
                self.tally.one("kills while a group was changed");
                self.start_again().await
            }
            Fault::KillInCheckpoint => {
                self.die_in_checkpoint().await?;
                if self.rng.random_ratio(1, 3) {
                    self.lose_power()?;
                }
                self.start_again().await
            }
            Fault::Drain => {
                self.server.drain().await?;
                self.tally.one("restarts by SIGTERM");
                self.start_again().await
            }
            Fault::PowerLoss => {
                if self.rng.random() {
                    self.kill().await?;
                } else {
                    self.die_in_commit().await?;
                }
                self.lose_power()?;
                self.start_again().await
            }
            Fault::FullDisk => self.fill_disk().await,
            Fault::FailedSync => self.fail_syncs().await,
            Fault::Restore => self.restore().await,
        }
    }

    async fn kill(&mut self) -> Result<()> {
        if let Some(status) = self.server.ended_within(Duration::ZERO).await? {
            self.find(format!("the server ended by itself: {status}"));
        }
        self.server.kill().await?;
        self.tally.one(KILLS);
        Ok(())
    }

    /// Dies at a write or sync of the write-ahead log.
    async fn die_in_commit(&mut self) -> Result<()> {
        let (site, nth) = if self.rng.random_ratio(2, 3) {
            (Site::LogWrite, self.rng.random_range(1..40))
        } else {
            (Site::LogSync, self.rng.random_range(1..6))
        };
        let moment = self.moment();
        self.note(format_args!("  at {site:?} {nth} {moment:?}"))?;
        self.disk.kill_at(site, nth, moment)?;
        self.server.ended_within(INSTANT_PATIENCE).await?;
        self.died("kills in a commit").await
    }

    /// Dies at a write or sync of the database: in a checkpoint that is due, or in the one that
    /// ends the server.
    async fn die_in_checkpoint(&mut self) -> Result<()> {
        let (site, nth) = if self.rng.random_ratio(3, 4) {
            (Site::DatabaseWrite, self.rng.random_range(1..30))
        } else {
            (Site::DatabaseSync, 1)
        };
        let moment = self.moment();
        self.note(format_args!("  at {site:?} {nth} {moment:?}"))?;
        self.disk.kill_at(site, nth, moment)?;
        if self.server.ended_within(CHECKPOINT_PATIENCE).await?.is_none() {
            self.server.terminate().await?;
            self.server.ended_within(INSTANT_PATIENCE * 3).await?;
        }
        self.died("kills in a checkpoint").await
    }

    async fn died(&mut self, what: &'static str) -> Result<()> {
        if self.disk.spare()? {
            self.tally.one(what);
            self.tally.one(KILLS);
            return Ok(());
        }
        self.tally.one("chosen instants that did not come");
        self.kill().await
    }

    fn moment(&mut self) -> Moment {
        [Moment::Before, Moment::Halfway, Moment::After][self.rng.random_range(0..3)]
    }

    fn lose_power(&mut self) -> Result<()> {
        let kept = if self.rng.random() { Kept::Synced } else { Kept::Some };
        let gone = self.disk.lose_power(kept, &mut self.rng)?;
        self.note(format_args!("  power lost, kept {kept:?}, {gone} pages thrown away"))?;
        self.tally.one("losses of power");
        self.tally.add("pages thrown away by loss of power", gone);
        Ok(())
    }

    /// Puts an older copy in the place of the data.
    async fn restore(&mut self) -> Result<()> {
        let copy = self.copy.take().context("a copy was made")?;
        self.kill().await?;
        let disk = self.disk;
        let replaced = Copy::take(disk.data(), &self.folder.with_extension("replaced"))?.logs()?;
        let copied = heads(&copy.logs()?);
        let way = Way::ALL[self.rng.random_range(0..Way::ALL.len())];
        copy.put_back(disk.data(), way)?;
        self.progress.note(&format!("  {way:?}"))?;
        disk.settle()?;
        let before = {
            let mut lives = self.shared.lives.lock();
            lives.end(replaced, copied);
            lives.epoch().map(str::to_owned)
        };
        self.start_again().await?;
        if self.shared.lives.lock().epoch() == before.as_deref() {
            self.find(format!("a restore ({way:?}) went unnoticed"));
        }
        self.restored = Some(Instant::now());
        self.tally.one("restores of an older copy");
        Ok(())
    }

    /// Starts the server again; which life its log is in is noted before anybody else can.
    async fn start_again(&mut self) -> Result<()> {
        self.server.start_again().await?;
        self.probe().await.map(drop)
    }

    /// A connection of the run's own, past the proxy.
    async fn probe(&mut self) -> Result<Connection> {
        let hello = Hello::new("probe", "probe");
        let mut connection = Connection::open(self.server.addr(), &hello).await?;
        let ready = connection.event("ready").await?;
        let epoch = ready["epoch"].as_str().context("a ready without epoch")?;
        self.shared.lives.lock().of(epoch);
        // Until then a store that cannot read ends the connection, rightly.
        connection.event("caught_up").await?;
        Ok(connection)
    }

    /// Adds up why the server closed connections, before a fault takes its counters away.
    async fn note_reasons(&mut self) -> Result<()> {
        let (_, text) = self.server.page("/metrics").await?;
        for (name, reason) in REASONS {
            let line = text.lines().find(|line| {
                line.starts_with("parlor_gateway_connections_closed_total") && line.contains(reason)
            });
            let value = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            self.tally.add(name, value.unwrap_or(0.0) as u64);
        }
        Ok(())
    }

    fn note(&mut self, step: std::fmt::Arguments<'_>) -> Result<()> {
        Ok(self.progress.note(&step.to_string())?)
    }

    fn find(&mut self, what: String) {
        // It is among the findings in any case.
        let _ = self.progress.note(&format!("FOUND: {what}"));
        self.shared.lives.lock().findings.push(what);
    }
}

/// What kills are counted under, whatever their instant.
pub(super) const KILLS: &str = "kills in all";
/// What must never be counted.
pub(super) const HANDLER_PANICS: &str = "connections the server closed: handler panic";

/// Reasons of the server's that are worth telling, by what `/metrics` calls them.
const REASONS: [(&str, &str); 5] = [
    ("connections the server closed: ping timeout", "\"ping timeout\""),
    ("connections the server closed: parse error", "\"parse error\""),
    ("connections the server closed: protocol violation", "\"protocol violation\""),
    ("connections the server closed: message too big", "\"message too big\""),
    (HANDLER_PANICS, "\"handler panic\""),
];
