//! Everything that lies between nodes and devices, and time: the agenda of what happens when, the
//! links, the bus, the store, what was observed, and the trace.
//!
//! A link keeps the order of each direction, delays as it likes, and loses what is under way when
//! it is cut. The bus keeps nothing: it drops, repeats, delays and reorders. The store answers
//! each node in the order of commits, reads whenever they are done.

use std::collections::BTreeMap;
use std::sync::Arc;

use parlor_chat::entry::Epoch;
use parlor_chat::store::{Committed, Origin, StoreError};

use super::chance::{Chance, Source};
use super::disk::{Asker, Begun, Disk, Read, Ticket, Told, Write, Written};
use super::event::{AtNode, Counts, Event, Gone, Hint};
use super::message::{Conn, Down, Up};
use super::plan::{Noise, Plan};
use super::planted::Planted;
use crate::history::History;

/// Entries at most that were removed between two batches.
const REMOVED_MAX: u64 = 6;
/// Of a hundred commits, so many are told of without their entries.
const BARE_PERCENT: u64 = 10;

/// One direction of a link.
#[derive(Debug)]
struct Way {
    /// When the last message arrives.
    last_at: u64,
    /// Whether it swallows what comes.
    is_hole: bool,
    chance: Chance,
}

/// A connection's way through the network.
#[derive(Debug)]
pub(crate) struct Link {
    /// The node's end.
    pub(crate) asker: Asker,
    /// The device's end.
    pub(crate) device: usize,
    dead: bool,
    up: Way,
    down: Way,
}

/// See the module.
pub(crate) struct Outside {
    /// The time, in milliseconds.
    pub(crate) now: u64,
    /// By time, then by the order in which it was put there.
    agenda: BTreeMap<(u64, u64), Event>,
    scheduled: u64,
    /// The store.
    pub(crate) disk: Disk,
    /// What was observed.
    pub(crate) history: History,
    /// Messages that came back to the connection which sent them.
    pub(crate) echoes: Vec<String>,
    links: BTreeMap<Conn, Link>,
    conns: u64,
    /// How bad the world is.
    pub(crate) noise: Noise,
    /// What is done wrong.
    pub(crate) planted: Option<Planted>,
    /// The plan's chance.
    pub(crate) seed: u64,
    /// Counts.
    pub(crate) counts: Counts,
    trace: Option<Vec<String>>,
    bus: Vec<Chance>,
    to_disk: Vec<Chance>,
    told_at: Vec<u64>,
    removed: Chance,
}

impl Outside {
    /// Before anything happened.
    pub(crate) fn new(plan: &Plan, planted: Option<Planted>, traced: bool) -> Self {
        let streams = |source| -> Vec<Chance> {
            (0..plan.nodes as u64).map(|node| Chance::of(plan.seed, source, node)).collect()
        };
        Self {
            now: 0,
            agenda: BTreeMap::new(),
            scheduled: 0,
            disk: Disk::new(plan.noise.store_queue, planted),
            history: History::default(),
            echoes: Vec::new(),
            links: BTreeMap::new(),
            conns: 0,
            noise: plan.noise,
            planted,
            seed: plan.seed,
            counts: Counts::default(),
            trace: traced.then(Vec::new),
            bus: streams(Source::Bus),
            to_disk: streams(Source::Disk),
            told_at: vec![0; plan.nodes],
            removed: Chance::of(plan.seed, Source::Removed, 0),
        }
    }

    /// Whether a fault is planted.
    pub(crate) fn plants(&self, fault: Planted) -> bool {
        self.planted == Some(fault)
    }

    /// Has something happen later.
    pub(crate) fn at(&mut self, time: u64, event: Event) {
        self.scheduled += 1;
        self.agenda.insert((time.max(self.now), self.scheduled), event);
    }

    /// Has something happen later than it was to, in its old order among its like.
    pub(crate) fn postpone(&mut self, number: u64, time: u64, event: Event) {
        self.agenda.insert((time, number), event);
    }

    /// The next thing to happen until then, with its number; the time is then its time.
    pub(crate) fn next(&mut self, until: u64) -> Option<(u64, Event)> {
        let first = self.agenda.first_entry().filter(|first| first.key().0 <= until)?;
        let ((time, number), event) = first.remove_entry();
        self.now = time;
        self.counts.events += 1;
        Some((number, event))
    }

    /// Writes a line of the trace, if one is kept.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>6} ms  {}", self.now, line()));
        }
    }

    /// The trace.
    pub(crate) fn trace(&mut self) -> Vec<String> {
        self.trace.take().unwrap_or_default()
    }

    // Links.

    /// Connects a device to a node.
    pub(crate) fn connect(&mut self, device: usize, asker: Asker) -> Conn {
        self.conns += 1;
        let way = |source| Way {
            last_at: 0,
            is_hole: false,
            // By device, not by connection, so that one connection less changes little.
            chance: Chance::of(self.seed, source, (device as u64) << 32 | self.conns),
        };
        let (up, down) = (way(Source::Up), way(Source::Down));
        let link = Link { asker, device, dead: false, up, down };
        self.links.insert(Conn(self.conns), link);
        Conn(self.conns)
    }

    /// A device says something.
    pub(crate) fn up(&mut self, conn: Conn, up: Up) {
        let (now, longest) = (self.now, self.noise.link_delay);
        let Some(link) = self.links.get_mut(&conn) else { return };
        let at = link.up.arrival(now, longest);
        if !link.dead {
            self.at(at, Event::Up(conn, up));
        }
    }

    /// A node says something; gives when it arrives, if it does.
    pub(crate) fn down(&mut self, conn: Conn, down: Down) -> u64 {
        let (now, longest) = (self.now, self.noise.link_delay);
        let Some(link) = self.links.get_mut(&conn) else { return now };
        let at = link.down.arrival(now, longest);
        if !link.dead {
            self.at(at, Event::Down(conn, down));
        }
        at
    }

    /// The link, if something that arrives now at its node or device really does.
    pub(crate) fn arrives(&self, conn: Conn, upwards: bool) -> Option<&Link> {
        let link = self.links.get(&conn)?;
        let way = if upwards { &link.up } else { &link.down };
        (!link.dead && !way.is_hole).then_some(link)
    }

    /// Cuts a link; both ends learn of it a little later.
    pub(crate) fn cut(&mut self, conn: Conn) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&conn).filter(|link| !link.dead) else { return };
        link.dead = true;
        let (up, down) = (link.up.chance.range(0, 30), link.down.chance.range(0, 30));
        let hole = link.up.is_hole || link.down.is_hole;
        if !hole {
            self.at(now + up, Event::Closed(conn));
            self.at(now + down, Event::Dropped(conn));
        }
    }

    /// Makes one or both directions of a link swallow what comes, and says nothing.
    pub(crate) fn swallow(&mut self, conn: Conn, upwards: bool) {
        if let Some(link) = self.links.get_mut(&conn) {
            link.down.is_hole = true;
            link.up.is_hole |= upwards;
        }
    }

    /// The device closes a link: what it said before still arrives.
    pub(crate) fn hang_up(&mut self, conn: Conn) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&conn).filter(|link| !link.dead) else { return };
        link.down.is_hole = true;
        if !link.up.is_hole {
            let at = link.up.arrival(now, 20);
            self.at(at, Event::Closed(conn));
        }
    }

    /// The node closes a link: what it said before still arrives.
    pub(crate) fn turn_away(&mut self, conn: Conn) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&conn).filter(|link| !link.dead) else { return };
        link.up.is_hole = true;
        if !link.down.is_hole {
            let at = link.down.arrival(now, 20);
            self.at(at, Event::Dropped(conn));
        }
    }

    /// Cuts every link of a node.
    pub(crate) fn cut_all_of(&mut self, node: usize) {
        let of_node = |(conn, link): (&Conn, &Link)| (link.asker.node == node).then_some(*conn);
        let conns: Vec<Conn> = self.links.iter().filter_map(of_node).collect();
        conns.into_iter().for_each(|conn| self.cut(conn));
    }

    /// The device of a link.
    pub(crate) fn device_of(&self, conn: Conn) -> Option<usize> {
        Some(self.links.get(&conn)?.device)
    }

    /// The node of a link, and in which of its lives.
    pub(crate) fn asker_of(&self, conn: Conn) -> Option<Asker> {
        Some(self.links.get(&conn)?.asker)
    }

    // The bus.

    /// Tells all other nodes of a commit, as far as the bus likes.
    pub(crate) fn hint(&mut self, from: Asker, epoch: Epoch, head: u64, entries: &[Committed]) {
        let hinted = |committed: &Committed| Committed {
            entry: committed.entry.clone(),
            // What the connections of another node are called says nothing here.
            origin: Origin::of(0),
        };
        let entries = match self.bus[from.node].percent(BARE_PERCENT) {
            true => Vec::new(),
            false => entries.iter().map(hinted).collect(),
        };
        let hint = Arc::new(Hint { epoch, head, entries });
        for (node, time) in self.carried(from) {
            self.at(time, Event::Bus(node, AtNode::Hint(hint.clone())));
        }
    }

    /// Tells all other nodes of a receipt.
    pub(crate) fn hint_receipt(&mut self, from: Asker, epoch: Epoch, gone: &Gone) {
        for (node, time) in self.carried(from) {
            self.at(time, Event::Bus(node, AtNode::Receipt(epoch, gone.clone())));
        }
    }

    /// To which nodes the bus carries something, and when. What is under way when a node starts
    /// again reaches its next life.
    fn carried(&mut self, from: Asker) -> Vec<(usize, u64)> {
        let mut carried = Vec::new();
        for (node, chance) in self.bus.iter_mut().enumerate().filter(|(node, _)| *node != from.node)
        {
            let copies = match chance.next() % 100 {
                n if n < self.noise.bus_drop => 0,
                _ if chance.percent(self.noise.bus_twice) => 2,
                _ => 1,
            };
            for _ in 0..copies {
                carried.push((node, self.now + chance.range(0, self.noise.bus_delay)));
            }
        }
        carried
    }

    // The store.

    /// Hands a write to the store.
    ///
    /// # Errors
    /// When the store refuses it at once.
    pub(crate) fn write(
        &mut self,
        asker: Asker,
        ticket: Ticket,
        write: Write,
    ) -> Result<(), StoreError> {
        if self.disk.submit(asker, ticket, write)? {
            self.begin_sync();
        }
        Ok(())
    }

    /// Begins to sync what waits, if nothing is being synced: not before its node has heard what it
    /// would commit.
    pub(crate) fn begin_sync(&mut self) {
        let removed = match self.removed.percent(self.noise.removed) {
            true => self.removed.range(1, REMOVED_MAX),
            false => 0,
        };
        let Some(Begun { asker, expected, early }) = self.disk.begin(removed) else { return };
        let heard = self.at_node(asker, 0, AtNode::Expect(expected));
        let at = heard + self.to_disk[asker.node].range(1, self.noise.sync_delay);
        let life = self.disk.life();
        self.at(at, Event::Synced(life));
        if !early.is_empty() {
            self.tell(asker, Told { entries: Vec::new(), answers: early });
        }
    }

    /// Brings commits and answers to their node.
    pub(crate) fn tell(&mut self, asker: Asker, told: Told) {
        let delay = self.to_disk[asker.node].range(0, 8);
        self.at_node(asker, delay, AtNode::Told(told));
    }

    /// Brings something of the store's writes to a node, behind all that it was told before; gives
    /// when it is there.
    fn at_node(&mut self, asker: Asker, delay: u64, what: AtNode) -> u64 {
        let at = (self.now + delay).max(self.told_at[asker.node]);
        self.told_at[asker.node] = at;
        self.at(at, Event::Node(asker, what));
        at
    }

    /// Asks the store; what it saw comes back by [`AtNode::Saw`].
    pub(crate) fn read(&mut self, asker: Asker, ticket: Ticket, read: Read) {
        let at = self.now + self.to_disk[asker.node].range(0, self.noise.read_delay);
        self.at(at, Event::ReadDone(asker, ticket, read));
    }

    /// The store reads now; the answer takes its time.
    pub(crate) fn read_now(&mut self, asker: Asker, ticket: Ticket, read: &Read) {
        let saw = self.disk.read(read);
        let at = self.now + self.to_disk[asker.node].range(0, self.noise.read_delay);
        self.at(at, Event::Node(asker, AtNode::Saw(ticket, saw)));
    }

    /// The store dies.
    pub(crate) fn crash_store(&mut self) {
        for (asker, ticket) in self.disk.crash() {
            let answers = vec![(ticket, Written::Unknown)];
            self.tell(asker, Told { entries: Vec::new(), answers });
        }
    }
}

impl Way {
    /// When a message that is sent now arrives: not before the last.
    fn arrival(&mut self, now: u64, longest: u64) -> u64 {
        let spike = if self.chance.percent(2) { self.chance.range(0, 400) } else { 0 };
        let at = now + self.chance.range(1, longest) + spike;
        self.last_at = at.max(self.last_at);
        self.last_at
    }
}
