//! Readers that stop reading: how long the server keeps them, what they cost, and what the others
//! feel of it.
//!
//! Some of the connected users stop reading while messages to them go on, until the server has
//! ended each of their connections; all the while pairs of the others exchange messages at a fixed
//! rate, as they did before. Then the stalled devices come back, and must have everything. Their
//! windows are narrow, as on the internet: on loopback the kernel would take megabytes for each.

use std::time::Duration;

use anyhow::{bail, ensure};

use crate::crew::Crew;
use crate::latency::Latency;
use crate::process;
use crate::protocol::{Command, Direct, Feed, Pace, Reply, Window};
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 13] = [
    Metric::told("first ended after s", 1),
    Metric::told("last ended after s", 1),
    Metric::told("memory before MB", 1),
    Metric::told("peak MB", 1),
    Metric::told("after MB", 1),
    Metric::told("deliveries/s before", 0),
    Metric::told("deliveries/s with", 0),
    Metric::told("delivery p50 ms before", 2),
    Metric::told("delivery p50 ms with", 2),
    Metric::told("delivery p99 ms before", 2),
    Metric::told("delivery p99 ms with", 2),
    Metric::told("stalled back after s", 1),
    Metric::told("heard again", 0),
];

/// Numbers of the first stalled user and of the first who writes to them.
const STALLED_FROM: u32 = 500_000;
const FEEDERS_FROM: u32 = 900_000;
/// Who writes to the stalled.
const FEEDERS: u32 = 20;

/// A run that a command ends.
pub(crate) const UNTIL_FINISHED: f64 = 3_600.0;

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Connected users
    #[arg(long)]
    clients: Option<u32>,
    /// Those of them that stop reading
    #[arg(long)]
    stalled: Option<u32>,
    /// Messages a second among the others
    #[arg(long)]
    rate: Option<f64>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let (clients, stalled) = if quick { (200, 20) } else { (10_000, 1_000) };
        let clients = self.clients.unwrap_or(clients) & !1;
        let sizes = Sizes {
            clients,
            // Processes hold even numbers of connections, and somebody is left.
            stalled: (self.stalled.unwrap_or(stalled) & !1).min(clients - 2),
            each: 64,
            each_bytes: 4_000,
            feed_rate: if quick { 1_000.0 } else { 4_000.0 },
            rate: self.rate.unwrap_or(if quick { 200.0 } else { 1_000.0 }),
            seconds: if quick { 2.0 } else { 10.0 },
            heartbeat_ms: quick.then_some(1_000),
        };
        let (settings, kinds) = (sizes.describe(), [Kind::Parlor]);
        Scenario::new(
            "stalled",
            "Readers that stop reading",
            settings,
            &kinds,
            move |run, kind, results| round(run, kind, sizes, results),
        )
        .with_estimate(if quick { 10.0 } else { 110.0 })
    }
}

/// Users, and what is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) clients: u32,
    pub(crate) stalled: u32,
    /// Messages to each stalled user, and their size.
    pub(crate) each: u32,
    pub(crate) each_bytes: usize,
    /// Messages a second to the stalled together.
    pub(crate) feed_rate: f64,
    /// Messages a second among the others, and for how long before anyone stalls.
    pub(crate) rate: f64,
    pub(crate) seconds: f64,
    /// From a pong to the next ping, and until it is answered at the latest, where that is not the default.
    pub(crate) heartbeat_ms: Option<u64>,
}

impl Sizes {
    pub(crate) fn describe(self) -> String {
        let Self { clients, stalled, each, each_bytes, feed_rate, rate, seconds, .. } = self;
        let heartbeat = match self.heartbeat_ms {
            Some(ms) => format!("heartbeat of {ms} ms and {ms} ms"),
            None => String::from("heartbeat as by default: 25 s and 20 s"),
        };
        format!(
            "{clients} clients, {stalled} of which stop reading; each of these is sent {each} \
             messages of {each_bytes} bytes, {feed_rate} a second to all; the others exchange \
             {rate} messages of 100 bytes a second in pairs, {seconds} s before and until all \
             stalled are ended; {heartbeat}; memory is anonymous pages"
        )
    }
}

/// What the others came to.
pub(crate) struct Others {
    pub(crate) per_second: f64,
    pub(crate) ack: Latency,
    pub(crate) delivery: Latency,
}

impl Others {
    /// Adds up the replies of an open loop.
    pub(crate) fn of(replies: Vec<Reply>) -> anyhow::Result<Self> {
        let (ack, delivery) = (Latency::new(), Latency::new());
        let mut others = Self { per_second: 0.0, ack, delivery };
        for reply in replies {
            let Reply::Directed { messages, seconds, ack, delivery } = reply else {
                bail!("unexpected {reply:?}")
            };
            ensure!(messages > 0, "no message was sent");
            others.per_second += messages as f64 / seconds;
            others.ack.merge(&ack);
            others.delivery.merge(&delivery);
        }
        Ok(others)
    }
}

/// An open loop of direct messages in a crew.
pub(crate) fn open_loop(crew: &Crew, rate: f64, seconds: f64, run: u32) -> Command {
    Command::Direct(Direct {
        dialect: Kind::Parlor.dialect(),
        pace: Pace::PerSecond(rate / f64::from(crew.size())),
        seconds,
        content_bytes: 100,
        receipts: false,
        run,
    })
}

/// One round.
pub(crate) fn round(
    run: &Run,
    kind: Kind,
    sizes: Sizes,
    results: &mut Results,
) -> anyhow::Result<()> {
    let ms = sizes.heartbeat_ms;
    let limits = Limits { ping_interval_ms: ms, ping_timeout_ms: ms, ..Limits::HIGH_RATES };
    let server = Server::start(kind, &run.place, limits)?;
    let start = |count, first| {
        let (core, address) = (run.place.load_core, server.address());
        let crew = Crew::start(count, core, address, kind.auth(), run.at_once)?;
        anyhow::Ok(crew.with_users_from(first))
    };
    let mut others = start(sizes.clients - sizes.stalled, 0)?;
    let mut stalled = start(sizes.stalled, STALLED_FROM)?;
    let mut feeders = start(FEEDERS, FEEDERS_FROM)?;
    others.connect(sizes.clients - sizes.stalled)?;
    stalled.connect_by(sizes.stalled, Window::Narrow)?;
    feeders.connect(FEEDERS)?;
    let memory_before = server.settled_memory()?.anonymous;
    let command = open_loop(&others, sizes.rate, sizes.seconds, 0);
    let before = Others::of(others.command(|_| command.clone())?)?;

    let feed = Command::Feed(Feed {
        first: STALLED_FROM,
        users: sizes.stalled,
        each: sizes.each,
        content_bytes: sizes.each_bytes,
        pace: Pace::PerSecond(sizes.feed_rate),
    });
    let ((ended, with), peak) = process::peak_memory(server.pid(), || {
        let command = open_loop(&others, sizes.rate, UNTIL_FINISHED, 1);
        others.begin(|_| command.clone())?;
        stalled.begin(|_| Command::Stall)?;
        feeders.command(|_| feed.clone())?;
        let mut ended = Latency::new();
        for reply in stalled.end()? {
            let Reply::Stalled { ended: some } = reply else { bail!("unexpected {reply:?}") };
            ended.merge(&some);
        }
        others.begin(|_| Command::Finish)?;
        Ok((ended, Others::of(others.end()?)?))
    })?;
    let memory_after = server.settled_memory()?.anonymous;

    stalled.drop_connections()?;
    let back = come_back(&mut stalled, &server, kind, sizes.each)?;
    const MB: f64 = 1e6;
    results.table("stalled", &METRICS).add(
        kind.name(),
        vec![
            ended.quantile_ms(0.0) / 1e3,
            ended.quantile_ms(1.0) / 1e3,
            memory_before / MB,
            peak / MB,
            memory_after / MB,
            before.per_second,
            with.per_second,
            before.delivery.quantile_ms(0.5),
            with.delivery.quantile_ms(0.5),
            before.delivery.quantile_ms(0.99),
            with.delivery.quantile_ms(0.99),
            back.seconds.as_secs_f64(),
            back.repeats as f64,
        ],
    );
    Ok(())
}

/// What coming back came to.
pub(crate) struct Back {
    pub(crate) seconds: Duration,
    pub(crate) latency: Latency,
    pub(crate) refused: u64,
    pub(crate) lost: u64,
    pub(crate) repeats: u64,
}

/// Lets dropped connections come back, each to all that it missed.
pub(crate) fn come_back(
    crew: &mut Crew,
    server: &Server,
    kind: Kind,
    missed: u32,
) -> anyhow::Result<Back> {
    let address = server.address();
    let replies = crew.command(|_| Command::Return { address, auth: kind.auth(), missed })?;
    let (seconds, latency) = (Duration::ZERO, Latency::new());
    let mut back = Back { seconds, latency, refused: 0, lost: 0, repeats: 0 };
    for reply in replies {
        let Reply::Returned { seconds, latency, refused, lost, repeats } = reply else {
            bail!("unexpected {reply:?}")
        };
        back.seconds = back.seconds.max(Duration::from_secs_f64(seconds));
        back.latency.merge(&latency);
        back.refused += refused;
        back.lost += lost;
        back.repeats += repeats;
    }
    Ok(back)
}
