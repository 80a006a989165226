//! System calls of a running server between two instants, by strace.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::place::Place;

/// What was called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Calls {
    pub(super) all: f64,
    /// All but those that wait for readiness. A fan-out looks for it once a slice, which is a time: the
    /// slower the machine, the more often for each delivery.
    pub(super) but_waits: f64,
}

const WAIT: [&str; 3] = ["epoll_wait", "epoll_pwait", "epoll_pwait2"];

/// The calls of all threads of a server while `work` is done.
///
/// # Errors
/// The work's; strace is missing or may not watch, or saw nothing.
pub(super) fn during(
    place: &Place,
    server: u32,
    work: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Calls> {
    let summary = tempfile::NamedTempFile::new_in(&place.scratch).context("no summary file")?;
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-p", &server.to_string(), "-o"])
        .arg(summary.path())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run strace")?;
    let mut told = BufReader::new(strace.stderr.take().context("strace has standard error")?);
    let mut line = String::new();
    told.read_line(&mut line)?;
    let outcome = if line.contains(" attached") { work() } else { Ok(()) };
    // It may have ended by itself; then it has said why.
    let _ = Command::new("kill").args(["-INT", &strace.id().to_string()]).status();
    let _ = std::io::copy(&mut told, &mut std::io::sink());
    strace.wait()?;
    outcome?;
    ensure!(line.contains(" attached"), "strace cannot watch the server: {line}");
    parse(&std::fs::read_to_string(summary.path())?)
}

/// Reads strace's table: share, seconds, microseconds per call, calls, errors if any, name.
fn parse(table: &str) -> anyhow::Result<Calls> {
    let mut calls = Calls { all: 0.0, but_waits: 0.0 };
    for line in table.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let [share, _, _, count, .., name] = words.as_slice() else { continue };
        if share.parse::<f64>().is_err() || *name == "total" {
            continue;
        }
        let count: f64 = count.parse().context("not a line of strace's table")?;
        calls.all += count;
        if !WAIT.contains(name) {
            calls.but_waits += count;
        }
    }
    ensure!(calls.but_waits > 0.0, "strace saw no calls: {table}");
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_with_and_without_errors() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 98.01    0.051044          25      2000           sendto
  1.72    0.000896           5       154           epoll_wait
  0.22    0.000116           5        20        18 recvfrom
  0.05    0.000024           3         8           write
------ ----------- ----------- --------- --------- ----------------
100.00    0.052080          23      2182        18 total
";
        assert_eq!(parse(table).unwrap(), Calls { all: 2182.0, but_waits: 2028.0 });
        assert!(parse("").is_err());
    }
}
