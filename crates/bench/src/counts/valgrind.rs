//! A server under valgrind, and the orders it takes while it runs.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::place::Place;

/// One server's valgrind. Its pipes and what it writes lie in a folder that goes with it.
pub(super) struct Valgrind {
    folder: TempDir,
}

impl Valgrind {
    /// # Errors
    /// There is no folder for what it writes.
    pub(super) fn new(place: &Place) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(&place.scratch).context("no folder for valgrind")?;
        Ok(Self { folder })
    }

    /// A file of this name in its folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pipes(&self) -> String {
        format!("--vgdb-prefix={}", self.path("pipe").display())
    }

    /// The words before the server's own: valgrind, with this tool and what else it is told.
    pub(super) fn words(&self, options: &[String]) -> Vec<OsString> {
        let usual = ["valgrind".into(), "--quiet".into(), "--vgdb=yes".into(), self.pipes()];
        usual.iter().chain(options).map(OsString::from).collect()
    }

    /// Has the running server's valgrind obey an order of its tool's, and waits until it has.
    ///
    /// # Errors
    /// `vgdb` is missing, or the server is not there.
    pub(super) fn order(&self, server: u32, order: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("vgdb");
        command.arg(format!("--pid={server}")).arg(self.pipes()).args(order);
        let said = command.output().context("cannot run vgdb, which comes with valgrind")?;
        let errors = String::from_utf8_lossy(&said.stderr);
        ensure!(said.status.success(), "valgrind was not told to {}: {errors}", order.join(" "));
        Ok(())
    }
}
