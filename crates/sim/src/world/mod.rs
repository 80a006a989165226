//! The simulation: chat's real machines on a simulated clock, network, store and bus, in one
//! thread, everything following from one seed.
//!
//! A seed makes a `plan`: people, what they do, what breaks. `World` carries it out: an agenda of
//! `event`s (`outside`), `device`s and `node`s that talk over links, nodes that share a store (`disk`
//! over `ledger`) and hear of each other over a bus. At the end all is healed and given time; then
//! the same checker that judges runs of the real binary judges what was observed (`judge`).
//! `planted` faults show that it can find something; `shrink` makes a failure short; [`runs`] are
//! the commands; [`port`] shows that the store is a faithful stand-in.
//!
//! What always holds: the same plan gives the same history, to the last event. Nothing here looks
//! at a clock, at an address, or at the order of a hash map.

use crate::world::members::Wish;
use parlor_chat::entry::{Content, Millis};
use parlor_chat::group::Change;
use parlor_chat::ids::{ClientId, DeviceId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::store::{AttachDevice, Origin};

use crate::checker::Verdict;
use crate::history::Sent;

mod chance;
mod device;
mod disk;
mod event;
mod group;
mod judge;
mod ledger;
mod members;
mod message;
mod node;
mod outside;
mod plan;
mod planted;
pub mod port;
pub mod runs;
mod shrink;

use chance::{Chance, Source};
use device::Device;
use event::{Counts, Event};
use group::{group_id, written};
use ledger::GroupAppend;
use node::Node;
use outside::Outside;
use plan::{Plan, Step};
use planted::Planted;

/// Milliseconds that the world is given to settle at least, and at most.
const SETTLE_MS: (u64, u64) = (1_500, 30_000);
/// Milliseconds between looks at whether it has settled.
const LOOK_MS: u64 = 1_000;

/// What came of a simulation.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What the checker found.
    pub(crate) verdict: Verdict,
    /// What happened.
    pub(crate) counts: Counts,
    /// Distinct messages sent.
    pub(crate) sends: usize,
    /// How many of them are known to their sender to be kept.
    pub(crate) acked: usize,
    /// What happened, line by line, if it was asked for.
    pub(crate) trace: Vec<String>,
}

/// A world on its way.
struct World<'a> {
    plan: &'a Plan,
    out: Outside,
    nodes: Vec<Node>,
    devices: Vec<Device>,
    users: Vec<UserId>,
}

/// Carries out a plan and judges what was observed.
pub(crate) fn run(plan: &Plan, planted: Option<Planted>, traced: bool) -> Outcome {
    let mut world = World::new(plan, planted, traced);
    world.begin();
    let end = plan.steps.last().map_or(0, |(at, _)| *at) + 1;
    world.until(end);
    world.heal();
    let mut verdict;
    let mut until = end + SETTLE_MS.0;
    loop {
        world.until(until);
        verdict = world.judge();
        let healable = !verdict.lost.is_empty() || !verdict.wrong.is_empty();
        if !healable || until > end + SETTLE_MS.1 {
            break;
        }
        until += LOOK_MS;
    }
    let history = &world.out.history;
    let mut acked: Vec<&str> = history.acked.iter().map(|ack| ack.client_id.as_str()).collect();
    acked.sort_unstable();
    acked.dedup();
    Outcome {
        verdict,
        counts: world.out.counts,
        sends: history.sent.len(),
        acked: acked.len(),
        trace: world.out.trace(),
    }
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan, planted: Option<Planted>, traced: bool) -> Self {
        let out = Outside::new(plan, planted, traced);
        let users: Vec<UserId> = (0..plan.users)
            .map(|user| UserId::parse(&format!("u{user}")).expect("short and plain"))
            .collect();
        let mut devices = Vec::new();
        for user in &users {
            for device in 0..plan.devices_per_user {
                let name = DeviceId::parse(&format!("d{device}")).expect("short and plain");
                devices.push(Device::new(devices.len(), user.clone(), name, plan.seed));
            }
        }
        Self { plan, out, nodes: Vec::new(), devices, users }
    }

    /// Devices are known and groups are there before anything happens.
    fn begin(&mut self) {
        let limits = Limits::default();
        for device in &self.devices {
            let label = device.label();
            let attach = AttachDevice {
                user: UserId::parse(&label.user).expect("it was one"),
                device: DeviceId::parse(&label.device).expect("it was one"),
                token_issued: None,
                now: Millis(1),
                devices_max: limits.devices_per_user_max,
                idle_expiry_ms: limits.device_idle_expiry_ms(),
            };
            self.out.disk.ledger_mut().attach_device(&attach).expect("there is room");
            self.out.history.devices.push(label);
        }
        for group in 0..self.plan.groups {
            for (number, user) in self.users.iter().enumerate() {
                let key = format!("setup/{group}/{number}");
                let change = Change::Added(vec![user.clone()]);
                let content = written(&change, &self.users[0], &key);
                self.out.history.sent.push(Sent {
                    by: self.devices[0].label(),
                    client_id: key.clone(),
                    conversation: group_id(group).to_string(),
                    content: content.clone(),
                });
                let append = GroupAppend {
                    by: self.users[0].clone(),
                    group,
                    wish: Wish::Change(change),
                    client_id: ClientId::parse(&key).expect("short and plain"),
                    content: Content(content.into()),
                    now: Millis(1),
                    origin: Origin::of(0),
                };
                self.out.disk.ledger_mut().group_append(&append).expect("the founder may");
            }
        }
        for node in 0..self.plan.nodes {
            let skew = Chance::of(self.plan.seed, Source::Node, node as u64);
            let node = Node::new(node, 1, &self.out, self.skew(skew));
            self.nodes.push(node);
        }
        self.nodes.iter_mut().for_each(|node| node.start(&mut self.out));
        for device in 0..self.devices.len() {
            self.out.at(device as u64, Event::Tick(device));
        }
        for (number, (at, _)) in self.plan.steps.iter().enumerate() {
            self.out.at(*at, Event::Step(number));
        }
    }

    fn skew(&self, mut chance: Chance) -> u64 {
        chance.range(0, self.plan.noise.skew)
    }

    fn until(&mut self, time: u64) {
        while let Some((number, event)) = self.out.next(time) {
            self.happens(number, event);
        }
        self.out.now = time;
    }

    /// From now on nothing breaks any more. The bus loses as much as before: what it loses is looked for.
    fn heal(&mut self) {
        self.out.note(|| "nothing breaks any more".into());
        self.out.noise.store_queue = usize::MAX;
    }

    fn happens(&mut self, number: u64, event: Event) {
        match event {
            Event::Step(step) => {
                let (_, step) = self.plan.steps[step];
                if step.is_fault() {
                    self.out.counts.faults += 1;
                    self.out.note(|| format!("! {step:?}"));
                }
                self.step(step);
            }
            Event::Tick(device) => {
                let up = |node: &Node| node.is_up().then(|| node.me());
                let nodes: Vec<_> = self.nodes.iter().map(up).collect();
                self.devices[device].tick(&mut self.out, &nodes);
            }
            Event::Down(conn, down) => {
                let device = self.out.arrives(conn, false).map(|link| link.device);
                if let Some(device) = device {
                    self.devices[device].hears(&mut self.out, conn, down);
                }
            }
            Event::Dropped(conn) => {
                if let Some(device) = self.out.device_of(conn) {
                    self.devices[device].dropped(&mut self.out, conn);
                }
            }
            Event::NodeUp(node) => self.start(node),
            Event::Synced(life) => {
                if life == self.out.disk.life() {
                    if let Some((asker, told)) = self.out.disk.synced() {
                        self.out.tell(asker, told);
                    }
                    self.out.begin_sync();
                }
            }
            Event::ReadDone(asker, ticket, read) => self.out.read_now(asker, ticket, &read),
            Event::StoreUp => self.out.disk.start(),
            at_node @ (Event::Up(..) | Event::Closed(..) | Event::Node(..) | Event::Bus(..)) => {
                self.at_node(number, at_node);
            }
        }
    }

    /// Something reaches a node, unless that life of it is over; one that stands still gets it
    /// when it goes on.
    fn at_node(&mut self, number: u64, event: Event) {
        let asker = match &event {
            Event::Up(conn, _) => self.out.arrives(*conn, true).map(|link| link.asker),
            Event::Closed(conn) => self.out.asker_of(*conn),
            Event::Node(asker, _) => Some(*asker),
            Event::Bus(node, _) => Some(self.nodes[*node].me()),
            _ => None,
        };
        let Some(asker) = asker else { return };
        let node = &mut self.nodes[asker.node];
        if !node.is_up() || node.me() != asker {
            return;
        }
        if node.paused_until > self.out.now {
            return self.out.postpone(number, node.paused_until, event);
        }
        match event {
            Event::Up(conn, up) => node.said(&mut self.out, conn, up),
            Event::Closed(conn) => node.closed(&mut self.out, conn),
            Event::Node(_, what) | Event::Bus(_, what) => node.take(&mut self.out, what),
            _ => {}
        }
    }

    fn user(&self, number: usize) -> UserId {
        self.users[number % self.users.len()].clone()
    }

    fn does(&mut self, device: usize, what: impl FnOnce(&mut Device, &mut Outside)) {
        let device = device % self.devices.len();
        what(&mut self.devices[device], &mut self.out);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Say { device, to } => {
                let to = self.user(to);
                self.does(device, |device, out| device.say(out, &to));
            }
            Step::SayInGroup { device, group } => {
                self.does(device, |device, out| device.group(out, group, None));
            }
            Step::Invite { device, group, user } => {
                let change = Some(Change::Added(vec![self.user(user)]));
                self.does(device, |device, out| device.group(out, group, change));
            }
            Step::Kick { device, group, user } => {
                let change = Some(Change::Kicked(self.user(user)));
                self.does(device, |device, out| device.group(out, group, change));
            }
            Step::Block { device, other } => {
                let other = self.user(other);
                self.does(device, |device, out| device.block(out, &other, true));
            }
            Step::Unblock { device, other } => {
                let other = self.user(other);
                self.does(device, |device, out| device.block(out, &other, false));
            }
            Step::Read { device } => self.does(device, Device::read_all),
            Step::Leave { device, ms } => self.does(device, |device, out| device.leave(out, ms)),
            Step::Cut { device } => self.cut(device, Outside::cut),
            Step::Pull { device } => self.cut(device, |out, conn| out.swallow(conn, true)),
            Step::Deafen { device } => self.cut(device, |out, conn| out.swallow(conn, false)),
            Step::Pause { node, ms } => {
                let node = node % self.nodes.len();
                let node = &mut self.nodes[node];
                // Never shortened: what waits for the end of the first pause keeps its place.
                node.paused_until = node.paused_until.max(self.out.now + ms);
            }
            Step::Crash { node, ms } => self.crash(node, ms),
            Step::CrashStore { ms } if self.plan.nodes == 1 => self.crash(0, ms),
            Step::CrashStore { ms } => self.crash_store(ms),
            Step::Copy => self.out.disk.copy(),
            Step::Restore { ms } => self.restore(ms),
        }
    }

    fn cut(&mut self, device: usize, how: impl Fn(&mut Outside, message::Conn)) {
        let device = device % self.devices.len();
        if let Some(conn) = self.devices[device].conn() {
            self.out.counts.cuts += 1;
            how(&mut self.out, conn);
        }
    }

    fn crash(&mut self, node: usize, ms: u64) {
        let node = node % self.nodes.len();
        if !self.nodes[node].is_up() {
            return;
        }
        self.out.counts.kills += 1;
        self.nodes[node].crash();
        self.out.cut_all_of(node);
        if self.plan.nodes == 1 {
            self.crash_store(ms);
        }
        self.out.at(self.out.now + ms, Event::NodeUp(node));
    }

    fn crash_store(&mut self, ms: u64) {
        if self.out.disk.is_up() {
            self.out.counts.kills += 1;
            self.out.crash_store();
            self.out.at(self.out.now + ms, Event::StoreUp);
        }
    }

    fn start(&mut self, number: usize) {
        if !self.out.disk.is_up() {
            return self.out.at(self.out.now + 20, Event::NodeUp(number));
        }
        let life = self.nodes[number].me().life + 1;
        let skew = self.skew(Chance::of(self.plan.seed, Source::Node, number as u64));
        let mut node = Node::new(number, life, &self.out, skew);
        node.start(&mut self.out);
        self.nodes[number] = node;
    }

    /// All nodes end, an older copy takes the place of the store, all start again.
    fn restore(&mut self, ms: u64) {
        if !self.out.disk.has_copy() {
            return;
        }
        for node in 0..self.nodes.len() {
            self.crash(node, ms);
        }
        self.crash_store(ms);
        self.out.disk.restore();
        self.forgive();
    }
}

#[cfg(test)]
mod tests;
