//! Operations: from the two ends of the inbox, in order, to what they do.

use std::sync::Arc;

use super::acks::Waiter;
use super::connection::FlushWaiter;
use super::hold::Hold;
use super::ops::{Op, TargetAction};
use super::send::When;
use super::{INBOX_OPS_PER_ROUND, Place, Shard};
use crate::frame::Frame;
use crate::ids::SocketKey;
use crate::io::{RemoteSocket, Selection};
use crate::reason::CloseReason;
use crate::socket::{AckError, Released};
use crate::stats::Counters;

fn place(key: SocketKey) -> Place {
    (key.slot(), key.generation())
}

impl Shard {
    /// Takes operations of other threads; what waits behind a fan-out is left where callers feel it.
    pub(super) fn apply_incoming(&mut self) {
        let idle = self.fanout.is_none() && self.ordered.is_empty();
        let ordered_max = if idle { INBOX_OPS_PER_ROUND } else { 0 };
        let mut incoming = std::mem::take(&mut self.incoming);
        self.shared.inboxes[usize::from(self.index)].drain(ordered_max, &mut incoming);
        for op in incoming.drain(..) {
            self.apply(op);
        }
        self.incoming = incoming;
    }

    /// Does what handlers and tasks of this thread have asked for.
    pub(super) fn apply_local(&mut self) {
        // Handlers that run meanwhile (of closes) may ask for more; their number is bounded by
        // the sockets that are left.
        while let Some(op) = self.local.pop() {
            self.apply(op);
        }
    }

    fn apply(&mut self, op: Op) {
        let waits = self.fanout.is_some() || !self.ordered.is_empty();
        // A fan-out begins when the operations of this round are known: those alike share it.
        if op.is_ordered() && (waits || op.is_fanout()) {
            self.ordered.push_back(op);
            return self.local.set_aside(self.ordered.len());
        }
        self.perform(op);
    }

    /// Does one operation; a fan-out is only begun.
    pub(super) fn perform(&mut self, op: Op) {
        match op {
            Op::Emit { key, frame, volatile } => self.emit(key, &frame, volatile),
            Op::EmitAck { key, id, frame, reply } => {
                if reply.is_closed() {
                    // Its waiter has given up and was forgotten before this turn came.
                    return self.emit(key, &frame, false);
                }
                let acks_max = self.shared.config.acks_pending_max;
                let Some(member) = self.sockets.get_mut(key.slot(), key.generation()) else {
                    return;
                };
                if !self.acks.owe(id, &mut member.owed, acks_max) {
                    let _ = reply.send(Err(AckError::TooManyPending));
                    return;
                }
                self.acks.wait(id, Waiter::One(reply));
                self.emit(key, &frame, false);
            }
            Op::Target { selection, action } => self.target(&selection, action),
            Op::Batch(batch) => self.start_batch(batch),
            Op::Join { key, room } => self.join(place(key), &room),
            Op::Leave { key, room } => self.leave(place(key), &room),
            Op::Rooms { key, reply } => {
                if let Some(rooms) = self.rooms_of(place(key)) {
                    let _ = reply.send(rooms);
                }
            }
            Op::JoinHeld { key, rooms, reply } => {
                rooms.iter().for_each(|room| self.join(place(key), room));
                if let Some(member) = self.sockets.get_mut(key.slot(), key.generation()) {
                    member.hold.get_or_insert_with(Box::<Hold<Frame>>::default);
                    // A ping that is under way proves nothing of what is pushed from here on.
                    member.proving = 0;
                    let _ = reply.send(self.position);
                }
            }
            Op::Release { key, position, first, reply } => {
                if let Some(outcome) = self.release(place(key), position, first) {
                    let _ = reply.send(outcome);
                }
            }
            Op::Claim { connection, space, request, claim } => {
                self.claimed(place(connection), space, *request, &claim);
            }
            Op::AnswerConnect { key } => self.answer_connect(place(key)),
            Op::Flushed { key, below_bytes, reply } => {
                let Some(member) = self.sockets.get(key.slot(), key.generation()) else { return };
                let place = member.connection;
                let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
                let waiter = FlushWaiter { below_bytes, reply };
                connection.waiters.get_or_insert_default().push(waiter);
                self.flush(place);
            }
            Op::Disconnect { key, close } => {
                self.disconnect(key.slot(), key.generation(), close);
            }
            Op::CloseWith { key, reason } => {
                if let Some(member) = self.sockets.get(key.slot(), key.generation()) {
                    self.close(member.connection, reason);
                }
            }
            op => self.perform_at_once(op),
        }
    }

    fn perform_at_once(&mut self, op: Op) {
        match op {
            Op::Ack { key, connection, frame } => {
                if self.sockets.get(key.slot(), key.generation()).is_some() {
                    self.send(place(connection), &frame, When::Batched);
                }
                self.permit(place(connection));
            }
            Op::Permit { connection } => self.permit(place(connection)),
            Op::ForgetAck { id } => self.acks.forget(id),
            Op::EngineSend { connection, frame } => {
                self.send(place(connection), &frame, When::Batched);
            }
            Op::EngineClose { connection, reason } => self.close(place(connection), reason),
            Op::Decided { connection, space, outcome, left } => {
                self.examined(place(connection), space, outcome, left);
            }
            Op::HandlerPanicked { connection } => {
                Counters::add(&self.counters().handler_panics, 1);
                self.close(place(connection), CloseReason::HandlerPanic);
            }
            Op::OpenPolling { handshake, admission, reply } => {
                self.open_polling(*handshake, admission, reply);
            }
            Op::OpenWebSocket { handshake, admission, arrival } => {
                self.open_websocket(*handshake, admission, *arrival);
            }
            Op::Poll { sid, stamp, reply } => self.poll(&sid, stamp, reply),
            Op::PollAborted { sid } => self.poll_aborted(&sid),
            Op::BeginPost { sid, reply } => {
                let _ = reply.send(self.begin_post(&sid));
            }
            Op::Post { sid, body, reply } => self.post(&sid, body, reply),
            Op::PostTooLarge { sid } => {
                if let Some(place) = self.session(&sid) {
                    self.close(place, CloseReason::MessageTooBig);
                }
            }
            Op::CheckUpgrade { sid, reply } => self.check_upgrade(&sid, reply),
            Op::Probe { sid, arrival } => self.probe(&sid, *arrival),
            Op::Shutdown(drain) => self.begin_drain(drain),
            Op::Emit { .. }
            | Op::EmitAck { .. }
            | Op::Target { .. }
            | Op::Batch(_)
            | Op::Join { .. }
            | Op::Leave { .. }
            | Op::Rooms { .. }
            | Op::JoinHeld { .. }
            | Op::Release { .. }
            | Op::Claim { .. }
            | Op::AnswerConnect { .. }
            | Op::Flushed { .. }
            | Op::Disconnect { .. }
            | Op::CloseWith { .. } => unreachable!("ordered operations are performed above"),
        }
    }

    fn emit(&mut self, key: SocketKey, frame: &Frame, volatile: bool) {
        let Some(member) = self.sockets.get(key.slot(), key.generation()) else { return };
        let place = member.connection;
        if volatile && self.is_congested(place) {
            return Counters::add(&self.counters().volatile_dropped, 1);
        }
        self.send(place, self.form_for(member, frame), When::Batched);
    }

    /// An event has been answered or dropped.
    fn permit(&mut self, place: Place) {
        let in_flight_max = self.shared.config.events_in_flight_max.max(1);
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        connection.in_flight = connection.in_flight.saturating_sub(1);
        if connection.paused && connection.in_flight < in_flight_max {
            connection.paused = false;
            self.again.push(place);
        }
    }

    fn join(&mut self, (slot, generation): Place, room: &Arc<str>) {
        let rooms_max = self.shared.config.rooms_max;
        let Some(member) = self.sockets.get(slot, generation) else { return };
        if member.rooms.len() >= rooms_max {
            return tracing::warn!(rooms_max, "a socket is in too many rooms to join another");
        }
        let number = member.space as usize;
        if let Some(Some(space)) = self.spaces.get_mut(number) {
            space.rooms.join(room, slot, &mut self.sockets);
        }
    }

    fn leave(&mut self, (slot, generation): Place, room: &str) {
        let Some(member) = self.sockets.get(slot, generation) else { return };
        let number = member.space as usize;
        if let Some(Some(space)) = self.spaces.get_mut(number) {
            space.rooms.leave(room, slot, &mut self.sockets);
        }
    }

    fn rooms_of(&self, (slot, generation): Place) -> Option<Vec<Arc<str>>> {
        let member = self.sockets.get(slot, generation)?;
        let space = self.spaces.get(member.space as usize)?.as_ref()?;
        let own = Arc::from(member.handle.id().as_str());
        let names = space.rooms.names(&member.rooms).cloned();
        Some(std::iter::once(own).chain(names).collect())
    }

    /// Whether a socket would be in no more rooms than so many with as many new ones.
    fn may_join(&self, (slot, generation): Place, news: usize, most: usize) -> bool {
        let held = self.sockets.get(slot, generation).map(|member| member.rooms.len());
        held.is_some_and(|held| held.saturating_add(news) <= most)
    }

    fn release(
        &mut self,
        (slot, generation): Place,
        position: u64,
        first: Option<Frame>,
    ) -> Option<Released> {
        let member = self.sockets.get_mut(slot, generation)?;
        let connection = member.connection;
        let Some(hold) = &mut member.hold else { return Some(Released::Live) };
        let Some(frames) = hold.release(position) else { return Some(Released::Overflowed) };
        member.hold = None;
        // What was proved before the hold says nothing of what was pushed during it.
        member.confirmed = 0;
        if let Some(first) = first {
            self.emit(self.key((slot, generation)), &first, false);
        }
        for frame in frames {
            self.send(connection, &frame, When::Batched);
        }
        Some(Released::Live)
    }

    fn target(&mut self, selection: &Selection, action: TargetAction) {
        match action {
            TargetAction::Emit { frame, volatile: true, .. } => {
                self.start_volatile(selection, frame);
            }
            TargetAction::Emit { frame, volatile: false, number } => {
                self.start_plain(selection, frame, number);
            }
            TargetAction::EmitAck { frame, id, gathering } => {
                self.start_asking(selection, frame, id, gathering);
            }
            TargetAction::Fetch { reply, most } => {
                let found = self.selected(selection).into_iter().filter_map(|place| {
                    let socket = self.sockets.get(place.0, place.1)?.handle.clone();
                    let rooms = self.rooms_of(place)?;
                    Some(RemoteSocket { id: socket.id(), key: socket.key(), rooms, socket })
                });
                let _ = reply.try_send(found.take(most).collect());
            }
            TargetAction::Join { rooms, most } => {
                for place in self.selected(selection) {
                    if self.may_join(place, rooms.len(), most) {
                        rooms.iter().for_each(|room| self.join(place, room));
                    }
                }
            }
            TargetAction::Leave { rooms } => {
                for place in self.selected(selection) {
                    rooms.iter().for_each(|room| self.leave(place, room));
                }
            }
            TargetAction::Disconnect { close } => {
                for place in self.selected(selection) {
                    self.disconnect(place.0, place.1, close);
                }
            }
        }
    }

    fn selected(&mut self, selection: &Selection) -> Vec<Place> {
        let mut targets = Vec::new();
        self.select(selection, &mut targets);
        targets
    }
}
