//! Makes a failing plan short: takes steps out, by halves and then one by one, and noise away, for
//! as long as the checker still finds something of the same kind.

use super::plan::{Noise, Plan, Step};
use super::planted::Planted;
use super::run;

/// How often a shorter plan may be tried.
const TRIES_MAX: usize = 1_500;

/// A shorter plan that fails in the same way, and how many were tried.
pub(crate) fn shrink(plan: &Plan, planted: Option<Planted>) -> (Plan, usize) {
    let mut shrinker = Shrinker { planted, kind: None, tries: 0 };
    shrinker.kind = shrinker.kind_of(plan);
    let mut best = plan.clone();
    if shrinker.kind.is_none() {
        return (best, shrinker.tries);
    }
    loop {
        let before = (best.steps.len(), best.users, best.nodes, best.devices_per_user);
        shrinker.fewer_steps(&mut best);
        shrinker.smaller_world(&mut best);
        shrinker.less_noise(&mut best);
        shrinker.shorter_waits(&mut best);
        let after = (best.steps.len(), best.users, best.nodes, best.devices_per_user);
        if before == after || shrinker.tries >= TRIES_MAX {
            return (best, shrinker.tries);
        }
    }
}

struct Shrinker {
    planted: Option<Planted>,
    kind: Option<&'static str>,
    tries: usize,
}

impl Shrinker {
    fn kind_of(&mut self, plan: &Plan) -> Option<&'static str> {
        self.tries += 1;
        let outcome = run(plan, self.planted, false);
        outcome.verdict.findings().next().map(|(kind, _)| kind)
    }

    /// Takes the other plan if it fails in the same way.
    fn try_other(&mut self, best: &mut Plan, other: Plan) -> bool {
        if self.tries >= TRIES_MAX || self.kind_of(&other) != self.kind {
            return false;
        }
        *best = other;
        true
    }

    fn fewer_steps(&mut self, best: &mut Plan) {
        let mut size = best.steps.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < best.steps.len() {
                let mut other = best.clone();
                other.steps.drain(at..(at + size).min(best.steps.len()));
                if !self.try_other(best, other) {
                    at += size;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    fn smaller_world(&mut self, best: &mut Plan) {
        let ways: [fn(&mut Plan); 4] = [
            |plan| plan.users = (plan.users - 1).max(1),
            |plan| plan.devices_per_user = 1,
            |plan| plan.nodes = (plan.nodes - 1).max(1),
            |plan| plan.groups = 0,
        ];
        for way in ways {
            let mut other = best.clone();
            way(&mut other);
            self.try_other(best, other);
        }
    }

    fn less_noise(&mut self, best: &mut Plan) {
        let ways: [fn(&mut Noise); 9] = [
            |noise| noise.bus_drop = 0,
            |noise| noise.bus_twice = 0,
            |noise| noise.bus_delay = 5,
            |noise| noise.link_delay = 5,
            |noise| noise.read_delay = 2,
            |noise| noise.burst = 80,
            |noise| noise.store_queue = 64,
            |noise| noise.removed = 0,
            |noise| noise.skew = 0,
        ];
        for way in ways {
            let mut other = best.clone();
            way(&mut other.noise);
            self.try_other(best, other);
        }
    }

    /// Brings later steps nearer to those before them.
    fn shorter_waits(&mut self, best: &mut Plan) {
        for at in 0..best.steps.len() {
            let before = if at == 0 { 0 } else { best.steps[at - 1].0 };
            let gap = best.steps[at].0 - before;
            if gap > 200 {
                let mut other = best.clone();
                other.steps[at..].iter_mut().for_each(|(time, _)| *time -= gap - 100);
                self.try_other(best, other);
            }
        }
    }
}

/// A plan as a reader wants it.
pub(crate) fn told(plan: &Plan) -> Vec<String> {
    let Plan { nodes, users, devices_per_user, groups, noise, .. } = plan;
    let mut lines = vec![format!(
        "{nodes} nodes, {users} users with {devices_per_user} devices each, {groups} groups; {noise:?}"
    )];
    let line = |(at, step): &(u64, Step)| format!("{at:>6} ms  {step:?}");
    lines.extend(plan.steps.iter().map(line));
    lines
}
