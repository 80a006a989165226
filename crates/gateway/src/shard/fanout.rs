//! One event to many sockets. The recipients are a snapshot taken when the broadcast's turn comes:
//! who joins later does not hear it, who leaves is found gone. The frames go straight to the
//! sockets; when the slice of this round is over, the rest waits for the next round, and ordered
//! operations wait behind it. What has piled up meanwhile for the same room goes out as one run:
//! one write per socket carries all its frames.

use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;

use super::acks::Waiter;
use super::connection::{Member, Space};
use super::hold::Push;
use super::ops::{Batch, Op, TargetAction};
use super::send::When;
use super::{Place, Shard};
use crate::frame::Frame;
use crate::gather::Gathering;
use crate::ids::{ID_LENGTH, SocketKey};
use crate::io::{Broadcast, Selection};
use crate::recovery::UNNUMBERED;
use crate::stats::Counters;

/// Deliveries between two looks at the clock.
const DELIVERIES_PER_LOOK: u32 = 16;
/// Rooms of so few sockets are written to with the batch, so that what else it brings for a socket
/// (an answer, the next message) goes out in the same call.
const BATCHED_TARGETS_MAX: usize = 8;
/// Before it goes to so many sockets, a run gives way once: what has just been committed is answered
/// by another thread and by tasks of this one, and its sender should not wait for a slice.
const GIVE_WAY_TARGETS_MIN: usize = 256;
/// The position of a broadcast that is not in the log: no release drops it.
const UNLOGGED: u64 = u64::MAX;
/// Frames that one write may carry to a socket.
const RUN_FRAMES_MAX: usize = 64;
/// A run takes no further frame from this size on.
const RUN_BYTES_MAX: usize = 32 << 10;

/// A fan-out that is under way.
pub(super) struct Fanout {
    source: Source,
    run: Run,
    targets: Vec<Place>,
    next: usize,
    /// Whether this run gave way already.
    gave_way: bool,
}

impl Fanout {
    fn new(source: Source, run: Run, targets: Vec<Place>) -> Self {
        Self { source, run, targets, next: 0, gave_way: false }
    }
}

enum Source {
    /// A batch, and how many of its broadcasts are in this run or an earlier one.
    Batch { batch: Arc<Batch>, taken: usize },
    /// A broadcast, or several to the same sockets.
    Plain,
    /// A broadcast that is dropped for who is congested, or asks for answers.
    Particular { volatile: bool, ack_id: Option<u64> },
}

/// Consecutive broadcasts to the same sockets.
#[derive(Default)]
struct Run {
    /// Each with its position in the log.
    pieces: SmallVec<[(Frame, u64); 1]>,
    bytes: usize,
    /// All of them as one; only there if they are several.
    joined: Option<Frame>,
}

impl Run {
    fn of(frame: Frame) -> Self {
        let mut run = Self::default();
        run.push(frame, UNLOGGED);
        run
    }

    fn is_full(&self) -> bool {
        self.pieces.len() >= RUN_FRAMES_MAX || self.bytes >= RUN_BYTES_MAX
    }

    fn push(&mut self, frame: Frame, position: u64) {
        self.bytes += frame.len();
        self.pieces.push((frame, position));
    }

    fn complete(&mut self) {
        if self.pieces.len() > 1 {
            self.joined = Some(Frame::joined(self.pieces.iter().map(|it| it.0.clone()).collect()));
        }
    }
}

impl Shard {
    /// Begins a fan-out of one frame, and of those that wait right behind it for the same sockets.
    pub(super) fn start_plain(&mut self, selection: &Selection, frame: Frame, number: u64) {
        let mut run = Run::of(frame);
        self.performed = self.performed.max(number);
        while !run.is_full()
            && let Some((frame, number)) = self.next_alike(selection)
        {
            run.push(frame, UNLOGGED);
            self.performed = self.performed.max(number);
        }
        self.start(selection, Source::Plain, run);
    }

    /// Begins a fan-out that leaves out who is congested.
    pub(super) fn start_volatile(&mut self, selection: &Selection, frame: Frame) {
        self.start(selection, Source::Particular { volatile: true, ack_id: None }, Run::of(frame));
    }

    /// Begins a fan-out that gathers answers.
    pub(super) fn start_asking(
        &mut self,
        selection: &Selection,
        frame: Frame,
        id: u64,
        gathering: Arc<Gathering>,
    ) {
        let source = Source::Particular { volatile: false, ack_id: Some(id) };
        self.start(selection, source, Run::of(frame));
        let asked = self.fanout.as_ref().map_or(0, |fanout| fanout.targets.len());
        gathering.asked(asked);
        if asked > 0 {
            self.acks.wait(id, Waiter::Many { gathering, left: asked });
        }
    }

    /// Begins a batch.
    pub(super) fn start_batch(&mut self, batch: Arc<Batch>) {
        let source = Source::Batch { batch, taken: 0 };
        self.fanout = Some(Fanout::new(source, Run::default(), Vec::new()));
    }

    fn start(&mut self, selection: &Selection, source: Source, mut run: Run) {
        let mut targets = Vec::new();
        self.select(selection, &mut targets);
        run.complete();
        Counters::add(&self.counters().deliveries, (targets.len() * run.pieces.len()) as u64);
        self.fanout = Some(Fanout::new(source, run, targets));
    }

    /// Takes the next waiting operation if it is a plain broadcast to the same sockets.
    fn next_alike(&mut self, selection: &Selection) -> Option<(Frame, u64)> {
        let Op::Target { selection: next, action } = self.ordered.front()? else { return None };
        if **next != *selection || !matches!(action, TargetAction::Emit { volatile: false, .. }) {
            return None;
        }
        match self.ordered.pop_front()? {
            Op::Target { action: TargetAction::Emit { frame, number, .. }, .. } => {
                Some((frame, number))
            }
            _ => unreachable!("it was looked at"),
        }
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

    /// Delivers until the end (`true`), or until the slice is over or it gives way.
    fn advance(&mut self, fanout: &mut Fanout) -> bool {
        loop {
            if fanout.targets.len() >= GIVE_WAY_TARGETS_MIN && !fanout.gave_way {
                fanout.gave_way = true;
                self.gives_way = true;
                return false;
            }
            let few = fanout.targets.len() <= BATCHED_TARGETS_MAX;
            let when = if few { When::Batched } else { When::Now };
            while let Some(&target) = fanout.targets.get(fanout.next) {
                if self.slice_is_over() {
                    return false;
                }
                fanout.next += 1;
                match fanout.source {
                    Source::Particular { volatile, ack_id } => {
                        self.deliver_particular(target, &fanout.run, volatile, ack_id, when);
                    }
                    Source::Plain | Source::Batch { .. } => self.deliver(target, &fanout.run, when),
                }
            }
            let Source::Batch { batch, taken } = &mut fanout.source else { return true };
            if *taken == batch.broadcasts.len() {
                self.position = self.position.max(batch.then_position);
                return true;
            }
            (fanout.next, fanout.run, fanout.gave_way) = (0, Run::default(), false);
            fanout.targets.clear();
            *taken += self.next_run(batch, *taken, &mut fanout.run, &mut fanout.targets);
        }
    }

    /// Fills a run with the next broadcasts of a batch that go to one room, and lists its sockets;
    /// gives how many broadcasts that were. Who is left out of some of them gets the others here.
    fn next_run(
        &mut self,
        batch: &Batch,
        from: usize,
        run: &mut Run,
        targets: &mut Vec<Place>,
    ) -> usize {
        let room = &batch.broadcasts[from].room;
        let alike = batch.broadcasts[from..].iter().take_while(|next| next.room == *room);
        self.begin_marks();
        let mut excepted: SmallVec<[SocketKey; 1]> = SmallVec::new();
        for broadcast in alike {
            if run.is_full() {
                break;
            }
            run.push(broadcast.frame.clone(), broadcast.position);
            if let Some(key) = broadcast.except
                && !excepted.contains(&key)
            {
                self.mark_key(Some(key));
                excepted.push(key);
            }
        }
        run.complete();
        let count = run.pieces.len();
        if batch.first_number != UNNUMBERED {
            self.performed = batch.first_number + (from + count) as u64 - 1;
        }
        if let Some(&space) = self.space_names.get(&batch.namespace) {
            self.select_room(space, room, targets);
            if count > 1 {
                let broadcasts = &batch.broadcasts[from..from + count];
                excepted.iter().for_each(|key| self.deliver_others(space, *key, broadcasts));
            }
        }
        Counters::add(&self.counters().deliveries, (targets.len() * count) as u64);
        count
    }

    /// Gives a socket of the room those broadcasts of a run that do not leave it out.
    fn deliver_others(&mut self, space: u32, key: SocketKey, broadcasts: &[Broadcast]) {
        let place = (key.slot(), key.generation());
        let Some(Some(Space { rooms, .. })) = self.spaces.get(space as usize) else { return };
        let Some(member) = self.sockets.get(place.0, place.1) else { return };
        if key.shard() != self.index || member.space != space {
            return;
        }
        let room = &broadcasts[0].room;
        let is_own = room.len() == ID_LENGTH && **room == *member.handle.id();
        if !is_own && !rooms.holds(room, &member.rooms) {
            return;
        }
        for broadcast in broadcasts.iter().filter(|it| it.except != Some(key)) {
            let mut run = Run::default();
            run.push(broadcast.frame.clone(), broadcast.position);
            self.deliver(place, &run, When::Batched);
            Counters::add(&self.counters().deliveries, 1);
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

    fn deliver_particular(
        &mut self,
        target: Place,
        run: &Run,
        volatile: bool,
        ack_id: Option<u64>,
        when: When,
    ) {
        if let Some(id) = ack_id {
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
        if volatile {
            let Some(member) = self.sockets.get(target.0, target.1) else { return };
            if member.hold.is_some() || self.is_congested(member.connection) {
                return Counters::add(&self.counters().volatile_dropped, 1);
            }
        }
        self.deliver(target, run, when);
    }

    /// Gives a run to one socket, or to its hold.
    fn deliver(&mut self, target: Place, run: &Run, when: When) {
        let Some(member) = self.sockets.get(target.0, target.1) else { return };
        let connection = member.connection;
        if member.hold.is_none() {
            let all = run.joined.as_ref().unwrap_or(&run.pieces[0].0);
            return self.send(connection, self.form_for(member, all), when);
        }
        self.hold(target, run);
    }

    /// Keeps a run, in the form that the socket gets, until its release.
    fn hold(&mut self, target: Place, run: &Run) {
        let bytes_max = self.shared.config.hold_bytes_max;
        for (frame, position) in &run.pieces {
            let Some(member) = self.sockets.get(target.0, target.1) else { return };
            let frame = self.form_for(member, frame);
            let member = self.sockets.get_mut(target.0, target.1);
            let Some(hold) = member.and_then(|member| member.hold.as_mut()) else { return };
            if hold.push(*position, frame.clone(), frame.len(), bytes_max) == Push::Overflowed {
                Counters::add(
                    &self.shared.inboxes[usize::from(self.index)].counters.holds_overflowed,
                    1,
                );
            }
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
        let Self { spaces, sockets, broadcast, shared, index, restored, .. } = self;
        let Some(Some(Space { rooms, .. })) = spaces.get(number as usize) else { return };
        if let Some(room) = rooms.find(name) {
            targets.extend(rooms.sockets(room).filter_map(|slot| mark(sockets, slot, *broadcast)));
        }
        if name.len() == ID_LENGTH {
            let made = shared.seal.socket_key(name).filter(|key| key.shard() == *index);
            for key in made.into_iter().chain(restored.keys_of(name).iter().copied()) {
                let member = sockets.get(key.slot(), key.generation());
                if member.is_some_and(|it| it.space == number && is_named(it, name)) {
                    targets.extend(mark(sockets, key.slot(), *broadcast));
                }
            }
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

/// Whether a socket answers to an id that its key was made to, or that it was restored to.
fn is_named(member: &Member, id: &str) -> bool {
    member.handle.restored_id().is_none_or(|restored| *restored == *id)
}

/// Marks a socket; `None` if it was marked.
fn mark(sockets: &mut super::Slab<Member>, slot: u32, broadcast: u64) -> Option<Place> {
    let generation = sockets.generation(slot)?;
    let member = sockets.at(slot)?;
    let first = member.mark != broadcast;
    member.mark = broadcast;
    first.then_some((slot, generation))
}
