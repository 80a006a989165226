//! Programs with the Rust SDK, some to a process ([`crate::app`]): the processes are killed at random
//! instants while messages are sent, and started again on the outboxes that they left.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::reports::{Kind, Listener, Tally};
use super::settle::until;
use super::shared::{Phase, Shared};
use super::tokens::token;
use crate::app::{Cast, Plan};
use crate::history::DeviceName;

/// How many programs a process has.
const APPS_PER_PROCESS: usize = 5;
/// How long a process lives while messages are sent, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 1_000..10_000;

/// All processes of programs.
pub(super) struct Apps {
    programs: u64,
    /// How often they were asked to show everything.
    shows: watch::Sender<u64>,
    /// How often a process was killed.
    pub(super) kills: Arc<AtomicU64>,
    /// What they report.
    pub(super) reports: Arc<Tally>,
}

impl Apps {
    /// Starts processes for these devices, whose outboxes will lie in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be made or this program cannot be started again.
    pub(super) fn start(
        folder: &Path,
        devices: &[DeviceName],
        shared: &Arc<Shared>,
        phase: &watch::Receiver<Phase>,
        seed: u64,
    ) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let apps = Self {
            programs: devices.len() as u64,
            shows: watch::Sender::new(0),
            kills: Arc::default(),
            reports: Arc::default(),
        };
        for (number, devices) in devices.chunks(APPS_PER_PROCESS).enumerate() {
            let cast = devices.iter().map(|name| {
                Ok(Cast {
                    token: token(&name.user)?,
                    user: name.user.clone(),
                    device: name.device.clone(),
                    peers: shared.peers(&name.user).into_iter().map(str::to_owned).collect(),
                    groups: shared.groups_of(&name.user).map(|group| group.id.clone()).collect(),
                })
            });
            let seed = seed.wrapping_add((APPS_PER_PROCESS * number) as u64);
            let plan = Plan {
                url: format!("http://{}", shared.door(number)),
                folder: folder.to_owned(),
                life: 0,
                seed,
                pause_ms: u64::try_from(shared.pause.as_millis())?,
                cast: cast.collect::<Result<_>>()?,
            };
            let reports = Arc::clone(&apps.reports);
            let process = Process {
                program: std::env::current_exe()?,
                plan,
                listener: Some(Listener::new(
                    Kind::Apps,
                    devices.to_vec(),
                    shared.clone(),
                    reports,
                )),
                phase: phase.clone(),
                shows: apps.shows.subscribe(),
                kills: Arc::clone(&apps.kills),
                rng: StdRng::seed_from_u64(seed),
            };
            let shared = Arc::clone(shared);
            tokio::spawn(async move {
                if let Err(error) = process.run().await {
                    let what = format!("programs with the SDK: {error:#}");
                    shared.lives.lock().findings.push(what);
                }
            });
        }
        Ok(apps)
    }

    /// None at all.
    pub(super) fn none() -> Self {
        Self {
            programs: 0,
            shows: watch::Sender::new(0),
            kills: Arc::default(),
            reports: Arc::default(),
        }
    }

    /// Waits until everything that any of them wrote was answered.
    ///
    /// # Errors
    /// When that takes more than a minute.
    pub(super) async fn drained(&self, shared: &Shared) -> Result<()> {
        let done = || self.reports.done.load(Ordering::Relaxed) == self.programs;
        let drained = until("every program's outbox is empty", done).await;
        drained.with_context(|| format!("found by then: {:#?}", shared.lives.lock().findings))
    }

    /// Has each show all of its conversations, which takes the place of what was shown before.
    ///
    /// # Errors
    /// When that takes more than a minute.
    pub(super) async fn show(&self, shared: &Shared) -> Result<()> {
        shared.lives.lock().shown.clear();
        self.shows.send_modify(|shows| *shows += 1);
        let all = self.programs * *self.shows.borrow();
        let showed = || self.reports.showed.load(Ordering::Relaxed) == all;
        until("every program has shown what it has", showed).await
    }
}

/// One process in all its lives.
struct Process {
    program: PathBuf,
    plan: Plan,
    /// Away while it listens.
    listener: Option<Listener>,
    phase: watch::Receiver<Phase>,
    shows: watch::Receiver<u64>,
    kills: Arc<AtomicU64>,
    rng: StdRng,
}

/// One life of it.
struct Life {
    child: Child,
    input: ChildStdin,
    listening: JoinHandle<Listener>,
}

impl Process {
    async fn run(mut self) -> Result<()> {
        while *self.phase.borrow() != Phase::Stop {
            let mut life = self.start().await?;
            let ended = self.live(&mut life).await?;
            life.child.kill().await.context("killing a process")?;
            // What it had said before it was killed is heard to its end.
            self.listener = Some(life.listening.await?);
            ensure!(!ended, "a process ended by itself");
        }
        Ok(())
    }

    async fn start(&mut self) -> Result<Life> {
        self.plan.life += 1;
        let mut child = Command::new(&self.program)
            .arg("apps")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting programs with the SDK")?;
        let mut input = child.stdin.take().context("it is piped")?;
        input.write_all(format!("{}\n", serde_json::to_string(&self.plan)?).as_bytes()).await?;
        let output = child.stdout.take().context("it is piped")?;
        let mut listener = self.listener.take().context("one life at a time")?;
        let listening = tokio::spawn(async move {
            listener.hear(output).await;
            listener
        });
        Ok(Life { child, input, listening })
    }

    /// Tells it what to do until it is to be killed; whether it ended by itself.
    async fn live(&mut self, life: &mut Life) -> Result<bool> {
        let ends = sleep(Duration::from_millis(self.rng.random_range(LIFE_MS)));
        tokio::pin!(ends);
        self.phase.mark_changed();
        loop {
            let sending = *self.phase.borrow() == Phase::Send;
            let line: &[u8] = tokio::select! {
                changed = self.phase.changed() => {
                    changed?;
                    match *self.phase.borrow_and_update() {
                        Phase::Gather => continue,
                        Phase::Send => b"send\n",
                        Phase::Finish => b"finish\n",
                        Phase::Stop => return Ok(false),
                    }
                }
                changed = self.shows.changed() => {
                    changed?;
                    b"show\n"
                }
                () = &mut ends, if sending => {
                    self.kills.fetch_add(1, Ordering::Relaxed);
                    return Ok(false);
                }
                _ = life.child.wait() => return Ok(true),
            };
            life.input.write_all(line).await.context("a process ended")?;
        }
    }
}
