//! The end of a connection. Whatever the reason, one function takes the record out, says farewell
//! as the transport allows, and lets every socket leave; so a connection ends once, and counted.
//!
//! A WebSocket that the server closes lingers for a moment: what is queued and the close frame go
//! out, and what the peer still sends is read and dropped, since closing over unread bytes would
//! reset the stream and lose the farewell.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};

use bytes::Bytes;
use parlor_wire::websocket::{Body, Opcode, close_code, encode_close, encode_frame};

use super::connection::{Connection, Past, Piece, Polling, Transport, WebSocket};
use super::output::Output;
use super::send::payload;
use super::stream::Stream;
use super::timers::{Kind, Timer};
use super::{Place, Shard, Subject, token};
use crate::reason::{Close, CloseReason, DisconnectReason};
use crate::stats::Counters;

/// How long a closed WebSocket lingers.
const LINGER_MS: u64 = 2_000;
/// How long the last words of a polling session wait for its polls; in a shutdown it is
/// [`LINGER_MS`].
const LAST_WORDS_MS: u64 = 20_000;
/// How long a poll may take that the client sent just before its own close packet: the two come on
/// connections of their own, so either may come first.
const CROSSING_MS: u64 = 1_000;
/// Reads of a lingering stream before others get their turn.
const LINGER_READS_MAX: usize = 256;
/// Closed WebSockets that linger at a time; more are cut off.
const LINGERS_MAX: usize = 4_096;
/// Sessions whose last words wait at a time.
const LAST_WORDS_MAX: usize = 4_096;

/// What a polling session that is closed has still to hear, each part by an answer of its own:
/// client libraries act on the end before they hand out what came beside it, and then keep that for
/// their next connection.
pub(super) struct LastWords {
    /// Of the connection whose slot it was.
    pub(super) generation: u32,
    /// What was queued when it was closed.
    pub(super) said: VecDeque<Piece>,
    /// The end.
    pub(super) end: Bytes,
    /// Where its client may be moving to: it polls no more once it was told that it may.
    pub(super) moving: Option<Box<Moving>>,
}

/// A WebSocket that a client moves to whose session has ended since.
pub(super) struct Moving {
    pub(super) websocket: WebSocket,
    pub(super) reason: CloseReason,
    pub(super) farewell: Bytes,
}

/// A WebSocket that is closed and waits for its peer to see that.
pub(super) struct Linger {
    stream: Stream,
    output: Output,
    /// All is written, and the peer was told that nothing more comes.
    finished: bool,
}

impl Linger {
    /// Writes what is left, what TLS has encrypted already included; gives the bytes.
    fn write(&mut self) -> io::Result<usize> {
        let (written, empty) = self.output.flush(&mut self.stream)?;
        if empty && !self.finished {
            match self.stream.flush() {
                Ok(()) => {
                    self.stream.finish();
                    self.finished = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }
}

impl Shard {
    /// Closes a connection, and says why.
    pub(super) fn close(&mut self, place: Place, reason: CloseReason) {
        self.close_telling(place, reason, reason.websocket_code(), reason.as_str());
    }

    /// Closes a connection with a close frame of its own words.
    pub(super) fn close_telling(
        &mut self,
        place: Place,
        reason: CloseReason,
        code: u16,
        text: &str,
    ) {
        let mut farewell = Vec::new();
        encode_close(code, text, &mut farewell);
        self.end(place, reason, farewell.into());
    }

    /// Answers the peer's close frame with its like.
    pub(super) fn close_echoing(&mut self, place: Place, code: u16) {
        let mut farewell = Vec::new();
        if code == close_code::NO_STATUS {
            encode_frame(Opcode::Close, &[], Body::Plain, &mut farewell);
        } else {
            encode_close(code, "", &mut farewell);
        }
        self.end(place, CloseReason::TransportClose, farewell.into());
    }

    /// The one way in which a connection ends.
    fn end(&mut self, place: Place, reason: CloseReason, farewell: Bytes) {
        let Some(connection) = self.connections.remove(place.0, place.1) else { return };
        let Connection { transport, sockets, past, .. } = connection;
        if past == Past::Fresh {
            self.shared.handshakes.over();
        }
        Counters::take(&self.counters().connections, 1);
        Counters::add(&self.counters().closed[reason as usize], 1);
        match transport {
            Transport::WebSocket(websocket) => {
                Counters::take(&self.counters().connections_websocket, 1);
                self.end_websocket(websocket, reason, farewell);
            }
            Transport::Polling(polling) => self.end_polling(place, *polling, reason, farewell),
        }
        for slot in sockets {
            self.remove_socket(slot, DisconnectReason::Connection(reason));
        }
        let shared = std::sync::Arc::clone(&self.shared);
        if let Some(handler) = shared.engine.as_ref().and_then(|it| it.on_close.as_ref()) {
            let link = self.link(place);
            self.guard(place, || handler(&link, reason));
        }
    }

    pub(super) fn end_websocket(
        &mut self,
        websocket: WebSocket,
        reason: CloseReason,
        farewell: Bytes,
    ) {
        let WebSocket { stream, mut output, .. } = websocket;
        output.push(farewell, 0);
        let mut linger = Linger { stream, output, finished: false };
        let Ok(written) = linger.write() else { return };
        Counters::add(&self.counters().bytes_out, written as u64);
        let peer_is_gone = matches!(
            reason,
            CloseReason::TransportClose | CloseReason::SlowReader | CloseReason::PingTimeout
        );
        if peer_is_gone || self.lingers.len() >= LINGERS_MAX {
            if !linger.output.is_empty() {
                linger.stream.forget_unsent();
            }
            return;
        }
        let place = self.lingers.insert(|_, _| linger);
        let Some(linger) = self.lingers.get_mut(place.0, place.1) else { return };
        let token = token(Subject::Linger, place);
        if linger.stream.reregister(&self.registry, token).is_err() {
            self.lingers.remove(place.0, place.1);
            return;
        }
        let at_ms = self.now_ms + LINGER_MS;
        self.wheel.insert(at_ms, Timer { place, kind: Kind::Linger });
    }

    fn end_polling(
        &mut self,
        place: Place,
        mut polling: Polling,
        reason: CloseReason,
        farewell: Bytes,
    ) {
        let by_client = reason == CloseReason::TransportClose;
        let end = Bytes::from_static(if by_client { b"6" } else { b"1" });
        let mut said = std::mem::take(&mut polling.queue);
        if by_client {
            // It listens no more, and what waits would only be kept.
            said.clear();
        }
        if let Some(waiting) = polling.waiting.take() {
            let is_over = said.is_empty();
            let words = if is_over { end.clone() } else { payload(std::mem::take(&mut said)) };
            let _ = waiting.send(Ok(words));
            if is_over {
                return;
            }
        }
        if (by_client || reason.is_of_the_server()) && self.last_words.len() < LAST_WORDS_MAX {
            let probe = polling.probe.filter(|probe| probe.probed && !by_client);
            let moving = probe
                .map(|probe| Box::new(Moving { websocket: probe.websocket, reason, farewell }));
            let words = LastWords { generation: place.1, said, end, moving };
            self.last_words.insert(place.0, words);
            let wait_ms = match (by_client, &self.draining) {
                (true, _) => CROSSING_MS,
                (false, None) => LAST_WORDS_MS,
                (false, Some(_)) => LINGER_MS,
            };
            self.wheel.insert(self.now_ms + wait_ms, Timer { place, kind: Kind::LastWords });
        }
    }

    /// The peer of a lingering stream did something.
    pub(super) fn linger_ready(&mut self, place: Place, writable: bool) {
        let Some(linger) = self.lingers.get_mut(place.0, place.1) else { return };
        let mut over = false;
        if writable && !linger.finished {
            over = linger.write().is_err();
        }
        let mut scrap = [0; 4096];
        let mut reads = 0;
        while !over {
            reads += 1;
            if reads > LINGER_READS_MAX {
                // Registered anew, it is told again that there is more, after the others.
                let token = token(Subject::Linger, place);
                over = linger.stream.reregister(&self.registry, token).is_err();
                break;
            }
            match linger.stream.read(&mut scrap) {
                Ok(0) => over = true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => over = true,
            }
        }
        if over {
            self.lingers.remove(place.0, place.1);
        }
    }

    /// The server lets a socket go, or its whole connection with all sockets.
    pub(super) fn disconnect(&mut self, slot: u32, generation: u32, close: Close) {
        let Some(member) = self.sockets.get(slot, generation) else { return };
        let place = member.connection;
        let slots = match close {
            Close::Namespace => smallvec::smallvec![slot],
            Close::Connection => {
                let connection = self.connections.get(place.0, place.1);
                connection.map(|it| it.sockets.clone()).unwrap_or_default()
            }
        };
        for slot in slots {
            let Some(member) = self.sockets.at(slot) else { continue };
            let namespace = member.handle.clone();
            let kind = parlor_wire::packet::Kind::Disconnect;
            self.send_packet(place, kind, namespace.namespace(), "");
            self.forget_socket(place, slot);
            self.remove_socket(slot, DisconnectReason::ServerNamespaceDisconnect);
        }
        if close == Close::Connection {
            self.close(place, CloseReason::ForcedClose);
        }
    }
}
