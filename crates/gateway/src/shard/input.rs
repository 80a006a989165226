//! From readable bytes to packets. A WebSocket has no buffer of its own: the shard reads into its
//! one buffer and decodes there; only the bytes of an incomplete frame (or of frames that wait for
//! a paused connection) stay with the connection.

use std::borrow::Cow;
use std::io::ErrorKind;

use bytes::Bytes;
use parlor_wire::engine;
use parlor_wire::msgpack;
use parlor_wire::packet::PacketError;
use parlor_wire::websocket::{Body, Decoder, FrameError, Message, Opcode, encode_frame};

use super::connection::{Parser, Transport};
use super::drain::Draining;
use super::{Place, READ_BYTES, Shard};
use crate::engine as application;
use crate::reason::CloseReason;
use crate::stats::Counters;

/// Reads of one connection before others get their turn.
const READS_MAX: usize = 4;

impl Shard {
    /// Goes on with a connection whose input was left: what is kept first, then the stream.
    pub(super) fn read_again(&mut self, place: Place) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        match &mut connection.transport {
            Transport::WebSocket(websocket) => {
                if let Some(mut partial) = websocket.partial.take() {
                    let Some(used) = self.consume(place, &mut partial) else { return };
                    self.keep(place, partial, used);
                }
                self.readable(place, true);
            }
            Transport::Polling(_) => self.resume_post(place),
        }
    }

    /// Reads and handles what has come; `thorough` means that a short read may not be the last.
    pub(super) fn readable(&mut self, place: Place, thorough: bool) {
        let mut buffer = std::mem::take(&mut self.buffer);
        self.read(place, thorough, &mut buffer);
        self.buffer = buffer;
    }

    fn read(&mut self, place: Place, thorough: bool, buffer: &mut [u8]) {
        for _ in 0..READS_MAX {
            let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
            let Transport::WebSocket(websocket) = &mut connection.transport else { return };
            if connection.paused || self.draining.as_ref().is_some_and(Draining::is_closing_all) {
                return;
            }
            if self.ordered.len() >= self.backlog_max {
                break;
            }
            let count = match websocket.stream.read(buffer) {
                Ok(0) => return self.close(place, CloseReason::TransportClose),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return self.close(place, CloseReason::TransportClose);
                }
                Err(_) => return self.close(place, CloseReason::TransportError),
            };
            let last = count < buffer.len() && !thorough && !websocket.stream.reads_short();
            let partial = websocket.partial.take();
            Counters::add(&self.counters().bytes_in, count as u64);
            if !self.take_in(place, partial, &mut buffer[..count]) || last {
                return;
            }
        }
        self.again.push(place);
    }

    /// Handles new bytes behind the kept ones; `false` if the connection is gone.
    #[expect(clippy::box_collection, reason = "it comes as it was kept")]
    fn take_in(&mut self, place: Place, kept: Option<Box<Vec<u8>>>, fresh: &mut [u8]) -> bool {
        if let Some(mut partial) = kept {
            partial.extend_from_slice(fresh);
            let Some(used) = self.consume(place, &mut partial) else { return false };
            self.keep(place, partial, used);
            return true;
        }
        let Some(used) = self.consume(place, fresh) else { return false };
        let rest = &fresh[used..];
        if !rest.is_empty() {
            let whole = Decoder::frame_bytes(rest).unwrap_or(0);
            let mut partial = Vec::with_capacity(rest.len().max(whole.min(READ_BYTES)));
            partial.extend_from_slice(rest);
            self.keep(place, Box::new(partial), 0);
        }
        true
    }

    /// Keeps what is left of `partial` with its connection.
    #[expect(clippy::box_collection, reason = "it is kept as it is")]
    fn keep(&mut self, place: Place, mut partial: Box<Vec<u8>>, used: usize) {
        if used >= partial.len() {
            return;
        }
        partial.drain(..used);
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        if let Transport::WebSocket(websocket) = &mut connection.transport {
            websocket.partial = Some(partial);
        }
    }

    /// Decodes and handles whole frames; gives the bytes used, or `None` if the connection is gone.
    pub(super) fn consume(&mut self, place: Place, data: &mut [u8]) -> Option<usize> {
        let mut used = 0;
        loop {
            let connection = self.connections.get_mut(place.0, place.1)?;
            if connection.paused {
                return Some(used);
            }
            let Transport::WebSocket(websocket) = &mut connection.transport else { return None };
            match websocket.decoder.decode(&mut data[used..]) {
                Ok(None) => return Some(used),
                Ok(Some((count, message))) => {
                    used += count;
                    self.message(place, message);
                }
                Err(error) => {
                    self.frame_error(place, error);
                    return None;
                }
            }
        }
    }

    fn message(&mut self, place: Place, message: Message<'_>) {
        match message {
            Message::Text(text) => match engine::Packet::decode(&text) {
                Ok(packet) => self.engine_packet(place, packet),
                Err(_) => self.close(place, CloseReason::ParseError),
            },
            Message::Binary(bytes) => {
                let bytes = match bytes {
                    Cow::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
                    Cow::Owned(bytes) => bytes.into(),
                };
                self.engine_packet(place, engine::Packet::Binary(bytes));
            }
            Message::Ping(payload) => {
                let mut pong = Vec::new();
                encode_frame(Opcode::Pong, payload, Body::Plain, &mut pong);
                self.send_raw_frame(place, pong.into());
            }
            Message::Fragment | Message::Pong(_) => {}
            Message::Close { code, .. } => self.close_echoing(place, code),
        }
    }

    fn frame_error(&mut self, place: Place, error: FrameError) {
        tracing::debug!(%error, "a websocket rule was broken");
        let reason = match error {
            FrameError::TooBig { .. } => CloseReason::MessageTooBig,
            FrameError::Protocol(_) | FrameError::Payload(_) => CloseReason::TransportError,
        };
        self.close_telling(place, reason, error.close_code(), &error.to_string());
    }

    /// Queues a WebSocket frame that is no message, such as a pong.
    fn send_raw_frame(&mut self, place: Place, frame: Bytes) {
        let bytes_max = self.shared.config.output_bytes_max;
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        let Transport::WebSocket(websocket) = &mut connection.transport else { return };
        if !websocket.output.has_room(frame.len(), bytes_max) {
            return self.close(place, CloseReason::SlowReader);
        }
        websocket.output.push(frame, 0);
        self.mark_dirty(place);
    }

    /// Handles one Engine.IO packet, whatever transport it came over.
    pub(super) fn engine_packet(&mut self, place: Place, packet: engine::Packet<'_>) {
        Counters::add(&self.counters().packets_in, 1);
        match packet {
            engine::Packet::Message(text) => self.text(place, text),
            engine::Packet::Binary(bytes) => self.binary(place, bytes),
            engine::Packet::Pong(_) => self.pong(place),
            engine::Packet::Close => self.close(place, CloseReason::TransportClose),
            engine::Packet::Noop | engine::Packet::Upgrade => {}
            engine::Packet::Ping(_) | engine::Packet::Open(_) => {
                self.close(place, CloseReason::ParseError);
            }
        }
    }

    fn text(&mut self, place: Place, text: &str) {
        if self.shared.engine.is_some() {
            return self.engine_message(place, application::Message::Text(text.to_owned()));
        }
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        if connection.parser == Parser::Msgpack {
            return self.close(place, CloseReason::ParseError);
        }
        connection.parser = Parser::Json;
        match connection.reassembly.text(text, &self.limits) {
            Ok(Some(packet)) => self.packet(place, packet, Vec::new()),
            Ok(None) => {}
            Err(error) => self.packet_error(place, error),
        }
    }

    fn binary(&mut self, place: Place, bytes: Bytes) {
        if self.shared.engine.is_some() {
            return self.engine_message(place, application::Message::Binary(bytes));
        }
        let msgpack = self.shared.config.msgpack;
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        if connection.parser == Parser::Unknown && msgpack {
            connection.parser = Parser::Msgpack;
        }
        let outcome = if connection.parser == Parser::Msgpack {
            msgpack::decode(&bytes, &self.limits).map(Some)
        } else {
            connection.reassembly.binary(bytes, &self.limits)
        };
        match outcome {
            Ok(Some(mut packet)) => {
                let attachments = std::mem::take(&mut packet.attachments);
                self.packet(place, packet.as_packet(), attachments);
            }
            Ok(None) => {}
            Err(error) => self.packet_error(place, error),
        }
    }

    fn packet_error(&mut self, place: Place, error: PacketError) {
        tracing::debug!(%error, "a packet was refused");
        let (reason, code) = match error {
            PacketError::AttachmentsTooBig { .. } => (CloseReason::MessageTooBig, 1009),
            _ => (CloseReason::ParseError, CloseReason::ParseError.websocket_code()),
        };
        self.close_telling(place, reason, code, &error.to_string());
    }

    fn engine_message(&mut self, place: Place, message: application::Message) {
        let shared = std::sync::Arc::clone(&self.shared);
        let Some(handler) = shared.engine.as_ref().and_then(|it| it.on_message.as_ref()) else {
            return;
        };
        let link = self.link(place);
        self.guard(place, || handler(&link, message));
    }

    /// The connection as an Engine.IO application sees it.
    pub(super) fn link(&self, place: Place) -> application::Link {
        let connection = self.key(place);
        application::Link { connection, shared: std::sync::Arc::clone(&self.shared) }
    }
}
