//! Messages to a group of many: how long until the last member has one, and what one costs.
//!
//! As `fanout`, but Parlor keeps each message on disk before it goes out and is acknowledged; so does
//! the guide's chat, and ejabberd and Prosody archive it; the others relay to a room and keep nothing. The text that they relay is longer by what Parlor's event
//! tells besides, so that a delivery is as many bytes. `--groups` speaks to several groups at the same
//! time, which shows what a server can do rather than how long one message takes; `--rows` adds members
//! who are not connected. Parlor is sent as many direct messages as well, one at a time, to compare
//! their acks with.

use anyhow::{Context, bail, ensure};

use crate::crew::{CONNECTIONS_MAX, Crew};
use crate::fanout::{self, Sizes};
use crate::latency::Latency;
use crate::load::user_name;
use crate::plot::Picture;
use crate::process;
use crate::protocol::{Ask, Command, Reply, Room};
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 10] = [
    Metric::compared("deliveries/s", 0),
    Metric::compared("send to last p50 ms", 1),
    Metric::compared("send to last p99 ms", 1),
    Metric::told("ack p50 ms", 2),
    Metric::told("ack p99 ms", 2),
    Metric::told("direct ack p50 ms", 2),
    Metric::told("direct ack p99 ms", 2),
    Metric::compared("user µs per delivery", 2),
    Metric::compared("CPU µs per delivery", 2),
    Metric::told("bytes per delivery", 0),
];

/// Who is measured: Parlor, those that relay, those that keep; Prosody last, and in small groups only.
const KINDS: [Kind; 8] = [
    Kind::Parlor,
    Kind::Gateway,
    Kind::Socketioxide,
    Kind::Node,
    Kind::Uws,
    Kind::Guide,
    Kind::Ejabberd,
    Kind::Prosody,
];

/// Who is measured in groups that are not the main one, and up to how many members a process without file tables of
/// its threads' own has files for.
const KINDS_BESIDE: [Kind; 4] = [Kind::Parlor, Kind::Gateway, Kind::Socketioxide, Kind::Node];
const MEMBERS_MAX: u32 = 18_000;

/// The members of the main group, then of the others.
const MEMBERS: [u32; 5] = [10_000, 100, 1_000, MEMBERS_MAX, 50_000];
const MEMBERS_QUICK: [u32; 2] = [500, 100];

/// Members of a room of Prosody's: it goes through all of them, several times, for each who enters.
const PROSODY_MEMBERS_MAX: u32 = 500;

/// Who is measured by default in groups of so many.
pub(crate) fn kinds(members: u32) -> &'static [Kind] {
    if members <= PROSODY_MEMBERS_MAX { &KINDS } else { &KINDS[..KINDS.len() - 1] }
}

/// What Parlor's event has beside the text, and the others' has not: the message's id, conversation,
/// group, number, time and sender.
const TOLD_BESIDES_BYTES: usize = 175;

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Connected members; each number is measured by itself, the first one is the main one
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(2..))]
    members: Vec<u32>,
    /// Groups of so many, spoken to at the same time [default: 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    groups: Option<u32>,
    /// Further members, who are not connected (of Parlor's group only) [default: 0]
    #[arg(long)]
    rows: Option<u32>,
    /// Messages sent
    #[arg(long)]
    messages: Option<u32>,
    /// Messages sent before the first of them has arrived everywhere [default: 1]
    #[arg(long)]
    in_flight: Option<u32>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let default: &[u32] = if quick { &MEMBERS_QUICK } else { &MEMBERS };
        let members = if self.members.is_empty() { default } else { &self.members };
        let members: Vec<u32> = members.iter().map(|members| members & !1).collect();
        let main = members.first().copied().unwrap_or(2);
        let sizes = Sizes {
            // Of the main number; it is put right for each of the others.
            members: main,
            rooms: self.groups.unwrap_or(1),
            broadcasts: self.messages.unwrap_or(if quick { 50 } else { 100 }),
            in_flight: self.in_flight.unwrap_or(1),
            payload_bytes: 80,
        };
        let rows = self.rows.unwrap_or(0);
        let beside = match &members[1..] {
            [] => String::new(),
            others => format!(", then of {others:?}"),
        };
        let settings = format!(
            "{}{beside}; parlor: fsync before the ack and the fan-out, {rows} members more who are not \
             connected, above {MEMBERS_MAX} its threads have file tables of their own; the others keep nothing",
            sizes.describe()
        );
        let mut pictures = Vec::new();
        for number in &members {
            let title = format!("Deliveries to {number} members");
            pictures.push(Picture::bars(&table(*number, main), &title, &["deliveries/s"]));
            let title = format!("From sending a message to its last delivery, {number} members");
            pictures.push(Picture::percentiles(&last_plot(*number), &title));
        }
        let estimate = members.len() as f64 * if quick { 3.0 } else { 20.0 };
        Scenario::new(
            "groups",
            "Messages to a group",
            settings,
            kinds(sizes.members),
            move |run, kind, results| {
                let among = members.iter().filter(|number| takes_part(kind, **number, main));
                among.copied().try_for_each(|members| {
                    // As many deliveries in small groups as in the main one, or what is measured is too short.
                    let broadcasts =
                        (sizes.broadcasts * main / members).clamp(sizes.broadcasts, 5_000);
                    let sizes = Sizes { members, broadcasts, ..sizes };
                    round(run, kind, sizes, rows, &table(members, main), results)
                })
            },
        )
        .with_estimate(estimate)
        .with_pictures(pictures)
    }
}

/// Whether a server is measured with so many members.
fn takes_part(kind: Kind, members: u32, main: u32) -> bool {
    match members > MEMBERS_MAX {
        true => kind == Kind::Parlor,
        false => members == main || KINDS_BESIDE.contains(&kind),
    }
}

/// The name of the table of a number of members.
fn table(members: u32, main: u32) -> String {
    if members == main { "groups".to_owned() } else { format!("groups, {members} members") }
}

fn last_plot(members: u32) -> String {
    format!("send to last, {members} members")
}

/// One round of one server, into the table of this name.
pub(crate) fn round(
    run: &Run,
    kind: Kind,
    sizes: Sizes,
    rows: u32,
    table: &str,
    results: &mut Results,
) -> anyhow::Result<()> {
    ensure!(
        sizes.rooms == 1 || sizes.connections() <= CONNECTIONS_MAX,
        "several groups have at most {CONNECTIONS_MAX} members together, the connections of one process"
    );
    let limits = Limits::HIGH_RATES.for_connections(sizes.connections());
    let server = Server::start(kind, &run.place, limits)?;
    let mut crew = Crew::start(
        sizes.connections(),
        run.place.load_core,
        server.address(),
        kind.auth(),
        run.at_once,
    )?;
    crew.connect(sizes.connections())?;
    let rooms = rooms(&mut crew, kind, sizes, rows)?;
    // All are told of each who is added: some gigabytes, where they are many.
    crew.settled()?;
    let payload_bytes = match kind {
        // XMPP tells as much besides.
        Kind::Parlor | Kind::Ejabberd | Kind::Prosody => sizes.payload_bytes,
        _ => sizes.payload_bytes + TOLD_BESIDES_BYTES,
    };
    let broadcast = |crew: &mut Crew, broadcasts: u32| {
        fanout::broadcast(crew, Sizes { payload_bytes, ..sizes }, broadcasts, &rooms)
    };
    broadcast(&mut crew, sizes.broadcasts.div_ceil(10))?;
    let before = process::cpu(server.pid())?;
    let sent = broadcast(&mut crew, sizes.broadcasts)?;
    let cpu = process::cpu(server.pid())? - before;
    let direct = match kind {
        Kind::Parlor => direct(&mut crew, sizes)?,
        _ => Latency::new(),
    };
    results.add_latency(&last_plot(sizes.members), kind.name(), &sent.last);
    let each = |seconds: f64| seconds * 1e6 / sent.deliveries;
    results.table(table, &METRICS).add(
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
            sent.bytes,
        ],
    );
    Ok(())
}

/// Puts the connections into their groups, or into rooms of the peers.
pub(crate) fn rooms(
    crew: &mut Crew,
    kind: Kind,
    sizes: Sizes,
    rows: u32,
) -> anyhow::Result<Vec<Room>> {
    let Sizes { members, rooms, .. } = sizes;
    if kind == Kind::Parlor {
        let first = |room: u32| usize::try_from(room * members);
        let group = |room| Ok(Room::Group(gather(crew, first(room)?, members + rows)?));
        return (0..rooms).map(group).collect();
    }
    if kind.is_xmpp() {
        ensure!(
            kind != Kind::Prosody || members <= PROSODY_MEMBERS_MAX,
            "entering takes Prosody longer the more are in a room: --members {PROSODY_MEMBERS_MAX} \
             at most"
        );
        let names: Vec<String> = (0..rooms).map(|room| format!("room{room}")).collect();
        let enter = Command::Enter { rooms: names.clone() };
        for reply in crew.command(|_| enter.clone())? {
            ensure!(matches!(reply, Reply::Entered), "unexpected {reply:?}");
        }
        return Ok(names.into_iter().map(Room::Muc).collect());
    }
    if rooms == 1 {
        return Ok(vec![Room::All]);
    }
    let name = |room: u32| format!("room {room}");
    let enter = |user: u32| (user as usize, format!(r#"["enter","{}"]"#, name(user / members)));
    let commands = (0..sizes.connections()).map(enter).collect();
    crew.command(|_| Command::Ask(Ask { commands: Vec::clone(&commands), rounds: 1 }))?;
    Ok((0..rooms).map(|room| Room::Named(name(room))).collect())
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

/// Makes a group of the users from one of the first process on.
pub(crate) fn gather(crew: &mut Crew, first: usize, members: u32) -> anyhow::Result<String> {
    let hand = |at| if at == 0 { Command::Gather { first, members } } else { Command::Count };
    match crew.command(hand)?.into_iter().next() {
        Some(Reply::Gathered { group }) => Ok(group),
        reply => bail!("unexpected {reply:?}"),
    }
}
