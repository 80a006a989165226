//! Where the sources are and where cargo puts what it builds.
//!
//! Both come from `cargo metadata`, so that a `CARGO_TARGET_DIR` or a config file elsewhere is
//! heeded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::{as_tested, cargo, output, run};

/// How a program is built: which folder of the target directory it ends in.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// As users run it.
    Release,
}

/// The workspace as cargo describes it.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    imports: BTreeMap<String, BTreeSet<String>>,
}

impl Workspace {
    /// Asks cargo about the workspace that this program is called in.
    ///
    /// Not about the one it was built from: cargo takes what another checkout has built in the same target directory
    /// for its own.
    pub(crate) fn find() -> Result<Self> {
        let text = output(cargo(Path::new(".")).args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ]))?;
        let metadata: Value = serde_json::from_str(&text).context("cargo metadata is no JSON")?;
        let path = |key: &str| -> Result<PathBuf> {
            Ok(metadata[key]
                .as_str()
                .with_context(|| format!("cargo metadata lacks {key}"))?
                .into())
        };
        Ok(Self {
            root: path("workspace_root")?,
            target: path("target_directory")?,
            imports: imports(&metadata)?,
        })
    }

    /// The folder of the root `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A place for files that a check makes, inside the target directory.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let path = self.target.join("xtask").join(name);
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// Which crates of the workspace each of them imports, by their short names.
    pub(crate) fn imports(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.imports
    }

    /// Builds the server.
    pub(crate) fn build_server(&self, profile: Profile) -> Result<()> {
        run(&mut self.server(profile))
    }

    /// The command that builds the server: for use as whoever builds it does, or quickly, as it is tested.
    pub(crate) fn server(&self, profile: Profile) -> Command {
        match profile {
            Profile::Dev => as_tested(&self.root, &["build", "--bins"]),
            Profile::Release => {
                let mut build = cargo(&self.root);
                build.args(["build", "--locked", "--release", "-p", "parlor"]);
                build
            }
        }
    }

    /// Builds what measures it and what breaks it: for use, or quickly, with all else that is tested, where it
    /// does not matter how fast they are.
    ///
    /// # Errors
    /// They cannot be built.
    pub(crate) fn build_tools(&self, profile: Profile) -> Result<()> {
        run(&mut match profile {
            Profile::Dev => as_tested(&self.root, &["build", "--bins"]),
            Profile::Release => {
                // In one go: one by one, what they stand on would be built again with the features that each
                // asks for.
                let mut build = cargo(&self.root);
                build.args(["build", "--locked", "--release", "-p", "parlor-bench"]).args([
                    "-p",
                    "parlor-sim",
                    "--features",
                    "parlor-bench/peers",
                ]);
                build
            }
        })
    }

    /// The command that builds what counts, and the programs in which it counts beside the server, for use.
    pub(crate) fn counting(&self) -> Command {
        let mut build = cargo(&self.root);
        build.args(["build", "--locked", "--release", "-p", "parlor-bench"]);
        build
    }

    /// Where cargo puts programs once they are built.
    pub(crate) fn programs(&self, profile: Profile) -> PathBuf {
        self.target.join(match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        })
    }

    /// Where one of them is.
    pub(crate) fn program(&self, name: &str, profile: Profile) -> PathBuf {
        self.programs(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

/// Reads the graph of normal and build dependencies between the workspace's crates.
fn imports(metadata: &Value) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lacks packages")?;
    let mut graph = BTreeMap::new();
    for package in packages {
        let name = package["name"].as_str().context("a package without a name")?;
        let dependencies = package["dependencies"].as_array().context("no dependencies listed")?;
        let ours = dependencies
            .iter()
            .filter(|dependency| dependency["path"].is_string() && dependency["kind"] != "dev")
            .filter_map(|dependency| dependency["name"].as_str())
            .map(short)
            .collect();
        graph.insert(short(name), ours);
    }
    Ok(graph)
}

/// A crate's name as the documents write it: `wire` for `parlor-wire`.
fn short(name: &str) -> String {
    name.strip_prefix("parlor-").unwrap_or(name).to_owned()
}
