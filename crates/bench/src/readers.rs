//! Everybody in a large group reads one message: how many packets tell of it, and after how long the
//! readers know that it is kept.
//!
//! Some have the group open and hear counts; the others hear nothing. Packets are counted at every
//! connection until all is quiet.

use anyhow::{Context, bail, ensure};

use crate::crew::Crew;
use crate::groups::gather;
use crate::latency::Latency;
use crate::process;
use crate::protocol::{Burst, Command, Reply};
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 6] = [
    Metric::told("packets", 0),
    Metric::told("packets per reader", 3),
    Metric::told("reads/s", 0),
    Metric::told("ack p50 ms", 0),
    Metric::told("ack p99 ms", 0),
    Metric::told("server CPU s", 2),
];

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Connected members, at most 10,000
    #[arg(long, value_parser = clap::value_parser!(u32).range(66..=10_000))]
    members: Option<u32>,
    /// Those of them that have the group open
    #[arg(long)]
    open: Option<u32>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let (members, open) = if quick { (200, 10) } else { (10_000, 100) };
        let sizes = Sizes {
            members: self.members.unwrap_or(members) & !1,
            open: self.open.unwrap_or(open),
        };
        let (settings, kinds) = (sizes.describe(), [Kind::Parlor]);
        Scenario::new(
            "readers",
            "Everyone in a group reads",
            settings,
            &kinds,
            move |run, kind, results| round(run, kind, sizes, results),
        )
        .with_estimate(if quick { 14.0 } else { 25.0 })
    }
}

/// Readers, and how many of them look on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) members: u32,
    pub(crate) open: u32,
}

impl Sizes {
    pub(crate) fn describe(self) -> String {
        let Self { members, open } = self;
        format!(
            "{members} members read one message at once, each waiting for the ack; {open} of them have \
             the group open; packets are receipts, typing and presence of all connections"
        )
    }
}

/// One round.
pub(crate) fn round(
    run: &Run,
    kind: Kind,
    sizes: Sizes,
    results: &mut Results,
) -> anyhow::Result<()> {
    let Sizes { members, open } = sizes;
    ensure!(open <= members, "only members can have the group open");
    let server = Server::start(kind, &run.place, Limits::HIGH_RATES)?;
    let (core, address) = (run.place.load_core, server.address());
    let mut crew = Crew::start(members, core, address, kind.auth(), run.at_once)?;
    ensure!(crew.size() == 1, "one load process holds all members");
    crew.connect(members)?;
    let group = gather(&mut crew, 0, members)?;
    let of = format!(r#""conversationId":"group:{group}""#);
    ask(&mut crew, "conversation_open", format!("{{{of}}}"), open)?;
    let message = format!(r#"{{"groupId":"{group}","content":"read me"}}"#);
    let (_, sent) = ask(&mut crew, "group_message", message, 1)?;
    let sent: serde_json::Value = serde_json::from_str(&sent).context("an ack is JSON")?;
    let seq = sent[0]["seq"].as_u64().context("an ack has the seq")?;
    let (heard, cpu) = (crew.settled()?, process::cpu(server.pid())?);
    let (latency, _) = ask(&mut crew, "read", format!(r#"{{{of},"seq":{seq}}}"#), members)?;
    let packets = (crew.settled()? - heard) as f64;
    let cpu = (process::cpu(server.pid())? - cpu).total();
    let all = latency.quantile_ms(1.0);
    results.table("readers", &METRICS).add(
        kind.name(),
        vec![
            packets,
            packets / f64::from(members),
            f64::from(members) * 1e3 / all,
            latency.quantile_ms(0.5),
            latency.quantile_ms(0.99),
            cpu,
        ],
    );
    Ok(())
}

fn ask(
    crew: &mut Crew,
    event: &str,
    payload: String,
    connections: u32,
) -> anyhow::Result<(Latency, String)> {
    let burst = Burst { event: event.to_owned(), payload, connections };
    match crew.command(|_| Command::Burst(burst.clone()))?.into_iter().next() {
        Some(Reply::BurstAnswered { latency, answer }) => Ok((latency, answer)),
        reply => bail!("unexpected {reply:?}"),
    }
}
