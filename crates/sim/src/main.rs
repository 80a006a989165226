//! `parlor-sim faults`: break everything around the real server under load and check that nothing
//! acknowledged is lost, doubled or out of order. Exit code 1 when the promise was broken.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};
use parlor_sim::faults::{self, Plan};

/// How many findings are printed of each run.
const FINDINGS_SHOWN_MAX: usize = 40;

/// Breaks Parlor on purpose and checks what it promised.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Kill the server, its disk and its network under load, then check the history.
    Faults {
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
        /// How many messages are sent each second, in all.
        #[arg(long, default_value_t = 350.0)]
        sends_per_second: f64,
    },
}

fn main() -> Result<ExitCode> {
    let Command::Faults {
        seconds,
        seed,
        parlor_bin,
        node_clients_dir,
        users,
        node_clients,
        sends_per_second,
    } = Cli::parse().command;
    let seed = seed.unwrap_or_else(|| rand::random::<u32>().into());
    let rust = 2 * users - node_clients;
    println!("seed {seed}: {rust} Rust devices, {node_clients} Node clients, {seconds} s");
    let plan = Plan {
        binary: parlor_bin,
        node: node_clients_dir,
        duration: Duration::from_secs(seconds),
        seed,
        users,
        node_clients,
        sends_per_second,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(faults::run(&plan))?;
    print!("{}", outcome.tally);
    println!(
        "harness: with durability.fsync = \"relaxed\", losing power lost {} acknowledged messages, \
         as it must",
        outcome.relaxed_lost
    );
    for (kind, finding) in outcome.verdict.findings().take(FINDINGS_SHOWN_MAX) {
        println!("{kind}: {finding}");
    }
    if let Some(kept) = &outcome.kept {
        println!(
            "seed {seed}: the data, the server's log and the history lie in {}",
            kept.display()
        );
    }
    println!("{}", outcome.line());
    Ok(if outcome.verdict.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
