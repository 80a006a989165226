//! Messages to a group of many: how long until the last member has one, and what one costs.
//!
//! As `fanout`, but Parlor keeps each message on disk before it goes out and is acknowledged; the
//! others relay to a room and keep nothing. `--rows` adds members who are not connected. Parlor is
//! sent as many direct messages as well, one at a time, to compare their acks with.

use anyhow::{Context, bail};

use crate::Run;
use crate::crew::Crew;
use crate::fanout::{self, Sizes};
use crate::latency::Latency;
use crate::load::user_name;
use crate::process;
use crate::protocol::{Ask, Command, Reply};
use crate::server::{Kind, Limits, Server};
use crate::table::{Metric, Table};

pub(crate) const METRICS: [Metric; 9] = [
    Metric::compared("deliveries/s", 0),
    Metric::compared("send to last p50 ms", 1),
    Metric::compared("send to last p99 ms", 1),
    Metric::told("ack p50 ms", 2),
    Metric::told("ack p99 ms", 2),
    Metric::told("direct ack p50 ms", 2),
    Metric::told("direct ack p99 ms", 2),
    Metric::compared("user µs per delivery", 2),
    Metric::compared("CPU µs per delivery", 2),
];

/// One round of one server.
pub(crate) fn round(
    run: &Run,
    kind: Kind,
    sizes: Sizes,
    rows: u32,
    table: &mut Table,
) -> anyhow::Result<()> {
    let server = Server::start(kind, &run.place, Limits::HighRates)?;
    let mut crew = Crew::start(
        sizes.members,
        run.place.load_core,
        server.address(),
        kind.auth(),
        run.at_once,
    )?;
    crew.connect(sizes.members)?;
    let group = match kind {
        Kind::Parlor => Some(gather(&mut crew, sizes.members + rows)?),
        _ => None,
    };
    let broadcast = |crew: &mut Crew, broadcasts: u32| {
        fanout::broadcast(crew, sizes, broadcasts, group.as_deref())
    };
    broadcast(&mut crew, sizes.broadcasts.div_ceil(10))?;
    let before = process::cpu(server.pid())?;
    let sent = broadcast(&mut crew, sizes.broadcasts)?;
    let cpu = process::cpu(server.pid())? - before;
    let direct = match kind {
        Kind::Parlor => direct(&mut crew, sizes)?,
        _ => Latency::new(),
    };
    let each = |seconds: f64| seconds * 1e6 / sent.deliveries;
    table.add(
        kind.name(),
        vec![
            sent.deliveries / sent.seconds,
            sent.last.quantile_ms(0.5),
            sent.last.quantile_ms(0.99),
            sent.ack.quantile_ms(0.5),
            sent.ack.quantile_ms(0.99),
            direct.quantile_ms(0.5),
            direct.quantile_ms(0.99),
            each(cpu.user),
            each(cpu.total()),
        ],
    );
    Ok(())
}

/// Direct messages from the first user to the second, one at a time.
fn direct(crew: &mut Crew, sizes: Sizes) -> anyhow::Result<Latency> {
    let (to, text) = (user_name(1), "x".repeat(sizes.payload_bytes));
    let event = format!(r#"["private_message",{{"toUserId":"{to}","content":"{text}"}}]"#);
    let ask = Ask { commands: vec![(0, event)], rounds: sizes.broadcasts };
    let first = |at| if at == 0 { Command::Ask(ask.clone()) } else { Command::Count };
    match crew.command(first)?.into_iter().next() {
        Some(Reply::Asked { latencies }) => latencies.into_iter().next().context("no latency"),
        reply => bail!("unexpected {reply:?}"),
    }
}

/// Makes a group of the users from the first on.
pub(crate) fn gather(crew: &mut Crew, members: u32) -> anyhow::Result<String> {
    let first = |at| if at == 0 { Command::Gather { members } } else { Command::Count };
    match crew.command(first)?.into_iter().next() {
        Some(Reply::Gathered { group }) => Ok(group),
        reply => bail!("unexpected {reply:?}"),
    }
}
