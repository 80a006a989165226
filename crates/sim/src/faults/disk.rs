//! The disk under the server: a shim before its C library (`disk.c`) that fails on order, and
//! remembers what a disk would still have after a loss of power.
//!
//! Orders and counts are words of a file that the shim maps; they are written and read here by
//! plain file calls, which on one machine see the same bytes. What was ordered stays ordered until
//! it is taken back, over any number of restarts.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

const SHIM: &str = include_str!("disk.c");

/// Where the words lie, as `disk.c` has them.
const SITES: u64 = 0;
const COUNTDOWN: u64 = 1;
const HOW: u64 = 2;
const FULL: u64 = 3;
const SYNCS_FAIL: u64 = 4;
const CALLS: u64 = 8;
const REFUSED: u64 = 12;
const FAILED: u64 = 13;
const KILLED: u64 = 14;
const WORDS: u64 = 15;

/// A kind of call at which the server can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    /// A write to the write-ahead log: part of a commit.
    LogWrite,
    /// A sync of the write-ahead log: the end of a commit, or the begin of a checkpoint.
    LogSync,
    /// A write to the database: part of a checkpoint.
    DatabaseWrite,
    /// A sync of the database: the end of a checkpoint.
    DatabaseSync,
}

impl Site {
    fn index(self) -> u64 {
        match self {
            Self::LogWrite => 0,
            Self::LogSync => 1,
            Self::DatabaseWrite => 2,
            Self::DatabaseSync => 3,
        }
    }

    fn bit(self) -> u64 {
        1 << self.index()
    }
}

/// Where in that call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instant {
    /// Before it does anything.
    Before,
    /// With half of the bytes written.
    Halfway,
    /// After it is done, before its caller knows.
    After,
}

/// What a full disk refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Writes that make a file longer.
    Growth,
    /// Every write, as where each goes to a new place.
    Everything,
}

/// The shim, built, and the folder it works in.
pub(super) struct Disk {
    library: PathBuf,
    data: PathBuf,
    folder: PathBuf,
    orders: File,
}

impl Disk {
    /// Builds the shim and makes an empty disk for the data folder `data`.
    ///
    /// # Errors
    /// When there is no C compiler, or the files cannot be made.
    pub(super) fn make(folder: &Path, data: &Path) -> Result<Self> {
        for name in ["", "kept", "dirty", "graves"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let (source, library) = (folder.join("disk.c"), folder.join("disk.so"));
        fs::write(&source, SHIM)?;
        let built = Command::new("cc")
            .args(["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .args(["-ldl", "-lpthread"])
            .status()
            .context("a C compiler is needed: install gcc or clang, as `cc`")?;
        ensure!(built.success(), "the disk's shim cannot be built");
        let orders = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(folder.join("orders"))?;
        orders.set_len(WORDS * 8)?;
        Ok(Self { library, data: data.into(), folder: folder.into(), orders })
    }

    /// What a server's environment needs to lie on this disk.
    pub(super) fn environment(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("LD_PRELOAD", self.library.clone()),
            ("FAULTS_DATA", self.data.clone()),
            ("FAULTS_DISK", self.folder.clone()),
        ]
    }

    /// The data folder.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// Where the kept bytes lie.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lets the server die at the `nth` of these calls from now on.
    ///
    /// # Errors
    /// When the orders cannot be written.
    pub(super) fn kill_at(&self, site: Site, nth: u64, instant: Instant) -> Result<()> {
        self.set(KILLED, 0)?;
        self.set(COUNTDOWN, nth)?;
        self.set(HOW, instant as u64)?;
        self.set(SITES, site.bit())
    }

    /// Takes that back; says whether the server died of it.
    ///
    /// # Errors
    /// When the orders cannot be read or written.
    pub(super) fn spare(&self) -> Result<bool> {
        self.set(SITES, 0)?;
        Ok(self.get(KILLED)? != 0)
    }

    /// Fills the disk, or gives room again.
    ///
    /// # Errors
    /// When the orders cannot be written.
    pub(super) fn fill(&self, full: Option<Full>) -> Result<()> {
        let word = match full {
            None => 0,
            Some(Full::Growth) => 1,
            Some(Full::Everything) => 2,
        };
        self.set(FULL, word)
    }

    /// Lets every sync at this site fail, or none any more.
    ///
    /// # Errors
    /// When the orders cannot be written.
    pub(super) fn fail_syncs(&self, site: Option<Site>) -> Result<()> {
        self.set(SYNCS_FAIL, site.map_or(0, Site::bit))
    }

    /// How many writes were refused, as on a full disk.
    ///
    /// # Errors
    /// When the counts cannot be read.
    pub(super) fn refused(&self) -> Result<u64> {
        self.get(REFUSED)
    }

    /// How many syncs failed.
    ///
    /// # Errors
    /// When the counts cannot be read.
    pub(super) fn failed_syncs(&self) -> Result<u64> {
        self.get(FAILED)
    }

    /// How many calls there were at a site.
    ///
    /// # Errors
    /// When the counts cannot be read.
    pub(super) fn calls(&self, site: Site) -> Result<u64> {
        self.get(CALLS + site.index())
    }

    fn set(&self, word: u64, value: u64) -> Result<()> {
        Ok(self.orders.write_all_at(&value.to_le_bytes(), word * 8)?)
    }

    fn get(&self, word: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        self.orders.read_exact_at(&mut bytes, word * 8)?;
        Ok(u64::from_le_bytes(bytes))
    }
}
