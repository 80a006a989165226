//! `parlor-sim faults`: break everything around the real server under load and check that nothing
//! acknowledged is lost, doubled or out of order. `parlor-sim cluster`: the same of several servers on one
//! database. `parlor-sim sim`: the same of simulated worlds.
//! Exit code 1 when the promise was broken.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use parlor_sim::app;
use parlor_sim::faults::{self, Outcome, Plan, cluster};
use parlor_sim::world::runs;

/// How many findings of each kind are printed.
const FINDINGS_SHOWN_MAX: usize = 10;

/// Breaks Parlor on purpose and checks what it promised.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Kill the server, its disk and its network under load, then check the history.
    Faults(Load),
    /// Kill, cut off and stop nodes, their database and their Redis under load, then check the history.
    Cluster(Load),
    /// Some programs with the Rust SDK, in a process that a fault run starts and kills.
    #[command(hide = true)]
    Apps,
    /// Simulate many small worlds in which everything breaks, and check each history.
    Sim {
        /// How long to go on, in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// The first seed; random when not given, or 1 for planted faults, so that how many seeds
        /// they take is the same each time. With `--seconds 0` it alone is run.
        #[arg(long)]
        seed: Option<u64>,
        /// Plant faults instead, and see that each is found.
        #[arg(long)]
        planted: bool,
        /// Of the planted faults only this one, with its trace.
        #[arg(long, requires = "planted")]
        only: Option<String>,
    },
}

/// Who takes part in a run, and for how long.
#[derive(Args)]
struct Load {
    /// How long to send and break things, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What all chance follows from; printed, random when not given.
    #[arg(long)]
    seed: Option<u64>,
    /// The server to run.
    #[arg(long)]
    parlor_bin: PathBuf,
    /// The folder of the Node clients, with their packages installed.
    #[arg(long, default_value = "tests/clients/node")]
    node_clients_dir: PathBuf,
    /// How many users talk, with two devices each.
    #[arg(long, default_value_t = 130)]
    users: usize,
    /// How many of the devices are stock clients of Node's.
    #[arg(long, default_value_t = 60)]
    node_clients: usize,
    /// How many of the devices are programs with the Rust SDK.
    #[arg(long, default_value_t = 20)]
    sdk_clients: usize,
    /// How many messages are sent each second, in all.
    #[arg(long, default_value_t = 350.0)]
    sends_per_second: f64,
}

impl Load {
    fn plan(self) -> Plan {
        Plan {
            binary: self.parlor_bin,
            node: self.node_clients_dir,
            duration: Duration::from_secs(self.seconds),
            seed: self.seed.unwrap_or_else(|| rand::random::<u32>().into()),
            users: self.users,
            node_clients: self.node_clients,
            sdk_clients: self.sdk_clients,
            sends_per_second: self.sends_per_second,
        }
    }
}

fn simulate(seconds: Duration, seed: Option<u64>, planted: bool, only: Option<&str>) -> ExitCode {
    let first = seed.unwrap_or_else(|| if planted { 1 } else { rand::random::<u32>().into() });
    println!("first seed {first}");
    let kept = if planted {
        let (caught, all) = runs::planted(first, only);
        caught == all
    } else {
        let sum = if seconds.is_zero() { runs::one(first) } else { runs::sim(seconds, first) };
        println!("{}", sum.line());
        sum.is_kept()
    };
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Faults(load) => {
            let plan = load.plan();
            break_things(&plan, faults::run(&plan))
        }
        Command::Cluster(load) => {
            let plan = load.plan();
            break_things(&plan, cluster::run(&plan))
        }
        Command::Apps => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(app::run())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Sim { seconds, seed, planted, only } => {
            Ok(simulate(Duration::from_secs(seconds), seed, planted, only.as_deref()))
        }
    }
}

fn break_things(plan: &Plan, run: impl Future<Output = Result<Outcome>>) -> Result<ExitCode> {
    let Plan { seed, users, node_clients, sdk_clients, duration, .. } = plan;
    let rust = 2 * users - node_clients - sdk_clients;
    let seconds = duration.as_secs();
    println!(
        "seed {seed}: {rust} Rust devices, {sdk_clients} programs with the Rust SDK, \
         {node_clients} Node clients, {seconds} s"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(run)?;
    print!("{}", outcome.tally);
    println!("harness: {}", outcome.harness);
    let mut shown = HashMap::<_, usize>::new();
    for (kind, finding) in outcome.verdict.findings() {
        let count = shown.entry(kind).or_default();
        *count += 1;
        if *count <= FINDINGS_SHOWN_MAX {
            println!("{kind}: {finding}");
        }
    }
    if let Some(kept) = &outcome.kept {
        println!(
            "seed {seed}: the data, the servers' logs and the history lie in {}",
            kept.display()
        );
    }
    println!("{}", outcome.line());
    Ok(if outcome.verdict.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
