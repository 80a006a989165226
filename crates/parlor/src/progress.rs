//! Shows how far a long command has come, on standard error.
//!
//! On a terminal one line is written over and over; elsewhere a plain line now and then, so that
//! the log of a nightly job stays short and a quick command says nothing. What takes hours has a bar, a rate and
//! the time that is left ([`Shown::with_bar`]).

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
    pace: Option<Pace>,
}

/// Where a step began, from which its rate is told.
struct Pace {
    step: &'static str,
    since: Instant,
    from: u64,
}

impl Shown {
    /// Shows on standard error.
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { terminal, step: "", written: Instant::now(), drawn: false, pace: None }
    }

    /// The same, with a bar, a rate and the time that is left.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "`migrate` alone takes hours"))]
    pub(crate) fn with_bar() -> Self {
        let pace = Pace { step: "", since: Instant::now(), from: 0 };
        Self { pace: Some(pace), ..Self::new() }
    }

    /// Shows a reading, unless the last one is too fresh.
    pub(crate) fn show(&mut self, progress: Progress) {
        if let Some(pace) = self.pace.as_mut().filter(|pace| pace.step != progress.step) {
            *pace = Pace { step: progress.step, since: Instant::now(), from: progress.done };
        }
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
        let line = match &self.pace {
            None => line(progress),
            Some(pace) => line_with_bar(
                progress,
                progress.done.saturating_sub(pace.from),
                pace.since.elapsed(),
            ),
        };
        drop(match self.terminal {
            true => write!(out, "\r\x1b[K{line}").and_then(|()| out.flush()),
            false => writeln!(out, "parlor: {line}"),
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

/// Characters of a bar.
const BAR: u64 = 24;

/// The same with a bar, and how fast it goes: so much was done in that time.
fn line_with_bar(progress: Progress, done_since: u64, elapsed: Duration) -> String {
    let Progress { step, done, total } = progress;
    let Some(total) = total.filter(|total| *total > 0) else { return line(progress) };
    let full = usize::try_from(u128::from(done) * u128::from(BAR) / u128::from(total)).unwrap_or(0);
    let bar: String = (0..BAR as usize).map(|at| if at < full { '#' } else { '-' }).collect();
    let line = line(progress);
    let shown = line.strip_prefix(step).unwrap_or(&line).trim_start_matches(": ");
    let seconds = elapsed.as_secs_f64();
    if seconds < 1.0 || done_since == 0 {
        return format!("{step}: [{bar}] {shown}");
    }
    let rate = done_since as f64 / seconds;
    let left = total.saturating_sub(done) as f64 / rate;
    format!("{step}: [{bar}] {shown}, {}/s, {} left", grouped(rate as u64), time(left as u64))
}

/// A time in its two largest units.
fn time(seconds: u64) -> String {
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A number with a comma before every third digit from its end.
pub(crate) fn grouped(number: u64) -> String {
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

    #[test]
    fn a_bar_tells_the_rate_and_the_time_that_is_left() {
        let progress = Progress { step: "entries", done: 3_000, total: Some(12_000) };
        assert_eq!(
            line_with_bar(progress, 2_000, Duration::from_secs(20)),
            "entries: [######------------------] 25 % (3,000 of 12,000), 100/s, 1 min 30 s left"
        );
        assert_eq!(
            line_with_bar(progress, 0, Duration::from_secs(20)),
            "entries: [######------------------] 25 % (3,000 of 12,000)"
        );
        let unknown = Progress { total: None, ..progress };
        assert_eq!(line_with_bar(unknown, 9, Duration::from_secs(9)), "entries …");
        assert_eq!(time(7_260), "2 h 1 min");
    }
}
