//! The API docs: their examples run, and their links lead somewhere.
//!
//! `cargo doc` would have all dependencies checked once more. `cargo test --doc` takes what the tests were
//! built of, and starts rustdoc for each library; here it starts this program, which has rustdoc run the examples
//! and then write the docs.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::command::{as_tested, run};
use crate::workspace::{Profile, Workspace};

/// Where this program has rustdoc write, when it stands in its place.
const STAND_IN: &str = "PARLOR_DOCS_GO_TO";
/// Options about examples, with whether a value follows.
const OF_EXAMPLES: [(&str, bool); 4] =
    [("--test", false), ("--no-run", false), ("--test-run-directory", true), ("--test-args", true)];

/// Examples fail by themselves, and any warning fails.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let docs = workspace.scratch("docs")?;
    run(as_tested(workspace.root(), &["test", "--doc"])
        .env("RUSTDOC", workspace.program("xtask", Profile::Dev))
        .env(STAND_IN, docs))
}

/// Stands in the place of rustdoc, if cargo started this program for it.
///
/// # Errors
/// rustdoc cannot be started.
pub(crate) fn stand_in() -> Result<Option<ExitCode>> {
    let Some(docs) = std::env::var_os(STAND_IN) else { return Ok(None) };
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let is_about_examples = arguments.iter().any(|argument| argument == "--test");
    let is_done = rustdoc(&arguments)?;
    if !is_done || !is_about_examples {
        return Ok(Some(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }));
    }
    let mut write = vec!["--document-private-items".into(), "-Dwarnings".into()];
    write.extend(["--out-dir".into(), docs]);
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        match OF_EXAMPLES.iter().find(|(name, _)| argument == *name) {
            Some((_, true)) => drop(rest.next()),
            Some((_, false)) => {}
            None => write.push(argument),
        }
    }
    let is_written = rustdoc(&write)?;
    Ok(Some(if is_written { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}

fn rustdoc(arguments: &[OsString]) -> Result<bool> {
    let status = Command::new("rustdoc").args(arguments).status();
    Ok(status.context("rustdoc cannot be started")?.success())
}
