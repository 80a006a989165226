//! Fault runs: many devices talk through the real server while everything around it breaks; at the
//! end everything is read back and checked.
//!
//! Old data, its migration killed → Gather (all devices connect once) → Send (faults) → Finish
//! (every send acknowledged, every device caught up) → read the logs → check. Then the same with
//! `durability.fsync = "relaxed"`, where losing power must lose messages: a harness that cannot
//! fail proves nothing.
//!
//! Some of what is said goes to groups (`grouping`), whose owners (`owner`) bring in and put out
//! members all the while, and some is edited later (`editing`). Clients reach the server (`server`) by
//! a proxy (`proxy`); the server lies on a disk that fails on order (`disk`, `power`); a `conductor`
//! deals the faults. What all observe goes into `lives`. `cluster` is the same for nodes that share a
//! database.
//!
//! Who takes part: devices on a raw connection (`device`), which see each packet and keep nothing from
//! the checker; stock clients of Node's (`fleet`); programs with the Rust SDK (`apps`), judged by what
//! they show. What reads the end back, owns a group or probes the server asks on raw connections
//! too: an SDK client confirms what it reads, which would change the marks that are judged, and asks
//! again by itself, where what is asked here is what one connection answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::watch;

use crate::checker::Verdict;

mod shared;

mod client;

mod outbox;

mod editing;

mod group_log;

mod grouping;

mod owner;

mod position;

mod device;

mod reports;

mod fleet;

mod apps;

mod hostile;

mod proxy;

mod disk;

mod power;

mod server;

mod copy;

mod old;

mod migration;

mod tally;

mod tokens;

mod progress;

mod conductor;

mod lives;

mod settle;

mod stage;

mod proof;

pub mod cluster;

use conductor::{Conductor, HANDLER_PANICS};
use disk::Disk;
use proxy::Clients;
use server::{Launch, Server};
use settle::check_store;
use shared::Phase;
use stage::{Cast, Scene, Stage};
pub use tally::Tally;

/// How many messages the old data holds.
const OLD_MESSAGES: u64 = 3_000;
/// How many migrations are killed.
const MIGRATIONS: u64 = 5;
/// How many clients are hostile.
const HOSTILE_CLIENTS: usize = 8;
/// The server's settings: heartbeats that a stall of the proxy can outlast, and a short drain.
const SETTINGS: [(&str, &str); 3] = [
    ("PARLOR_LIMITS__PING_INTERVAL_MS", "2000"),
    ("PARLOR_LIMITS__PING_TIMEOUT_MS", "1500"),
    ("PARLOR_SERVER__DRAIN_MS", "1500"),
];

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server to run.
    pub binary: PathBuf,
    /// The folder of the Node clients and their packages.
    pub node: PathBuf,
    /// How long to send and break things.
    pub duration: Duration,
    /// What all chance follows from.
    pub seed: u64,
    /// How many users talk, with two devices each.
    pub users: usize,
    /// How many of the devices are stock clients of Node's.
    pub node_clients: usize,
    /// How many of the devices are programs with the Rust SDK.
    pub sdk_clients: usize,
    /// How many messages are sent each second, in all.
    pub sends_per_second: f64,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// How often each kind of fault was done.
    pub tally: Tally,
    /// How often the server was killed.
    pub kills: u64,
    /// How often a connection was cut.
    pub cuts: u64,
    /// How many distinct messages were sent, but for those refused for good.
    pub sends: usize,
    /// How many of them were acknowledged.
    pub acked: usize,
    /// What the checker found.
    pub verdict: Verdict,
    /// Where the data, the server's log and the history are, when something was found.
    pub kept: Option<PathBuf>,
    /// How the harness proved that it can find a loss.
    pub harness: String,
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
/// When the server does not come back, devices cannot finish, a fault does not take hold, or the
/// store's own check fails; broken promises are not errors but the outcome's verdict.
pub async fn run(plan: &Plan) -> Result<Outcome> {
    let folder = tempfile::Builder::new().prefix("parlor-faults-").tempdir()?;
    let relaxed_lost = proof::relaxed_loses(plan, &folder.path().join("relaxed")).await?;
    let harness = format!(
        "with durability.fsync = \"relaxed\", losing power lost {relaxed_lost} acknowledged messages, \
         as it must"
    );
    match run_in(plan, folder.path()).await {
        Ok(outcome) if outcome.verdict.is_kept() => Ok(Outcome { harness, ..outcome }),
        Ok(outcome) => Ok(Outcome { harness, kept: Some(folder.keep()), ..outcome }),
        Err(error) => {
            let kept = folder.keep();
            Err(error.context(format!("what there is to look at lies in {}", kept.display())))
        }
    }
}

async fn run_in(plan: &Plan, folder: &Path) -> Result<Outcome> {
    let log = folder.join("server.log");
    let disk = Disk::make(&folder.join("disk"), &folder.join("data"))?;
    let users: Vec<String> = (0..plan.users).map(|n| format!("user{n}")).collect();
    let cast = Cast::new(plan, &users);
    let mut lives = cast.lives();
    let devices = lives.devices.clone();
    old::write(disk.data(), &users, &devices, OLD_MESSAGES, &mut lives)?;
    disk.settle()?;
    let mut tally = Tally::default();
    let mut rng = StdRng::seed_from_u64(plan.seed);
    migration::kill_in_the_middle(&plan.binary, &disk, &log, MIGRATIONS, &mut rng, &mut tally)
        .await?;

    let launch = Launch::on_disk(&plan.binary, &disk, &log, &SETTINGS)?;
    let mut server = Server::start(launch).await?;
    let groups = grouping::make(server.addr(), &users, &mut rng, &mut lives).await?;
    let phase = watch::Sender::new(Phase::Gather);
    let proxied = Arc::new(proxy::Counts::default());
    let through = |clients, seed| {
        proxy::start(vec![server.addr()], clients, seed, proxied.clone(), phase.subscribe())
    };
    let doors = vec![through(Clients::Honest, plan.seed).await?];
    let hostile_door = through(Clients::Hostile, !plan.seed).await?;
    let hostile = (0..HOSTILE_CLIENTS).map(|number| {
        let seed = !plan.seed.wrapping_add(number as u64);
        tokio::spawn(hostile::run(hostile_door, number, seed, phase.subscribe()))
    });
    let hostile: Vec<_> = hostile.collect();
    let scene = Scene { doors, users, groups, lives };
    let mut stage = Stage::gather(plan, cast, scene, phase, folder).await?;
    stage.send().await?;
    let shared = Arc::clone(&stage.shared);
    let conductor = Conductor::new(&mut server, &disk, &shared, plan.seed, folder, &mut tally)?;
    conductor.run(plan.duration).await?;
    stage.finish().await?;
    let mut settled = stage.settle(server.addr()).await?;
    stage.stop().await?;
    for client in hostile {
        client.await?;
    }

    server.kill().await?;
    check_store(&plan.binary, disk.data()).await?;
    proxied.note(&mut tally);
    if std::fs::read_to_string(&log)?.contains("panicked") || tally.of(HANDLER_PANICS) > 0 {
        settled.verdict.wrong.push(format!("the server panicked: see {}", log.display()));
    }
    stage.outcome(settled, tally, folder)
}
