//! One event to a room of many: deliveries per second, and what one costs the server.
//!
//! A member triggers a broadcast, and the next once all have it (`--in-flight` sends ahead, which
//! lets a server that queues per socket write several frames at once). The run ends when the last
//! member has the last one. Each member must get each broadcast exactly once.

use std::time::Duration;

use anyhow::{bail, ensure};

use crate::crew::Crew;
use crate::groups;
use crate::latency::Latency;
use crate::plot::Picture;
use crate::process;
use crate::protocol::{Command, Fanout, Reply, Room};
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 5] = [
    Metric::compared("deliveries/s", 0),
    Metric::compared("user µs per delivery", 2),
    Metric::compared("system µs per delivery", 2),
    Metric::compared("CPU µs per delivery", 2),
    Metric::told("load core busy %", 0),
];

/// Who is measured: those that keep nothing.
pub(crate) const KINDS: [Kind; 6] =
    [Kind::Gateway, Kind::Bare, Kind::Socketioxide, Kind::Node, Kind::Uws, Kind::Python];

/// How long deliveries too many may take to show.
const GRACE: Duration = Duration::from_millis(200);

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Sockets in the room
    #[arg(long)]
    members: Option<u32>,
    /// Events sent to the room
    #[arg(long)]
    broadcasts: Option<u32>,
    /// Broadcasts sent before the first of them has arrived everywhere [default: 1]
    #[arg(long)]
    in_flight: Option<u32>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let sizes = Sizes {
            // Processes hold even numbers of connections.
            members: self.members.unwrap_or(if quick { 500 } else { 10_000 }) & !1,
            rooms: 1,
            broadcasts: self.broadcasts.unwrap_or(100),
            in_flight: self.in_flight.unwrap_or(1),
            payload_bytes: 80,
        };
        Scenario::new(
            "fanout",
            "One event to a room",
            sizes.describe(),
            &KINDS,
            move |run, kind, results| round(run, kind, sizes, "fanout", results),
        )
        .with_estimate(if quick { 2.0 } else { 20.0 })
        .with_pictures([
            Picture::bars("fanout", "Deliveries", &["deliveries/s"]),
            Picture::bars(
                "fanout",
                "Processor time per delivery",
                &["user µs per delivery", "system µs per delivery"],
            ),
            Picture::percentiles("send to last", "From sending an event to its last delivery"),
        ])
    }
}

/// Rooms and what is sent to them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Of each room.
    pub(crate) members: u32,
    /// Several are spoken to at the same time.
    pub(crate) rooms: u32,
    /// To each room.
    pub(crate) broadcasts: u32,
    pub(crate) in_flight: u32,
    pub(crate) payload_bytes: usize,
}

impl Sizes {
    pub(crate) fn connections(self) -> u32 {
        self.members * self.rooms
    }

    pub(crate) fn describe(self) -> String {
        let Self { members, rooms, broadcasts, in_flight, payload_bytes } = self;
        let rooms = if rooms == 1 { "room".to_owned() } else { format!("{rooms} rooms, each") };
        format!(
            "{rooms} of {members}, {broadcasts} broadcasts of {payload_bytes} bytes of text after a \
             tenth to warm up, at most {in_flight} unfinished; every delivery counted"
        )
    }
}

/// One round of one server, into the table of this name.
pub(crate) fn round(
    run: &Run,
    kind: Kind,
    sizes: Sizes,
    table: &str,
    results: &mut Results,
) -> anyhow::Result<()> {
    let server = Server::start(kind, &run.place, Limits::default())?;
    let mut crew = Crew::start(
        sizes.members,
        run.place.load_core,
        server.address(),
        kind.auth(),
        run.at_once,
    )?;
    crew.connect(sizes.members)?;
    let rooms = match kind.is_xmpp() {
        true => groups::rooms(&mut crew, kind, sizes, 0)?,
        false => vec![Room::All],
    };
    broadcast(&mut crew, sizes, sizes.broadcasts.div_ceil(10), &rooms)?;
    let before = (process::cpu(server.pid())?, crew.cpu()?);
    let sent = broadcast(&mut crew, sizes, sizes.broadcasts, &rooms)?;
    results.add_latency("send to last", kind.name(), &sent.last);
    let Sent { deliveries, seconds, .. } = sent;
    let cpu = process::cpu(server.pid())? - before.0;
    let load = (crew.cpu()? - before.1).total();
    let each = |seconds: f64| seconds * 1e6 / deliveries;
    results.table(table, &METRICS).add(
        kind.name(),
        vec![
            deliveries / seconds,
            each(cpu.user),
            each(cpu.system),
            each(cpu.total()),
            load * 100.0 / seconds,
        ],
    );
    Ok(())
}

/// What broadcasts came to.
pub(crate) struct Sent {
    pub(crate) deliveries: f64,
    /// Of a packet that was delivered, on average.
    pub(crate) bytes: f64,
    /// Until the last delivery.
    pub(crate) seconds: f64,
    /// From sending one to its last delivery, as the sending process saw it.
    pub(crate) last: Latency,
    /// From sending one to its ack; empty where there are none.
    pub(crate) ack: Latency,
}

/// Sends so many broadcasts to each room.
pub(crate) fn broadcast(
    crew: &mut Crew,
    sizes: Sizes,
    broadcasts: u32,
    rooms: &[Room],
) -> anyhow::Result<Sent> {
    let replies = crew.command(|at| {
        Command::Fanout(Fanout {
            send: at == 0,
            broadcasts,
            in_flight: sizes.in_flight,
            payload_bytes: sizes.payload_bytes,
            rooms: rooms.to_vec(),
        })
    })?;
    let (mut total, mut total_bytes, mut began, mut ended) = (0, 0, u64::MAX, 0);
    let (mut all_last, mut all_ack) = (Latency::new(), Latency::new());
    for reply in replies {
        let Reply::FannedOut { deliveries, bytes, last, ack, began_ns, ended_ns } = reply else {
            bail!("unexpected {reply:?}")
        };
        all_last.merge(&last);
        all_ack.merge(&ack);
        total += deliveries;
        total_bytes += bytes;
        began = began.min(began_ns);
        ended = ended.max(ended_ns);
    }
    process::pause(GRACE);
    let expected = u64::from(sizes.connections()) * u64::from(broadcasts);
    let events = crew.count_but_receipts()?;
    ensure!(
        events == expected && total == expected,
        "{events} deliveries arrived where {expected} were due"
    );
    Ok(Sent {
        deliveries: total as f64,
        bytes: total_bytes as f64 / total as f64,
        seconds: ended.saturating_sub(began) as f64 / 1e9,
        last: all_last,
        ack: all_ack,
    })
}
