//! A short fuzz run of every target, from its corpus.
//!
//! Built without a sanitizer, so that the toolchain the project asks for is enough: the code has no
//! `unsafe`, and what is looked for are panics, overflows and hangs. Overflow checks and debug
//! assertions are on.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, output, run};
use crate::workspace::Workspace;

/// For each target; the corpus is replayed first.
const SECONDS_PER_TARGET: u32 = 4;

/// Runs each target of `fuzz/` for a while.
pub(crate) fn short(workspace: &Workspace) -> Result<()> {
    let listed = output(cargo(workspace.root()).args(["fuzz", "list"]))?;
    let targets: Vec<_> = listed.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
    if targets.is_empty() {
        bail!("fuzz/ has no targets");
    }
    run(&mut build(workspace)?)?;
    for target in targets {
        let corpus = workspace.root().join("fuzz/corpus").join(target);
        // New inputs go to the first folder; the one under version control is only read.
        let found = workspace.scratch(&format!("fuzz/{target}"))?;
        run(fuzz(workspace, "run")?.arg(target).args([found, corpus]).args([
            "--",
            "-timeout=10",
            &format!("-max_total_time={SECONDS_PER_TARGET}"),
        ]))
        .with_context(|| format!("fuzz target {target}: its input is in fuzz/artifacts"))?;
    }
    Ok(())
}

/// The command that builds all targets.
///
/// # Errors
/// There is no place to build them in.
pub(crate) fn build(workspace: &Workspace) -> Result<Command> {
    fuzz(workspace, "build")
}

fn fuzz(workspace: &Workspace, command: &str) -> Result<Command> {
    let mut fuzz = cargo(workspace.root());
    fuzz.args(["fuzz", command, "--sanitizer", "none", "--target-dir"]);
    fuzz.arg(workspace.scratch("fuzz-build")?);
    Ok(fuzz)
}
