//! A storm of reconnects: everyone is cut off at once, misses some messages and comes back at once,
//! while a few others go on sending at a fixed rate.
//!
//! Who comes back is back when it has heard every message that it missed and was told that it is
//! caught up; refusals are taken as a stock client takes them, and followed by another attempt.

use anyhow::bail;

use crate::crew::Crew;
use crate::plot::Picture;
use crate::process;
use crate::protocol::{Command, Feed, Pace, Reply};
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::stalled::{Others, UNTIL_FINISHED, come_back, open_loop};
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 15] = [
    Metric::told("all back after s", 2),
    Metric::told("clients/s", 0),
    Metric::told("server CPU µs per client", 0),
    Metric::told("back p50 s", 2),
    Metric::told("refused", 0),
    Metric::told("lost", 0),
    Metric::told("heard again", 0),
    Metric::told("memory before MB", 1),
    Metric::told("peak MB", 1),
    Metric::told("others: sends/s quiet", 0),
    Metric::told("sends/s in it", 0),
    Metric::told("ack p50 ms quiet", 2),
    Metric::told("p50 ms in it", 2),
    Metric::told("ack p99 ms quiet", 2),
    Metric::told("p99 ms in it", 2),
];

/// The number of the first user who is cut off.
const CUT_FROM: u32 = 100_000;
/// Messages unanswered while those are written that will be missed.
const FEED_IN_FLIGHT: u32 = 512;

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Clients that are cut off; each number is measured by itself, the first one is the main one
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(2..))]
    clients: Vec<u32>,
    /// Messages that each of them misses, at most 64 [default: 20]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64))]
    missed: Option<u32>,
    /// Messages a second of the 200 others
    #[arg(long)]
    rate: Option<f64>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let default: &[u32] = if quick { &[200] } else { &[10_000, 50_000] };
        let clients = if self.clients.is_empty() { default } else { &self.clients };
        let clients: Vec<u32> = clients.iter().map(|clients| clients & !1).collect();
        let main = clients.first().copied().unwrap_or(2);
        let sizes = Sizes {
            // The main number; it is put right for each of the others.
            clients: main,
            missed: self.missed.unwrap_or(20),
            others: if quick { 20 } else { 200 },
            rate: self.rate.unwrap_or(if quick { 100.0 } else { 500.0 }),
            seconds: if quick { 2.0 } else { 10.0 },
        };
        let beside = match &clients[1..] {
            [] => String::new(),
            others => {
                format!("; then {others:?} clients, on threads with file tables of their own")
            }
        };
        let (settings, kinds) = (sizes.describe() + &beside, [Kind::Parlor]);
        let pictures: Vec<_> = clients.iter().map(|clients| picture(*clients)).collect();
        let estimate = clients.len() as f64 * if quick { 5.0 } else { 60.0 };
        Scenario::new(
            "storm",
            "Cut off and back, all at once",
            settings,
            &kinds,
            move |run, kind, results| {
                clients.iter().copied().try_for_each(|clients| {
                    let table = if clients == main { "storm".to_owned() } else { table(clients) };
                    round(run, kind, Sizes { clients, ..sizes }, &table, results)
                })
            },
        )
        .with_estimate(estimate)
        .with_pictures(pictures)
    }
}

/// The name of the table of a number of clients that is not the main one.
fn table(clients: u32) -> String {
    format!("storm, {clients} clients")
}

fn back_plot(clients: u32) -> String {
    format!("back, {clients} clients")
}

fn picture(clients: u32) -> Picture {
    let title = format!("From the cut until one of {clients} clients is back and has all");
    Picture::percentiles(&back_plot(clients), &title)
}

/// Users, and what is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) clients: u32,
    pub(crate) missed: u32,
    pub(crate) others: u32,
    /// Messages a second of the others, and for how long before the storm.
    pub(crate) rate: f64,
    pub(crate) seconds: f64,
}

impl Sizes {
    pub(crate) fn describe(self) -> String {
        let Self { clients, missed, others, rate, seconds } = self;
        format!(
            "{clients} clients are cut off, miss {missed} messages of 100 bytes each and come back \
             all at once; {others} others exchange {rate} messages a second in pairs (open loop), \
             {seconds} s before and until the last is back; memory is anonymous pages"
        )
    }
}

/// One round.
pub(crate) fn round(
    run: &Run,
    kind: Kind,
    sizes: Sizes,
    table: &str,
    results: &mut Results,
) -> anyhow::Result<()> {
    let limits = Limits::HIGH_RATES.for_connections(sizes.clients + sizes.others);
    let server = Server::start(kind, &run.place, limits)?;
    let start = |count, first| {
        let (core, address) = (run.place.load_core, server.address());
        let crew = Crew::start(count, core, address, kind.auth(), run.at_once)?;
        anyhow::Ok(crew.with_users_from(first))
    };
    let (mut others, mut cut) = (start(sizes.others, 0)?, start(sizes.clients, CUT_FROM)?);
    others.connect(sizes.others)?;
    cut.connect(sizes.clients)?;
    let memory_before = server.settled_memory()?.anonymous;
    let command = open_loop(&others, sizes.rate, sizes.seconds, 0);
    let quiet = Others::of(others.command(|_| command.clone())?)?;

    cut.drop_connections()?;
    let feed = Command::Feed(Feed {
        first: CUT_FROM,
        users: sizes.clients,
        each: sizes.missed,
        content_bytes: 100,
        pace: Pace::InFlight(FEED_IN_FLIGHT),
    });
    for reply in others.command(|_| feed.clone())? {
        let Reply::Fed { .. } = reply else { bail!("unexpected {reply:?}") };
    }

    let before = server.cpu()?;
    let ((back, storm), peak) = process::peak_memory(server.pid(), || {
        let command = open_loop(&others, sizes.rate, UNTIL_FINISHED, 1);
        others.begin(|_| command.clone())?;
        let back = come_back(&mut cut, &server, kind, sizes.missed)?;
        others.begin(|_| Command::Finish)?;
        Ok((back, Others::of(others.end()?)?))
    })?;
    let cpu = (server.cpu()? - before).total();
    const MB: f64 = 1e6;
    results.add_latency(&back_plot(sizes.clients), kind.name(), &back.latency);
    results.table(table, &METRICS).add(
        kind.name(),
        vec![
            back.seconds.as_secs_f64(),
            f64::from(sizes.clients) / back.seconds.as_secs_f64(),
            cpu * 1e6 / f64::from(sizes.clients),
            back.latency.quantile_ms(0.5) / 1e3,
            back.refused as f64,
            back.lost as f64,
            back.repeats as f64,
            memory_before / MB,
            peak / MB,
            quiet.per_second,
            storm.per_second,
            quiet.ack.quantile_ms(0.5),
            storm.ack.quantile_ms(0.5),
            quiet.ack.quantile_ms(0.99),
            storm.ack.quantile_ms(0.99),
        ],
    );
    Ok(())
}
