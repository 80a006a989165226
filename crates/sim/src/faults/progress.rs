//! How far a run is: one line, written over itself on a terminal, else seldom; and each step with
//! its time in a file beside the data, for whoever looks into a finding.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a line is printed where nobody watches.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The line, and the file.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    last: Option<Instant>,
    file: File,
}

impl Progress {
    /// Begins with an empty file.
    pub(super) fn begin(path: &Path) -> std::io::Result<Self> {
        Ok(Self { began: Instant::now(), last: None, file: File::create(path)? })
    }

    /// Notes a step in the file.
    pub(super) fn note(&mut self, step: &str) -> std::io::Result<()> {
        writeln!(self.file, "{:>9.3} s  {step}", self.began.elapsed().as_secs_f64())
    }

    /// Shows the line as it is now.
    pub(super) fn show(&mut self, line: &str) {
        let mut out = std::io::stderr().lock();
        if out.is_terminal() {
            // Nobody's loss if it cannot be shown.
            let _ = write!(out, "\r\x1b[K{line}").and_then(|()| out.flush());
        } else if self.last.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
            self.last = Some(Instant::now());
            let _ = writeln!(out, "{line}");
        }
    }

    /// Takes it away.
    pub(super) fn clear(&self) {
        let mut out = std::io::stderr().lock();
        if out.is_terminal() {
            let _ = write!(out, "\r\x1b[K").and_then(|()| out.flush());
        }
    }
}
