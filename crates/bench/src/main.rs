//! The benchmarks: `parlor-bench all` measures everything and writes a report; `parlor-bench NAME`
//! measures one scenario and prints its table.
//!
//! This process starts a server and load processes (itself, as `parlor-bench client`), tells the
//! load what to do, and reads the server's memory and processor time from `/proc`. Rounds are
//! interleaved (Parlor, peer, Parlor, peer …), each with a fresh server; medians, spreads and
//! ratios make the table. Anything lost, refused or doubled fails the scenario. Linux only.
//!
//! - `idle`, `tls`, `million`, `fanout`, `groups`, `membership`, `direct`: what things cost
//! - `mixed`: all of it at once, for long; `growth`: what things cost by their number
//! - `start`, `binary`: a server with much stored, and the program itself
//! - `stalled`, `storm`: what the server does when its clients make trouble
//! - `presence`: what is told when everyone comes and goes; `readers`: when everyone in a group reads
//! - `scenario`, `results`, `suite`, `progress`: what they have in common, and how they are run
//! - `counts`: what is counted rather than timed, and held against limits
//! - `crew`, `protocol`, `load`: the load processes, from outside, between, and inside
//! - `server`, `proxy`, `peers`, `install`, `place`, `pin`, `process`: the servers, their programs, cores and costs
//! - `store`: the embedded store without a server: alone, and filled
//! - `chance`, `latency`, `stats`, `table`, `plot`, `bars`, `report`: what comes out

mod bars;
mod binary;
mod chance;
mod cluster;
mod counts;
mod crew;
mod direct;
mod engines;
mod fanout;
mod groups;
mod growth;
mod idle;
mod install;
mod latency;
mod load;
mod membership;
mod million;
mod mixed;
mod peers;
mod pgbench;
mod pin;
mod place;
mod plot;
mod presence;
mod process;
mod progress;
mod protocol;
mod proxy;
mod readers;
mod report;
mod results;
mod scenario;
mod server;
mod stalled;
mod start;
mod stats;
mod store;
mod storm;
mod suite;
mod table;
mod tls;

use anyhow::ensure;
use clap::{Args, Parser, Subcommand};

use crate::place::Options;
use crate::scenario::Scenario;
use crate::server::Kind;
use crate::suite::{Plan, Scope};

/// Rounds of each server: of one scenario alone, of all of them, and where nothing is judged.
const ROUNDS_ONE: u32 = 5;
const ROUNDS_ALL: u32 = 3;
const ROUNDS_QUICK: u32 = 1;

/// Measures Parlor and its peers
#[derive(Debug, Parser)]
#[command(name = "parlor-bench")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every scenario, interleaved, with a report, plots and the bars
    All {
        #[command(flatten)]
        common: Common,
        /// Only these scenarios, by name
        #[arg(long, value_delimiter = ',')]
        scenarios: Vec<String>,
    },
    #[command(flatten)]
    One(One),
    /// Counts that have fixed limits: allocations, system calls, instructions, bytes of heap
    Counts {
        /// Measurements to take instead of all, by name, separated by commas
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// Plant something for each limit to notice, and demand that it does
        #[arg(long)]
        planted: bool,
        #[command(flatten)]
        options: Options,
    },
    /// A load process, driven by its parent
    #[command(hide = true)]
    Client,
    /// The embedded store alone, which takes appends for a while and says how many
    #[command(hide = true)]
    StoreAlone(store::Alone),
    /// Fills a data directory
    #[command(hide = true)]
    StoreFill(store::Fill),
}

/// Declares the scenarios: a command and a set of options for each, in the order they are run.
macro_rules! scenarios {
    ($($(#[doc = $about:literal])* $variant:ident: $module:ident,)*) => {
        #[derive(Debug, Subcommand)]
        enum One {
            $(
                $(#[doc = $about])*
                $variant {
                    #[command(flatten)]
                    common: Common,
                    #[command(flatten)]
                    options: $module::Options,
                },
            )*
        }

        impl One {
            fn of(self) -> (Common, Scenario) {
                match self {
                    $(Self::$variant { common, options } => {
                        let scenario = options.scenario(common.quick);
                        (common, scenario)
                    })*
                }
            }
        }

        /// All of them, as they are by default.
        fn catalogue(quick: bool) -> Vec<Scenario> {
            vec![$($module::Options::default().scenario(quick),)*]
        }
    };
}

scenarios! {
    /// User memory per idle connection, and connects per second
    Idle: idle,
    /// Connections by TLS, built in and behind a proxy
    Tls: tls,
    /// Very many connections, held through many heartbeats
    Million: million,
    /// One event to a room of many
    Fanout: fanout,
    /// Messages to a group of many, kept by Parlor, relayed by the others
    Groups: groups,
    /// What a group costs by its size
    Membership: membership,
    /// Direct messages with acks: how many, and how late at fixed rates
    Direct: direct,
    /// Readers that stop reading, among others
    Stalled: stalled,
    /// Everyone cut off at once and back at once
    Storm: storm,
    /// Presence packets when everyone is cut off at once
    Presence: presence,
    /// Packets when everyone in a large group reads one message
    Readers: readers,
    /// What each thing costs by the number of clients, members or messages
    Growth: growth,
    /// Starting with many messages stored, reading them and searching in them
    Start: start,
    /// Direct messages across the nodes of a cluster
    Cluster: cluster,
    /// What a messenger's users do, all at once and for long: is memory flat?
    Mixed: mixed,
    /// The size of the program that is shipped
    Binary: binary,
}

#[derive(Debug, Args)]
#[group(skip)]
struct Common {
    /// Small sizes and one round: shows that it works, says nothing of speed
    #[arg(long)]
    quick: bool,
    /// Rounds of each server
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
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

impl Common {
    fn run(&self, scope: Scope, mut scenarios: Vec<Scenario>) -> anyhow::Result<()> {
        for scenario in scenarios.iter_mut().filter(|_| !self.only.is_empty()) {
            match scope {
                Scope::One => {
                    self.only.iter().try_for_each(|kind| kind.check(scenario.name))?;
                    scenario.kinds.clone_from(&self.only);
                }
                // Not every server can do everything.
                Scope::All => scenario.kinds.retain(|kind| self.only.contains(kind)),
            }
        }
        scenarios.retain(|scenario| !scenario.kinds.is_empty());
        let rounds = match (self.quick, scope) {
            (true, _) => ROUNDS_QUICK,
            (false, Scope::One) => ROUNDS_ONE,
            (false, Scope::All) => ROUNDS_ALL,
        };
        let plan = Plan {
            options: &self.options,
            scope,
            quick: self.quick,
            rounds: self.rounds.unwrap_or(rounds),
            at_once: self.at_once,
        };
        suite::run(&plan, scenarios)
    }
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Client => load::run(),
        Command::Counts { only, planted, options } => counts::run(&options, &only, planted),
        Command::StoreAlone(alone) => alone.run(),
        Command::StoreFill(fill) => fill.run(),
        Command::One(one) => {
            let (common, scenario) = one.of();
            common.run(Scope::One, vec![scenario])
        }
        Command::All { common, scenarios: names } => {
            let mut scenarios = catalogue(common.quick);
            for name in &names {
                let known = scenarios.iter().any(|scenario| scenario.name == name);
                ensure!(known, "there is no scenario {name}");
            }
            let chosen =
                |it: &Scenario| names.is_empty() || names.iter().any(|name| name == it.name);
            scenarios.retain(chosen);
            common.run(Scope::All, scenarios)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn scenarios_have_names_of_their_own() {
        let mut names: Vec<_> = catalogue(true).iter().map(|scenario| scenario.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
