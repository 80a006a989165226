//! Very many connections on one server, held for a while: what each costs in memory, and what all
//! their heartbeats cost in processor time.
//!
//! No process here may need more open files than the usual limit allows, so the server's threads
//! have file tables of their own (`server.own_file_tables`), and the load is many processes, each
//! from addresses of its own. All connect, all are held through many heartbeats, nobody may be
//! lost, and at the end pairs of them talk. A server that does nothing but ping as many sockets
//! from as many threads says what a heartbeat costs at least.

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::crew::Crew;
use crate::latency::Latency;
use crate::plot::Picture;
use crate::process;
use crate::protocol::{Command, Direct, Pace, Reply};
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::stats::slope;
use crate::table::Metric;

/// Steps in which memory is read.
const STEPS: u32 = 5;

/// Messages a second among all, at the end, and for how long.
const TALK_RATE: f64 = 200.0;
const TALK_SECONDS: f64 = 10.0;

const METRICS: [Metric; 8] = [
    Metric::told("connections", 0),
    Metric::told("held s", 0),
    Metric::compared("user bytes per connection", 0),
    Metric::compared("kernel slab bytes (both ends)", 0),
    Metric::compared("% of a core while idle", 1),
    Metric::compared("µs per heartbeat", 1),
    Metric::told("connects/s", 0),
    Metric::told("p99 of an ack ms", 1),
];

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Connections
    #[arg(long)]
    connections: Option<u32>,
    /// How long they are held, in seconds
    #[arg(long)]
    hold: Option<f64>,
    /// From a pong to the next ping, in seconds
    #[arg(long)]
    ping_interval: Option<f64>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let (connections, hold, interval) =
            if quick { (1_000, 2.0, 1.0) } else { (1_000_000, 600.0, 25.0) };
        let sizes = Sizes {
            // Processes hold even numbers of connections.
            connections: self.connections.unwrap_or(connections) & !1,
            hold: Duration::from_secs_f64(self.hold.unwrap_or(hold)),
            ping_interval: Duration::from_secs_f64(self.ping_interval.unwrap_or(interval)),
        };
        Scenario::new(
            "million",
            "Very many connections",
            sizes.describe(),
            &[Kind::Parlor, Kind::Heartbeat],
            move |run, kind, results| round(run, kind, sizes, results),
        )
        .with_estimate(if quick { 8.0 } else { 1_200.0 })
        .with_rounds_max(1)
        .with_pictures([
            Picture::bars("million", "Memory", &["user bytes per connection"]),
            Picture::bars("million", "Heartbeats", &["µs per heartbeat"]),
        ])
    }
}

/// How many, how long, how often.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    connections: u32,
    hold: Duration,
    /// From a pong to the next ping.
    ping_interval: Duration,
}

impl Sizes {
    fn limits(self) -> Limits {
        Limits {
            ping_interval_ms: Some(self.ping_interval.as_millis() as u64),
            own_tables: Some(Limits::tables(self.connections)),
            ..Limits::default()
        }
    }

    fn describe(self) -> String {
        format!(
            "{} connections on {} threads with file tables of their own, held for {} s, pinged every {} s; \
             parlor with JWT, expiry, device id, limits and store, the other only pings",
            self.connections,
            Limits::tables(self.connections),
            self.hold.as_secs(),
            self.ping_interval.as_secs_f64(),
        )
    }
}

/// One round of one server.
fn round(run: &Run, kind: Kind, sizes: Sizes, results: &mut Results) -> anyhow::Result<()> {
    let limits = sizes.limits();
    let slab = process::slab()?;
    let server = Server::start(kind, &run.place, limits)?;
    let most = sizes.connections;
    let mut crew =
        Crew::start(most, run.place.load_core, server.address(), kind.auth(), run.at_once)?;
    let mut memory = vec![(0.0, process::memory(server.pid())?.anonymous)];
    let (mut connections, mut connecting) = (0, Duration::ZERO);
    for step in 1..=STEPS {
        // Processes hold even numbers of connections.
        let more = (most * step / STEPS - connections) & !1;
        connecting += crew.connect(more)?.wall;
        connections += more;
        memory.push((f64::from(connections), process::memory(server.pid())?.anonymous));
        eprintln!("bench: {connections} connections of {}", kind.name());
    }
    let kernel = (process::slab()? - slab) / f64::from(connections);

    // The last to come are pinged for the first time after one interval.
    process::pause(sizes.ping_interval.min(sizes.hold));
    let (began, before) = (Instant::now(), process::cpu(server.pid())?);
    process::pause(sizes.hold);
    let used = (process::cpu(server.pid())? - before).total();
    let held = began.elapsed().as_secs_f64();
    // This fails if a connection was lost.
    crew.count_events()?;
    memory.push((f64::from(connections), process::memory(server.pid())?.anonymous));

    let heartbeats = f64::from(connections) * held / sizes.ping_interval.as_secs_f64();
    let ack_p99 = match kind {
        Kind::Parlor => talk(&mut crew, kind)?.quantile_ms(0.99),
        _ => f64::NAN,
    };
    results.table("million", &METRICS).add(
        kind.name(),
        vec![
            f64::from(connections),
            held,
            slope(&memory[1..]),
            kernel,
            used / held * 100.0,
            used / heartbeats * 1e6,
            f64::from(connections) / connecting.as_secs_f64(),
            ack_p99,
        ],
    );
    Ok(())
}

/// Has pairs of them talk; all must arrive.
fn talk(crew: &mut Crew, kind: Kind) -> anyhow::Result<Latency> {
    let each = TALK_RATE / f64::from(crew.size());
    let replies = crew.command(|_| {
        Command::Direct(Direct {
            dialect: kind.dialect(),
            pace: Pace::PerSecond(each),
            seconds: TALK_SECONDS,
            content_bytes: 100,
            receipts: false,
            run: 1,
        })
    })?;
    let mut acks = Latency::new();
    for reply in replies {
        let Reply::Directed { ack, .. } = reply else { bail!("unexpected {reply:?}") };
        acks.merge(&ack);
    }
    Ok(acks)
}
