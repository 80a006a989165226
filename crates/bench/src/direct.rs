//! Direct messages with acks: throughput in a closed loop, latency in open ones: at half of what the
//! closed one reached, and at the same fixed rates for each server.
//!
//! Parlor keeps each message on disk before it acknowledges it, as the guide's chat does; ejabberd and
//! Prosody write theirs to an archive; the others relay without storage. Each message must be acknowledged once and delivered once. In an open loop messages are sent
//! when they are due, whatever the answers do, and a latency counts from when its message was due: what waits
//! in the load because the server is slow counts too (no coordinated omission).
//!
//! Beside Parlor its embedded store is measured by itself, on the core and the disk that the server had.

use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::crew::Crew;
use crate::latency::Latency;
use crate::plot::{Axes, Picture};
use crate::process;
use crate::protocol::{Command, Direct, Pace, Reply};
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, OTHERS_KEEP, Server};
use crate::store::Alone;
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 10] = [
    Metric::compared("messages/s", 0),
    Metric::compared("CPU µs per message", 1),
    Metric::told("load core busy %", 0),
    Metric::compared("ack p50 ms", 1),
    Metric::compared("ack p99 ms", 1),
    Metric::compared("ack p99.9 ms", 1),
    Metric::told("half rate: ack p50 ms", 2),
    Metric::told("half rate: ack p99 ms", 2),
    Metric::told("half rate: ack p99.9 ms", 2),
    Metric::told("half rate: delivery p99 ms", 2),
];

const FIXED_METRICS: [Metric; 5] = [
    Metric::told("ack p50 ms", 2),
    Metric::told("ack p99 ms", 2),
    Metric::told("ack p99.9 ms", 2),
    Metric::told("delivery p99 ms", 2),
    Metric::told("load core busy %", 0),
];

/// The row of the embedded store by itself.
pub(crate) const STORE_ALONE: &str = "store alone";

/// Messages a second that every server is given, as far as it can.
const RATES: [f64; 6] = [1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, 40_000.0];
const RATES_QUICK: [f64; 2] = [200.0, 1_000.0];
/// A rate above this share of what the closed loop reached is not tried: what waits would only grow.
const SUSTAINED: f64 = 0.9;

/// Who is measured: those that relay, then those that keep.
pub(crate) const KINDS: [Kind; 9] = [
    Kind::Gateway,
    Kind::Socketioxide,
    Kind::Node,
    Kind::Uws,
    Kind::Python,
    Kind::Parlor,
    Kind::Guide,
    Kind::Ejabberd,
    Kind::Prosody,
];

/// How long a delivery too many may take to show.
const GRACE: Duration = Duration::from_millis(200);

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Connected users, in pairs; each number is measured by itself, the last one is the main one
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(2..))]
    clients: Vec<u32>,
    /// Messages unanswered in the closed loop
    #[arg(long)]
    in_flight: Option<u32>,
    /// Length of the closed loop and of that at half its rate; each fixed rate has half as long
    #[arg(long)]
    seconds: Option<f64>,
    /// Messages a second of the open loop instead of half of what the closed one reached
    #[arg(long)]
    rate: Option<f64>,
    /// Messages a second of the further open loops
    #[arg(long, value_delimiter = ',')]
    rates: Vec<f64>,
    /// Confirm each of Parlor's messages by `delivered`, as a client of the guide does
    #[arg(long)]
    receipts: bool,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let (clients, rates): (&[u32], &[f64]) = match quick {
            true => (&[20, 200], &RATES_QUICK),
            false => (&[100, 1_000, 10_000], &RATES),
        };
        let clients = if self.clients.is_empty() { clients } else { &self.clients };
        let clients: Vec<u32> = clients.iter().map(|clients| clients & !1).collect();
        let sizes = Sizes {
            // Of the main number; it is put right for each of the others.
            clients: clients.last().copied().unwrap_or(2),
            in_flight: self.in_flight.unwrap_or(if quick { 64 } else { 512 }),
            seconds: self.seconds.unwrap_or(if quick { 0.5 } else { 10.0 }),
            content_bytes: 100,
            receipts: self.receipts,
            rate: self.rate,
        };
        let rates = if self.rates.is_empty() { rates.to_vec() } else { self.rates.clone() };
        let mut pictures = vec![Picture::bars("direct", "Acknowledged messages", &["messages/s"])];
        for clients in &clients {
            let plot = half_rate_plot(*clients);
            let title = format!("Acks at half of each server's rate, {clients} clients");
            pictures.push(Picture::percentiles(&plot, &title));
        }
        for clients in &clients {
            for (percentile, _) in FIXED_PERCENTILES {
                let title = format!("Acks at fixed rates, {clients} clients: {percentile}");
                let axes = Axes { across: "messages a second", up: "ms" };
                pictures.push(Picture::sizes(&fixed_plot(*clients, percentile), &title, axes));
            }
        }
        let settings = sizes.describe(&clients, &rates);
        let estimate = clients.len() as f64 * sizes.seconds * (2.5 + rates.len() as f64 / 2.0);
        Scenario::new(
            "direct",
            "Direct messages with acks",
            settings,
            &KINDS,
            move |run, kind, results| {
                for number in &clients {
                    let of_number = Sizes { clients: *number, ..sizes };
                    let table =
                        if *number == sizes.clients { "direct".to_owned() } else { table(*number) };
                    round(run, kind, of_number, &rates, &table, results)?;
                    if kind == Kind::Parlor {
                        store_alone(run, of_number, &table, results)?;
                    }
                }
                Ok(())
            },
        )
        .with_estimate(estimate)
        .with_pictures(pictures)
    }
}

/// The name of the table of a number of clients that is not the main one.
fn table(clients: u32) -> String {
    format!("direct, {clients} clients")
}

fn half_rate_plot(clients: u32) -> String {
    format!("acks at half rate, {clients} clients")
}

fn fixed_plot(clients: u32, percentile: &str) -> String {
    format!("acks at fixed rates, {clients} clients, {percentile} ms")
}

const FIXED_PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// Clients and what they send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) clients: u32,
    pub(crate) in_flight: u32,
    pub(crate) seconds: f64,
    pub(crate) content_bytes: usize,
    /// Whether Parlor's recipients confirm each message by `delivered`.
    pub(crate) receipts: bool,
    /// Messages a second of the open loop; half of what the closed loop reached if not given.
    pub(crate) rate: Option<f64>,
}

impl Sizes {
    fn describe(self, clients: &[u32], rates: &[f64]) -> String {
        let Self { in_flight, seconds, content_bytes, receipts, rate, .. } = self;
        let confirmed = if receipts { ", each message confirmed by `delivered`" } else { "" };
        let rate = rate.map_or("half of what it reached".to_owned(), |rate| format!("{rate}/s"));
        format!(
            "{clients:?} clients in pairs, the first table of the last number; {content_bytes} bytes of text; closed loop of \
             {seconds} s with {in_flight} unanswered, then open loop of {seconds} s at {rate}, then of \
             {} s at each of {rates:?} messages a second up to nine tenths of what it reached; \
             latency from when a message was due; parlor: fsync before the ack, rate limits \
             checked but set high{confirmed}; {OTHERS_KEEP}; `{STORE_ALONE}` is Parlor's \
             embedded store in a process of its own, on the server's core and disk, with as many \
             appends unanswered",
            seconds / 2.0
        )
    }
}

/// What a run of messages came to.
pub(crate) struct Outcome {
    pub(crate) messages: f64,
    pub(crate) seconds: f64,
    pub(crate) ack: Latency,
    pub(crate) delivery: Latency,
    /// Percent of the time that the load was busy.
    pub(crate) busy: f64,
}

/// One round of one server with one number of clients.
pub(crate) fn round(
    run: &Run,
    kind: Kind,
    sizes: Sizes,
    rates: &[f64],
    table: &str,
    results: &mut Results,
) -> anyhow::Result<()> {
    let server = Server::start(kind, &run.place, Limits::HIGH_RATES)?;
    let mut crew = Crew::start(
        sizes.clients,
        run.place.load_core,
        server.address(),
        kind.auth(),
        run.at_once,
    )?;
    crew.connect(sizes.clients)?;
    let mut numbers = 0..;
    let mut messages = |crew: &mut Crew, pace, seconds| {
        let run = numbers.next().context("runs can be numbered")?;
        messages(crew, kind, sizes, pace, seconds, run)
    };
    let closed = Pace::InFlight((sizes.in_flight / crew.size()).max(1));
    messages(&mut crew, closed, sizes.seconds / 5.0)?;
    let before = process::cpu(server.pid())?;
    let full = messages(&mut crew, closed, sizes.seconds)?;
    let cpu = process::cpu(server.pid())? - before;
    let reached = full.messages / full.seconds;
    let open = |crew: &Crew, rate: f64| Pace::PerSecond(rate / f64::from(crew.size()));
    let rate = open(&crew, sizes.rate.unwrap_or(reached / 2.0));
    let half = messages(&mut crew, rate, sizes.seconds)?;
    results.add_latency(&half_rate_plot(sizes.clients), kind.name(), &half.ack);
    results.table(table, &METRICS).add(
        kind.name(),
        vec![
            reached,
            cpu.total() * 1e6 / full.messages,
            full.busy,
            full.ack.quantile_ms(0.5),
            full.ack.quantile_ms(0.99),
            full.ack.quantile_ms(0.999),
            half.ack.quantile_ms(0.5),
            half.ack.quantile_ms(0.99),
            half.ack.quantile_ms(0.999),
            half.delivery.quantile_ms(0.99),
        ],
    );
    for rate in rates.iter().filter(|rate| **rate <= reached * SUSTAINED) {
        let pace = open(&crew, *rate);
        let fixed = messages(&mut crew, pace, sizes.seconds / 2.0)?;
        for (name, share) in FIXED_PERCENTILES {
            let plot = fixed_plot(sizes.clients, name);
            results.add_point(&plot, kind.name(), *rate, fixed.ack.quantile_ms(share));
        }
        let name = format!("direct at fixed rates, {} clients", sizes.clients);
        let row = |rate: &f64| format!(" at {rate}/s");
        let table = results.table(&name, &FIXED_METRICS);
        table.add(
            &format!("{}{}", kind.name(), row(rate)),
            vec![
                fixed.ack.quantile_ms(0.5),
                fixed.ack.quantile_ms(0.99),
                fixed.ack.quantile_ms(0.999),
                fixed.delivery.quantile_ms(0.99),
                fixed.busy,
            ],
        );
        // Those of a rate together.
        table.sort_rows(|server| rates.iter().position(|rate| server.ends_with(&row(rate))));
    }
    Ok(())
}

/// What the embedded store commits by itself where the server was.
fn store_alone(run: &Run, sizes: Sizes, table: &str, results: &mut Results) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(&run.place.scratch).context("no folder for data")?;
    let Sizes { clients, in_flight, seconds, content_bytes, .. } = sizes;
    let data = folder.path().join("data");
    let alone = Alone { data, clients, in_flight, seconds, content_bytes };
    let outcome = alone.measure(run.place.server_core)?;
    let unknown = f64::NAN;
    results.table(table, &METRICS).add(
        STORE_ALONE,
        vec![
            outcome.messages as f64 / outcome.seconds,
            unknown,
            unknown,
            outcome.latency.quantile_ms(0.5),
            outcome.latency.quantile_ms(0.99),
            outcome.latency.quantile_ms(0.999),
            unknown,
            unknown,
            unknown,
            unknown,
        ],
    );
    Ok(())
}

/// Lets the crew send, and sees that each message was acknowledged and delivered once.
pub(crate) fn messages(
    crew: &mut Crew,
    kind: Kind,
    sizes: Sizes,
    pace: Pace,
    seconds: f64,
    run: u32,
) -> anyhow::Result<Outcome> {
    let direct = Direct {
        dialect: kind.dialect(),
        pace,
        seconds,
        content_bytes: sizes.content_bytes,
        receipts: sizes.receipts,
        run,
    };
    let before = crew.cpu()?;
    let replies = crew.command(|_| Command::Direct(direct.clone()))?;
    let busy = (crew.cpu()? - before).total();
    let (mut total, mut longest) = (0, 0.0_f64);
    let (mut all_ack, mut all_delivery) = (Latency::new(), Latency::new());
    for reply in replies {
        let Reply::Directed { messages, seconds, ack, delivery } = reply else {
            bail!("unexpected {reply:?}")
        };
        total += messages;
        longest = longest.max(seconds);
        all_ack.merge(&ack);
        all_delivery.merge(&delivery);
    }
    process::pause(GRACE);
    let events = crew.count_but_receipts()?;
    ensure!(events == total, "{events} messages arrived where {total} were acknowledged");
    ensure!(total > 0, "no message was sent");
    Ok(Outcome {
        messages: total as f64,
        seconds: longest,
        ack: all_ack,
        delivery: all_delivery,
        busy: busy * 100.0 / longest,
    })
}
