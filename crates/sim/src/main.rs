//! `parlor-sim faults`: kill the real server under load and check that nothing acknowledged is
//! lost, doubled or out of order. Exit code 1 when the promise was broken.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};
use parlor_sim::faults::{self, Plan};

/// How many findings are printed of each run.
const FINDINGS_SHOWN_MAX: usize = 20;

/// Breaks Parlor on purpose and checks what it promised.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Kill the server with SIGKILL and cut connections under load, then check the history.
    Faults {
        /// How long to send and kill, in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// What all chance follows from; printed, random when not given.
        #[arg(long)]
        seed: Option<u64>,
        /// The server to run.
        #[arg(long)]
        parlor_bin: PathBuf,
        /// How many users talk.
        #[arg(long, default_value_t = 20)]
        users: usize,
        /// How many devices each has.
        #[arg(long, default_value_t = 2)]
        devices: usize,
    },
}

fn main() -> Result<ExitCode> {
    let Command::Faults { seconds, seed, parlor_bin, users, devices } = Cli::parse().command;
    let seed = seed.unwrap_or_else(|| rand::random::<u32>().into());
    println!("seed {seed}: {users} users with {devices} devices each, {seconds} s");
    let plan = Plan {
        binary: parlor_bin,
        duration: Duration::from_secs(seconds),
        seed,
        users,
        devices_per_user: devices,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(faults::run(&plan))?;
    for (kind, finding) in outcome.verdict.findings().take(FINDINGS_SHOWN_MAX) {
        println!("{kind}: {finding}");
    }
    println!("{}", outcome.line());
    Ok(if outcome.verdict.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
