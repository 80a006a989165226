//! What cargo and its plug-ins check.

use anyhow::{Context, Result, bail};

use crate::command::{as_tested, cargo, probe, run};
use crate::workspace::Workspace;

/// rustfmt has nothing to change.
pub(crate) fn fmt(workspace: &Workspace) -> Result<()> {
    let all = || {
        run(cargo(workspace.root()).args(["fmt", "--all", "--check"]))?;
        run(cargo(workspace.root()).args([
            "fmt",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--",
            "--check",
        ]))
    };
    all().context("format the sources with `cargo fmt --all`, and again in `fuzz`")
}

/// clippy and the compiler warn about nothing, in all that the tests are made of.
pub(crate) fn clippy(workspace: &Workspace) -> Result<()> {
    run(&mut as_tested(workspace.root(), &["build", "--all-targets"]))
}

/// Unit, property, contract and byte-level tests.
pub(crate) fn nextest(workspace: &Workspace) -> Result<()> {
    every_file_of_tests_is_named(workspace)?;
    run_tests(workspace, "not binary(postgres) and not binary(on_redis)")
}

/// The contract suite on a PostgreSQL server.
pub(crate) fn postgres(workspace: &Workspace) -> Result<()> {
    run_tests(workspace, "binary(postgres)")
}

/// The contract suite on Redis servers.
pub(crate) fn bus(workspace: &Workspace) -> Result<()> {
    run_tests(workspace, "binary(on_redis)")
}

/// A crate whose tests are one program names their files in its `tests/main.rs`; one that is not named
/// would not be run.
fn every_file_of_tests_is_named(workspace: &Workspace) -> Result<()> {
    for entry in std::fs::read_dir(workspace.root().join("crates"))? {
        let tests = entry?.path().join("tests");
        let Ok(named) = std::fs::read_to_string(tests.join("main.rs")) else { continue };
        for file in std::fs::read_dir(&tests)? {
            let file = file?.path();
            let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            let is_one = file.extension().is_some_and(|it| it == "rs") && name != "main";
            if is_one && !named.lines().any(|line| line == format!("mod {name};")) {
                bail!("{} is not named in the `main.rs` beside it", file.display());
            }
        }
    }
    Ok(())
}

fn run_tests(workspace: &Workspace, which: &str) -> Result<()> {
    let profile = if std::env::var_os("CI").is_some() { "ci" } else { "default" };
    run(as_tested(workspace.root(), &["nextest", "run", "--profile", profile])
        .args(["--filterset", which]))
}

/// Licences, bans and sources always; advisories whenever their database can be fetched.
pub(crate) fn deny(workspace: &Workspace) -> Result<()> {
    let deny = || {
        let mut command = cargo(workspace.root());
        command.args(["deny", "--locked"]);
        command
    };
    run(deny().args(["check", "bans", "licenses", "sources"]))?;
    if probe(deny().arg("fetch").arg("db")).is_none() {
        println!("notice: advisories were NOT checked: their database cannot be reached from here");
        return Ok(());
    }
    run(deny().args(["check", "advisories", "--disable-fetch"]))
}
