//! The clients in TypeScript: style, types, what is built of them, and their tests against the real binary
//! and in a real browser.
//!
//! That their types of the protocol are the server's is a test of `parlor-protocol`; the size of the package is
//! one of the tests here. These start servers and browsers of their own; they find the binary by the variable
//! `SERVER_UNDER_TEST`.

use std::process::Command;

use anyhow::{Context, Result};

use crate::command::run;
use crate::setup::clients_folder;
use crate::workspace::{Profile, Workspace};

/// Their packages, each with tests of its own.
const PACKAGES: [&str; 4] = ["typescript", "react", "web", "guides"];

/// All of it, against a release build. Ends with the first that fails, so that its words are the last.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    workspace.build_server(Profile::Release)?;
    for script in ["lint", "types", "build", "docs"] {
        npm(workspace, &[script])?;
    }
    PACKAGES.iter().try_for_each(|package| npm(workspace, &["test", "--workspace", package]))
}

fn npm(workspace: &Workspace, script: &[&str]) -> Result<()> {
    run(Command::new("npm")
        .args(["run", "--silent"])
        .args(script)
        .env("SERVER_UNDER_TEST", workspace.program("parlor", Profile::Release))
        .current_dir(clients_folder(workspace)))
    .context("the TypeScript clients failed")
}
