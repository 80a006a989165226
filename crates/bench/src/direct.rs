//! Direct messages with acks: throughput in a closed loop, latency at half of it in an open one.
//!
//! Parlor keeps each message on disk before it acknowledges it, as the guide's chat does; ejabberd and
//! Prosody write theirs to an archive; the others relay without storage. Each message must be acknowledged once and delivered once.

use std::time::Duration;

use anyhow::{bail, ensure};

use crate::Run;
use crate::crew::Crew;
use crate::latency::Latency;
use crate::process;
use crate::protocol::{Command, Direct, Pace, Reply};
use crate::server::{Kind, Limits, OTHERS_KEEP, Server};
use crate::table::{Metric, Table};

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
    pub(crate) fn describe(self) -> String {
        let Self { clients, in_flight, seconds, content_bytes, receipts, rate } = self;
        let confirmed = if receipts { ", each message confirmed by `delivered`" } else { "" };
        let rate = rate.map_or("half of what it reached".to_owned(), |rate| format!("{rate}/s"));
        format!(
            "{clients} clients in pairs, {content_bytes} bytes of text; closed loop of \
             {seconds} s with {in_flight} unanswered, then open loop of {seconds} s at {rate}, \
             latency from when a message was due; parlor: fsync before the ack, rate limits \
             checked but set high{confirmed}; {OTHERS_KEEP}"
        )
    }
}

/// What a run of messages came to.
struct Outcome {
    messages: f64,
    seconds: f64,
    ack: Latency,
    delivery: Latency,
}

/// One round of one server.
pub(crate) fn round(run: &Run, kind: Kind, sizes: Sizes, table: &mut Table) -> anyhow::Result<()> {
    let server = Server::start(kind, &run.place, Limits::HighRates)?;
    let mut crew = Crew::start(
        sizes.clients,
        run.place.load_core,
        server.address(),
        kind.auth(),
        run.at_once,
    )?;
    crew.connect(sizes.clients)?;
    let closed = Pace::InFlight(sizes.in_flight / crew.size());
    messages(&mut crew, kind, sizes, closed, sizes.seconds / 5.0, 0)?;
    let before = (process::cpu(server.pid())?, crew.cpu()?);
    let full = messages(&mut crew, kind, sizes, closed, sizes.seconds, 1)?;
    let cpu = process::cpu(server.pid())? - before.0;
    let load = (crew.cpu()? - before.1).total();
    let reached = full.messages / full.seconds;
    let rate = sizes.rate.unwrap_or(reached / 2.0) / f64::from(crew.size());
    let half = messages(&mut crew, kind, sizes, Pace::PerSecond(rate), sizes.seconds, 2)?;
    table.add(
        kind.name(),
        vec![
            reached,
            cpu.total() * 1e6 / full.messages,
            load * 100.0 / full.seconds,
            full.ack.quantile_ms(0.5),
            full.ack.quantile_ms(0.99),
            full.ack.quantile_ms(0.999),
            half.ack.quantile_ms(0.5),
            half.ack.quantile_ms(0.99),
            half.ack.quantile_ms(0.999),
            half.delivery.quantile_ms(0.99),
        ],
    );
    Ok(())
}

fn messages(
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
    let replies = crew.command(|_| Command::Direct(direct.clone()))?;
    let mut outcome =
        Outcome { messages: 0.0, seconds: 0.0, ack: Latency::new(), delivery: Latency::new() };
    let mut total = 0;
    for reply in replies {
        let Reply::Directed { messages, seconds, ack, delivery } = reply else {
            bail!("unexpected {reply:?}")
        };
        total += messages;
        outcome.seconds = outcome.seconds.max(seconds);
        outcome.ack.merge(&ack);
        outcome.delivery.merge(&delivery);
    }
    outcome.messages = total as f64;
    process::pause(GRACE);
    let events = crew.count_events()?;
    ensure!(events == total, "{events} messages arrived where {total} were acknowledged");
    ensure!(total > 0, "no message was sent");
    Ok(outcome)
}
