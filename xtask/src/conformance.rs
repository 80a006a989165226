//! The public test suites of the two protocols and of Node's client, run against the gateway's
//! examples.
//!
//! They are in a checkout of the repository `socketio/socket.io`, which is named on the command
//! line; none of it is kept here. Each suite is copied aside, installs its packages, and finds its
//! server on a port of its own choice. The client's suite runs against the published build of the
//! client, so that nothing of the checkout is compiled; what else it needs `tests/client-suite`
//! says.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, run};
use crate::workspace::{Profile, Workspace};

/// Where the protocols' suites look for their server, and where the client's does.
const ADDRESS: &str = "127.0.0.1:3000";
const CLIENT_ADDRESS: &str = "127.0.0.1:3210";
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// Each suite's folder in the checkout, and the example that it is for.
const SUITES: [(&str, &str); 2] = [
    ("docs/engine.io-protocol/v4-test-suite", "engineio_echo"),
    ("docs/socket.io-protocol/v5-test-suite", "socketio_echo"),
];

/// The folder of the client in the checkout.
const CLIENT: &str = "packages/socket.io-client";

/// Runs all suites.
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
        install(&folder)?;
        let program = workspace.program(&format!("examples/{example}"), Profile::Release);
        let _server = Example::start(&program, ADDRESS)?;
        run(Command::new("npm").args(["test", "--silent"]).current_dir(&folder))
            .with_context(|| format!("{suite} does not pass against {example}"))?;
    }
    check_client(workspace, checkout)
}

/// Runs the suite of Node's client, its own server left out.
fn check_client(workspace: &Workspace, checkout: &Path) -> Result<()> {
    let folder = workspace.scratch("conformance/client_suite")?;
    for file in ["package.json", "package-lock.json"] {
        let from = workspace.root().join("tests/client-suite").join(file);
        std::fs::copy(&from, folder.join(file)).with_context(|| format!("cannot read {from:?}"))?;
    }
    install(&folder)?;
    // The tests name the client as the folder that they are in.
    copy_folder(&folder.join("node_modules/socket.io-client/build"), &folder.join("build"))?;
    copy_folder(&checkout.join(CLIENT).join("test"), &folder.join("test"))?;
    let program = workspace.program("examples/client_suite", Profile::Release);
    let _server = Example::start(&program, CLIENT_ADDRESS)?;
    let mocha = ["--no-install", "mocha", "--import=tsx", "--exit", "test/index.ts"];
    run(Command::new("npx").args(mocha).current_dir(&folder))
        .with_context(|| format!("{CLIENT} does not pass against client_suite"))
}

fn install(folder: &Path) -> Result<()> {
    if !folder.join("node_modules").exists() {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("no {from:?}"))? {
        let (from, to) = entry.map(|it| (it.path(), to.join(it.file_name())))?;
        if from.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            std::fs::copy(&from, &to).with_context(|| format!("cannot copy {from:?}"))?;
        }
    }
    Ok(())
}

/// A running example, killed when dropped.
struct Example(Child);

impl Example {
    fn start(program: &Path, address: &str) -> Result<Self> {
        if TcpListener::bind(address).is_err() {
            bail!("{address} is in use; the suite needs it");
        }
        let mut command = Command::new(program);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut example = Self(child.with_context(|| format!("cannot start {program:?}"))?);
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = example.0.try_wait()? {
                bail!("{program:?} ended by itself ({status})");
            }
            if Instant::now() > deadline {
                bail!("{program:?} does not listen on {address}");
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
