//! What the users of a messenger do, all at once and for long: is memory flat, and how late is what?
//!
//! The proportions (`load::mix`): of a hundred acts 24 are direct messages, 6 are messages to a group of 16, 60
//! say that somebody types and 10 open or leave a chat that shows who is there. Each message that arrives is
//! confirmed as delivered; every second direct one and every fourth of a group is read at once. What is given is
//! what Parlor's guide has a client do: typing is said when it begins and again while it goes on (twice for
//! a message), a receipt is sent for each arrival. What is assumed, for want of figures from a real one, is
//! that four in five messages are direct, and that a chat is opened for every third message and left again. So
//! nine in ten of what clients send are no messages: that is what makes a messenger's load another one
//! than a benchmark's. Some users come and go meanwhile, for longer than the grace period.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::crew::{CONNECTIONS_MAX, Crew};
use crate::groups::gather;
use crate::plot::{Axes, Picture};
use crate::process;
use crate::protocol::{Command, Mix, Reply};
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::stats::{median, slope};
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 7] = [
    Metric::told("memory at the start MB", 1),
    Metric::told("at the end MB", 1),
    Metric::told("end ÷ start", 3),
    Metric::told("slope MB/h", 1),
    Metric::told("acts/s", 0),
    Metric::told("packets told of others/s", 0),
    Metric::told("server core busy %", 0),
];

const OPERATION_METRICS: [Metric; 4] = [
    Metric::told("a second", 1),
    Metric::told("p50 ms", 2),
    Metric::told("p99 ms", 2),
    Metric::told("p99.9 ms", 2),
];

/// Users who come and go; the number of the first.
const COMERS_FROM: u32 = 100_000;
/// How long they stay, and stay away: longer than the grace period of 10 s.
const STAY: Duration = Duration::from_secs(6);
const AWAY: Duration = Duration::from_secs(12);
/// Memory is looked at so often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Start and end are the medians of this share of the time in which it counts.
const ENDS: f64 = 0.1;

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Connected users, at most 10,000
    #[arg(long, value_parser = clap::value_parser!(u32).range(16..=10_000))]
    clients: Option<u32>,
    /// Acts a second of all of them; receipts come on top
    #[arg(long)]
    rate: Option<f64>,
    /// How long it goes on until what has a bound is full, from when on memory counts [default: 420]
    #[arg(long)]
    warm_up: Option<f64>,
    /// How long to go on then [default: 600]
    #[arg(long)]
    seconds: Option<f64>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let clients = self.clients.unwrap_or(if quick { 64 } else { 2_000 });
        let sizes = Sizes {
            members: MEMBERS,
            clients: clients / MEMBERS * MEMBERS,
            comers: if quick { 10 } else { 200 },
            rate: self.rate.unwrap_or(if quick { 200.0 } else { 1_000.0 }),
            warm_up: self.warm_up.unwrap_or(if quick { 1.0 } else { 420.0 }),
            seconds: self.seconds.unwrap_or(if quick { 4.0 } else { 600.0 }),
        };
        let (settings, kinds) = (sizes.describe(), [Kind::Parlor]);
        let title = "A messenger's whole load for long";
        let axes = Axes { across: "seconds", up: "MB" };
        Scenario::new("mixed", title, settings, &kinds, move |run, kind, results| {
            round(run, kind, sizes, results)
        })
        .with_estimate(sizes.in_all() + 10.0)
        .with_rounds_max(1)
        .with_pictures([
            Picture::time("memory", "User memory over time", axes),
            Picture::percentiles("mixed", "How late each operation is"),
        ])
    }
}

/// Members of each group; all users are in one.
const MEMBERS: u32 = 16;

#[derive(Clone, Copy, Debug)]
struct Sizes {
    members: u32,
    clients: u32,
    comers: u32,
    rate: f64,
    warm_up: f64,
    seconds: f64,
}

impl Sizes {
    /// How long it all takes.
    fn in_all(self) -> f64 {
        self.warm_up + self.seconds
    }

    fn describe(self) -> String {
        let Self { members, clients, comers, rate, warm_up, seconds } = self;
        format!(
            "{clients} clients in groups of {members} for {warm_up} and then {seconds} s, {rate} acts a second in an open loop: \
             24 % direct messages, 6 % messages to a group, 60 % typing, 10 % opening or leaving a chat that \
             shows presence; each arrival is confirmed as delivered, every second direct one and every fourth \
             of a group as read too; {comers} others come for {} s and go for {} s; limits as by default; \
             memory is anonymous pages, of the second time alone, before which caches fill; nothing may be lost, doubled or \
             refused; not repeated in a run of all scenarios",
            STAY.as_secs(),
            AWAY.as_secs()
        )
    }
}

/// One round.
fn round(run: &Run, kind: Kind, sizes: Sizes, results: &mut Results) -> anyhow::Result<()> {
    let Sizes { members, clients, comers, rate, warm_up, .. } = sizes;
    let seconds = sizes.in_all();
    ensure!(clients <= CONNECTIONS_MAX, "one load process holds all clients");
    let server = Server::start(kind, &run.place, Limits::default())?;
    let start = |count, first| {
        let (core, address) = (run.place.load_core, server.address());
        let crew = Crew::start(count, core, address, kind.auth(), run.at_once)?;
        anyhow::Ok(crew.with_users_from(first))
    };
    let (mut crew, mut coming) = (start(clients, 0)?, start(comers, COMERS_FROM)?);
    crew.connect(clients)?;
    let first = |group: u32| usize::try_from(group * members);
    let groups = (0..clients / members).map(|group| gather(&mut crew, first(group)?, members));
    let groups = groups.collect::<anyhow::Result<Vec<_>>>()?;
    let watched = (COMERS_FROM, comers);
    let mix = Command::Mix(Mix {
        per_second: rate,
        seconds,
        content_bytes: 100,
        groups,
        members,
        watched,
    });

    let before = process::cpu(server.pid())?;
    let (replies, seen) = process::memory_over_time(server.pid(), LOOK_EVERY, || {
        crew.begin(|_| mix.clone())?;
        come_and_go(&mut coming, comers, Duration::from_secs_f64(seconds))?;
        crew.end()
    })?;
    let cpu = (process::cpu(server.pid())? - before).total();
    let Some(Reply::Mixed { acts, told, latencies }) = replies.into_iter().next() else {
        bail!("unexpected reply")
    };

    let seen: Vec<_> = seen.into_iter().map(|(at, bytes)| (at, bytes / 1e6)).collect();
    let memory = Memory::of(&seen, warm_up)?;
    results.add_track("memory", kind.name(), seen);
    results.table("mixed", &METRICS).add(
        kind.name(),
        vec![
            memory.start,
            memory.end,
            memory.end / memory.start,
            memory.per_hour,
            acts as f64 / seconds,
            told as f64 / seconds,
            cpu * 100.0 / seconds,
        ],
    );
    for (operation, latency) in latencies {
        results.add_latency("mixed", operation.name(), &latency);
        results.table("mixed, by operation", &OPERATION_METRICS).add(
            operation.name(),
            vec![
                latency.count() as f64 / seconds,
                latency.quantile_ms(0.5),
                latency.quantile_ms(0.99),
                latency.quantile_ms(0.999),
            ],
        );
    }
    Ok(())
}

/// Connects and drops some users until the time is over.
fn come_and_go(coming: &mut Crew, comers: u32, time: Duration) -> anyhow::Result<()> {
    let end = Instant::now() + time;
    let left = || end.saturating_duration_since(Instant::now());
    while left() > Duration::ZERO {
        coming.connect(comers)?;
        process::pause(STAY.min(left()));
        coming.drop_connections()?;
        process::pause(AWAY.min(left()));
    }
    Ok(())
}

/// Where memory was, in MB, and where it goes, in MB an hour.
struct Memory {
    start: f64,
    end: f64,
    per_hour: f64,
}

impl Memory {
    fn of(seen: &[(f64, f64)], warm_up: f64) -> anyhow::Result<Self> {
        let warm: Vec<_> = seen.iter().filter(|(at, _)| *at >= warm_up).copied().collect();
        ensure!(warm.len() > 1, "memory was seen too seldom");
        let share = ((warm.len() as f64 * ENDS) as usize).max(1);
        let middle =
            |some: &[(f64, f64)]| median(&some.iter().map(|(_, mb)| *mb).collect::<Vec<_>>());
        let first = warm.get(..share).context("memory was seen")?;
        let last = warm.get(warm.len() - share..).context("memory was seen")?;
        Ok(Self { start: middle(first), end: middle(last), per_hour: slope(&warm) * 3_600.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_grows_is_told_by_its_slope_and_its_ends() {
        let seen: Vec<_> = (0..100).map(|at| (f64::from(at), 50.0 + f64::from(at))).collect();
        let memory = Memory::of(&seen, 20.0).expect("it was seen");
        assert!((memory.per_hour - 3_600.0).abs() < 1e-6, "{}", memory.per_hour);
        assert!(memory.start < 75.0 && memory.end > 144.0, "{} {}", memory.start, memory.end);
    }

    #[test]
    fn what_a_server_takes_to_warm_up_is_not_growth() {
        let seen: Vec<_> = (0..100).map(|at| (f64::from(at), f64::from(at.min(15)))).collect();
        let memory = Memory::of(&seen, 20.0).expect("it was seen");
        assert_eq!((memory.start, memory.end, memory.per_hour), (15.0, 15.0, 0.0));
    }
}
