//! How far a run of many steps is, and how long it will still take: a bar where a person looks on, a line
//! a step where the output goes to a file.
//!
//! A step that was timed before will take as long again; others take what was estimated, in the
//! proportion in which the estimates were wrong so far.

use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// One round of one server in one scenario.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) scenario: &'static str,
    pub(crate) server: &'static str,
    /// From 1 on.
    pub(crate) round: u32,
    pub(crate) estimate_s: f64,
}

impl Step {
    fn repeats(&self, other: &Self) -> bool {
        (self.scenario, self.server) == (other.scenario, other.server)
    }
}

/// A run's steps, done and left.
pub(crate) struct Progress {
    left: Vec<Step>,
    done: Vec<(Step, Duration)>,
    under_way: Option<(Step, Instant)>,
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new(steps: Vec<Step>) -> Self {
        let bar = ProgressBar::new(steps.len() as u64);
        let style = ProgressStyle::with_template("{bar:30.cyan/dim} {pos}/{len} {elapsed} {msg}");
        bar.set_style(style.expect("the template is a valid constant"));
        bar.enable_steady_tick(Duration::from_secs(1));
        Self { left: steps, done: Vec::new(), under_way: None, bar }
    }

    /// Tells that a step begins.
    pub(crate) fn begin(&mut self, step: &Step) {
        self.left.retain(|left| left != step);
        let Step { scenario, server, round, .. } = step;
        let left = HumanDuration(self.time_left() + Duration::from_secs_f64(self.expected(step)));
        let message = format!("{scenario}, round {round}: {server}; about {left} left");
        if self.bar.is_hidden() {
            let (done, all) = (self.done.len(), self.done.len() + self.left.len() + 1);
            eprintln!("bench: {done} of {all} done; {message}");
        }
        self.bar.set_message(message);
        self.under_way = Some((step.clone(), Instant::now()));
    }

    /// Tells that the step that was begun is over, well or not.
    pub(crate) fn end(&mut self) {
        if let Some((step, began)) = self.under_way.take() {
            self.done.push((step, began.elapsed()));
            self.bar.inc(1);
        }
    }

    /// Takes steps out that will not be done.
    pub(crate) fn give_up(&mut self, scenario: &str, server: &str) {
        self.left.retain(|step| (step.scenario, step.server) != (scenario, server));
        self.bar.set_length((self.done.len() + self.left.len()) as u64);
    }

    /// Prints a line without spoiling the bar.
    pub(crate) fn say(&self, line: &str) {
        if self.bar.is_hidden() {
            eprintln!("{line}");
        }
        self.bar.println(line);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// What all steps that are left will take.
    fn time_left(&self) -> Duration {
        Duration::from_secs_f64(self.left.iter().map(|step| self.expected(step)).sum())
    }

    fn expected(&self, step: &Step) -> f64 {
        let timed = self.done.iter().rev().find(|(done, _)| done.repeats(step));
        if let Some((_, time)) = timed {
            return time.as_secs_f64();
        }
        let estimated: f64 = self.done.iter().map(|(done, _)| done.estimate_s).sum();
        let taken: f64 = self.done.iter().map(|(_, time)| time.as_secs_f64()).sum();
        if estimated > 0.0 { step.estimate_s * taken / estimated } else { step.estimate_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(server: &'static str, round: u32) -> Step {
        Step { scenario: "idle", server, round, estimate_s: 10.0 }
    }

    #[test]
    fn time_left_is_of_what_was_timed_and_else_of_estimates_put_right() {
        let steps = vec![step("ours", 1), step("theirs", 1), step("ours", 2)];
        let mut progress = Progress::new(steps);
        assert_eq!(progress.time_left(), Duration::from_secs(30));
        progress.begin(&step("ours", 1));
        progress.end();
        progress.done[0].1 = Duration::from_secs(20);
        assert_eq!(progress.time_left(), Duration::from_secs(40));
        progress.give_up("idle", "ours");
        assert_eq!(progress.time_left(), Duration::from_secs(20));
    }
}
