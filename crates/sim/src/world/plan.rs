//! What one seed plans: a world, what its people do, and what breaks, each at its time.
//!
//! A plan is data. Running it is deterministic, and so is running a part of it; that is how a
//! failure is made shorter.

use super::chance::{Chance, Source};

/// Everything that a simulation follows from.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The chance of everything that is not planned: delays, losses, what devices confirm.
    pub(crate) seed: u64,
    /// How many nodes share the store; a single one is one process with it.
    pub(crate) nodes: usize,
    /// How many users there are.
    pub(crate) users: usize,
    /// Devices of each user.
    pub(crate) devices_per_user: usize,
    /// How many groups there are, each founded by the first user with all others in it.
    pub(crate) groups: usize,
    /// The noise that is there all the time.
    pub(crate) noise: Noise,
    /// What happens when, in order of time.
    pub(crate) steps: Vec<(u64, Step)>,
}

/// How bad the world is when nothing in particular breaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noise {
    /// Hints lost, of a hundred.
    pub(crate) bus_drop: u64,
    /// Hints that come twice, of a hundred.
    pub(crate) bus_twice: u64,
    /// The longest delay of a hint, in milliseconds.
    pub(crate) bus_delay: u64,
    /// The usual longest delay on a link, in milliseconds.
    pub(crate) link_delay: u64,
    /// The longest time that a batch takes to be synced, in milliseconds.
    pub(crate) sync_delay: u64,
    /// The longest time that a read takes, in milliseconds.
    pub(crate) read_delay: u64,
    /// Writes that may wait for the store; beyond it they are refused.
    pub(crate) store_queue: usize,
    /// Commands that a connection may send at once.
    pub(crate) burst: u32,
    /// Broadcasts that are held for a connection that catches up.
    pub(crate) held_max: usize,
    /// Entries of a page.
    pub(crate) page: usize,
    /// Most entries that a resuming device is pushed.
    pub(crate) behind_max: usize,
    /// Batches before which the log has positions without an entry, of a hundred: those were removed.
    pub(crate) removed: u64,
    /// How far the nodes' clocks are apart, in milliseconds.
    pub(crate) skew: u64,
}

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A device says something to a user.
    Say { device: usize, to: usize },
    /// A device says something in a group.
    SayInGroup { device: usize, group: usize },
    /// A device takes a user into a group.
    Invite { device: usize, group: usize, user: usize },
    /// A device puts a user out of a group; or itself.
    Kick { device: usize, group: usize, user: usize },
    /// A device's user blocks another.
    Block { device: usize, other: usize },
    /// And lets them in again.
    Unblock { device: usize, other: usize },
    /// A device says that everything it saw is read.
    Read { device: usize },
    /// A device goes away by itself and comes back after so many milliseconds.
    Leave { device: usize, ms: u64 },
    /// Its connection is cut, both sides notice.
    Cut { device: usize },
    /// Its connection goes dead, and nobody notices but by silence.
    Pull { device: usize },
    /// What the node says no longer arrives, what the device says does.
    Deafen { device: usize },
    /// A node stands still for so many milliseconds, then goes on where it was.
    Pause { node: usize, ms: u64 },
    /// A node dies and is back after so many milliseconds.
    Crash { node: usize, ms: u64 },
    /// The store dies, loses what was not synced, and is back after so many milliseconds.
    CrashStore { ms: u64 },
    /// The store is copied.
    Copy,
    /// The store is replaced by its newest copy; all nodes start again, as a server has to before it
    /// takes a write in another life of the log.
    Restore { ms: u64 },
}

impl Step {
    /// Whether something breaks by it.
    pub(crate) fn is_fault(self) -> bool {
        use Step::{Copy, Crash, CrashStore, Cut, Deafen, Pause, Pull, Restore};
        matches!(
            self,
            Cut { .. }
                | Pull { .. }
                | Deafen { .. }
                | Pause { .. }
                | Crash { .. }
                | CrashStore { .. }
                | Copy
                | Restore { .. }
        )
    }
}

impl Plan {
    /// What a seed plans.
    pub(crate) fn of(seed: u64) -> Self {
        let chance = &mut Chance::of(seed, Source::Plan, 0);
        let nodes = [1, 1, 2, 2, 3][chance.below(5)];
        let users = chance.range(2, 4) as usize;
        let devices_per_user = chance.range(1, 2) as usize;
        let groups = chance.below(3).min(1);
        let noise = Noise::of(chance, &mut Chance::of(seed, Source::Removed, 1));
        let mut steps = Vec::new();
        let span = chance.range(1_000, 5_000);
        let devices = users * devices_per_user;
        for _ in 0..chance.range(10, 60) {
            let step = doing(chance, devices, users, groups);
            steps.push((chance.range(0, span), step));
        }
        // Some worlds are calm, so that what shows without faults is not drowned in them.
        for _ in 0..[0, 2, 4, 8][chance.below(4)] {
            let step = breaking(chance, devices, nodes);
            steps.push((chance.range(0, span), step));
        }
        if chance.percent(15) {
            let copied = chance.range(0, span);
            steps.push((copied, Step::Copy));
            let ms = chance.range(50, 400);
            steps.push((chance.range(copied, span), Step::Restore { ms }));
        }
        steps.sort_by_key(|(at, _)| *at);
        Self { seed, nodes, users, devices_per_user, groups, noise, steps }
    }
}

impl Noise {
    fn of(chance: &mut Chance, removed: &mut Chance) -> Self {
        Self {
            bus_drop: [0, 5, 30, 70][chance.below(4)],
            bus_twice: [0, 10, 40][chance.below(3)],
            bus_delay: [5, 50, 600][chance.below(3)],
            link_delay: [5, 20, 120][chance.below(3)],
            sync_delay: [3, 20, 120][chance.below(3)],
            read_delay: [2, 20, 150][chance.below(3)],
            store_queue: [3, 8, 64][chance.below(3)],
            burst: [3, 8, 80][chance.below(3)],
            held_max: [0, 2, 8, 64][chance.below(4)],
            page: chance.range(1, 6) as usize,
            behind_max: [3, 40, 1_000][chance.below(3)],
            removed: [0, 0, 5, 30][removed.below(4)],
            skew: [0, 500, 20_000][chance.below(3)],
        }
    }
}

fn doing(chance: &mut Chance, devices: usize, users: usize, groups: usize) -> Step {
    let device = chance.below(devices);
    let (to, group) = (chance.below(users), chance.below(groups.max(1)));
    let in_group = groups > 0 && chance.percent(45);
    match chance.below(20) {
        0..11 if in_group => Step::SayInGroup { device, group },
        0..11 => Step::Say { device, to },
        11 if groups > 0 => Step::Invite { device, group, user: to },
        12 | 13 if groups > 0 => Step::Kick { device, group, user: to },
        14 => Step::Block { device, other: to },
        15 => Step::Unblock { device, other: to },
        16 | 17 => Step::Leave { device, ms: chance.range(10, 1_500) },
        _ => Step::Read { device },
    }
}

fn breaking(chance: &mut Chance, devices: usize, nodes: usize) -> Step {
    let (device, node) = (chance.below(devices), chance.below(nodes));
    match chance.below(12) {
        0..3 => Step::Cut { device },
        3 | 4 => Step::Pull { device },
        5 => Step::Deafen { device },
        6 | 7 => Step::Pause { node, ms: chance.range(50, 3_000) },
        8 | 9 => Step::Crash { node, ms: chance.range(10, 800) },
        _ => Step::CrashStore { ms: chance.range(10, 500) },
    }
}
