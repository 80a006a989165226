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

/// All of it, against a release build.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    workspace.build_server(Profile::Release)?;
    for script in ["lint", "types", "build", "docs", "test"] {
        run(Command::new("npm")
            .args(["run", "--silent", script])
            .env("SERVER_UNDER_TEST", workspace.program("parlor", Profile::Release))
            .current_dir(clients_folder(workspace)))
        .with_context(|| format!("`npm run {script}` of the clients failed"))?;
    }
    Ok(())
}
