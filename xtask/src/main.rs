//! The project's own commands: `cargo xtask test`, `setup`, `bench`, `faults`, `sim`,
//! `conformance`, `picture`.
//!
//! `test` is the one list of checks: what CI runs, a person runs, by the same command. The modules,
//! in the order in which a test run meets them:
//!
//! - `workspace`: where the sources are and where cargo puts what it builds
//! - `command`: run a program, and say which one failed
//! - `steps`: the list of checks, their times, the table at the end
//! - `background`: what is built beside the set-up
//! - `setup`: install what the checks need, or name what is missing
//! - `checks`: one module per check that is more than a cargo command
//! - `load`: the programs of the `bench` and `sim` crates
//! - `conformance`: the public protocol suites, for those who have a checkout of them
//! - `picture`: the README's picture, drawn from what its commands print

mod background;
mod checks;
mod command;
mod conformance;
mod load;
mod picture;
mod setup;
mod steps;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::load::{Bench, Site};
use crate::steps::Selection;
use crate::workspace::{Profile, Workspace};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Parlor's own commands", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set up what the checks need, then run every check
    Test(Selection),
    /// Install what the checks need: Debian, cargo, npm and PyPI packages
    Setup,
    /// Measure everything and write a report with plots, or one thing and print its table
    Bench {
        /// What to measure; everything if not given
        bench: Option<Bench>,
        /// Fewer connections, fewer rounds: to see that it runs, not for figures
        #[arg(long)]
        quick: bool,
        /// Options of the benchmark's own, behind `--`: `-- --help` lists them
        #[arg(last = true)]
        options: Vec<String>,
    },
    /// Break server, disk, power and network under clients, and check their histories
    Faults {
        /// How long to go on
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Where the run's randomness starts; a failed run prints its own
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Break nodes, their database, their Redis and the links between them, and check the histories
    ClusterFaults {
        /// How long to go on
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Where the run's randomness starts; a failed run prints its own
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Simulate small worlds in which everything breaks, and check their histories
    Sim {
        /// How long to go on after the known seeds; with 0 and a seed, that one alone
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// The first seed; a run prints its own
        #[arg(long)]
        seed: Option<u64>,
        /// Plant faults, and see that each is found
        #[arg(long)]
        planted: bool,
    },
    /// Run the public Engine.IO and Socket.IO protocol suites against the gateway's examples
    Conformance {
        /// A checkout of the repository socketio/socket.io
        checkout: PathBuf,
    },
    /// Run the README's commands and draw what the terminals showed
    Picture,
}

fn main() -> ExitCode {
    let done = match checks::docs::stand_in() {
        Ok(Some(code)) => return code,
        Ok(None) => run(Arguments::parse().command),
        Err(error) => Err(error),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Test(selection) => return steps::run(&workspace, &selection),
        Command::Setup => setup::everything(&workspace)?,
        Command::Bench { bench, quick, options } => {
            load::bench(&workspace, Profile::Release, bench, quick, &options)?;
        }
        Command::Conformance { checkout } => conformance::check(&workspace, &checkout)?,
        Command::Picture => picture::draw(&workspace)?,
        Command::Faults { seconds, seed } => {
            load::faults(&workspace, Profile::Release, Site::Server, seconds, seed)?;
        }
        Command::ClusterFaults { seconds, seed } => {
            load::faults(&workspace, Profile::Release, Site::Cluster, seconds, seed)?;
        }
        Command::Sim { seconds, seed, planted } => {
            load::sim(&workspace, Profile::Release, seconds, seed, planted)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
