//! The programs of the `bench` and `sim` crates, built and run against a release server.
//!
//! They are built for speed where figures count; in the checks they are those that the tests are built with,
//! which saves as much again as building the server.

use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::command::run;
use crate::setup;
use crate::workspace::{Profile, Workspace};

/// What can be measured.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Bench {
    /// User memory per idle connection, and connects per second
    Idle,
    /// Connections by TLS, built in and behind a proxy
    Tls,
    /// Very many connections, held for ten minutes
    Million,
    /// One event to a room of 10,000
    Fanout,
    /// Messages to groups of 100 to 50,000
    Groups,
    /// What a group costs by its size
    Membership,
    /// Direct messages with acks, at several numbers of clients and several rates
    Direct,
    /// A tenth of the readers stop reading
    Stalled,
    /// Everyone is cut off at once and comes back at once
    Storm,
    /// Presence packets when everyone is cut off at once
    Presence,
    /// Packets when everyone in a large group reads one message
    Readers,
    /// What each thing costs by the number of clients, members or messages
    Growth,
    /// Starting, reading and searching with ten million messages stored
    Start,
    /// Direct messages across several nodes
    Cluster,
    /// A messenger's whole load for ten minutes
    Mixed,
    /// The size of the program that is shipped
    Binary,
    /// Counts that have fixed limits: allocations, system calls, instructions, bytes of heap
    Counts,
}

impl Bench {
    fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Tls => "tls",
            Self::Million => "million",
            Self::Fanout => "fanout",
            Self::Groups => "groups",
            Self::Membership => "membership",
            Self::Direct => "direct",
            Self::Stalled => "stalled",
            Self::Storm => "storm",
            Self::Presence => "presence",
            Self::Readers => "readers",
            Self::Growth => "growth",
            Self::Start => "start",
            Self::Cluster => "cluster",
            Self::Mixed => "mixed",
            Self::Binary => "binary",
            Self::Counts => "counts",
        }
    }
}

/// The program's word for all benchmarks.
const ALL: &str = "all";

/// Builds and runs one benchmark, which prints its table, or all of them, which writes a report.
///
/// # Errors
/// Something cannot be built, or a benchmark failed; the report then names it and has all others.
pub(crate) fn bench(
    workspace: &Workspace,
    tools: Profile,
    bench: Option<Bench>,
    quick: bool,
    options: &[String],
) -> Result<()> {
    if matches!(bench, Some(Bench::Counts)) {
        return count(workspace, options);
    }
    let mut program = program(workspace, tools, "parlor-bench", bench.map_or(ALL, Bench::name))?;
    program.arg("--bins").arg(workspace.programs(tools));
    if quick {
        program.arg("--quick");
    }
    run(program.args(options))
}

/// Runs each benchmark once, small, to see that it still runs.
pub(crate) fn smoke(workspace: &Workspace) -> Result<()> {
    bench(workspace, Profile::Dev, None, true, &[])
}

/// Takes the counts, which must be within their limits; then plants something for each limit to notice.
pub(crate) fn counts(workspace: &Workspace) -> Result<()> {
    count(workspace, &[])?;
    count(workspace, &["--planted".to_owned()])
}

/// Counts in programs that are built for speed in any case. Counts are the same in every run, so they have no
/// smaller one.
fn count(workspace: &Workspace, options: &[String]) -> Result<()> {
    setup::counts()?;
    workspace.build_server(Profile::Release)?;
    run(&mut workspace.counting())?;
    let mut program = made(workspace, Profile::Release, "parlor-bench", Bench::Counts.name());
    program.arg("--bins").arg(workspace.programs(Profile::Release));
    run(program.args(options))
}

/// What a fault run breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// One server, its disk and its network.
    Server,
    /// Three of them, their database, their Redis and the links between.
    Cluster,
}

/// Installs what the fault run needs, builds and runs it; it checks the histories and prints its
/// line of counts.
pub(crate) fn faults(
    workspace: &Workspace,
    tools: Profile,
    site: Site,
    seconds: u64,
    seed: Option<u64>,
) -> Result<()> {
    let command = match site {
        Site::Server => {
            setup::faults(workspace)?;
            "faults"
        }
        Site::Cluster => {
            setup::cluster(workspace)?;
            "cluster"
        }
    };
    let mut program = program(workspace, tools, "parlor-sim", command)?;
    program.args(["--seconds", &seconds.to_string()]);
    program.arg("--node-clients-dir").arg(setup::node_folder(workspace));
    if let Some(seed) = seed {
        program.args(["--seed", &seed.to_string()]);
    }
    run(&mut program)
}

/// Builds and runs the simulation: known seeds, then fresh ones for so long; or the planted faults.
pub(crate) fn sim(
    workspace: &Workspace,
    tools: Profile,
    seconds: u64,
    seed: Option<u64>,
    planted: bool,
) -> Result<()> {
    workspace.build_tools(tools)?;
    let mut program = Command::new(workspace.program("parlor-sim", tools));
    program.current_dir(workspace.root()).args(["sim", "--seconds", &seconds.to_string()]);
    if let Some(seed) = seed {
        program.args(["--seed", &seed.to_string()]);
    }
    if planted {
        program.arg("--planted");
    }
    run(&mut program)
}

/// A development program's command, with the server it is to run; both are built first.
fn program(workspace: &Workspace, tools: Profile, package: &str, command: &str) -> Result<Command> {
    workspace.build_server(Profile::Release)?;
    workspace.build_tools(tools)?;
    Ok(made(workspace, tools, package, command))
}

/// The same, of what is built.
fn made(workspace: &Workspace, tools: Profile, package: &str, command: &str) -> Command {
    let mut program = Command::new(workspace.program(package, tools));
    program.current_dir(workspace.root()).arg(command);
    program.arg("--parlor-bin").arg(workspace.program("parlor", Profile::Release));
    program
}
