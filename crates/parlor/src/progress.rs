//! Shows how far a long command has come, on standard error.
//!
//! On a terminal one line is written over and over; elsewhere a plain line now and then, so that
//! the log of a nightly job stays short and a quick command says nothing.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use parlor_store::sqlite::Progress;

/// A terminal's line is written at most this often.
const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// A plain line is written this often.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Where progress is shown; what is left of it on a terminal goes when it is dropped.
pub(crate) struct Shown {
    terminal: bool,
    step: &'static str,
    written: Instant,
    drawn: bool,
}

impl Shown {
    /// Shows on standard error.
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { terminal, step: "", written: Instant::now(), drawn: false }
    }

    /// Shows a reading, unless the last one is too fresh.
    pub(crate) fn show(&mut self, progress: Progress) {
        let fresh_step = self.terminal && self.step != progress.step;
        let every = if self.terminal { REDRAW_EVERY } else { LINE_EVERY };
        if !fresh_step && self.written.elapsed() < every {
            return;
        }
        self.step = progress.step;
        self.written = Instant::now();
        self.drawn = true;
        // Who closed standard error does not want to know.
        let mut out = std::io::stderr();
        drop(match self.terminal {
            true => write!(out, "\r\x1b[K{}", line(progress)).and_then(|()| out.flush()),
            false => writeln!(out, "parlor: {}", line(progress)),
        });
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if self.terminal && self.drawn {
            let mut out = std::io::stderr();
            drop(write!(out, "\r\x1b[K").and_then(|()| out.flush()));
        }
    }
}

/// A reading as a line of text.
fn line(Progress { step, done, total }: Progress) -> String {
    match total {
        Some(0) | None => format!("{step} …"),
        Some(total) => {
            let percent = u128::from(done) * 100 / u128::from(total);
            format!("{step}: {percent} % ({} of {})", grouped(done), grouped(total))
        }
    }
}

/// A number with a comma before every third digit from its end.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_of_what_is_done() {
        let of = |done, total| line(Progress { step: "entries", done, total });
        assert_eq!(of(1_234_567, Some(10_000_000)), "entries: 12 % (1,234,567 of 10,000,000)");
        assert_eq!(of(999, Some(1_000)), "entries: 99 % (999 of 1,000)");
        assert_eq!(of(0, None), "entries …");
        assert_eq!(of(0, Some(0)), "entries …");
    }
}
