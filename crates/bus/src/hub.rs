//! Nodes of one process: for tests and the simulator.
//!
//! It is exact: what is published has been heard by all others when the call returns (or, within an ear, when
//! the outermost call returns), and it does nothing by itself, so a lease ends when somebody says so. Nodes
//! are named in the order they come. Faults are calls: [`Hub::cut`], [`Hub::mend`], [`Hub::end_lease`],
//! [`Hub::empty_directory`], [`Hub::say`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use parlor_chat::bus::{Bus, BusDown, BusStats, Ear, Elsewhere, NodeId, Topic};
use parlor_chat::ids::{DeviceId, UserId};

use crate::counts::Counts;
use crate::ears::Ears;
use crate::frame::{Frame, Kind};

/// What joins the nodes of one process.
#[derive(Clone, Default)]
pub struct Hub(Arc<Shared>);

/// A node of another log than the others'.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the nodes here are of the log {theirs:016x}, and this one is of {ours:016x}")]
pub struct OtherLog {
    /// That of the node.
    pub ours: u64,
    /// That of the others.
    pub theirs: u64,
}

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    log: Option<u64>,
    last: u64,
    nodes: BTreeMap<NodeId, Node>,
    /// What is yet to be told, and whether somebody is at it.
    telling: VecDeque<Telling>,
    is_telling: bool,
}

struct Node {
    ears: Arc<Ears>,
    counts: Arc<Counts>,
    seats: BTreeMap<UserId, Vec<DeviceId>>,
    /// Said while it was cut off.
    unseated: BTreeMap<UserId, Vec<DeviceId>>,
    said: [u64; Topic::ALL.len()],
    dropped: [bool; Topic::ALL.len()],
    is_cut: bool,
    has_lease: bool,
    /// Whether the directory was emptied while it was cut off.
    is_forgotten: bool,
}

/// Something to tell one node.
enum Telling {
    Frame(Arc<Ears>, Topic, Arc<[u8]>),
    Interrupted(Arc<Ears>),
    Forgotten(Arc<Ears>),
    Alive(Arc<Ears>, BTreeSet<NodeId>),
}

impl Hub {
    /// One without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a node in.
    ///
    /// # Errors
    /// [`OtherLog`] when the others are of another.
    pub fn join(&self, log: u64) -> Result<Arc<HubBus>, OtherLog> {
        let (node, ears, counts) = self.0.change(|state| {
            let theirs = *state.log.get_or_insert(log);
            if theirs != log {
                return Err(OtherLog { ours: log, theirs });
            }
            state.last += 1;
            let node = NodeId(state.last);
            let counts = Arc::<Counts>::default();
            let ears = Arc::new(Ears::new(node, log, Arc::clone(&counts)));
            state.nodes.insert(node, Node::new(Arc::clone(&ears), Arc::clone(&counts)));
            state.tell_who_lives();
            Ok((node, ears, counts))
        })?;
        Ok(Arc::new(HubBus { shared: Arc::clone(&self.0), node, ears, counts }))
    }

    /// Cuts a node off: it neither hears nor is heard.
    pub fn cut(&self, node: NodeId) {
        self.0.change(|state| {
            if let Some(node) = state.nodes.get_mut(&node) {
                node.is_cut = true;
            }
        });
    }

    /// Ends that. Whoever may have missed something is told so.
    pub fn mend(&self, node: NodeId) {
        self.0.change(|state| state.mend(node));
    }

    /// Has a node's lease end: for the others it is gone, with what it said to the directory. Unless it is cut
    /// off it notices, takes another, and is asked to say all again.
    pub fn end_lease(&self, node: NodeId) {
        self.0.change(|state| state.end_lease(node));
    }

    /// Empties the directory, and tells all nodes in reach.
    pub fn empty_directory(&self) {
        self.0.change(|state| {
            for node in state.nodes.values_mut() {
                node.seats.clear();
                if node.is_cut {
                    node.is_forgotten = true;
                } else {
                    state.telling.push_back(Telling::Forgotten(Arc::clone(&node.ears)));
                }
            }
        });
    }

    /// Puts bytes of any kind on a topic.
    pub fn say(&self, topic: Topic, bytes: &[u8]) {
        self.0.change(|state| state.tell_others(None, topic, bytes));
    }
}

impl Shared {
    /// Changes the state, then tells what is to be told, with nothing locked.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.lock();
        let value = change(&mut state);
        if std::mem::replace(&mut state.is_telling, true) {
            return value;
        }
        while let Some(telling) = state.telling.pop_front() {
            drop(state);
            telling.tell();
            state = self.0.lock();
        }
        state.is_telling = false;
        value
    }
}

impl Telling {
    fn tell(self) {
        match self {
            Self::Frame(ears, topic, bytes) => ears.take(topic, &bytes),
            Self::Interrupted(ears) => Topic::ALL.into_iter().for_each(|it| ears.interrupted(it)),
            Self::Forgotten(ears) => ears.forgotten(),
            Self::Alive(ears, alive) => ears.alive(&alive, Some(Instant::now())),
        }
    }
}

impl Node {
    fn new(ears: Arc<Ears>, counts: Arc<Counts>) -> Self {
        Self {
            ears,
            counts,
            seats: BTreeMap::new(),
            unseated: BTreeMap::new(),
            said: Default::default(),
            dropped: Default::default(),
            is_cut: false,
            has_lease: true,
            is_forgotten: false,
        }
    }
}

impl State {
    fn frame(&self, node: NodeId, topic: Topic, kind: Kind, message: &[u8]) -> Vec<u8> {
        let (log, said) = (self.log.unwrap_or_default(), self.nodes[&node].said);
        Frame { node, log, kind, seq: said[topic as usize], message }.encode()
    }

    fn tell_others(&mut self, from: Option<NodeId>, topic: Topic, bytes: &[u8]) {
        let bytes: Arc<[u8]> = Arc::from(bytes);
        for (to, node) in &self.nodes {
            if Some(*to) != from && !node.is_cut {
                let telling = Telling::Frame(Arc::clone(&node.ears), topic, Arc::clone(&bytes));
                self.telling.push_back(telling);
            }
        }
    }

    fn tell_who_lives(&mut self) {
        let living = self.nodes.iter().filter(|(_, node)| node.has_lease);
        let alive: BTreeSet<NodeId> = living.map(|(node, _)| *node).collect();
        for (to, node) in &self.nodes {
            if !node.is_cut {
                let mut others = alive.clone();
                others.remove(to);
                self.telling.push_back(Telling::Alive(Arc::clone(&node.ears), others));
            }
        }
    }

    fn publish(&mut self, from: NodeId, topic: Topic, message: &[u8]) {
        let Some(node) = self.nodes.get_mut(&from) else { return };
        node.said[topic as usize] += 1;
        if node.is_cut {
            node.dropped[topic as usize] = true;
            Counts::add(&node.counts.dropped, 1);
            return;
        }
        Counts::add(&node.counts.published, 1);
        let counts = Arc::clone(&node.counts);
        let frame = self.frame(from, topic, Kind::Message, message);
        Counts::add(&counts.published_bytes, frame.len() as u64);
        self.tell_others(Some(from), topic, &frame);
    }

    fn seat(&mut self, node: NodeId, user: UserId, devices: Vec<DeviceId>) {
        let Some(node) = self.nodes.get_mut(&node) else { return };
        if node.is_cut {
            node.unseated.insert(user, devices);
        } else if devices.is_empty() {
            node.seats.remove(&user);
        } else {
            node.seats.insert(user, devices);
        }
    }

    fn mend(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        if !std::mem::take(&mut node.is_cut) {
            return;
        }
        self.telling.push_back(Telling::Interrupted(Arc::clone(&node.ears)));
        let had_lease = std::mem::replace(&mut node.has_lease, true);
        if std::mem::take(&mut node.is_forgotten) || !had_lease {
            self.telling.push_back(Telling::Forgotten(Arc::clone(&node.ears)));
        }
        let dropped = std::mem::take(&mut node.dropped);
        for (user, devices) in std::mem::take(&mut node.unseated) {
            self.seat(id, user, devices);
        }
        for topic in Topic::ALL.into_iter().filter(|topic| dropped[*topic as usize]) {
            let gap = self.frame(id, topic, Kind::Gap, b"");
            self.tell_others(Some(id), topic, &gap);
        }
        self.tell_who_lives();
    }

    fn end_lease(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.has_lease = false;
        node.seats.clear();
        self.tell_who_lives();
        let Some(node) = self.nodes.get_mut(&id).filter(|node| !node.is_cut) else { return };
        node.has_lease = true;
        self.telling.push_back(Telling::Forgotten(Arc::clone(&node.ears)));
        self.tell_who_lives();
    }

    fn leave(&mut self, node: NodeId) {
        if self.nodes.get(&node).is_some_and(|node| !node.is_cut) {
            for topic in Topic::ALL {
                let bye = self.frame(node, topic, Kind::Bye, b"");
                self.tell_others(Some(node), topic, &bye);
            }
        }
        if self.nodes.remove(&node).is_some() {
            self.tell_who_lives();
        }
    }

    fn elsewhere(&self, asking: NodeId, users: &[UserId]) -> Result<Vec<Elsewhere>, BusDown> {
        if self.nodes.get(&asking).is_none_or(|node| node.is_cut) {
            return Err(BusDown { reason: Arc::from("this node is cut off") });
        }
        let others: Vec<_> = self.nodes.iter().filter(|(node, _)| **node != asking).collect();
        let of = |user| {
            let seats =
                others.iter().filter_map(|(id, node)| Some((**id, node.seats.get(user)?.clone())));
            seats.collect()
        };
        Ok(users.iter().map(of).collect())
    }
}

/// A node of a [`Hub`]. It leaves when it is dropped.
pub struct HubBus {
    shared: Arc<Shared>,
    node: NodeId,
    ears: Arc<Ears>,
    counts: Arc<Counts>,
}

impl Bus for HubBus {
    fn node(&self) -> NodeId {
        self.node
    }

    fn publish(&self, topic: Topic, message: Vec<u8>) {
        self.shared.change(|state| state.publish(self.node, topic, &message));
    }

    fn listen(&self, topic: Topic, ear: Arc<dyn Ear>) {
        self.ears.listen(topic, ear);
    }

    fn seat(&self, user: UserId, devices: Vec<DeviceId>) {
        self.shared.change(|state| state.seat(self.node, user, devices));
    }

    fn elsewhere(&self, users: Vec<UserId>) -> BoxFuture<'static, Result<Vec<Elsewhere>, BusDown>> {
        let (shared, node) = (Arc::clone(&self.shared), self.node);
        async move { shared.0.lock().elsewhere(node, &users) }.boxed()
    }

    fn leave(&self) -> BoxFuture<'static, ()> {
        self.shared.change(|state| state.leave(self.node));
        std::future::ready(()).boxed()
    }

    fn stats(&self) -> BusStats {
        let state = self.shared.0.lock();
        let node = state.nodes.get(&self.node);
        BusStats {
            is_up: node.is_some_and(|node| !node.is_cut),
            unseated: node.map_or(0, |node| node.unseated.len() as u64),
            ..self.counts.read()
        }
    }
}

impl Drop for HubBus {
    fn drop(&mut self) {
        self.shared.change(|state| state.leave(self.node));
    }
}
