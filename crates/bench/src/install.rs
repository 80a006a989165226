//! What the peers need that are no Rust programs: packages of npm and PyPI are installed into their
//! folders; of Node, Python, ejabberd and Prosody themselves it is said what is missing.
//!
//! `cargo xtask setup` installs all of it beforehand.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::server::Kind;

/// Installs what this server needs into its folder in `peers`, or says what is missing.
///
/// # Errors
/// Something is missing or cannot be installed.
pub(crate) fn peer(kind: Kind, peers: &Path) -> anyhow::Result<()> {
    match kind {
        Kind::Parlor | Kind::Gateway | Kind::Heartbeat | Kind::Bare | Kind::Socketioxide => Ok(()),
        Kind::Node => npm(&peers.join("node"), "@socket.io/redis-adapter"),
        Kind::Uws => npm(&peers.join("uws"), "socket.io"),
        Kind::Guide => npm(&peers.join("guide"), "socket.io"),
        Kind::Python => python(&peers.join("python")),
        Kind::Ejabberd => debian("ejabberd", "/usr/sbin/ejabberdctl"),
        Kind::Prosody => debian("prosody", "/usr/bin/prosody"),
    }
}

/// Installs the packages of a peer, unless the one that came to them last is there.
fn npm(folder: &Path, package: &str) -> anyhow::Result<()> {
    if Command::new("node").arg("--version").output().is_err() {
        bail!(
            "node is not on the PATH: install Node.js 20 or later, or name the servers to measure \
             with --only"
        );
    }
    if folder.join("node_modules").join(package).exists() {
        return Ok(());
    }
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))
        .context("npm comes with Node.js, and needs its registry")
}

fn python(folder: &Path) -> anyhow::Result<()> {
    let environment = folder.join(".venv");
    if environment.join("bin/uvicorn").exists() {
        return Ok(());
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    run(Command::new(environment.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(folder.join("requirements.txt")))
}

fn debian(package: &str, program: &str) -> anyhow::Result<()> {
    if !Path::new(program).exists() {
        bail!(
            "{package} is not installed: run `cargo xtask setup`, which installs Debian's package, \
             or name the servers to measure with --only"
        );
    }
    Ok(())
}

/// Runs a command, whose output is not the report's.
fn run(command: &mut Command) -> anyhow::Result<()> {
    eprintln!("bench: {command:?}");
    let status = command.stdout(Stdio::from(std::io::stderr())).status();
    let status = status.with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed");
    }
    Ok(())
}
