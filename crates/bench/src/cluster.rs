//! Direct messages between clients of different nodes, by one, two and three nodes of one cluster.
//!
//! Parlor's nodes keep each message in PostgreSQL before they acknowledge it, and tell each other by Redis; those
//! of Node socket.io relay by its Redis adapter and keep nothing. Whoever sends and whoever receives are
//! on different nodes. What a message costs PostgreSQL without Parlor is measured behind it, in the same tables ([`pgbench`]).
//! Everything but the load shares one core. The load sends at a fixed rate (an open loop), the same for all,
//! so that the processor time is for the same work; then as fast as it is answered (a closed loop), which shows
//! what a message costs where many are under way, and how many the core carries.

use anyhow::Context;

use crate::crew::Crew;
use crate::direct::{self, Outcome, Sizes};
use crate::engines::{Engines, Shared};
use crate::pgbench;
use crate::plot::Picture;
use crate::process::{self, Cpu};
use crate::protocol::Pace;
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Server};
use crate::table::Metric;

pub(crate) const CPU: &str = "servers' CPU µs per message";
pub(crate) const POSTGRES_CPU: &str = "PostgreSQL's CPU µs per message";
pub(crate) const PGBENCH_CPU: &str = "the same of pgbench's";
pub(crate) const PUBLISHED: &str = "published per message";
pub(crate) const DELIVERY_P99: &str = "delivery p99 ms";

pub(crate) const METRICS: [Metric; 10] = [
    Metric::compared(CPU, 1),
    Metric::told("Redis' CPU µs per message", 1),
    Metric::told(POSTGRES_CPU, 1),
    Metric::told(PGBENCH_CPU, 1),
    Metric::told(PUBLISHED, 2),
    Metric::compared("delivery p50 ms", 2),
    Metric::compared(DELIVERY_P99, 2),
    Metric::told("ack p50 ms", 2),
    Metric::told("ack p99 ms", 2),
    Metric::told("load core busy %", 0),
];

const FULL_METRICS: [Metric; 7] = [
    Metric::compared("messages/s", 0),
    Metric::compared(CPU, 1),
    Metric::told("Redis' CPU µs per message", 1),
    Metric::told(POSTGRES_CPU, 1),
    Metric::told("ack p50 ms", 1),
    Metric::told("ack p99 ms", 1),
    Metric::told("load core busy %", 0),
];

/// Who is measured.
const KINDS: [Kind; 2] = [Kind::Parlor, Kind::Node];

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Nodes of the cluster; each number is measured by itself
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    nodes: Vec<u32>,
    /// Connected users, in pairs, shared by all nodes
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..))]
    clients: Option<u32>,
    /// Messages a second, in all
    #[arg(long)]
    rate: Option<f64>,
    /// Messages unanswered in the closed loop
    #[arg(long)]
    in_flight: Option<u32>,
    /// How long they are sent, at the rate and then as fast as it goes
    #[arg(long)]
    seconds: Option<f64>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let nodes = if quick { vec![2] } else { vec![1, 2, 3] };
        let nodes = if self.nodes.is_empty() { nodes } else { self.nodes.clone() };
        let rate = self.rate.unwrap_or(if quick { 50.0 } else { 500.0 });
        let sizes = Sizes {
            clients: self.clients.unwrap_or(if quick { 20 } else { 1_000 }) & !1,
            in_flight: self.in_flight.unwrap_or(if quick { 20 } else { 512 }),
            seconds: self.seconds.unwrap_or(if quick { 1.0 } else { 20.0 }),
            content_bytes: 100,
            receipts: false,
            rate: Some(rate),
        };
        let settings = format!(
            "{} clients in pairs, each pair on two nodes where there are several; 100 bytes of text; {rate} messages a second for \
             {} s in an open loop, latency from when a message was due, then {} unanswered in a closed loop for as long; all servers, Redis and PostgreSQL on one core, the load on \
             another; parlor: PostgreSQL, each commit flushed before the ack, and behind it pgbench with a connection for each node, \
             at the same rate; node socket.io: `@socket.io/redis-adapter`, keeps nothing",
            sizes.clients, sizes.seconds, sizes.in_flight
        );
        let estimate = nodes.len() as f64 * (sizes.seconds * 3.75 + 12.0);
        Scenario::new("cluster", "Several nodes", settings, &KINDS, move |run, kind, results| {
            nodes.iter().try_for_each(|nodes| round(run, kind, *nodes, sizes, rate, results))
        })
        .with_estimate(estimate)
        .with_pictures([Picture::bars(
            "cluster",
            "Processor time of all servers for a message",
            &[CPU],
        )])
    }
}

/// The name of a row.
pub(crate) fn row(kind: Kind, nodes: u32) -> String {
    let nodes = if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") };
    format!("{}, {nodes}", kind.name())
}

/// One round of one kind of server with one number of nodes.
fn round(
    run: &Run,
    kind: Kind,
    nodes: u32,
    sizes: Sizes,
    rate: f64,
    results: &mut Results,
) -> anyhow::Result<()> {
    let shared = if kind == Kind::Parlor { Shared::BusAndStore } else { Shared::Bus };
    let engines = Engines::start(&run.place, shared)?;
    let servers = (0..nodes).map(|_| Server::start_node(kind, &run.place, &engines));
    let servers = servers.collect::<anyhow::Result<Vec<_>>>()?;
    let address = servers.first().context("a cluster has a node")?.address();
    let core = run.place.load_core;
    let mut crew = Crew::start(sizes.clients, core, address, kind.auth(), run.at_once)?;
    crew.talk_to_all(servers.iter().map(Server::address).collect());
    crew.connect(sizes.clients)?;
    let pace = Pace::PerSecond(rate / f64::from(crew.size()));
    direct::messages(&mut crew, kind, sizes, pace, sizes.seconds / 4.0, 0)?;
    let open = costs(&mut crew, kind, sizes, pace, 1, &servers, &engines)?;
    let closed = Pace::InFlight((sizes.in_flight / crew.size()).max(1));
    direct::messages(&mut crew, kind, sizes, closed, sizes.seconds / 4.0, 2)?;
    let full = costs(&mut crew, kind, sizes, closed, 3, &servers, &engines)?;
    drop((crew, servers));
    let pgbench = match shared {
        Shared::BusAndStore => {
            pgbench::micros_per_append(&engines, nodes, rate, sizes.seconds, core)?
        }
        Shared::Bus => 0.0,
    };
    results.table("cluster", &METRICS).add(
        &row(kind, nodes),
        vec![
            open.servers,
            open.redis,
            open.postgres,
            pgbench,
            open.published,
            open.outcome.delivery.quantile_ms(0.5),
            open.outcome.delivery.quantile_ms(0.99),
            open.outcome.ack.quantile_ms(0.5),
            open.outcome.ack.quantile_ms(0.99),
            open.outcome.busy,
        ],
    );
    results.table("cluster, as fast as it goes", &FULL_METRICS).add(
        &row(kind, nodes),
        vec![
            full.outcome.messages / full.outcome.seconds,
            full.servers,
            full.redis,
            full.postgres,
            full.outcome.ack.quantile_ms(0.5),
            full.outcome.ack.quantile_ms(0.99),
            full.outcome.busy,
        ],
    );
    Ok(())
}

/// What messages came to, and what one of them cost: µs of processor time, and what was published.
struct Costs {
    outcome: Outcome,
    servers: f64,
    redis: f64,
    postgres: f64,
    published: f64,
}

fn costs(
    crew: &mut Crew,
    kind: Kind,
    sizes: Sizes,
    pace: Pace,
    number: u32,
    servers: &[Server],
    engines: &Engines,
) -> anyhow::Result<Costs> {
    let cpu = || {
        let servers = servers.iter().try_fold(Cpu::default(), |total, server| {
            process::cpu(server.pid()).map(|cpu| total + cpu)
        });
        anyhow::Ok([servers?, engines.redis_cpu()?, engines.postgres_cpu()?])
    };
    let (before, published) = (cpu()?, engines.published()?);
    let outcome = direct::messages(crew, kind, sizes, pace, sizes.seconds, number)?;
    let (after, published) = (cpu()?, engines.published()? - published);
    let micros = |at: usize| (after[at] - before[at]).total() * 1e6 / outcome.messages;
    let (servers, redis, postgres) = (micros(0), micros(1), micros(2));
    let published = published as f64 / outcome.messages;
    Ok(Costs { outcome, servers, redis, postgres, published })
}
