//! The programs of the `bench` and `sim` crates, built and run against a release server.

use anyhow::Result;
use clap::ValueEnum;

use crate::command::run;
use crate::workspace::{Profile, Workspace};

/// What can be measured.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Bench {
    /// User memory per idle connection, and connects per second
    Idle,
    /// One event to a room of 10,000
    Fanout,
    /// Direct messages with acks
    Direct,
}

impl Bench {
    const ALL: [Self; 3] = [Self::Idle, Self::Fanout, Self::Direct];

    fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Fanout => "fanout",
            Self::Direct => "direct",
        }
    }
}

/// Builds and runs one benchmark, which prints its table.
pub(crate) fn bench(workspace: &Workspace, bench: Bench, quick: bool) -> Result<()> {
    workspace.build(&["parlor", "parlor-bench"], Profile::Release)?;
    let mut program =
        std::process::Command::new(workspace.program("parlor-bench", Profile::Release));
    program.current_dir(workspace.root()).arg(bench.name());
    if quick {
        program.arg("--quick");
    }
    program.arg("--parlor-bin").arg(workspace.program("parlor", Profile::Release));
    run(&mut program)
}

/// Runs each benchmark once, small, to see that it still runs.
pub(crate) fn smoke(workspace: &Workspace) -> Result<()> {
    Bench::ALL.into_iter().try_for_each(|each| bench(workspace, each, true))
}

/// Builds and runs the fault run, which checks the histories and prints its line of counts.
pub(crate) fn faults(workspace: &Workspace, seconds: u64, seed: Option<u64>) -> Result<()> {
    workspace.build(&["parlor", "parlor-sim"], Profile::Release)?;
    let mut program = std::process::Command::new(workspace.program("parlor-sim", Profile::Release));
    program.current_dir(workspace.root()).args(["faults", "--seconds", &seconds.to_string()]);
    if let Some(seed) = seed {
        program.args(["--seed", &seed.to_string()]);
    }
    program.arg("--parlor-bin").arg(workspace.program("parlor", Profile::Release));
    run(&mut program)
}
