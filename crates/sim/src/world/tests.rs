//! That a simulation is what it says: repeatable, able to fail, and shortened when it does.

use super::plan::{Plan, Step};
use super::planted::Planted;
use super::run;
use super::runs::known_seeds;
use super::shrink::shrink;

#[test]
fn the_same_plan_gives_the_same_history_to_the_last_event() {
    for seed in 1..20 {
        let plan = Plan::of(seed);
        let (first, second) = (run(&plan, None, true), run(&plan, None, true));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.counts.events, second.counts.events, "seed {seed}");
    }
}

#[test]
fn known_seeds_keep_the_promise() {
    assert!(known_seeds().len() > 10);
    for seed in known_seeds() {
        let verdict = run(&Plan::of(seed), None, false).verdict;
        let findings: Vec<_> = verdict.findings().collect();
        assert!(findings.is_empty(), "seed {seed}: {findings:?}");
    }
}

#[test]
fn simulations_are_of_every_kind() {
    let plans: Vec<Plan> = (1..200).map(Plan::of).collect();
    for nodes in 1..=3 {
        assert!(plans.iter().any(|plan| plan.nodes == nodes));
    }
    let has = |wanted: fn(&Step) -> bool| {
        plans.iter().flat_map(|plan| &plan.steps).any(|(_, step)| wanted(step))
    };
    assert!(has(|step| matches!(step, Step::Restore { .. })));
    assert!(has(|step| matches!(step, Step::Pull { .. })));
    assert!(has(|step| matches!(step, Step::Pause { .. })));
    assert!(plans.iter().any(|plan| !plan.steps.iter().any(|(_, step)| step.is_fault())));
}

#[test]
fn a_failure_is_made_short() {
    let fault = Planted::OwnSendMovesWatermark;
    let fails = |plan: &Plan| !run(plan, Some(fault), false).verdict.is_kept();
    let plan = (1..).map(Plan::of).find(fails).expect("there are many");
    let (short, _) = shrink(&plan, Some(fault));
    assert!(fails(&short), "seed {}", plan.seed);
    assert!(short.steps.len() <= 3, "seed {}: {:?}", plan.seed, short.steps);
}
