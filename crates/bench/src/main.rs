//! The benchmarks: `parlor-bench idle | fanout | groups | direct | stalled | storm | presence | readers`,
//! each printing a table.
//!
//! This process starts a server and load processes (itself, as `parlor-bench client`), tells the
//! load what to do, and reads the server's memory and processor time from `/proc`. Rounds are
//! interleaved (Parlor, peer, Parlor, peer …), each with a fresh server; medians, spreads and
//! ratios make the table. Anything lost, refused or doubled fails the run. Linux only.
//!
//! - `idle`, `fanout`, `groups`, `direct`: the benchmarks
//! - `stalled`, `storm`: what the server does when its clients make trouble
//! - `presence`: what is told when everyone comes and goes; `readers`: when everyone in a group reads
//! - `crew`, `protocol`, `load`: the load processes, from outside, between, and inside
//! - `server`, `peers`, `install`, `place`, `pin`, `process`: the servers, their programs, cores and costs
//! - `latency`, `stats`, `table`, `report`: what comes out

mod crew;
mod direct;
mod fanout;
mod groups;
mod idle;
mod install;
mod latency;
mod load;
mod membership;
mod peers;
mod pin;
mod place;
mod presence;
mod process;
mod protocol;
mod readers;
mod report;
mod server;
mod stalled;
mod stats;
mod storm;
mod table;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::place::{Options, Place};
use crate::server::{Kind, Limits, OTHERS_KEEP};
use crate::table::Table;

/// Measures Parlor and its peers
#[derive(Debug, Parser)]
#[command(name = "parlor-bench")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// User memory per idle connection, and connects per second
    Idle {
        #[command(flatten)]
        common: Common,
        /// Connections at the end of the slope
        #[arg(long)]
        connections: Option<u32>,
    },
    /// One event to a room of many
    Fanout {
        #[command(flatten)]
        common: Common,
        /// Sockets in the room
        #[arg(long)]
        members: Option<u32>,
        /// Events sent to the room
        #[arg(long)]
        broadcasts: Option<u32>,
        /// Broadcasts sent before the first of them has arrived everywhere
        #[arg(long, default_value_t = 1)]
        in_flight: u32,
    },
    /// Messages to a group of many, kept by Parlor, relayed by the others
    Groups {
        #[command(flatten)]
        common: Common,
        /// Connected members
        #[arg(long)]
        members: Option<u32>,
        /// Groups of so many, spoken to at the same time
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        groups: u32,
        /// Further members, who are not connected (of Parlor's group only)
        #[arg(long, default_value_t = 0)]
        rows: u32,
        /// Messages sent
        #[arg(long)]
        messages: Option<u32>,
        /// Messages sent before the first of them has arrived everywhere
        #[arg(long, default_value_t = 1)]
        in_flight: u32,
    },
    /// What a group costs by its size
    Membership {
        #[command(flatten)]
        common: Common,
        /// Members of each group
        #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(2..))]
        members: Vec<u32>,
        /// How often each command is sent
        #[arg(long)]
        times: Option<u32>,
    },
    /// Direct messages with acks
    Direct {
        #[command(flatten)]
        common: Common,
        /// Connected users, in pairs
        #[arg(long)]
        clients: Option<u32>,
        /// Messages unanswered in the closed loop
        #[arg(long)]
        in_flight: Option<u32>,
        /// Length of each of the two loops
        #[arg(long)]
        seconds: Option<f64>,
        /// Messages a second of the open loop instead of half of what the closed one reached
        #[arg(long)]
        rate: Option<f64>,
        /// Confirm each of Parlor's messages by `delivered`, as a client of the guide does
        #[arg(long)]
        receipts: bool,
    },
    /// Readers that stop reading, among others
    Stalled {
        #[command(flatten)]
        common: Common,
        /// Connected users
        #[arg(long)]
        clients: Option<u32>,
        /// Those of them that stop reading
        #[arg(long)]
        stalled: Option<u32>,
        /// Messages a second among the others
        #[arg(long)]
        rate: Option<f64>,
    },
    /// Everyone cut off at once and back at once
    Storm {
        #[command(flatten)]
        common: Common,
        /// Clients that are cut off
        #[arg(long)]
        clients: Option<u32>,
        /// Messages that each of them misses, at most 64
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=64))]
        missed: u32,
        /// Messages a second of the 200 others
        #[arg(long)]
        rate: Option<f64>,
    },
    /// Presence packets when everyone is cut off at once
    Presence {
        #[command(flatten)]
        common: Common,
        /// Users that are cut off
        #[arg(long)]
        users: Option<u32>,
        /// Connections that are told of them
        #[arg(long)]
        watchers: Option<u32>,
        /// Users that each of those subscribes to, at most 500
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=500))]
        each: Option<u32>,
    },
    /// Packets when everyone in a large group reads one message
    Readers {
        #[command(flatten)]
        common: Common,
        /// Connected members, at most 10,000
        #[arg(long, value_parser = clap::value_parser!(u32).range(66..=10_000))]
        members: Option<u32>,
        /// Those of them that have the group open
        #[arg(long)]
        open: Option<u32>,
    },
    /// A load process, driven by its parent
    #[command(hide = true)]
    Client,
}

#[derive(Debug, Args)]
struct Common {
    /// Small sizes and one round: shows that it works, says nothing of speed
    #[arg(long)]
    quick: bool,
    /// Rounds of each server
    #[arg(long)]
    rounds: Option<u32>,
    /// Servers to measure, in this order; the first is what the others are compared with
    #[arg(long, value_delimiter = ',')]
    only: Vec<Kind>,
    /// Connections in the making at the same time
    #[arg(long, default_value_t = 128)]
    at_once: u32,
    #[command(flatten)]
    options: Options,
}

/// What all benchmarks need.
struct Run {
    place: Place,
    at_once: u32,
}

/// What sets one benchmark apart from another.
struct Benchmark<'a> {
    name: &'static str,
    title: &'static str,
    settings: String,
    kinds: &'a [Kind],
    table: Table,
}

impl Common {
    /// Runs the rounds of a benchmark and publishes its table.
    fn measure(
        &self,
        benchmark: Benchmark<'_>,
        round: impl Fn(&Run, Kind, &mut Table) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Benchmark { name, title, settings, kinds, mut table } = benchmark;
        let kinds = if self.only.is_empty() { kinds } else { &self.only };
        kinds.iter().try_for_each(|kind| kind.check(name))?;
        let place = Place::find(&self.options, kinds)?;
        let run = Run { place, at_once: self.at_once };
        let rounds = self.rounds.unwrap_or(if self.quick { 1 } else { 5 });
        for number in 1..=rounds {
            for kind in kinds {
                eprintln!("bench: {name}, round {number} of {rounds}: {}", kind.name());
                round(&run, *kind, &mut table)
                    .with_context(|| format!("{name} with {}", kind.name()))?;
            }
        }
        let notes = [settings, format!("{rounds} rounds, interleaved: median (least–greatest)")];
        report::publish(name, title, &notes, kinds, &table, &run.place)
    }
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Client => load::run(),
        Command::Idle { common, connections } => {
            let default = if common.quick { 1_000 } else { 18_000 };
            let sizes = idle::Sizes::new(connections.unwrap_or(default), common.quick);
            let benchmark = Benchmark {
                name: "idle",
                title: "Idle connections",
                settings: sizes.describe(),
                kinds: idle::kinds(common.quick),
                table: Table::new("idle", &idle::METRICS),
            };
            common.measure(benchmark, |run, kind, table| idle::round(run, kind, sizes, table))
        }
        Command::Fanout { common, members, broadcasts, in_flight } => {
            let (members_default, broadcasts_default) =
                if common.quick { (500, 100) } else { (10_000, 100) };
            let sizes = fanout::Sizes {
                // Processes hold even numbers of connections.
                members: members.unwrap_or(members_default) & !1,
                rooms: 1,
                broadcasts: broadcasts.unwrap_or(broadcasts_default),
                in_flight,
                payload_bytes: 80,
            };
            let benchmark = Benchmark {
                name: "fanout",
                title: "One event to a room",
                settings: sizes.describe(),
                kinds: &fanout::KINDS,
                table: Table::new("fanout", &fanout::METRICS),
            };
            common.measure(benchmark, |run, kind, table| fanout::round(run, kind, sizes, table))
        }
        Command::Groups { common, members, groups, rows, messages, in_flight } => {
            let (members_default, messages_default) =
                if common.quick { (500, 50) } else { (10_000, 100) };
            let sizes = fanout::Sizes {
                members: members.unwrap_or(members_default) & !1,
                rooms: groups,
                broadcasts: messages.unwrap_or(messages_default),
                in_flight,
                payload_bytes: 80,
            };
            let benchmark = Benchmark {
                name: "groups",
                title: "Messages to a group",
                settings: format!(
                    "{}; parlor: fsync before the ack and the fan-out, {rows} members more who \
                     are not connected; {OTHERS_KEEP}",
                    sizes.describe()
                ),
                kinds: groups::kinds(sizes.members),
                table: Table::new("groups", &groups::METRICS),
            };
            common
                .measure(benchmark, |run, kind, table| groups::round(run, kind, sizes, rows, table))
        }
        Command::Membership { common, members, times } => {
            let default: &[u32] =
                if common.quick { &[10, 300] } else { &[100, 1_000, 10_000, 100_000] };
            let sizes = membership::Sizes {
                members: if members.is_empty() { default.to_vec() } else { members },
                rounds: times.unwrap_or(if common.quick { 5 } else { 500 }),
            };
            let benchmark = Benchmark {
                name: "membership",
                title: "A group by its size",
                settings: sizes.describe(),
                kinds: &[Kind::Parlor],
                table: Table::new("membership", &membership::METRICS),
            };
            common
                .measure(benchmark, |run, kind, table| membership::round(run, kind, &sizes, table))
        }
        Command::Direct { common, clients, in_flight, seconds, rate, receipts } => {
            let (clients_default, in_flight_default, seconds_default) =
                if common.quick { (200, 64, 2.0) } else { (10_000, 512, 10.0) };
            let sizes = direct::Sizes {
                clients: clients.unwrap_or(clients_default) & !1,
                in_flight: in_flight.unwrap_or(in_flight_default),
                seconds: seconds.unwrap_or(seconds_default),
                content_bytes: 100,
                receipts,
                rate,
            };
            let benchmark = Benchmark {
                name: "direct",
                title: "Direct messages with acks",
                settings: sizes.describe(),
                kinds: &direct::KINDS,
                table: Table::new("direct", &direct::METRICS),
            };
            common.measure(benchmark, |run, kind, table| direct::round(run, kind, sizes, table))
        }
        Command::Stalled { common, clients, stalled, rate } => {
            let quick = common.quick;
            let (clients_default, stalled_default) =
                if quick { (200, 20) } else { (10_000, 1_000) };
            let clients = clients.unwrap_or(clients_default) & !1;
            let sizes = stalled::Sizes {
                clients,
                // Processes hold even numbers of connections, and somebody is left.
                stalled: (stalled.unwrap_or(stalled_default) & !1).min(clients - 2),
                each: 64,
                each_bytes: 4_000,
                feed_rate: if quick { 1_000.0 } else { 4_000.0 },
                rate: rate.unwrap_or(if quick { 200.0 } else { 1_000.0 }),
                seconds: if quick { 2.0 } else { 10.0 },
                limits: if quick { Limits::HighRatesFastHeartbeat } else { Limits::HighRates },
            };
            let benchmark = Benchmark {
                name: "stalled",
                title: "Readers that stop reading",
                settings: sizes.describe(),
                kinds: &[Kind::Parlor],
                table: Table::new("stalled", &stalled::METRICS),
            };
            common.measure(benchmark, |run, kind, table| stalled::round(run, kind, sizes, table))
        }
        Command::Storm { common, clients, missed, rate } => {
            let quick = common.quick;
            let sizes = storm::Sizes {
                clients: clients.unwrap_or(if quick { 200 } else { 10_000 }) & !1,
                missed,
                others: if quick { 20 } else { 200 },
                rate: rate.unwrap_or(if quick { 100.0 } else { 500.0 }),
                seconds: if quick { 2.0 } else { 10.0 },
            };
            let benchmark = Benchmark {
                name: "storm",
                title: "Cut off and back, all at once",
                settings: sizes.describe(),
                kinds: &[Kind::Parlor],
                table: Table::new("storm", &storm::METRICS),
            };
            common.measure(benchmark, |run, kind, table| storm::round(run, kind, sizes, table))
        }
        Command::Presence { common, users, watchers, each } => {
            let (users_default, watchers_default, each_default) =
                if common.quick { (200, 50, 8) } else { (10_000, 1_000, 100) };
            let sizes = presence::Sizes {
                // Processes hold even numbers of connections.
                users: users.unwrap_or(users_default) & !1,
                watchers: watchers.unwrap_or(watchers_default) & !1,
                each: each.unwrap_or(each_default),
                limits: match common.quick {
                    true => Limits::HighRatesShortGrace,
                    false => Limits::HighRates,
                },
            };
            let benchmark = Benchmark {
                name: "presence",
                title: "Who is there, when all come and go",
                settings: sizes.describe(),
                kinds: &[Kind::Parlor],
                table: Table::new("presence", &presence::METRICS),
            };
            common.measure(benchmark, |run, kind, table| presence::round(run, kind, sizes, table))
        }
        Command::Readers { common, members, open } => {
            let (members_default, open_default) =
                if common.quick { (200, 10) } else { (10_000, 100) };
            let sizes = readers::Sizes {
                members: members.unwrap_or(members_default) & !1,
                open: open.unwrap_or(open_default),
            };
            let benchmark = Benchmark {
                name: "readers",
                title: "Everyone in a group reads",
                settings: sizes.describe(),
                kinds: &[Kind::Parlor],
                table: Table::new("readers", &readers::METRICS),
            };
            common.measure(benchmark, |run, kind, table| readers::round(run, kind, sizes, table))
        }
    }
}
