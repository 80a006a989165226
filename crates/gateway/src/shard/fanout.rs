//! One event to many sockets. The recipients are a snapshot taken when the broadcast's turn comes:
//! who joins later does not hear it, who leaves is found gone. The frames go straight to the
//! sockets; when the slice of this round is over, the rest waits for the next round, and ordered
//! operations wait behind it.

use std::sync::Arc;
use std::time::Instant;

use super::acks::Waiter;
use super::connection::Space;
use super::hold::Push;
use super::ops::Batch;
use super::send::When;
use super::{Place, Shard};
use crate::frame::Frame;
use crate::gather::Gathering;
use crate::ids::{ID_LENGTH, SocketKey};
use crate::io::Selection;
use crate::stats::Counters;

/// Deliveries between two looks at the clock.
const DELIVERIES_PER_LOOK: u32 = 16;
/// Rooms of so few sockets are written to with the batch, so that what else it brings for a socket
/// (an answer, the next message) goes out in the same call.
const BATCHED_TARGETS_MAX: usize = 8;
/// The position of a broadcast that is not in the log: no release drops it.
const UNLOGGED: u64 = u64::MAX;

/// A fan-out that is under way.
pub(super) struct Fanout {
    source: Source,
    targets: Vec<Place>,
    next: usize,
}

enum Source {
    Batch { batch: Arc<Batch>, next: usize },
    Once(Once),
}

/// A broadcast that is not part of a batch.
pub(super) struct Once {
    pub(super) frame: Frame,
    pub(super) volatile: bool,
    pub(super) ack_id: Option<u64>,
}

impl Shard {
    /// Begins a fan-out of one frame.
    pub(super) fn start_once(&mut self, selection: &Selection, once: Once) {
        let mut targets = Vec::new();
        self.select(selection, &mut targets);
        Counters::add(&self.counters().deliveries, targets.len() as u64);
        self.fanout = Some(Fanout { source: Source::Once(once), targets, next: 0 });
    }

    /// Begins a fan-out that gathers answers.
    pub(super) fn start_asking(
        &mut self,
        selection: &Selection,
        frame: Frame,
        id: u64,
        gathering: Arc<Gathering>,
    ) {
        self.start_once(selection, Once { frame, volatile: false, ack_id: Some(id) });
        let asked = self.fanout.as_ref().map_or(0, |fanout| fanout.targets.len());
        gathering.asked(asked);
        if asked > 0 {
            self.acks.wait(id, Waiter::Many { gathering, left: asked });
        }
    }

    /// Begins a batch.
    pub(super) fn start_batch(&mut self, batch: Arc<Batch>) {
        let source = Source::Batch { batch, next: 0 };
        self.fanout = Some(Fanout { source, targets: Vec::new(), next: 0 });
    }

    /// Goes on with the fan-out and with what waits behind it, until the slice is over.
    pub(super) fn fan_out(&mut self) {
        loop {
            while let Some(mut fanout) = self.fanout.take() {
                if !self.advance(&mut fanout) {
                    self.fanout = Some(fanout);
                    self.local.set_aside(self.ordered.len());
                    return;
                }
            }
            match self.ordered.pop_front() {
                Some(op) => self.perform(op),
                None => break,
            }
        }
        self.local.set_aside(0);
    }

    /// Delivers until the end (`true`) or until the slice is over.
    fn advance(&mut self, fanout: &mut Fanout) -> bool {
        loop {
            let few = fanout.targets.len() <= BATCHED_TARGETS_MAX;
            let when = if few { When::Batched } else { When::Now };
            while let Some(&target) = fanout.targets.get(fanout.next) {
                if self.slice_is_over() {
                    return false;
                }
                fanout.next += 1;
                match &fanout.source {
                    Source::Once(once) => self.deliver_once(target, once, when),
                    Source::Batch { batch, next } => {
                        let broadcast = &batch.broadcasts[next - 1];
                        self.deliver(target, &broadcast.frame, broadcast.position, when);
                    }
                }
            }
            let Source::Batch { batch, next } = &mut fanout.source else { return true };
            let Some(broadcast) = batch.broadcasts.get(*next) else {
                self.position = self.position.max(batch.then_position);
                return true;
            };
            *next += 1;
            fanout.next = 0;
            fanout.targets.clear();
            let space = self.space_names.get(&batch.namespace).copied();
            self.begin_marks();
            self.mark_key(broadcast.except);
            if let Some(space) = space {
                self.select_room(space, &broadcast.room, &mut fanout.targets);
            }
            Counters::add(&self.counters().deliveries, fanout.targets.len() as u64);
        }
    }

    fn slice_is_over(&mut self) -> bool {
        self.since_look += 1;
        if self.since_look >= DELIVERIES_PER_LOOK {
            self.since_look = 0;
            self.slice_over = Instant::now() >= self.slice_end;
        }
        self.slice_over
    }

    fn deliver_once(&mut self, target: Place, once: &Once, when: When) {
        if let Some(id) = once.ack_id {
            let owes = match self.sockets.get_mut(target.0, target.1) {
                Some(member) => {
                    self.acks.owe(id, &mut member.owed, self.shared.config.acks_pending_max)
                }
                None => false,
            };
            if !owes {
                return self.acks.missed(id);
            }
        }
        if once.volatile {
            let Some(member) = self.sockets.get(target.0, target.1) else { return };
            if member.hold.is_some() || self.is_congested(member.connection) {
                return Counters::add(&self.counters().volatile_dropped, 1);
            }
        }
        self.deliver(target, &once.frame, UNLOGGED, when);
    }

    /// Gives a broadcast to one socket, or to its hold.
    fn deliver(&mut self, target: Place, frame: &Frame, position: u64, when: When) {
        let Some(member) = self.sockets.get_mut(target.0, target.1) else { return };
        let connection = member.connection;
        let Some(hold) = &mut member.hold else {
            return self.send(connection, frame, when);
        };
        let bytes_max = self.shared.config.hold_bytes_max;
        if hold.push(position, frame.clone(), frame.len(), bytes_max) == Push::Overflowed {
            Counters::add(&self.counters().holds_overflowed, 1);
        }
    }

    /// Lists the sockets of a selection, each once.
    pub(super) fn select(&mut self, selection: &Selection, targets: &mut Vec<Place>) {
        let Some(&number) = self.space_names.get(&selection.namespace) else { return };
        self.begin_marks();
        self.mark_key(selection.except_key);
        let mut excepted = Vec::new();
        for room in &selection.except {
            self.select_room(number, room, &mut excepted);
        }
        for room in &selection.rooms {
            self.select_room(number, room, targets);
        }
        if selection.rooms.is_empty()
            && let Some(Some(space)) = self.spaces.get(number as usize)
        {
            let Self { sockets, broadcast, .. } = self;
            let all = space.members.iter().copied();
            targets.extend(all.filter_map(|slot| mark(sockets, slot, *broadcast)));
        }
    }

    /// Lists the sockets of a room that are not marked yet, and marks them. A room may be the id
    /// of a socket.
    fn select_room(&mut self, number: u32, name: &str, targets: &mut Vec<Place>) {
        let Self { spaces, sockets, broadcast, shared, index, .. } = self;
        let Some(Some(Space { rooms, .. })) = spaces.get(number as usize) else { return };
        if let Some(room) = rooms.find(name) {
            targets.extend(rooms.sockets(room).filter_map(|slot| mark(sockets, slot, *broadcast)));
        }
        if name.len() == ID_LENGTH
            && let Some(key) = shared.seal.socket_key(name)
            && key.shard() == *index
            && sockets.get(key.slot(), key.generation()).is_some_and(|it| it.space == number)
        {
            targets.extend(mark(sockets, key.slot(), *broadcast));
        }
    }

    fn begin_marks(&mut self) {
        self.broadcast += 1;
    }

    fn mark_key(&mut self, key: Option<SocketKey>) {
        if let Some(key) = key
            && key.shard() == self.index
            && let Some(member) = self.sockets.get_mut(key.slot(), key.generation())
        {
            member.mark = self.broadcast;
        }
    }
}

/// Marks a socket; `None` if it was marked.
fn mark(sockets: &mut super::Slab<super::Member>, slot: u32, broadcast: u64) -> Option<Place> {
    let generation = sockets.generation(slot)?;
    let member = sockets.at(slot)?;
    let first = member.mark != broadcast;
    member.mark = broadcast;
    first.then_some((slot, generation))
}
