//! HTTP long-polling: one poll waits at a time and gets all that is queued; a POST brings packets.

use bytes::Bytes;
use parlor_wire::engine;
use parlor_wire::websocket::{Decoder, Deflate, Role};
use tokio::sync::oneshot;

use super::connection::{Connection, Deferred, Parser, Past, Phase, Polling, Transport, WebSocket};
use super::ops::Arrival;
use super::output::Output;
use super::send::payload;
use super::stream::Stream;
use super::{Place, Shard, Subject, token};
use crate::front::{Admission, Refusal};
use crate::handshake::Handshake;
use crate::ids::{EngineSid, SLOTS_MAX, SocketId};
use crate::reason::CloseReason;
use crate::stats::Counters;

type Reply<T> = oneshot::Sender<Result<T, Refusal>>;

impl Shard {
    /// The connection that a sid opens.
    pub(super) fn session(&self, sid: &EngineSid) -> Option<Place> {
        let generation = self.connections.generation(sid.slot())?;
        self.shared.seal.opens(sid, generation).then_some((sid.slot(), generation))
    }

    pub(super) fn open_polling(
        &mut self,
        handshake: Handshake,
        admission: Admission,
        reply: Reply<(SocketId, Bytes)>,
    ) {
        let transport = Transport::Polling(Box::default());
        let Some(place) = self.open(transport, handshake, admission) else {
            let _ = reply.send(Err(Refusal::Overloaded));
            return;
        };
        let (sid, payload) = self.open_packet(place);
        if reply.send(Ok((sid, payload.into()))).is_err() {
            return self.close(place, CloseReason::TransportError);
        }
        self.opened(place);
    }

    /// Adopts a WebSocket as the transport of a new connection.
    pub(super) fn open_websocket(
        &mut self,
        handshake: Handshake,
        admission: Admission,
        arrival: Arrival,
    ) {
        let leftover = arrival.leftover.clone();
        let Some(websocket) = self.websocket(arrival) else { return };
        let Some(place) = self.open(Transport::WebSocket(websocket), handshake, admission) else {
            return;
        };
        Counters::add(&self.counters().connections_websocket, 1);
        let (_, packet) = self.open_packet(place);
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        let Transport::WebSocket(websocket) = &mut connection.transport else { return };
        websocket.output.push(super::send::text_frame(&packet), 0);
        let token = token(Subject::Connection, place);
        if websocket.stream.register(&self.registry, token).is_err() {
            return self.close(place, CloseReason::TransportError);
        }
        if !leftover.is_empty() {
            websocket.partial = Some(Box::new(leftover.into()));
        }
        self.mark_dirty(place);
        self.opened(place);
        self.again.push(place);
    }

    pub(super) fn websocket(&mut self, arrival: Arrival) -> Option<WebSocket> {
        let deflate = if arrival.deflate { Deflate::Negotiated } else { Deflate::Off };
        let bytes_max = u32::try_from(self.shared.config.max_payload).unwrap_or(u32::MAX);
        Some(WebSocket {
            stream: Stream::new(arrival.stream).ok()?,
            decoder: Decoder::new(Role::Server, deflate, bytes_max),
            partial: None,
            output: Output::default(),
            deflate: arrival.deflate,
            blocked: false,
            stalled: false,
        })
    }

    fn open(
        &mut self,
        transport: Transport,
        handshake: Handshake,
        admission: Admission,
    ) -> Option<Place> {
        let config = &self.shared.config;
        let full =
            self.connections.len() >= config.connections_per_shard_max.min(SLOTS_MAX as usize);
        if full || self.draining.is_some() {
            return None;
        }
        let (remote, secure) = (handshake.remote, handshake.secure);
        let Admission { place, handshake: in_flight } = admission;
        let past = if self.shared.engine.is_some() {
            // There is no CONNECT: the handshake is over.
            Past::Joined
        } else {
            in_flight.keep();
            Past::Fresh
        };
        let place = self.connections.insert(|_, _| Connection {
            transport,
            sockets: smallvec::SmallVec::new(),
            handshake: Some(handshake.into()),
            _place: place,
            reassembly: parlor_wire::packet::Reassembly::default(),
            pending: None,
            waiters: None,
            remote,
            due_ms: 0,
            timer_tick: 0,
            in_flight: 0,
            parser: Parser::Unknown,
            phase: Phase::Ping,
            secure,
            paused: false,
            dirty: false,
            past,
            recoverable: false,
            doubtful: false,
        });
        Counters::add(&self.counters().connections, 1);
        Counters::add(&self.counters().opened, 1);
        self.start_timers(place);
        Some(place)
    }

    fn opened(&mut self, place: Place) {
        let shared = std::sync::Arc::clone(&self.shared);
        if let Some(handler) = shared.engine.as_ref().and_then(|it| it.on_open.as_ref()) {
            let link = self.link(place);
            self.guard(place, || handler(&link));
        }
    }

    fn open_packet(&self, place: Place) -> (SocketId, Vec<u8>) {
        let config = &self.shared.config;
        let sid = self.shared.seal.engine_sid(self.index, place.0, place.1);
        let polling = self.connections.get(place.0, place.1);
        let polling = polling.is_some_and(|it| matches!(it.transport, Transport::Polling(_)));
        let upgrades = polling && config.upgrades && config.transports.websocket();
        let mut packet = Vec::with_capacity(128);
        engine::Handshake {
            sid: &sid,
            upgrades: if upgrades { vec!["websocket"] } else { Vec::new() },
            ping_interval_ms: super::timers::millis(config.ping_interval),
            ping_timeout_ms: super::timers::millis(config.ping_timeout),
            max_payload_bytes: config.max_payload as u64,
        }
        .encode(&mut packet);
        (sid, packet)
    }

    fn polling(&mut self, place: Place) -> Option<&mut Polling> {
        match &mut self.connections.get_mut(place.0, place.1)?.transport {
            Transport::Polling(polling) => Some(polling),
            Transport::WebSocket(_) => None,
        }
    }

    /// A poll came.
    pub(super) fn poll(&mut self, sid: &EngineSid, stamp: Option<u64>, reply: Reply<Bytes>) {
        let Some(place) = self.session(sid) else {
            let _ = reply.send(self.take_last_words(sid).ok_or(Refusal::SessionUnknown));
            return;
        };
        if self.is_overdue(place) {
            self.close(place, CloseReason::PingTimeout);
            let _ = reply.send(Err(Refusal::SessionUnknown));
            return;
        }
        let Some(polling) = self.polling(place) else {
            let _ = reply.send(Err(Refusal::BadRequest));
            return;
        };
        if polling.waiting.as_ref().is_some_and(|it| !it.is_closed()) {
            // Two polls at a time: neither end knows any more who has got what.
            self.close(place, CloseReason::ProtocolViolation);
            let _ = reply.send(Err(Refusal::BadRequest));
            return;
        }
        polling.waiting = Some(reply);
        // Browsers and proxies send a request again if its connection ends before an answer comes:
        // whoever made it has then not seen what the first answer took.
        let is_repeated = stamp.is_some() && stamp == polling.stamp;
        polling.stamp = stamp;
        if let Some(connection) = self.connections.get_mut(place.0, place.1) {
            connection.doubtful |= is_repeated;
        }
        self.proved(place);
        let Some(polling) = self.polling(place) else { return };
        let probed = polling.probe.as_ref().is_some_and(|probe| probe.probed);
        if !polling.queue.is_empty() {
            self.answer_poll(place);
            self.wake_flush_waiters(place);
        } else if probed {
            self.release_soon(place);
        }
    }

    /// Answers the waiting poll with all that is queued.
    pub(super) fn answer_poll(&mut self, place: Place) {
        let Some(polling) = self.polling(place) else { return };
        let Some(waiting) = polling.waiting.take() else { return };
        self.note_proving(place);
        let Some(polling) = self.polling(place) else { return };
        let payload = polling.take_payload();
        let bytes = payload.len() as u64;
        if waiting.send(Ok(payload)).is_err() {
            return self.close(place, CloseReason::TransportError);
        }
        Counters::add(&self.counters().bytes_out, bytes);
    }

    /// Ends the waiting poll with a noop, so that the client can go over to its WebSocket.
    pub(super) fn end_poll(&mut self, place: Place) {
        let Some(polling) = self.polling(place) else { return };
        if let Some(waiting) = polling.waiting.take()
            && waiting.send(Ok(Bytes::from_static(b"6"))).is_err()
        {
            self.close(place, CloseReason::TransportError);
        }
    }

    /// The request of a waiting poll is gone, and with it perhaps its answer.
    pub(super) fn poll_aborted(&mut self, sid: &EngineSid) {
        if let Some(place) = self.session(sid)
            && self.polling(place).is_some()
        {
            self.close(place, CloseReason::TransportError);
        }
    }

    fn take_last_words(&mut self, sid: &EngineSid) -> Option<Bytes> {
        let words = self.last_words.get_mut(&sid.slot())?;
        if !self.shared.seal.opens(sid, words.generation) {
            return None;
        }
        if words.said.is_empty() {
            return self.last_words.remove(&sid.slot()).map(|words| words.end);
        }
        Some(payload(std::mem::take(&mut words.said)))
    }

    /// A POST wants to bring its body.
    pub(super) fn begin_post(&mut self, sid: &EngineSid) -> Result<(), Refusal> {
        let place = self.session(sid).ok_or(Refusal::SessionUnknown)?;
        let polling = self.polling(place).ok_or(Refusal::BadRequest)?;
        if polling.posting || polling.deferred.is_some() {
            self.close(place, CloseReason::ProtocolViolation);
            return Err(Refusal::BadRequest);
        }
        polling.posting = true;
        Ok(())
    }

    /// A POST came.
    pub(super) fn post(&mut self, sid: &EngineSid, body: Bytes, reply: Reply<()>) {
        let Some(place) = self.session(sid) else {
            let _ = reply.send(Err(Refusal::SessionUnknown));
            return;
        };
        let Some(polling) = self.polling(place) else {
            let _ = reply.send(Err(Refusal::BadRequest));
            return;
        };
        polling.posting = false;
        if std::str::from_utf8(&body).is_err() {
            self.close(place, CloseReason::ParseError);
            let _ = reply.send(Err(Refusal::BadRequest));
            return;
        }
        Counters::add(&self.counters().bytes_in, body.len() as u64);
        self.take_post(place, Deferred { body, offset: 0, reply });
    }

    /// Goes on with a POST that had to wait for permits.
    pub(super) fn resume_post(&mut self, place: Place) {
        if let Some(deferred) = self.polling(place).and_then(|polling| polling.deferred.take()) {
            self.take_post(place, deferred);
        }
    }

    /// Handles the packets of a POST until it ends or the connection pauses.
    pub(super) fn take_post(&mut self, place: Place, mut post: Deferred) {
        let body = post.body.clone();
        let text = std::str::from_utf8(&body).unwrap_or_default();
        while post.offset <= text.len() {
            let Some(connection) = self.connections.get_mut(place.0, place.1) else { break };
            if connection.paused
                && let Transport::Polling(polling) = &mut connection.transport
            {
                polling.deferred = Some(post);
                return;
            }
            let rest = &text[post.offset..];
            let end = rest.find(char::from(engine::SEPARATOR)).unwrap_or(rest.len());
            let Ok(packet) = engine::Packet::decode(&rest[..end]) else {
                self.close(place, CloseReason::ParseError);
                let _ = post.reply.send(Err(Refusal::BadRequest));
                return;
            };
            post.offset += end + 1;
            let fatal = !matches!(packet, engine::Packet::Close);
            self.engine_packet(place, packet);
            if fatal && self.connections.get(place.0, place.1).is_none() {
                let _ = post.reply.send(Err(Refusal::BadRequest));
                return;
            }
        }
        let _ = post.reply.send(Ok(()));
    }
}
