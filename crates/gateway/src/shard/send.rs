//! Packets on their way out of one connection: in which form, at once or with the batch, and what
//! happens when a client does not read.

use std::collections::VecDeque;
use std::io::ErrorKind;

use bytes::Bytes;
use parlor_wire::engine;
use parlor_wire::websocket::{Body, Opcode, encode_frame};

use super::connection::{FlushWaiter, Member, Parser, Piece, Polling, Transport, WebSocket};
use super::output::FRAME_COST;
use super::{Place, Shard};
use crate::frame::Frame;
use crate::reason::CloseReason;
use crate::stats::Counters;

/// When a frame is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Now, if nothing waits before it: for fan-outs.
    Now,
    /// With all that this batch brings for the connection.
    Batched,
}

/// A WebSocket text frame of a packet that is not shared.
pub(super) fn text_frame(packet: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(packet.len() + 4);
    encode_frame(Opcode::Text, packet, Body::Plain, &mut frame);
    frame.into()
}

/// A WebSocket binary frame of a message that is not shared.
fn binary_frame(message: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(message.len() + 10);
    encode_frame(Opcode::Binary, message, Body::Plain, &mut frame);
    frame.into()
}

impl Piece {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len() * 4 / 3 + 4,
        }
    }

    /// The same packet for a WebSocket.
    pub(super) fn into_frame(self) -> Bytes {
        match self {
            Self::Text(text) => text_frame(&text),
            Self::Binary(bytes) => binary_frame(&bytes),
        }
    }
}

impl Transport {
    /// Whether a frame fits behind what waits; if nothing waits, any does.
    fn has_room(&self, frame: &Frame, parser: Parser, bytes_max: usize) -> bool {
        match self {
            Self::WebSocket(websocket) => {
                let output = &websocket.output;
                output.is_empty()
                    || output.has_room(websocket.encoded(frame, parser).len(), bytes_max)
            }
            Self::Polling(polling) => {
                let costs = (polling.queue.len() + 1) * FRAME_COST;
                polling.queue.is_empty() || polling.bytes + frame.len() + costs <= bytes_max
            }
        }
    }
}

impl WebSocket {
    fn encoded<'a>(&self, frame: &'a Frame, parser: Parser) -> &'a Bytes {
        match parser {
            Parser::Msgpack => frame.msgpack_websocket(),
            _ if self.deflate => frame.deflated(),
            _ => frame.websocket(),
        }
    }
}

impl Polling {
    fn push(&mut self, frame: &Frame, parser: Parser) {
        let before = self.queue.len();
        for part in frame.parts() {
            if parser == Parser::Msgpack {
                let message = Some(part.msgpack().clone()).filter(|message| !message.is_empty());
                self.queue.extend(message.map(Piece::Binary));
            } else {
                self.queue.extend(part.text().cloned().map(Piece::Text));
                self.queue.extend(part.attachments().iter().cloned().map(Piece::Binary));
            }
        }
        self.bytes += self.queue.range(before..).map(Piece::len).sum::<usize>();
    }

    /// All that waits, as one payload; empty if nothing waits.
    pub(super) fn take_payload(&mut self) -> Bytes {
        self.bytes = 0;
        payload(std::mem::take(&mut self.queue))
    }
}

/// What was queued for polls, as one payload.
pub(super) fn payload(queue: VecDeque<Piece>) -> Bytes {
    let mut body = Vec::with_capacity(queue.iter().map(|piece| piece.len() + 1).sum());
    for piece in queue {
        match piece {
            Piece::Text(text) => {
                if !body.is_empty() {
                    body.push(engine::SEPARATOR);
                }
                body.extend_from_slice(&text);
            }
            Piece::Binary(bytes) => {
                engine::push_payload(&engine::Packet::Binary(bytes), &mut body);
            }
        }
    }
    body.into()
}

impl Shard {
    /// Sends a frame on a connection, or closes it if it does not read.
    pub(super) fn send(&mut self, place: Place, frame: &Frame, when: When) {
        let bytes_max = self.shared.config.output_bytes_max;
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        let parser = connection.parser;
        let mut has_room = connection.transport.has_room(frame, parser, bytes_max);
        if !has_room {
            // A batch may bring more than the cap: who reads is no slow reader because of that.
            self.flush(place);
            let connection = self.connections.get(place.0, place.1);
            has_room = connection.is_some_and(|it| it.transport.has_room(frame, parser, bytes_max));
        }
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        let mut written = 0;
        let mut dirty = true;
        let mut close = None;
        match &mut connection.transport {
            Transport::WebSocket(websocket) => {
                let bytes = websocket.encoded(frame, parser);
                if bytes.is_empty() {
                    tracing::warn!("a frame has no msgpack form: its arguments are not JSON");
                    return;
                }
                if when == When::Now && websocket.output.is_empty() {
                    match websocket.stream.write(bytes) {
                        Ok(count) => written = count,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {
                            websocket.blocked = true;
                        }
                        Err(_) => close = Some(CloseReason::TransportError),
                    }
                    dirty = written < bytes.len() && !websocket.blocked;
                } else if !has_room {
                    close = Some(CloseReason::SlowReader);
                }
                if close.is_none() && written < bytes.len() {
                    websocket.output.push(bytes.clone(), written);
                }
            }
            Transport::Polling(polling) => {
                if has_room {
                    polling.push(frame, parser);
                } else {
                    close = Some(CloseReason::SlowReader);
                }
            }
        }
        Counters::add(&self.counters().packets_out, frame.parts().len() as u64);
        Counters::add(&self.counters().bytes_out, written as u64);
        if let Some(reason) = close {
            self.close(place, reason);
        } else if dirty {
            self.mark_dirty(place);
        }
    }

    /// The form of a frame that a socket gets. Only if there are two is the socket looked at.
    pub(super) fn form_for<'a>(&self, member: &Member, frame: &'a Frame) -> &'a Frame {
        let (slot, generation) = member.connection;
        let recovers = frame.has_offset()
            && self.connections.get(slot, generation).is_some_and(|it| it.recoverable)
            && member.handle.is_recoverable();
        if recovers { frame.recoverable() } else { frame }
    }

    /// Whether a volatile packet would have to wait.
    pub(super) fn is_congested(&self, place: Place) -> bool {
        self.connections.get(place.0, place.1).is_none_or(|connection| {
            match &connection.transport {
                Transport::WebSocket(websocket) => websocket.blocked,
                Transport::Polling(polling) => {
                    polling.waiting.is_none() || !polling.queue.is_empty()
                }
            }
        })
    }

    /// The stream can be written to again.
    pub(super) fn writable(&mut self, place: Place) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        let Transport::WebSocket(websocket) = &mut connection.transport else { return };
        websocket.blocked = false;
        websocket.stalled = false;
        match websocket.stream.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                self.close(place, CloseReason::TransportError);
            }
            Err(_) => {}
            Ok(()) if websocket.output.is_empty() => {}
            Ok(()) => self.flush(place),
        }
    }

    /// Writes what waits, as far as the client takes it.
    pub(super) fn flush(&mut self, place: Place) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        connection.dirty = false;
        match &mut connection.transport {
            Transport::WebSocket(websocket) => {
                match websocket.output.flush(&mut websocket.stream) {
                    Ok((written, empty)) => {
                        websocket.blocked = !empty;
                        websocket.stalled &= written == 0;
                        Counters::add(&self.counters().bytes_out, written as u64);
                    }
                    Err(_) => return self.close(place, CloseReason::TransportError),
                }
            }
            Transport::Polling(polling) => {
                if polling.waiting.is_some() && !polling.queue.is_empty() {
                    self.answer_poll(place);
                }
            }
        }
        self.wake_flush_waiters(place);
    }

    /// Bytes that wait on a connection.
    pub(super) fn waiting_bytes(&self, place: Place) -> Option<usize> {
        let connection = self.connections.get(place.0, place.1)?;
        Some(match &connection.transport {
            Transport::WebSocket(websocket) => websocket.output.bytes(),
            Transport::Polling(polling) => polling.bytes,
        })
    }

    pub(super) fn wake_flush_waiters(&mut self, place: Place) {
        let Some(bytes) = self.waiting_bytes(place) else { return };
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        let Some(mut waiters) = connection.waiters.take() else { return };
        let done =
            |waiter: &mut FlushWaiter| bytes < waiter.below_bytes || waiter.reply.is_closed();
        for waiter in waiters.extract_if(.., done) {
            let _ = waiter.reply.send(());
        }
        if !waiters.is_empty() {
            connection.waiters = Some(waiters);
        }
    }
}
