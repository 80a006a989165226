//! Bytes of living heap of a server, by valgrind's massif.
//!
//! Massif knows the C library's allocator; what the release program asks of mimalloc is led there by
//! a shim (`allocator.c`). So the bytes are those that were asked for and not given back, whatever an
//! allocator keeps besides.

use std::ffi::OsString;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::valgrind::Valgrind;
use crate::place::Place;
use crate::process;

const SHIM: &str = include_str!("allocator.c");

/// How long the heap may take to come to rest, and how often it is looked at.
const REST_MAX: Duration = Duration::from_secs(30);
const REST_STEP: Duration = Duration::from_millis(500);

/// Looks at the heap that must agree before it counts as at rest.
const LOOKS_ALIKE: u32 = 3;

/// One server's massif.
pub(super) struct Heap {
    valgrind: Valgrind,
}

impl Heap {
    /// Builds the shim.
    ///
    /// # Errors
    /// There is no C compiler, or no folder for what is written.
    pub(super) fn new(place: &Place) -> anyhow::Result<Self> {
        let valgrind = Valgrind::new(place)?;
        let (source, library) = (valgrind.path("allocator.c"), valgrind.path("allocator.so"));
        fs::write(&source, SHIM)?;
        let built = Command::new("cc")
            .args(["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .status()
            .context("a C compiler is needed: install gcc or clang, as `cc`")?;
        ensure!(built.success(), "the allocator's shim cannot be built");
        Ok(Self { valgrind })
    }

    /// The words before the server's own.
    pub(super) fn words(&self) -> Vec<OsString> {
        let out = format!("--massif-out-file={}", self.valgrind.path("out").display());
        let shim = format!("LD_PRELOAD={}", self.valgrind.path("allocator.so").display());
        let mut words = vec!["env".into(), shim.into()];
        words.extend(self.valgrind.words(&["--tool=massif".into(), out]));
        words
    }

    /// Bytes that live once their number has come to rest.
    ///
    /// # Errors
    /// The server is gone, or its heap does not come to rest.
    pub(super) fn at_rest(&self, server: u32) -> anyhow::Result<f64> {
        let began = Instant::now();
        let (mut bytes, mut looks) = (self.now(server)?, 1);
        while looks < LOOKS_ALIKE {
            if began.elapsed() > REST_MAX {
                bail!("the heap does not come to rest in {REST_MAX:?}");
            }
            process::pause(REST_STEP);
            let now = self.now(server)?;
            looks = if now == bytes { looks + 1 } else { 1 };
            bytes = now;
        }
        Ok(bytes)
    }

    fn now(&self, server: u32) -> anyhow::Result<f64> {
        let path = self.valgrind.path("snapshot");
        let name = path.to_str().context("the target directory's name is text")?;
        self.valgrind.order(server, &["snapshot", name])?;
        let text = fs::read_to_string(&path).context("massif wrote no snapshot")?;
        fs::remove_file(&path)?;
        living(&text)
    }
}

/// The bytes that live, as a snapshot tells them.
fn living(snapshot: &str) -> anyhow::Result<f64> {
    let bytes = snapshot.lines().find_map(|line| line.strip_prefix("mem_heap_B="));
    bytes.and_then(|bytes| bytes.parse().ok()).context("a snapshot without mem_heap_B")
}

#[cfg(test)]
mod tests {
    use super::living;

    #[test]
    fn a_snapshot_tells_what_lives_without_the_allocators_own() {
        let snapshot = "snapshot=0\ntime=568\nmem_heap_B=912988\nmem_heap_extra_B=40108\n";
        assert_eq!(living(snapshot).unwrap(), 912_988.0);
        assert!(living("snapshot=0\n").is_err());
    }
}
