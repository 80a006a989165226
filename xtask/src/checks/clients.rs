//! Stock clients, Node's and Python's, against the real binary.
//!
//! The tests start servers of their own, on ports and data folders of their own; they find the
//! binary by the variable `SERVER_UNDER_TEST`.

use std::process::Command;

use anyhow::{Context, Result};

use crate::command::run;
use crate::setup::{node_folder, python, python_folder};
use crate::workspace::{Profile, Workspace};

/// What is run against three nodes on one PostgreSQL and one Redis.
const SEVERAL: &[&str] = &[
    "nodes.several.mjs",
    "balancers.several.mjs",
    "groups.test.mjs",
    "crowds.test.mjs",
    "presence.test.mjs",
    "receipts.test.mjs",
    "recovery.test.mjs",
    "moderation.test.mjs",
    "devices.test.mjs",
    "own.test.mjs",
    "crash.test.mjs",
    "adapter.test.mjs",
    "traces.test.mjs",
];

/// Every test, against a release build.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    workspace.build_server(Profile::Release)?;
    node(workspace, Profile::Release, &[])?;
    run(Command::new(python(workspace))
        .args(["-m", "pytest", "-q"])
        .env("SERVER_UNDER_TEST", workspace.program("parlor", Profile::Release))
        .current_dir(python_folder(workspace)))
    .context("the Python clients' tests failed")
}

/// What has to hold on several nodes as on one, and what only they have to get right.
pub(crate) fn several(workspace: &Workspace) -> Result<()> {
    workspace.build_server(Profile::Release)?;
    run(Command::new("node")
        .arg("several.mjs")
        .args(SEVERAL)
        .env("SERVER_UNDER_TEST", workspace.program("parlor", Profile::Release))
        .current_dir(node_folder(workspace)))
    .context("the Node clients' tests against several nodes failed")
}

/// The README's snippet and one round of messages, against a build that is quick to make.
pub(crate) fn quick(workspace: &Workspace) -> Result<()> {
    workspace.build_server(Profile::Dev)?;
    node(workspace, Profile::Dev, &["snippet.test.mjs"])
}

fn node(workspace: &Workspace, profile: Profile, files: &[&str]) -> Result<()> {
    run(Command::new("node")
        // They wait more than they work.
        .args(["--test", "--test-reporter=spec", "--test-concurrency=2"])
        .args(files)
        .env("SERVER_UNDER_TEST", workspace.program("parlor", profile))
        .current_dir(node_folder(workspace)))
    .context("the Node clients' tests failed")
}
