//! A short fuzz run of every target, from its corpus.
//!
//! Built without a sanitizer, so that the toolchain the project asks for is enough: the code has no
//! `unsafe`, and what is looked for are panics, overflows and hangs. Overflow checks and debug
//! assertions are on.

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
    let built = workspace.scratch("fuzz-build")?;
    let fuzz = |command: &str| {
        let mut fuzz = cargo(workspace.root());
        fuzz.args(["fuzz", command, "--sanitizer", "none", "--target-dir"]).arg(&built);
        fuzz
    };
    run(&mut fuzz("build"))?;
    for target in targets {
        let corpus = workspace.root().join("fuzz/corpus").join(target);
        // New inputs go to the first folder; the one under version control is only read.
        let found = workspace.scratch(&format!("fuzz/{target}"))?;
        run(fuzz("run").arg(target).args([found, corpus]).args([
            "--",
            "-timeout=10",
            &format!("-max_total_time={SECONDS_PER_TARGET}"),
        ]))
        .with_context(|| format!("fuzz target {target}: its input is in fuzz/artifacts"))?;
    }
    Ok(())
}
