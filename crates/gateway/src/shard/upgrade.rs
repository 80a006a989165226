//! From polling to WebSocket. The new stream is on probation beside the session: the client probes
//! it, the server answers and ends the waiting poll, the client says that it has moved, and only
//! then the WebSocket becomes the transport, with all that is still queued. A probe that fails
//! leaves the session as it was; a session that the server ends meanwhile says its last words to
//! whichever of the two the client goes on with, since it may poll no more.

use std::io::ErrorKind;

use bytes::Bytes;
use parlor_wire::engine::Packet;
use parlor_wire::websocket::{Message, close_code, encode_close};
use tokio::sync::oneshot;

use super::close::{LastWords, Moving};
use super::connection::{Probe, Transport, WebSocket};
use super::ops::Arrival;
use super::send::text_frame;
use super::timers::{Kind, Timer, millis};
use super::{Place, Shard, Subject, token};
use crate::front::Refusal;
use crate::ids::EngineSid;
use crate::stats::Counters;

/// How long a poll may wait on beside an answered probe. Node's server takes as long, and stock
/// clients' tests count on hearing no noop before.
const RELEASE_MS: u64 = 100;

/// What a probe's input asks for.
enum Step {
    Wait,
    Answer,
    Complete,
    Fail,
}

impl Shard {
    /// The session that may be upgraded now.
    fn may_upgrade(&mut self, sid: &EngineSid) -> Result<Place, Refusal> {
        let place = self.session(sid).ok_or(Refusal::SessionUnknown)?;
        let config = &self.shared.config;
        let allowed = config.upgrades && config.transports.websocket();
        match &self.connections.get(place.0, place.1).ok_or(Refusal::SessionUnknown)?.transport {
            Transport::Polling(polling) if polling.probe.is_none() && allowed => Ok(place),
            _ => Err(Refusal::BadRequest),
        }
    }

    /// Whether the WebSocket handshake of an upgrade is answered at all. That a session is known
    /// suffices: stock clients take a refused handshake for a network error, so a second upgrade
    /// is accepted and then closed.
    pub(super) fn check_upgrade(
        &mut self,
        sid: &EngineSid,
        reply: oneshot::Sender<Result<(), Refusal>>,
    ) {
        let config = &self.shared.config;
        let outcome = match self.session(sid) {
            None => Err(Refusal::SessionUnknown),
            Some(_) if config.upgrades && config.transports.websocket() => Ok(()),
            Some(_) => Err(Refusal::BadRequest),
        };
        let _ = reply.send(outcome);
    }

    /// Takes in the WebSocket of an upgrade; it is closed if the session may not be upgraded.
    pub(super) fn probe(&mut self, sid: &EngineSid, arrival: Arrival) {
        let leftover = arrival.leftover.clone();
        let Some(mut websocket) = self.websocket(arrival) else { return };
        let Ok(place) = self.may_upgrade(sid) else {
            return close_failed(websocket);
        };
        if websocket.stream.register(&self.registry, token(Subject::Probe, place)).is_err() {
            return;
        }
        if !leftover.is_empty() {
            websocket.partial = Some(Box::new(leftover.into()));
        }
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        let Transport::Polling(polling) = &mut connection.transport else { return };
        polling.probe = Some(Box::new(Probe { websocket, probed: false }));
        let at_ms = self.now_ms + millis(self.shared.config.upgrade_timeout);
        self.wheel.insert(at_ms, Timer { place, kind: Kind::Upgrade });
        self.probe_ready(place, true);
    }

    /// The time of an upgrade is over. A later probe of the same session loses its time with it.
    pub(super) fn upgrade_overdue(&mut self, place: Place) {
        self.fail_probe(place);
    }

    fn fail_probe(&mut self, place: Place) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else {
            return drop(self.words_of(place).and_then(|words| words.moving.take()));
        };
        let Transport::Polling(polling) = &mut connection.transport else { return };
        if let Some(probe) = polling.probe.take() {
            close_failed(probe.websocket);
        }
    }

    /// The last words of a session that has ended, if they are kept.
    fn words_of(&mut self, place: Place) -> Option<&mut LastWords> {
        self.last_words.get_mut(&place.0).filter(|words| words.generation == place.1)
    }

    /// The stream on probation beside a session, and whether its probe was answered.
    fn on_probation(&mut self, place: Place) -> Option<(&mut WebSocket, bool)> {
        if self.connections.get(place.0, place.1).is_none() {
            let moving = self.words_of(place)?.moving.as_mut()?;
            return Some((&mut moving.websocket, true));
        }
        match &mut self.connections.get_mut(place.0, place.1)?.transport {
            Transport::Polling(polling) => {
                let probe = polling.probe.as_mut()?;
                Some((&mut probe.websocket, probe.probed))
            }
            Transport::WebSocket(_) => None,
        }
    }

    /// The stream on probation is ready.
    pub(super) fn probe_ready(&mut self, place: Place, readable: bool) {
        if !readable {
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        loop {
            match self.probe_step(place, &mut buffer) {
                Step::Wait => break,
                Step::Answer => self.answer_probe(place),
                Step::Complete => {
                    self.complete_upgrade(place);
                    break;
                }
                Step::Fail => {
                    self.fail_probe(place);
                    break;
                }
            }
        }
        self.buffer = buffer;
    }

    /// Reads and decodes one message of the probe.
    fn probe_step(&mut self, place: Place, buffer: &mut [u8]) -> Step {
        let Some((websocket, probed)) = self.on_probation(place) else { return Step::Wait };
        let mut input = websocket.partial.take().unwrap_or_default();
        loop {
            let step = match websocket.decoder.decode(&mut input) {
                Err(_) => return Step::Fail,
                Ok(None) => None,
                Ok(Some((count, message))) => Some((count, step(&message, probed))),
            };
            if let Some((count, step)) = step {
                input.drain(..count);
                if !input.is_empty() {
                    websocket.partial = Some(input);
                }
                return step;
            }
            match websocket.stream.read(buffer) {
                Ok(0) => return Step::Fail,
                Ok(count) => input.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !input.is_empty() {
                        websocket.partial = Some(input);
                    }
                    return Step::Wait;
                }
                Err(_) => return Step::Fail,
            }
        }
    }

    fn answer_probe(&mut self, place: Place) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        let Transport::Polling(polling) = &mut connection.transport else { return };
        let Some(probe) = &mut polling.probe else { return };
        probe.probed = true;
        let answer = text_frame(b"3probe");
        match probe.websocket.stream.write(&answer) {
            Ok(count) if count == answer.len() => {}
            // A fresh stream takes eight bytes, or is not worth waiting for.
            _ => return self.fail_probe(place),
        }
        if polling.queue.is_empty() {
            self.release_soon(place);
        } else {
            self.answer_poll(place);
        }
    }

    /// Ends a poll beside an answered probe in a moment: with what comes until then, or a noop.
    pub(super) fn release_soon(&mut self, place: Place) {
        let at_ms = self.now_ms + RELEASE_MS;
        self.wheel.insert(at_ms, Timer { place, kind: Kind::Release });
    }

    pub(super) fn release_poll(&mut self, place: Place) {
        let Some(connection) = self.connections.get(place.0, place.1) else { return };
        let Transport::Polling(polling) = &connection.transport else { return };
        if polling.probe.as_ref().is_some_and(|probe| probe.probed) {
            self.end_poll(place);
        }
    }

    /// The client has moved: the WebSocket is the transport from now on.
    fn complete_upgrade(&mut self, place: Place) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else {
            return self.part_after_move(place);
        };
        let Transport::Polling(polling) = &mut connection.transport else { return };
        let Some(probe) = polling.probe.take() else { return };
        let mut websocket = probe.websocket;
        let registered =
            websocket.stream.reregister(&self.registry, token(Subject::Connection, place));
        if registered.is_err() {
            return;
        }
        for piece in std::mem::take(&mut polling.queue) {
            websocket.output.push(piece.into_frame(), 0);
        }
        let (waiting, deferred) = (polling.waiting.take(), polling.deferred.take());
        connection.transport = Transport::WebSocket(websocket);
        if let Some(waiting) = waiting {
            let _ = waiting.send(Ok(Bytes::from_static(b"6")));
        }
        for &slot in &connection.sockets {
            if let Some(member) = self.sockets.at(slot) {
                member.proving = 0;
            }
        }
        Counters::add(&self.counters().connections_websocket, 1);
        Counters::add(&self.counters().upgrades, 1);
        if let Some(deferred) = deferred {
            self.take_post(place, deferred);
        }
        self.mark_dirty(place);
        self.again.push(place);
    }

    /// The client has moved, and its session has ended meanwhile: it hears here what it had still to
    /// hear.
    fn part_after_move(&mut self, place: Place) {
        if self.words_of(place).is_none() {
            return;
        }
        let Some(LastWords { said, moving: Some(moving), .. }) = self.last_words.remove(&place.0)
        else {
            return;
        };
        let Moving { mut websocket, reason, farewell } = *moving;
        for piece in said {
            websocket.output.push(piece.into_frame(), 0);
        }
        self.end_websocket(websocket, reason, farewell);
    }
}

/// Closes a WebSocket that did not become a transport.
fn close_failed(mut websocket: WebSocket) {
    let mut farewell = Vec::new();
    encode_close(close_code::POLICY, "upgrade failed", &mut farewell);
    let _ = websocket.stream.write(&farewell);
    websocket.stream.finish();
}

fn step(message: &Message<'_>, probed: bool) -> Step {
    let Message::Text(text) = message else { return Step::Fail };
    match Packet::decode(text) {
        Ok(Packet::Ping("probe")) if !probed => Step::Answer,
        Ok(Packet::Upgrade) if probed => Step::Complete,
        _ => Step::Fail,
    }
}
