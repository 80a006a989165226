//! The commands: many simulations, one after the other, until the time is up; and the planted
//! faults, each until it is found. A failure prints its seed and the shortest trace.

use std::time::{Duration, Instant};

use super::plan::Plan;
use super::planted::Planted;
use super::shrink::{shrink, told};
use super::{Outcome, run};

/// Every seed that ever failed: run before anything else.
const KNOWN_SEEDS: &str = include_str!("../../seeds.txt");

/// Findings shown of a failure.
const FINDINGS_SHOWN_MAX: usize = 5;

/// Sums over many simulations.
#[derive(Debug, Default)]
pub struct Sum {
    runs: u64,
    events: u64,
    faults: u64,
    kills: u64,
    cuts: u64,
    sends: usize,
    acked: usize,
    lost: usize,
    doubled: usize,
    disordered: usize,
    wrong: usize,
    leaked: usize,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.events += outcome.counts.events;
        self.faults += outcome.counts.faults;
        self.kills += outcome.counts.kills;
        self.cuts += outcome.counts.cuts;
        self.sends += outcome.sends;
        self.acked += outcome.acked;
        self.lost += outcome.verdict.lost.len();
        self.doubled += outcome.verdict.doubled.len();
        self.disordered += outcome.verdict.disordered.len();
        self.wrong += outcome.verdict.wrong.len();
        self.leaked += outcome.verdict.leaked.len();
    }

    /// Whether the promise was kept in all of them.
    pub fn is_kept(&self) -> bool {
        self.lost + self.doubled + self.disordered + self.wrong + self.leaked == 0
    }

    /// The line every run of faults ends with.
    pub fn line(&self) -> String {
        let Self { kills, cuts, sends, acked, lost, doubled, disordered, .. } = self;
        format!(
            "kills={kills} cuts={cuts} sends={sends} acked={acked} lost={lost} doubled={doubled} \
             disordered={disordered}"
        )
    }
}

/// The seeds that ever failed.
pub fn known_seeds() -> Vec<u64> {
    let seed = |line: &str| line.split('#').next()?.trim().parse().ok();
    KNOWN_SEEDS.lines().filter_map(seed).collect()
}

/// Runs the known seeds, then fresh ones from `seed` on until the time is up or one fails.
pub fn sim(duration: Duration, seed: u64) -> Sum {
    let begun = Instant::now();
    let mut sum = Sum::default();
    let known = known_seeds();
    let count = known.len();
    for seed in known.into_iter().chain(seed..) {
        if sum.runs >= count as u64 && begun.elapsed() >= duration {
            break;
        }
        let plan = Plan::of(seed);
        let outcome = run(&plan, None, false);
        sum.add(&outcome);
        if !outcome.verdict.is_kept() {
            show(&plan, None);
            break;
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "runs={} ({:.0}/s, {count} known) events={} ({:.0}/s) faults={}",
        sum.runs,
        sum.runs as f64 / seconds,
        sum.events,
        sum.events as f64 / seconds,
        sum.faults,
    );
    sum
}

/// Runs one seed, and shows all of it.
pub fn one(seed: u64) -> Sum {
    let mut sum = Sum::default();
    let plan = Plan::of(seed);
    let outcome = run(&plan, None, false);
    sum.add(&outcome);
    if !outcome.verdict.is_kept() {
        show(&plan, None);
    }
    sum
}

/// Prints a failure: its seed, the shortest plan that shows it, its trace, what was found.
fn show(plan: &Plan, planted: Option<Planted>) {
    let (short, tries) = shrink(plan, planted);
    println!("seed {} failed; shortened in {tries} tries to:", plan.seed);
    told(&short).iter().for_each(|line| println!("  {line}"));
    let outcome = run(&short, planted, true);
    println!("what happened:");
    outcome.trace.iter().for_each(|line| println!("  {line}"));
    println!("what the checker found:");
    for (kind, finding) in outcome.verdict.findings().take(FINDINGS_SHOWN_MAX) {
        println!("  {kind}: {finding}");
    }
}

/// Plants each fault and looks for it; prints a table. Gives how many were caught, and of how many.
pub fn planted(first_seed: u64, shown: Option<&str>) -> (usize, usize) {
    let mut caught = 0;
    println!("{:<24} {:>6} {:>6}  found as", "planted", "seeds", "bound");
    for (fault, bound) in Planted::ALL {
        let name = format!("{fault:?}");
        if shown.is_some_and(|shown| shown != name) {
            continue;
        }
        let found = (first_seed..first_seed + bound).find_map(|seed| {
            let plan = Plan::of(seed);
            let outcome = run(&plan, Some(fault), false);
            let (kind, finding) = outcome.verdict.findings().next()?;
            Some((plan, format!("{kind}: {finding}")))
        });
        match found {
            Some((plan, finding)) => {
                caught += 1;
                let seeds = plan.seed - first_seed + 1;
                println!("{name:<24} {seeds:>6} {bound:>6}  {finding}");
                if shown.is_some() {
                    show(&plan, Some(fault));
                }
            }
            None => println!("{name:<24} {:>6} {bound:>6}  NOT FOUND", "-"),
        }
    }
    let all = if shown.is_some() { 1 } else { Planted::ALL.len() };
    println!("caught {caught}/{all}");
    (caught, all)
}
