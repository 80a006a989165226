//! Instructions and calls of a server between two instants, by valgrind's callgrind.
//!
//! The server is the release program as it is; callgrind runs one of its threads at a time and
//! counts each instruction outside of the kernel. An allocation is a call of one of the few functions
//! that every allocation goes through: those of mimalloc that Rust calls, and those of the C library.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;

use anyhow::{Context, ensure};

use super::valgrind::Valgrind;
use crate::place::Place;

/// The functions that allocate.
const ALLOCATE: [&str; 7] = [
    "mi_malloc_aligned",
    "mi_zalloc_aligned",
    "mi_realloc_aligned",
    "malloc",
    "calloc",
    "realloc",
    "posix_memalign",
];

/// The functions that write to a socket or read from one.
const SOCKET: [&str; 7] = ["send", "sendto", "sendmsg", "writev", "recv", "recvfrom", "recvmsg"];

/// What a server did in an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) instructions: f64,
    pub(super) allocations: f64,
    /// Calls that write to a socket or read from one.
    pub(super) transfers: f64,
}

/// One server's callgrind.
pub(super) struct Callgrind {
    valgrind: Valgrind,
    intervals: u32,
}

impl Callgrind {
    /// Takes the calmest of so many intervals, at least one.
    ///
    /// # Errors
    /// There is no folder for its dumps.
    pub(super) fn new(place: &Place, intervals: u32) -> anyhow::Result<Self> {
        Ok(Self { valgrind: Valgrind::new(place)?, intervals })
    }

    /// The words before the server's own.
    pub(super) fn words(&self) -> Vec<OsString> {
        let dumps = format!("--callgrind-out-file={}", self.valgrind.path("dump").display());
        self.valgrind.words(&["--tool=callgrind".into(), "--dump-line=no".into(), dumps])
    }

    /// What the server does while `work` is done.
    ///
    /// # Errors
    /// The work's, or the server is gone, or what callgrind wrote cannot be read.
    fn interval(
        &self,
        server: u32,
        work: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<Interval> {
        self.valgrind.order(server, &["zero"])?;
        work()?;
        self.valgrind.order(server, &["dump"])?;
        let folder = self.valgrind.path("");
        let mut dumps = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("dump.")) {
                dumps.push(path);
            }
        }
        ensure!(dumps.len() == 1, "callgrind wrote {} dumps, not 1", dumps.len());
        let text = fs::read_to_string(&dumps[0]).context("callgrind's dump cannot be read")?;
        fs::remove_file(&dumps[0])?;
        parse(&text)
    }

    /// What the server does while `work` is done, in the calmest of several intervals, which is the one
    /// with the fewest instructions: what a server does besides, now and then, only adds to them.
    ///
    /// # Errors
    /// As of `interval`; or nothing was allocated or went through a socket, though there is no work of
    /// which that is so: then it is not seen.
    pub(super) fn calmest(
        &self,
        server: u32,
        mut work: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Interval> {
        let mut calmest = self.interval(server, &mut work)?;
        for _ in 1..self.intervals {
            calmest = calmest.or_calmer(self.interval(server, &mut work)?);
        }
        ensure!(
            calmest.allocations > 0.0 && calmest.transfers > 0.0,
            "callgrind sees no allocations or no transfers: {calmest:?}; are functions named anew?"
        );
        Ok(calmest)
    }
}

impl Interval {
    fn or_calmer(self, other: Self) -> Self {
        if other.instructions < self.instructions { other } else { self }
    }
}

/// Reads a dump: `fn=` and `cfn=` lines give a function a number, and its name the first time;
/// `calls=` follows the `cfn=` of who is called; `totals:` ends it.
fn parse(dump: &str) -> anyhow::Result<Interval> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut calls: HashMap<&str, f64> = HashMap::new();
    let (mut called, mut instructions) = (None, None);
    for line in dump.lines() {
        if let Some(function) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
            let (number, name) = function.split_once(' ').unwrap_or((function, ""));
            if !name.is_empty() {
                names.insert(number, name);
            }
            if line.starts_with('c') {
                called = Some(number);
            }
        } else if let Some(counts) = line.strip_prefix("calls=") {
            let called = called.context("calls of no function")?;
            let count = counts.split(' ').next().and_then(|count| count.parse::<f64>().ok());
            *calls.entry(called).or_default() += count.context("calls without a number")?;
        } else if let Some(total) = line.strip_prefix("totals: ") {
            instructions = Some(total.trim().parse().context("a total that is no number")?);
        }
    }
    let of = |functions: &[&str]| {
        calls
            .iter()
            .filter(|(number, _)| {
                // A function that calls itself is listed as `name'2` as well.
                let name = names.get(*number).and_then(|name| name.split('\'').next());
                name.is_some_and(|name| functions.contains(&name))
            })
            .map(|(_, count)| count)
            .sum()
    };
    Ok(Interval {
        instructions: instructions.context("a dump without totals")?,
        allocations: of(&ALLOCATE),
        transfers: of(&SOCKET),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "\
version: 1
events: Ir

ob=(1) parlor
fl=(1)
fn=(1) main
10 5
cob=(2) libc.so.6
cfn=(2) malloc
calls=3 0
10 300
cfn=(3) send
calls=2 0
10 80

fn=(4) fan out <T as U>::of
12 7
cfn=(2)
calls=4 0
12 400
cfn=(5) mi_realloc_aligned'2
calls=1 0
12 9
cfn=(1)
calls=1 0
12 9

totals: 801
";

    #[test]
    fn calls_are_counted_by_who_is_called() {
        let interval = parse(DUMP).unwrap();
        assert_eq!(interval, Interval { instructions: 801.0, allocations: 8.0, transfers: 2.0 });
    }

    #[test]
    fn a_dump_that_was_cut_off_is_an_error() {
        assert!(parse(DUMP.split_once("totals").unwrap().0).is_err());
    }

    #[test]
    fn the_calmer_interval_is_taken_whole() {
        let one = Interval { instructions: 5.0, allocations: 2.0, transfers: 1.0 };
        let other = Interval { instructions: 4.0, allocations: 3.0, transfers: 2.0 };
        assert_eq!(one.or_calmer(other), other);
        assert_eq!(other.or_calmer(one), other);
    }
}
