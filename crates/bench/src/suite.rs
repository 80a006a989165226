//! Runs scenarios, round by round through all of them and server by server, so that a machine whose
//! speed drifts is as fast for each.
//!
//! What fails is noted and not tried again; all else goes on, and what was measured is written after
//! every scenario's round, so that a run that is ended leaves what it had.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{anyhow, bail};

use crate::place::{Options, Place};
use crate::progress::{Progress, Step};
use crate::report;
use crate::scenario::{Run, Scenario};
use crate::server::Kind;

/// Which files a run writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scope {
    /// Those of one scenario.
    One,
    /// Those of each, and the page that sums them up.
    All,
}

/// A scenario with what has happened to it.
pub(crate) struct Entry {
    pub(crate) scenario: Scenario,
    /// Rounds that it is to have, and those that were begun.
    pub(crate) rounds: u32,
    pub(crate) begun: u32,
    pub(crate) failures: Vec<Failure>,
}

/// A server's round that did not come to its end.
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) round: u32,
    pub(crate) why: String,
}

impl Entry {
    fn failed(&self, kind: Kind) -> bool {
        self.failures.iter().any(|failure| failure.kind == kind)
    }
}

/// How to run.
pub(crate) struct Plan<'a> {
    pub(crate) options: &'a Options,
    pub(crate) scope: Scope,
    pub(crate) quick: bool,
    pub(crate) rounds: u32,
    pub(crate) at_once: u32,
}

/// Measures everything and writes the report.
///
/// # Errors
/// A server or a folder is missing, or some scenario failed: the report names it and has all others.
pub(crate) fn run(plan: &Plan<'_>, scenarios: Vec<Scenario>) -> anyhow::Result<()> {
    let mut kinds: Vec<Kind> = Vec::new();
    for kind in scenarios.iter().flat_map(|scenario| &scenario.kinds) {
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    let place = Place::find(plan.options, &kinds)?;
    let run = Run { place, at_once: plan.at_once };
    let mut entries: Vec<Entry> = scenarios
        .into_iter()
        .map(|scenario| {
            let rounds = match plan.scope {
                Scope::One => plan.rounds,
                Scope::All => plan.rounds.min(scenario.rounds_max),
            };
            Entry { scenario, rounds, begun: 0, failures: Vec::new() }
        })
        .collect();
    let mut progress = Progress::new(steps(&entries, plan.rounds));
    for round in 1..=plan.rounds {
        for at in 0..entries.len() {
            if round <= entries[at].rounds {
                one_round(&run, &mut entries[at], round, &mut progress);
                report::publish(plan, &entries, at, &run.place)?;
            }
        }
    }
    progress.finish();
    report::print(plan, &entries, &run.place);
    let failed = entries.iter().filter(|entry| !entry.failures.is_empty());
    let failed: Vec<_> = failed.map(|entry| entry.scenario.name).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn steps(entries: &[Entry], rounds: u32) -> Vec<Step> {
    let mut steps = Vec::new();
    for round in 1..=rounds {
        for entry in entries.iter().filter(|entry| round <= entry.rounds) {
            steps.extend(
                entry.scenario.kinds.iter().map(|kind| step(&entry.scenario, *kind, round)),
            );
        }
    }
    steps
}

fn step(scenario: &Scenario, kind: Kind, round: u32) -> Step {
    let Scenario { name, estimate_s, .. } = *scenario;
    Step { scenario: name, server: kind.name(), round, estimate_s }
}

/// One round of each server that has not failed.
fn one_round(run: &Run, entry: &mut Entry, round: u32, progress: &mut Progress) {
    entry.begun = round;
    for kind in entry.scenario.kinds.clone() {
        if entry.failed(kind) {
            continue;
        }
        progress.begin(&step(&entry.scenario, kind, round));
        let Scenario { name, results, round: measure, .. } = &mut entry.scenario;
        let outcome = catch_unwind(AssertUnwindSafe(|| measure(run, kind, results)));
        let outcome = outcome.unwrap_or_else(|_| Err(anyhow!("it panicked; see the output")));
        progress.end();
        if let Err(error) = outcome {
            let why = format!("{error:#}");
            progress.say(&format!("bench: {name} with {} FAILED: {why}", kind.name()));
            progress.give_up(name, kind.name());
            entry.failures.push(Failure { kind, round, why });
        }
    }
}
