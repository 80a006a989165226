//! What happens with time: heartbeats, and the bounds on connecting, upgrading and lingering.
//!
//! Each connection has one valid heartbeat entry in the wheel. Deadlines are kept exactly, so that
//! they do not drift by ticks; an entry that fires before its connection's deadline (which moves
//! with every pong) is put in again.

use std::time::Duration;

use bytes::Bytes;

use super::connection::{Connection, Past, Phase, Piece, Transport};
use super::{Place, Shard};
use crate::reason::CloseReason::{self, PingTimeout, SlowReader};

/// One entry of the wheel.
#[derive(Clone, Copy)]
pub(super) struct Timer {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

impl Timer {
    /// An entry that is about no connection.
    pub(super) fn of_the_shard(kind: Kind) -> Self {
        Self { place: (0, 0), kind }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Heartbeat,
    /// The first CONNECT must have come.
    Connect,
    /// A CONNECT that was held back must have been answered; the place is the socket's.
    Answer,
    /// Lost sockets whose time is over are forgotten.
    Forget,
    /// More connections may be due to be closed.
    Drain,
    /// The upgrade must be complete.
    Upgrade,
    /// The poll that waits beside a probe is ended.
    Release,
    /// A closed WebSocket has lingered long enough.
    Linger,
    /// Nobody came for the last payload of a closed polling session.
    LastWords,
}

/// What is done at a time of what is due.
const FIRED_MAX: usize = 64;

/// A tick that is fine enough for these heartbeats.
pub(super) fn tick_ms(interval: Duration, timeout: Duration) -> u64 {
    (interval.min(timeout).as_millis() as u64 / 64).clamp(1, 100)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX >> 1)
}

impl Shard {
    /// Starts the clocks of a new connection.
    pub(super) fn start_timers(&mut self, place: Place) {
        let due_ms = self.now_ms + millis(self.shared.config.ping_interval);
        self.set_due(place, Phase::Ping, due_ms);
        if self.shared.engine.is_none() {
            let at_ms = self.now_ms + millis(self.shared.config.connect_timeout);
            self.wheel.insert(at_ms, Timer { place, kind: Kind::Connect });
        }
    }

    /// Sets the next heartbeat deadline of a connection.
    pub(super) fn set_due(&mut self, place: Place, phase: Phase, due_ms: u64) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        connection.phase = phase;
        connection.due_ms = due_ms;
        let tick = self.wheel.tick_of(due_ms);
        // The valid entry fires no later than this: it will see the new deadline then.
        if connection.timer_tick == 0 || tick < connection.timer_tick {
            connection.timer_tick =
                self.wheel.insert(due_ms, Timer { place, kind: Kind::Heartbeat });
        }
    }

    /// Does some of what is due. Connections that came together are pinged together: all of a tick at once
    /// would hold up everybody else for as long as their writes take.
    pub(super) fn fire(&mut self) {
        if self.due.is_empty() {
            self.wheel.advance(self.now_ms, &mut self.due);
            // What was due first is taken from the end.
            self.due.reverse();
        }
        let left = self.due.len().saturating_sub(FIRED_MAX);
        let now = self.due.split_off(left);
        if left == 0 {
            self.due = Vec::new();
        }
        for (tick, Timer { place, kind }) in now.into_iter().rev() {
            match kind {
                Kind::Heartbeat => self.beat(place, tick),
                Kind::Connect => self.connect_overdue(place),
                Kind::Answer => self.answer_overdue(place),
                Kind::Forget => self.forget_expired(),
                Kind::Drain => self.look_again(),
                Kind::Upgrade => self.upgrade_overdue(place),
                Kind::Release => self.release_poll(place),
                Kind::Linger => {
                    self.lingers.remove(place.0, place.1);
                }
                Kind::LastWords => {
                    let words = self.last_words.get(&place.0);
                    if words.is_some_and(|words| words.generation == place.1) {
                        self.last_words.remove(&place.0);
                    }
                }
            }
        }
    }

    fn beat(&mut self, place: Place, tick: u32) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        if connection.timer_tick != tick {
            return;
        }
        connection.timer_tick = 0;
        let (phase, due_ms) = (connection.phase, connection.due_ms);
        if due_ms > self.now_ms {
            self.set_due(place, phase, due_ms);
        } else if phase == Phase::Pong && connection.paused {
            // The pong may lie behind the events that wait.
            let due_ms = self.now_ms + millis(self.shared.config.ping_timeout);
            self.set_due(place, Phase::Pong, due_ms);
        } else if phase == Phase::Pong {
            // Who does not take what was sent cannot see the ping either.
            let blocked = is_blocked(connection);
            self.close(place, if blocked { SlowReader } else { PingTimeout });
        } else if is_stalled(connection) {
            // It may send pongs all the while: a pong is no proof of reading.
            self.close(place, SlowReader);
        } else {
            // Over polling a ping may wait in the queue, where it proves nothing.
            if matches!(connection.transport, Transport::WebSocket(_)) {
                self.note_proving(place);
            }
            self.send_control(place, b"2");
            let due_ms = due_ms + millis(self.shared.config.ping_timeout);
            self.set_due(place, Phase::Pong, due_ms);
        }
    }

    /// Whether the time of a connection is over, told without waiting for the tick.
    pub(super) fn is_overdue(&mut self, place: Place) -> bool {
        self.now_ms = self.started.elapsed().as_millis() as u64;
        let timeout = millis(self.shared.config.ping_timeout);
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return true };
        match connection.phase {
            Phase::Pong => self.now_ms >= connection.due_ms,
            Phase::Ping => self.now_ms >= connection.due_ms + timeout,
        }
    }

    fn connect_overdue(&mut self, place: Place) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        if connection.past >= Past::Joined || !connection.sockets.is_empty() {
            return;
        }
        if connection.pending.is_some() {
            let at_ms = self.now_ms + millis(self.shared.config.connect_timeout);
            self.wheel.insert(at_ms, Timer { place, kind: Kind::Connect });
        } else {
            self.close(place, CloseReason::ConnectTimeout);
        }
    }

    /// Remembers what will be proved by a pong to the ping that is about to be queued behind all
    /// that was pushed, or by the poll after the answer that is about to take all of it.
    pub(super) fn note_proving(&mut self, place: Place) {
        let Some(connection) = self.connections.get(place.0, place.1) else { return };
        for &slot in &connection.sockets {
            let Some(member) = self.sockets.at(slot) else { continue };
            member.proving = if member.hold.is_none() { self.position } else { 0 };
        }
    }

    /// The client has proved what was noted.
    pub(super) fn proved(&mut self, place: Place) {
        let Some(connection) = self.connections.get(place.0, place.1) else { return };
        if connection.doubtful {
            return;
        }
        for slot in connection.sockets.clone() {
            let Some(member) = self.sockets.at(slot) else { continue };
            if member.proving <= member.confirmed {
                continue;
            }
            member.confirmed = member.proving;
            let (position, handle, space) = (member.confirmed, member.handle.clone(), member.space);
            let Some(rules) = self.rules(space) else { continue };
            if let Some(handler) = &rules.on_confirmed {
                self.guard(place, || handler(&handle, position));
            }
        }
    }

    /// A pong came.
    pub(super) fn pong(&mut self, place: Place) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        if connection.phase != Phase::Pong {
            return;
        }
        let is_websocket = matches!(connection.transport, Transport::WebSocket(_));
        let due_ms = self.now_ms + millis(self.shared.config.ping_interval);
        self.set_due(place, Phase::Ping, due_ms);
        // Over polling, the next poll is the proof: a pong may overtake the poll's answer.
        if is_websocket {
            self.proved(place);
        }
    }

    /// Queues an Engine.IO text packet of the protocol's own.
    pub(super) fn send_control(&mut self, place: Place, packet: &'static [u8]) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        match &mut connection.transport {
            Transport::WebSocket(websocket) => {
                let frame = match packet {
                    b"2" => Bytes::from_static(&[0x81, 1, b'2']),
                    _ => super::send::text_frame(packet),
                };
                websocket.output.push(frame, 0);
            }
            Transport::Polling(polling) => {
                polling.bytes += packet.len();
                polling.queue.push_back(Piece::Text(Bytes::from_static(packet)));
            }
        }
        self.mark_dirty(place);
    }

    /// Lists a connection for the flush at the end of the batch.
    pub(super) fn mark_dirty(&mut self, place: Place) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        if !connection.dirty && !is_blocked(connection) {
            connection.dirty = true;
            self.dirty.push(place);
        }
    }
}

/// Whether a whole heartbeat has passed in which nothing was taken of what waits; marks it, so that
/// the next one knows.
fn is_stalled(connection: &mut Connection) -> bool {
    let Transport::WebSocket(websocket) = &mut connection.transport else { return false };
    std::mem::replace(&mut websocket.stalled, websocket.blocked)
}

fn is_blocked(connection: &Connection) -> bool {
    matches!(&connection.transport, Transport::WebSocket(websocket) if websocket.blocked)
}
