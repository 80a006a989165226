//! The public protocol test suites, run against the gateway's two examples.
//!
//! They are in a checkout of the repository `socketio/socket.io`, which is named on the command
//! line; none of it is kept here. Each suite is copied aside, installs its own packages, and
//! finds its server on port 3000.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, run};
use crate::workspace::{Profile, Workspace};

const ADDRESS: &str = "127.0.0.1:3000";
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// Each suite's folder in the checkout, and the example that it is for.
const SUITES: [(&str, &str); 2] = [
    ("docs/engine.io-protocol/v4-test-suite", "engineio_echo"),
    ("docs/socket.io-protocol/v5-test-suite", "socketio_echo"),
];

/// Runs both suites.
pub(crate) fn check(workspace: &Workspace, checkout: &Path) -> Result<()> {
    run(cargo(workspace.root()).args([
        "build",
        "--release",
        "--locked",
        "-p",
        "parlor-gateway",
        "--examples",
    ]))?;
    for (suite, example) in SUITES {
        let folder = workspace.scratch(&format!("conformance/{example}"))?;
        for file in ["package.json", "package-lock.json", "node-imports.js", "test-suite.js"] {
            let from = checkout.join(suite).join(file);
            std::fs::copy(&from, folder.join(file)).with_context(|| {
                format!("no {from:?}: name a checkout of the repository socketio/socket.io")
            })?;
        }
        if !folder.join("node_modules").exists() {
            run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))?;
        }
        let program = workspace.program(&format!("examples/{example}"), Profile::Release);
        let _server = Example::start(&program)?;
        run(Command::new("npm").args(["test", "--silent"]).current_dir(&folder))
            .with_context(|| format!("{suite} does not pass against {example}"))?;
    }
    Ok(())
}

/// A running example, killed when dropped.
struct Example(Child);

impl Example {
    fn start(program: &Path) -> Result<Self> {
        if TcpListener::bind(ADDRESS).is_err() {
            bail!("{ADDRESS} is in use; the suites need it");
        }
        let mut command = Command::new(program);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut example = Self(child.with_context(|| format!("cannot start {program:?}"))?);
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(ADDRESS).is_err() {
            if let Some(status) = example.0.try_wait()? {
                bail!("{program:?} ended by itself ({status})");
            }
            if Instant::now() > deadline {
                bail!("{program:?} does not listen on {ADDRESS}");
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(example)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("cannot end an example: {error}");
        }
    }
}
