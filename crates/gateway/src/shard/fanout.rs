//! One event to many sockets. The recipients are a snapshot taken when the broadcast's turn comes:
//! who joins later does not hear it, who leaves is found gone. The frames go straight to the
//! sockets; when the slice of this round is over, the rest waits for the next round, and ordered
//! operations wait behind it. What has piled up meanwhile for the same room goes out as one run,
//! be it of several batches: one write per socket carries all its frames.

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

/// A frame of a run.
struct Piece {
    frame: Frame,
    /// Its position in the log.
    position: u64,
    /// A socket that does not get it.
    except: Option<SocketKey>,
}

impl Piece {
    fn of(broadcast: &Broadcast) -> Self {
        let Broadcast { frame, position, except, .. } = broadcast;
        Self { frame: frame.clone(), position: *position, except: *except }
    }

    fn unlogged(frame: Frame) -> Self {
        Self { frame, position: UNLOGGED, except: None }
    }
}

/// Consecutive broadcasts to the same sockets.
#[derive(Default)]
struct Run {
    pieces: SmallVec<[Piece; 1]>,
    bytes: usize,
    /// All of them as one; only there if they are several.
    joined: Option<Frame>,
}

impl Run {
    fn of(piece: Piece) -> Self {
        let mut run = Self::default();
        run.push(piece);
        run
    }

    fn is_full(&self) -> bool {
        self.pieces.len() >= RUN_FRAMES_MAX || self.bytes >= RUN_BYTES_MAX
    }

    fn push(&mut self, piece: Piece) {
        self.bytes += piece.frame.len();
        self.pieces.push(piece);
    }

    fn complete(&mut self) {
        if self.pieces.len() > 1 {
            self.joined =
                Some(Frame::joined(self.pieces.iter().map(|it| it.frame.clone()).collect()));
        }
    }
}

impl Shard {
    /// Begins a fan-out of one frame, and of those that wait right behind it for the same sockets.
    pub(super) fn start_plain(&mut self, selection: &Selection, frame: Frame, number: u64) {
        let mut run = Run::of(Piece::unlogged(frame));
        self.performed = self.performed.max(number);
        while !run.is_full()
            && let Some((frame, number)) = self.next_alike(selection)
        {
            run.push(Piece::unlogged(frame));
            self.performed = self.performed.max(number);
        }
        self.start(selection, Source::Plain, run);
    }

    /// Begins a fan-out that leaves out who is congested.
    pub(super) fn start_volatile(&mut self, selection: &Selection, frame: Frame) {
        let source = Source::Particular { volatile: true, ack_id: None };
        self.start(selection, source, Run::of(Piece::unlogged(frame)));
    }

    /// Begins a fan-out that gathers answers.
    pub(super) fn start_asking(
        &mut self,
        selection: &Selection,
        frame: Frame,
        id: u64,
        gathering: Arc<Gathering>,
    ) {
        // Told to forget it, the shard would have overtaken it.
        let waits = !gathering.is_given_up();
        let source = Source::Particular { volatile: false, ack_id: waits.then_some(id) };
        self.start(selection, source, Run::of(Piece::unlogged(frame)));
        let asked = self.fanout.as_ref().map_or(0, |fanout| fanout.targets.len());
        gathering.asked(asked);
        if asked > 0 && waits {
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
        self.count(&targets, &run);
        self.fanout = Some(Fanout::new(source, run, targets));
    }

    fn count(&self, targets: &[Place], run: &Run) {
        Counters::add(&self.counters().runs, 1);
        Counters::add(&self.counters().deliveries, (targets.len() * run.pieces.len()) as u64);
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
            self.next_run(batch, taken, &mut fanout.run, &mut fanout.targets);
        }
    }

    /// Fills a run with the next broadcasts that go to one room, of this batch and of those that
    /// wait right behind it, and lists its sockets. Who is left out of some of them gets the others
    /// here. The batch is then the last one that the run has something of: a shard's position moves
    /// with the end of that.
    fn next_run(
        &mut self,
        batch: &mut Arc<Batch>,
        taken: &mut usize,
        run: &mut Run,
        targets: &mut Vec<Place>,
    ) {
        let namespace = Arc::clone(&batch.namespace);
        let room = Arc::clone(&batch.broadcasts[*taken].room);
        loop {
            while !run.is_full()
                && let Some(broadcast) = batch.broadcasts.get(*taken)
                && broadcast.room == room
            {
                run.push(Piece::of(broadcast));
                *taken += 1;
            }
            if batch.first_number != UNNUMBERED {
                self.performed = batch.first_number + *taken as u64 - 1;
            }
            if *taken < batch.broadcasts.len() || run.is_full() {
                break;
            }
            let Some(next) = self.next_batch_to(&namespace, &room) else { break };
            (*batch, *taken) = (next, 0);
        }
        run.complete();
        self.begin_marks();
        let mut excepted: SmallVec<[SocketKey; 1]> = SmallVec::new();
        for key in run.pieces.iter().filter_map(|piece| piece.except) {
            if !excepted.contains(&key) {
                self.mark_key(Some(key));
                excepted.push(key);
            }
        }
        if let Some(&space) = self.space_names.get(&namespace) {
            self.select_room(space, &room, targets);
            if run.pieces.len() > 1 {
                excepted.iter().for_each(|key| self.deliver_others(space, &room, *key, run));
            }
        }
        self.count(targets, run);
    }

    /// Takes the next waiting operation if it is a batch that begins with this room.
    fn next_batch_to(&mut self, namespace: &str, room: &str) -> Option<Arc<Batch>> {
        let Op::Batch(next) = self.ordered.front()? else { return None };
        if *next.namespace != *namespace || *next.broadcasts.first()?.room != *room {
            return None;
        }
        match self.ordered.pop_front()? {
            Op::Batch(batch) => Some(batch),
            _ => unreachable!("it was looked at"),
        }
    }

    /// Gives a socket of the room those frames of a run that do not leave it out.
    fn deliver_others(&mut self, space: u32, room: &str, key: SocketKey, run: &Run) {
        let place = (key.slot(), key.generation());
        let Some(Some(Space { rooms, .. })) = self.spaces.get(space as usize) else { return };
        let Some(member) = self.sockets.get(place.0, place.1) else { return };
        if key.shard() != self.index || member.space != space {
            return;
        }
        let is_own = room.len() == ID_LENGTH && *room == *member.handle.id();
        if !is_own && !rooms.holds(room, &member.rooms) {
            return;
        }
        for Piece { frame, position, .. } in run.pieces.iter().filter(|it| it.except != Some(key)) {
            let piece = Piece { frame: frame.clone(), position: *position, except: None };
            self.deliver(place, &Run::of(piece), When::Batched);
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
            let all = run.joined.as_ref().unwrap_or(&run.pieces[0].frame);
            return self.send(connection, self.form_for(member, all), when);
        }
        self.hold(target, run);
    }

    /// Keeps a run, in the form that the socket gets, until its release.
    fn hold(&mut self, target: Place, run: &Run) {
        let bytes_max = self.shared.config.hold_bytes_max;
        for Piece { frame, position, .. } in &run.pieces {
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
            targets.reserve(space.members.len());
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
            targets.reserve(rooms.size(room));
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
