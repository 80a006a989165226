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
//! deals the faults. What all observe goes into `lives`.
//!
//! Who takes part: devices on a raw connection (`device`), which see each packet and keep nothing from
//! the checker; stock clients of Node's (`fleet`); programs with the Rust SDK (`apps`), judged by what
//! they show. What reads the end back, owns a group or probes the server asks on raw connections
//! too: an SDK client confirms what it reads, which would change the marks that are judged, and asks
//! again by itself, where what is asked here is what one connection answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::checker::Verdict;
use crate::history::DeviceName;

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

mod progress;

mod conductor;

mod lives;

mod settle;

mod proof;

use apps::Apps;
use conductor::{Conductor, HANDLER_PANICS, KILLS};
use device::Device;
use disk::Disk;
use fleet::Fleet;
use owner::Owner;
use proxy::Clients;
use server::Server;
use settle::{SETTLE_TIMEOUT, Settled, check_store, settle, until};
use shared::{Phase, Shared};
pub use tally::Tally;

/// How many messages the old data holds.
const OLD_MESSAGES: u64 = 3_000;
/// How many migrations are killed.
const MIGRATIONS: u64 = 5;
/// How many clients are hostile.
const HOSTILE_CLIENTS: usize = 8;
/// How many clients a Node process has.
const CLIENTS_PER_PROCESS: usize = 20;
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
    /// How many acknowledged messages the relaxed server lost, as it must.
    pub relaxed_lost: usize,
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
    match run_in(plan, folder.path()).await {
        Ok(outcome) if outcome.verdict.is_kept() => Ok(Outcome { relaxed_lost, ..outcome }),
        Ok(outcome) => Ok(Outcome { relaxed_lost, kept: Some(folder.keep()), ..outcome }),
        Err(error) => {
            let kept = folder.keep();
            Err(error.context(format!("what there is to look at lies in {}", kept.display())))
        }
    }
}

async fn run_in(plan: &Plan, folder: &Path) -> Result<Outcome> {
    let log = folder.join("server.log");
    let disk = Arc::new(Disk::make(&folder.join("disk"), &folder.join("data"))?);
    let users: Vec<String> = (0..plan.users).map(|n| format!("user{n}")).collect();
    let mut lives = lives::Lives::default();
    let Cast { rust, node, apps } = cast(plan, &users);
    lives.devices.extend(rust.iter().chain(&node).chain(&apps).cloned());
    lives.apps.extend(apps.iter().cloned());
    let devices = lives.devices.clone();
    old::write(disk.data(), &users, &devices, OLD_MESSAGES, &mut lives)?;
    disk.settle()?;
    let mut tally = Tally::default();
    let mut rng = StdRng::seed_from_u64(plan.seed);
    migration::kill_in_the_middle(&plan.binary, &disk, &log, MIGRATIONS, &mut rng, &mut tally)
        .await?;

    let mut server = Server::start(&plan.binary, disk.clone(), &log, &SETTINGS).await?;
    let groups = grouping::make(server.addr(), &users, &mut rng, &mut lives).await?;
    let (phase, watcher) = watch::channel(Phase::Gather);
    let proxied = Arc::new(proxy::Counts::default());
    let through = |clients, seed| {
        proxy::start(server.addr(), clients, seed, proxied.clone(), watcher.clone())
    };
    let addr = through(Clients::Honest, plan.seed).await?;
    let hostile_addr = through(Clients::Hostile, !plan.seed).await?;
    let devices = devices.len();
    let shared = Arc::new(Shared {
        addr,
        pause: Duration::from_secs_f64(devices as f64 / plan.sends_per_second),
        users,
        groups,
        edits: true,
        lives: lives.into(),
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

    let mut tasks = JoinSet::new();
    let seed = |index: usize| plan.seed.wrapping_mul(1_000_003).wrapping_add(index as u64);
    for (index, name) in rust.into_iter().enumerate() {
        let device = Device::new(name, shared.clone(), watcher.clone(), seed(index));
        tasks.spawn(device.run());
    }
    for (number, group) in shared.groups.iter().enumerate() {
        let seed = seed(3 * devices + HOSTILE_CLIENTS + number);
        let owner = Owner::new(group.clone(), shared.clone(), watcher.clone(), seed);
        tasks.spawn(owner.run());
    }
    let reports = Arc::new(reports::Tally::default());
    let mut fleets = Vec::new();
    for clients in node.chunks(CLIENTS_PER_PROCESS) {
        let seed = seed(devices + CLIENTS_PER_PROCESS * fleets.len()) as u32;
        let fleet =
            Fleet::start(&plan.node, clients.to_vec(), shared.clone(), reports.clone(), seed);
        fleets.push(fleet.await?);
    }
    let apps_seed = seed(4 * devices);
    let apps = Apps::start(&folder.join("apps"), &apps, &shared, &watcher, apps_seed)?;
    for number in 0..HOSTILE_CLIENTS {
        let seed = seed(2 * devices + number);
        tasks.spawn(hostile::run(hostile_addr, number, seed, watcher.clone()));
    }
    let connected = || {
        let others = [&reports, &apps.reports].map(|it| it.connected.load(Ordering::Relaxed));
        shared.connected.load(Ordering::Relaxed) + others.iter().sum::<u64>() == devices as u64
    };
    until("every device is connected", connected).await?;

    phase.send(Phase::Send)?;
    for fleet in &mut fleets {
        fleet.tell("send").await?;
    }
    let conductor = Conductor::new(&mut server, &shared, plan.seed, folder, &mut tally)?;
    conductor.run(plan.duration).await?;
    phase.send(Phase::Finish)?;
    for fleet in &mut fleets {
        fleet.tell("finish").await?;
    }
    let done = || reports.done.load(Ordering::Relaxed) == fleets.len() as u64;
    until("every Node client is acknowledged", done).await?;
    until("every send is acknowledged", || shared.unacked.load(Ordering::Relaxed) == 0).await?;
    apps.drained(&shared).await?;
    let Settled { mut verdict, forgotten } =
        settle(&shared, server.addr(), &apps, SETTLE_TIMEOUT).await?;
    phase.send(Phase::Stop)?;
    drop(fleets);
    tasks.join_all().await;

    server.kill().await?;
    check_store(&plan.binary, disk.data()).await?;
    note_proxy(&proxied, &mut tally);
    for (what, counter) in [
        ("connections that resumed by a position", &shared.resumes),
        ("connections to which the server said snapshot", &shared.snapshots),
        ("connections of Node clients recovered", &reports.recovered),
        ("Node clients that read all anew after a snapshot", &reports.rebuilt),
        ("kills of processes of programs with the SDK", &apps.kills),
        ("times that such a program said it is live, by conversation", &apps.reports.live),
        ("sends refused, to groups that their sender was not in", &shared.denied),
    ] {
        tally.add(what, counter.load(Ordering::Relaxed));
    }
    if std::fs::read_to_string(&log)?.contains("panicked") || tally.of(HANDLER_PANICS) > 0 {
        verdict.wrong.push(format!("the server panicked: see {}", log.display()));
    }
    let lives = shared.lives.lock();
    tally.add("sends whose refusal came late: no order asked", lives.unordered.len() as u64);
    let repeated = shared.repeated.load(Ordering::Relaxed);
    tally.add("changes of groups of which only the answer was lost", repeated);
    tally.add("changes of groups wished", lives.wished.len() as u64);
    let edits = lives.sent.iter().filter(|sent| editing::is_edit(&sent.content)).count();
    tally.add("edits", edits as u64);
    tally.add("sends of programs that were killed before they had them on disk", forgotten as u64);
    let sends = lives.sent.len() - lives.refused.len() - forgotten;
    if !verdict.is_kept() {
        lives.write(&folder.join("history"))?;
        let findings = verdict.findings().map(|(kind, finding)| format!("{kind}: {finding}\n"));
        std::fs::write(folder.join("findings"), findings.collect::<String>())?;
    }
    Ok(Outcome {
        kills: tally.of(KILLS) + tally.of(migration::KILLS),
        tally,
        cuts: shared.cuts.load(Ordering::Relaxed) + proxied.cuts.load(Ordering::Relaxed),
        sends,
        acked: sends - shared.unacked.load(Ordering::Relaxed) as usize,
        verdict,
        kept: None,
        relaxed_lost: 0,
    })
}

/// Devices by what they are.
#[derive(Debug, Default)]
struct Cast {
    rust: Vec<DeviceName>,
    node: Vec<DeviceName>,
    apps: Vec<DeviceName>,
}

/// Who is who: every user has two devices; some users' second one is a stock client, or a program with
/// the SDK.
fn cast(plan: &Plan, users: &[String]) -> Cast {
    let mut cast = Cast::default();
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

fn note_proxy(counts: &proxy::Counts, tally: &mut Tally) {
    for (what, counter) in [
        ("connections through the proxy", &counts.connections),
        ("connections the proxy cut", &counts.cuts),
        ("connections the proxy stalled", &counts.stalls),
        ("connections the proxy half closed", &counts.half_closes),
        ("connections the proxy delayed", &counts.delayed),
        ("connections the proxy carried in crumbs", &counts.crumbs),
        ("bytes of hostile clients flipped", &counts.flipped),
        ("hostile connections ended by the server", &counts.thrown_out),
    ] {
        tally.add(what, counter.load(Ordering::Relaxed));
    }
}
