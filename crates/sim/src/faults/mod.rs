//! A run: many devices talk through the real server while it is killed and their connections are
//! cut; at the end everything is read back and checked.
//!
//! Gather (all devices connect once) → Send (kills and cuts) → Finish (every send acknowledged,
//! every device caught up) → read the logs → check.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::checker::{self, Verdict};
use crate::client::Connection;
use crate::device::{Device, Phase, Shared, message};
use crate::history::{DeviceName, Summary, Watermark};
use crate::server::Server;

/// How long acknowledging and catching up may take after the last kill.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(60);

/// One restart in so many is by SIGTERM, as an operator does it.
const DRAIN_ONE_IN: u32 = 5;

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server to run.
    pub binary: PathBuf,
    /// How long to send and kill.
    pub duration: Duration,
    /// What all chance follows from.
    pub seed: u64,
    /// How many users talk.
    pub users: usize,
    /// How many devices each has.
    pub devices_per_user: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// How often the server was killed.
    pub kills: u64,
    /// How often a device cut its connection.
    pub cuts: u64,
    /// How many distinct messages were sent.
    pub sends: usize,
    /// How many of them were acknowledged.
    pub acked: usize,
    /// What the checker found.
    pub verdict: Verdict,
}

impl Outcome {
    /// The one line every fault run ends with.
    pub fn line(&self) -> String {
        format!(
            "kills={} cuts={} sends={} acked={} lost={} doubled={} disordered={}",
            self.kills,
            self.cuts,
            self.sends,
            self.acked,
            self.verdict.lost.len(),
            self.verdict.doubled.len(),
            self.verdict.disordered.len(),
        )
    }
}

/// Runs the plan.
///
/// # Errors
/// When the server does not come back, devices cannot finish, or the store's own check fails;
/// broken promises are not errors but the outcome's verdict.
pub async fn run(plan: &Plan) -> Result<Outcome> {
    let folder = tempfile::tempdir()?;
    let mut server = Server::start(&plan.binary, folder.path()).await?;
    let users: Vec<String> = (0..plan.users).map(|n| format!("user{n}")).collect();
    let shared = Arc::new(Shared {
        addr: server.addr(),
        users: users.clone(),
        history: Default::default(),
        connected: AtomicU64::new(0),
        unacked: AtomicU64::new(0),
        cuts: AtomicU64::new(0),
    });
    let (phase, watcher) = watch::channel(Phase::Gather);
    let mut tasks = tokio::task::JoinSet::new();
    for user in &users {
        for device in 0..plan.devices_per_user {
            let name = DeviceName { user: user.clone(), device: format!("device{device}") };
            shared.history.lock().devices.push(name.clone());
            let seed = plan.seed.wrapping_mul(1_000_003).wrapping_add(tasks.len() as u64);
            tasks.spawn(Device::new(name, shared.clone(), watcher.clone(), seed).run());
        }
    }
    let devices = tasks.len() as u64;
    until("every device is connected", || shared.connected.load(Ordering::Relaxed) == devices)
        .await?;

    phase.send(Phase::Send)?;
    let kills = kill_at_random(plan, &mut server, &shared).await?;
    phase.send(Phase::Finish)?;
    until("every send is acknowledged", || shared.unacked.load(Ordering::Relaxed) == 0).await?;
    let verdict = settle(&shared).await?;
    phase.send(Phase::Stop)?;
    tasks.join_all().await;

    server.kill().await?;
    check_store(&plan.binary, folder.path()).await?;
    let history = shared.history.lock();
    Ok(Outcome {
        kills,
        cuts: shared.cuts.load(Ordering::Relaxed),
        sends: history.sent.len(),
        acked: history.sent.len() - shared.unacked.load(Ordering::Relaxed) as usize,
        verdict,
    })
}

async fn kill_at_random(plan: &Plan, server: &mut Server, shared: &Shared) -> Result<u64> {
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let start = Instant::now();
    let (mut kills, mut drains) = (0, 0);
    loop {
        let pause = Duration::from_millis(rng.random_range(100..2500));
        let left = plan.duration.saturating_sub(start.elapsed());
        sleep(pause.min(left)).await;
        if pause >= left {
            return Ok(kills);
        }
        if rng.random_ratio(1, DRAIN_ONE_IN) {
            server.drain_and_restart().await?;
            drains += 1;
        } else {
            server.kill_and_restart().await?;
            kills += 1;
        }
        let (sent, seen) = {
            let history = shared.history.lock();
            (history.sent.len(), history.seen.len())
        };
        let seconds = start.elapsed().as_secs();
        eprintln!("{seconds:>4} s  kills {kills}  drains {drains}  sends {sent}  seen {seen}");
    }
}

/// Waits until the checker finds nothing missing, and nothing that moved while it was read; what
/// it finds in the end is the verdict.
async fn settle(shared: &Shared) -> Result<Verdict> {
    let deadline = Instant::now() + SETTLE_TIMEOUT;
    loop {
        read_back(shared).await?;
        let verdict = checker::check(&shared.history.lock());
        let settled = verdict.lost.is_empty() && verdict.wrong.is_empty();
        if settled || Instant::now() > deadline {
            return Ok(verdict);
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// Reads every conversation as its members are told it.
async fn read_back(shared: &Shared) -> Result<()> {
    let mut logs = std::collections::BTreeMap::new();
    let mut summaries = Vec::new();
    for user in &shared.users {
        let mut connection = Connection::open(shared.addr, user, "reader").await?;
        let mut cursor = serde_json::Value::Null;
        loop {
            let mut query = json!({ "limit": 50 });
            if !cursor.is_null() {
                query["cursor"] = cursor;
            }
            let page = connection.request("conversations", &query).await?;
            for line in page["conversations"].as_array().context("no conversations")? {
                let conversation = line["conversationId"].as_str().context("no id")?.to_owned();
                if !logs.contains_key(&conversation) {
                    let log = read_log(&mut connection, &conversation).await?;
                    logs.insert(conversation.clone(), log);
                }
                let watermarks = line["watermarks"].as_array().context("no watermarks")?;
                let watermarks =
                    watermarks.iter().map(watermark).collect::<Result<Vec<Watermark>>>()?;
                let mine = watermarks.iter().find(|mark| mark.user == *user);
                summaries.push(Summary {
                    user: user.clone(),
                    conversation,
                    head: line["head"].as_u64().context("no head")?,
                    unread: line["unread"].as_u64().context("no unread")?,
                    read: mine.context("no watermark of one's own")?.read,
                    watermarks,
                });
            }
            cursor = page["cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
    }
    let mut history = shared.history.lock();
    (history.log, history.summaries) = (logs, summaries);
    Ok(())
}

fn watermark(value: &serde_json::Value) -> Result<Watermark> {
    Ok(Watermark {
        user: value["userId"].as_str().context("a watermark without userId")?.to_owned(),
        delivered: value["delivered"].as_u64().context("a watermark without delivered")?,
        read: value["read"].as_u64().context("a watermark without read")?,
    })
}

async fn read_log(
    connection: &mut Connection,
    conversation: &str,
) -> Result<Vec<crate::history::Message>> {
    let mut log: Vec<crate::history::Message> = Vec::new();
    loop {
        let after = log.last().map_or(0, |message| message.seq);
        let query = json!({ "conversationId": conversation, "after": after, "limit": 100 });
        let page = connection.request("history", &query).await?;
        for value in page["messages"].as_array().context("no messages")? {
            log.push(message(value)?);
        }
        if page["more"] != true {
            return Ok(log);
        }
    }
}

/// The store's own invariants, by the command that operators have.
async fn check_store(binary: &Path, data: &Path) -> Result<()> {
    let output = Command::new(binary).arg("check").arg("--data").arg(data).output().await?;
    ensure!(
        output.status.success(),
        "parlor check found:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + SETTLE_TIMEOUT;
    while !holds() {
        ensure!(Instant::now() < deadline, "not within {SETTLE_TIMEOUT:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
