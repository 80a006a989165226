//! The same for several nodes on one PostgreSQL and one Redis, on a network of the run's own (`network`).
//!
//! Clients reach each node by a proxy of its own, which goes to the next node while that one is not there.
//! Nodes reach the database (`databases`) and Redis (`redis`) through this program (`carrier`), which leads
//! them to whichever server is the primary. A `conductor` deals the faults: to processes, to links and to
//! engines. At the end `presence` is asked of every node.
//!
//! A failover makes a new life of the log, in which everything that was acknowledged before has to be: the
//! standby had it before it was. That a loss would be found is proven by a failover to a standby that
//! nobody waited for.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::watch;

use super::client::{Connection, Hello};
use super::proxy::{self, Clients};
use super::server::{Launch, Server};
use super::shared::Phase;
use super::stage::{Cast, Scene, Stage};
use super::tally::Tally;
use super::{Outcome, Plan, grouping};
use crate::history::DeviceName;

mod network;

mod carrier;

mod databases;

mod redis;

mod conductor;

mod presence;

mod proof;

use carrier::Carrier;
use conductor::Conductor;
use databases::Databases;
use network::{Door, Host, Network};
use redis::Redis;

/// How many nodes there are.
const NODES: usize = 3;
/// What a node counts of the reads that the standby answered.
const REPLICA_READS: &str = "parlor_store_replica_reads_total ";
/// The folder of the databases, in that of a run.
const POSTGRES: &str = "postgres";
/// Where each listens, on its own host.
const NODE_PORT: u16 = 3000;
/// After how long without a sign of life a node counts as gone: sooner than by default, so that a run sees it
/// often.
const LEASE: Duration = Duration::from_secs(3);
/// How long a user who is gone counts as online.
const GRACE: Duration = Duration::from_secs(2);

/// Everything that a run's nodes are and stand on.
struct Cluster {
    network: Rc<Network>,
    databases: Databases,
    redis: Redis,
    to_database: Carrier,
    to_redis: Carrier,
    nodes: Vec<Server>,
}

impl Cluster {
    async fn start(binary: &Path, folder: &Path) -> Result<Self> {
        let nodes = (0..NODES).map(Host::Node);
        let hosts: Vec<_> =
            [Host::Database(0), Host::Database(1), Host::Redis].into_iter().chain(nodes).collect();
        let network = Rc::new(Network::make(&hosts)?);
        let databases = Databases::start(network.clone(), folder.join(POSTGRES)).await?;
        let redis = Redis::start(network.clone(), folder.join("redis")).await?;
        let (database, bus) = (databases.addr(), redis.addr());
        let door = |door, port| (network.door(door), port).into();
        let to_database = Carrier::start(door(Door::Database, database.port()), database).await?;
        let to_redis = Carrier::start(door(Door::Redis, bus.port()), bus).await?;
        let mut cluster =
            Self { network, databases, redis, to_database, to_redis, nodes: Vec::new() };
        for number in 0..NODES {
            let node = Server::start(cluster.launch(binary, folder, number)).await?;
            cluster.nodes.push(node);
        }
        Ok(cluster)
    }

    /// How a node is started: the binary on its own host.
    fn launch(&self, binary: &Path, folder: &Path, number: usize) -> Launch {
        let host = Host::Node(number);
        let addr = (self.network.addr(host), NODE_PORT).into();
        let database = format!("postgres://parlor@{}/parlor", self.to_database.addr());
        let standby = self.databases.standby_url();
        let bus = format!("redis://{}", self.to_redis.addr());
        let [lease, grace] = [LEASE, GRACE].map(|time| time.as_millis().to_string());
        let settings = [
            ("PARLOR_STORE__BACKEND", "postgres"),
            ("PARLOR_STORE__URL", database.as_str()),
            ("PARLOR_STORE__REPLICA_URL", standby.as_str()),
            ("PARLOR_BUS__BACKEND", "redis"),
            ("PARLOR_BUS__URL", bus.as_str()),
            ("PARLOR_BUS__LEASE_MS", lease.as_str()),
            ("PARLOR_LIMITS__PRESENCE_GRACE_MS", grace.as_str()),
        ];
        let settings = [&super::SETTINGS[..], &settings].concat();
        let log = folder.join(format!("node{number}.log"));
        let mut launch = Launch::serve(binary, addr, &log, &settings);
        let data = folder.join(format!("node{number}"));
        launch.command.extend([OsString::from("--data"), data.into()]);
        launch.command.splice(0..0, self.network.on(host));
        launch
    }

    /// How many reads the standby has answered since the nodes were last started.
    async fn replica_reads(&self) -> Result<u64> {
        let mut reads = 0;
        for node in &self.nodes {
            let (_, page) = node.page("/metrics").await?;
            let value = |line: &str| line.strip_prefix(REPLICA_READS)?.trim().parse::<f64>().ok();
            reads +=
                page.lines().find_map(value).context("no metric of the replica's reads")? as u64;
        }
        Ok(reads)
    }

    /// What panicked, by the nodes' logs.
    fn panics(&self, folder: &Path) -> Result<Vec<String>> {
        let logs = (0..NODES).map(|number| folder.join(format!("node{number}.log")));
        let mut found = Vec::new();
        for log in logs {
            if std::fs::read_to_string(&log)?.contains("panicked") {
                found.push(format!("a node panicked: see {}", log.display()));
            }
        }
        Ok(found)
    }
}

/// Runs the plan on several nodes.
///
/// # Errors
/// When something does not come back, devices cannot finish, or a fault does not take hold; broken promises
/// are not errors but the outcome's verdict.
pub async fn run(plan: &Plan) -> Result<Outcome> {
    let folder = tempfile::Builder::new().prefix("parlor-cluster-").tempdir()?;
    // PostgreSQL runs as nobody and has its own folder in there.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
    let proving = folder.path().join("proof");
    let lost = proof::asynchronous_loses(plan, &proving).await;
    let gone = databases::let_go(&proving.join(POSTGRES), false).await;
    let lost = lost?;
    gone?;
    let harness = format!(
        "a failover to a standby that nobody had waited for lost {lost} acknowledged messages, as it must"
    );
    let outcome = run_in(plan, folder.path()).await;
    let is_well = outcome.as_ref().is_ok_and(|outcome| outcome.verdict.is_kept());
    let gone = databases::let_go(&folder.path().join(POSTGRES), !is_well).await;
    match outcome {
        Ok(outcome) if is_well => gone.map(|()| Outcome { harness, ..outcome }),
        Ok(outcome) => Ok(Outcome { harness, kept: Some(folder.keep()), ..outcome }),
        Err(error) => {
            let kept = folder.keep();
            Err(error.context(format!("what there is to look at lies in {}", kept.display())))
        }
    }
}

async fn run_in(plan: &Plan, folder: &Path) -> Result<Outcome> {
    let mut cluster = Cluster::start(&plan.binary, folder).await?;
    let users: Vec<String> = (0..plan.users).map(|n| format!("user{n}")).collect();
    let cast = Cast::new(plan, &users);
    let mut lives = cast.lives();
    let mut tally = Tally::default();
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let addrs: Vec<_> = cluster.nodes.iter().map(Server::addr).collect();
    for (number, name) in lives.devices.iter().enumerate() {
        introduce(addrs[number % NODES], name).await?;
    }
    let groups = grouping::make(addrs[0], &users, &mut rng, &mut lives).await?;
    let phase = watch::Sender::new(Phase::Gather);
    let proxied = Arc::new(proxy::Counts::default());
    let mut doors = Vec::new();
    for number in 0..NODES {
        let mut to = addrs.clone();
        to.rotate_left(number);
        let seed = plan.seed.wrapping_add((number as u64) << 32);
        let counts = proxied.clone();
        doors.push(proxy::start(to, Clients::Honest, seed, counts, phase.subscribe()).await?);
    }
    let scene = Scene { doors, users, groups, lives };
    let mut stage = Stage::gather(plan, cast, scene, phase, folder).await?;
    stage.send().await?;
    let shared = Arc::clone(&stage.shared);
    let conductor = Conductor::new(&mut cluster, &shared, plan.seed, folder, &mut tally)?;
    conductor.run(plan.duration).await?;
    stage.finish().await?;
    let mut settled = stage.settle(addrs[0]).await?;
    let replica_reads = cluster.replica_reads().await?;
    ensure!(replica_reads > 0, "the standby was never read");
    tally.add("reads that the standby answered at the end", replica_reads);
    let online = presence::becomes(true, LEASE, &shared, &addrs).await?;
    stage.stop().await?;
    // The others take those of a node that is gone offline when its lease has ended.
    cluster.nodes[0].kill().await?;
    let offline = presence::becomes(false, LEASE + GRACE, &shared, &addrs[1..]).await?;
    settled.verdict.wrong.extend(online.into_iter().chain(offline));
    settled.verdict.wrong.extend(cluster.panics(folder)?);
    proxied.note(&mut tally);
    stage.outcome(settled, tally, folder)
}

/// Connects a device once, so that it is known before anything is said: one that is new begins where its
/// user is.
async fn introduce(node: SocketAddr, name: &DeviceName) -> Result<()> {
    let hello = Hello::new(&name.user, &name.device);
    Connection::open(node, &hello).await?.event("caught_up").await?;
    Ok(())
}
