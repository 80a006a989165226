//! Where things lie and on which cores they run: found once, before anything is measured.
//!
//! The programs that are measured are built here (`cargo build --release`), except those given
//! by their path, so that a stale one is never measured by mistake.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;

use crate::install;
use crate::pin;
use crate::server::Kind;

/// Programs, folders and cores.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Program to measure as Parlor, already built
    #[arg(long)]
    parlor_bin: Option<PathBuf>,
    /// Folder of the release programs; the benchmark's own servers are not built if it is given
    #[arg(long)]
    bins: Option<PathBuf>,
    /// Folder of the peers that are no Rust programs
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Folder for the tables, samples and logs
    #[arg(long)]
    report: Option<PathBuf>,
    /// Core of the server
    #[arg(long, default_value_t = 0)]
    server_core: u32,
    /// Core of the load
    #[arg(long, default_value_t = 1)]
    load_core: u32,
}

/// What `Options` came to.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) report: PathBuf,
    /// For data: inside the target directory, since `/tmp` may be memory.
    pub(crate) scratch: PathBuf,
    pub(crate) parlor_bin: PathBuf,
    pub(crate) gateway_bin: PathBuf,
    pub(crate) heartbeat_bin: PathBuf,
    pub(crate) socketioxide_bin: PathBuf,
    pub(crate) bare_bin: PathBuf,
    pub(crate) peers: PathBuf,
    pub(crate) server_core: Option<u32>,
    pub(crate) load_core: Option<u32>,
    /// The program, with its arguments, that Parlor and the gateway alone run under; mostly none.
    pub(crate) under: Vec<OsString>,
}

impl Place {
    /// A command that runs a server on its core, under the program that watches it, if any.
    pub(crate) fn server(&self, program: &Path) -> Command {
        let Some((watcher, arguments)) = self.under.split_first() else {
            return pin::pinned(self.server_core, program);
        };
        let mut command = pin::pinned(self.server_core, watcher);
        command.args(arguments).arg(program);
        command
    }

    /// Finds everything and builds or installs what these servers lack.
    ///
    /// # Errors
    /// Something is missing, cannot be built or cannot be installed.
    pub(crate) fn find(options: &Options, kinds: &[Kind]) -> anyhow::Result<Self> {
        let (root, target) = workspace()?;
        let bins = options.bins.clone().unwrap_or_else(|| target.join("release"));
        let pin = pin::possible();
        if !pin {
            eprintln!("bench: taskset or a second core is missing; nothing is pinned");
        }
        let place = Self {
            report: options.report.clone().unwrap_or_else(|| root.join("bench/report")),
            scratch: target.join("bench"),
            parlor_bin: options.parlor_bin.clone().unwrap_or_else(|| bins.join("parlor")),
            gateway_bin: bins.join("parlor-bench-gateway"),
            heartbeat_bin: bins.join("parlor-bench-heartbeat"),
            socketioxide_bin: bins.join("parlor-bench-socketioxide"),
            bare_bin: bins.join("parlor-bench-bare"),
            peers: options.peers.clone().unwrap_or_else(|| root.join("crates/bench/peers")),
            server_core: pin.then_some(options.server_core),
            load_core: pin.then_some(options.load_core),
            under: Vec::new(),
            root,
            target,
        };
        for folder in [&place.report, &place.scratch] {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        if options.bins.is_none() {
            place.build(kinds, options.parlor_bin.is_none())?;
        }
        for kind in kinds {
            install::peer(*kind, &place.peers)?;
        }
        Ok(place)
    }

    fn build(&self, kinds: &[Kind], parlor: bool) -> anyhow::Result<()> {
        if parlor && kinds.contains(&Kind::Parlor) {
            self.cargo_build(&["-p", "parlor", "--bin", "parlor"])?;
        }
        if kinds.contains(&Kind::Gateway) {
            self.cargo_build(&["-p", "parlor-bench", "--bin", "parlor-bench-gateway"])?;
        }
        if kinds.contains(&Kind::Heartbeat) {
            self.cargo_build(&["-p", "parlor-bench", "--bin", "parlor-bench-heartbeat"])?;
        }
        if kinds.contains(&Kind::Bare) {
            self.cargo_build(&["-p", "parlor-bench", "--bin", "parlor-bench-bare"])?;
        }
        if kinds.contains(&Kind::Socketioxide) {
            let program = ["-p", "parlor-bench", "--bin", "parlor-bench-socketioxide"];
            self.cargo_build(&[&program[..], &["--features", "peers"]].concat())?;
        }
        Ok(())
    }

    fn cargo_build(&self, arguments: &[&str]) -> anyhow::Result<()> {
        self.cargo(&[&["build", "--release", "--locked"], arguments].concat())
    }

    /// Runs cargo in the workspace.
    ///
    /// # Errors
    /// It cannot be run, or fails.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let status = Command::new(cargo()).current_dir(&self.root).args(arguments).status();
        if !status.context("cannot run cargo")?.success() {
            bail!("cargo {} failed", arguments.join(" "));
        }
        Ok(())
    }
}

fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// The root and the target directory of the workspace that this is called in, as cargo knows them.
fn workspace() -> anyhow::Result<(PathBuf, PathBuf)> {
    let output = Command::new(cargo())
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .context("cannot run cargo metadata")?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata is no JSON")?;
    let path = |key: &str| {
        let text = metadata[key].as_str();
        text.map(PathBuf::from).with_context(|| format!("cargo metadata lacks {key}"))
    };
    Ok((path("workspace_root")?, path("target_directory")?))
}
