//! A packet on its way out, encoded once however many sockets it goes to. The WebSocket bytes,
//! header included, are made at once; the msgpack and the compressed variants when the first socket
//! needs them. What long-polling needs is a slice of the WebSocket bytes.
//!
//! A frame may have a second form, for sockets that recover: the same event with its offset as one
//! more argument. It too is made when the first such socket needs it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parlor_wire::packet::{self, Limits, Packet};
use parlor_wire::websocket::{Body, Opcode, encode_frame, encode_header};
use parlor_wire::{deflate, json, msgpack};
use serde::Serialize;

/// Bytes kept free before the text for the longest header of a server's frame.
const HEADER_BYTES_MAX: usize = 10;
/// Shorter messages are not worth compressing.
const DEFLATE_BYTES_MIN: usize = 256;

/// A packet encoded once, cheap to clone.
#[derive(Clone, Debug)]
pub struct Frame(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    websocket: Bytes,
    /// The Engine.IO text packet; empty for a binary message of the engine's own.
    text: Bytes,
    attachments: Vec<Bytes>,
    msgpack: OnceLock<Msgpack>,
    deflated: OnceLock<Bytes>,
    /// What this is the sequence of; empty for a single packet.
    parts: Vec<Frame>,
    recoverable: Option<Box<Recoverable>>,
}

/// The form of a frame that sockets get which recover.
#[derive(Debug, Default)]
struct Recoverable {
    /// The JSON text of the offset; empty if the parts have theirs.
    offset: String,
    frame: OnceLock<Frame>,
}

/// The packet for clients that speak msgpack.
#[derive(Debug, Default)]
struct Msgpack {
    websocket: Bytes,
    message: Bytes,
}

impl Frame {
    /// An event; an array (or a tuple) is its arguments, any other value its only argument.
    ///
    /// # Errors
    /// When `args` cannot be written as JSON.
    pub fn event(
        namespace: &str,
        name: &str,
        args: &(impl Serialize + ?Sized),
    ) -> Result<Self, serde_json::Error> {
        Ok(Self::event_raw(namespace, name, &arguments(args)?))
    }

    /// An event whose arguments are the JSON text of an array.
    pub fn event_raw(namespace: &str, name: &str, json_args: &str) -> Self {
        Self::event_with(namespace, name, json_args, Vec::new())
    }

    /// An event with attachments; `json_args` holds `{"_placeholder":true,"num":n}` in their places.
    pub fn event_with(
        namespace: &str,
        name: &str,
        json_args: &str,
        attachments: Vec<Bytes>,
    ) -> Self {
        Self::event_asking(namespace, None, name, json_args, attachments)
    }

    /// The same event, which recoverable sockets get with `offset` as one more argument, the last:
    /// stock clients keep it and say it when they reconnect. Others get it as it is.
    #[must_use]
    pub fn with_offset(self, offset: &str) -> Self {
        let offset = serde_json::Value::from(offset).to_string();
        self.with(Some(Box::new(Recoverable { offset, frame: OnceLock::new() })))
    }

    /// The same event in one form for all.
    pub(crate) fn without_offset(self) -> Self {
        if self.has_offset() { self.with(None) } else { self }
    }

    fn with(self, recoverable: Option<Box<Recoverable>>) -> Self {
        let Inner { websocket, text, attachments, .. } = &*self.0;
        Self(Arc::new(Inner {
            websocket: websocket.clone(),
            text: text.clone(),
            attachments: attachments.clone(),
            recoverable,
            ..Inner::default()
        }))
    }

    /// An event that may ask for an acknowledgement.
    pub(crate) fn event_asking(
        namespace: &str,
        ack_id: Option<u64>,
        name: &str,
        json_args: &str,
        attachments: Vec<Bytes>,
    ) -> Self {
        let mut text = start(namespace.len() + name.len() + json_args.len());
        packet::encode_event(namespace, ack_id, attachments.len(), name, json_args, &mut text);
        Self::finish(text, attachments)
    }

    /// The answer to an event.
    pub(crate) fn ack(namespace: &str, id: u64, json_args: &str, attachments: Vec<Bytes>) -> Self {
        let mut text = start(namespace.len() + json_args.len());
        packet::encode_ack(namespace, id, attachments.len(), json_args, &mut text);
        Self::finish(text, attachments)
    }

    /// A packet without attachments.
    pub(crate) fn packet(packet: &Packet<'_>) -> Self {
        let mut text = start(packet.namespace.len() + packet.data.len());
        packet.encode(&mut text);
        Self::finish(text, Vec::new())
    }

    /// A text message of the layer below, for engines without Socket.IO.
    pub(crate) fn engine_text(message: &str) -> Self {
        let mut text = start(message.len());
        text.push_str(message);
        Self::finish(text, Vec::new())
    }

    /// A binary message of the layer below.
    pub(crate) fn engine_binary(message: Bytes) -> Self {
        let mut websocket = Vec::new();
        encode_frame(Opcode::Binary, &message, Body::Plain, &mut websocket);
        Self::new(websocket.into(), Bytes::new(), vec![message])
    }

    fn finish(text: String, attachments: Vec<Bytes>) -> Self {
        let mut bytes = text.into_bytes();
        let text_end = bytes.len();
        let header = encode_header(Opcode::Text, text_end - HEADER_BYTES_MAX, Body::Plain);
        let begin = HEADER_BYTES_MAX - header.as_bytes().len();
        bytes[begin..HEADER_BYTES_MAX].copy_from_slice(header.as_bytes());
        for attachment in &attachments {
            encode_frame(Opcode::Binary, attachment, Body::Plain, &mut bytes);
        }
        let bytes = Bytes::from(bytes);
        Self::new(bytes.slice(begin..), bytes.slice(HEADER_BYTES_MAX..text_end), attachments)
    }

    fn new(websocket: Bytes, text: Bytes, attachments: Vec<Bytes>) -> Self {
        Self(Arc::new(Inner { websocket, text, attachments, ..Inner::default() }))
    }

    /// Packets that go out one behind the other in one write.
    pub(crate) fn joined(parts: Vec<Self>) -> Self {
        let websocket = concat(&parts, Self::websocket);
        let recoverable = parts.iter().any(Self::has_offset).then(Box::default);
        Self(Arc::new(Inner { websocket, parts, recoverable, ..Inner::default() }))
    }

    /// Whether recoverable sockets get another form.
    pub(crate) fn has_offset(&self) -> bool {
        self.0.recoverable.is_some()
    }

    /// The form for sockets that recover: with the offset, if there is one.
    pub(crate) fn recoverable(&self) -> &Self {
        let Some(recoverable) = &self.0.recoverable else { return self };
        recoverable.frame.get_or_init(|| {
            if !self.0.parts.is_empty() {
                return Self::joined(
                    self.0.parts.iter().map(|it| it.recoverable().clone()).collect(),
                );
            }
            let text = self.0.text.get(1..).and_then(|text| std::str::from_utf8(text).ok());
            let Some(event) = text.and_then(|text| text.strip_suffix(']')) else {
                tracing::warn!("an event has no offset: its arguments are no array");
                return self.clone();
            };
            let mut text = start(event.len() + recoverable.offset.len());
            text.push_str(event);
            text.push(',');
            text.push_str(&recoverable.offset);
            text.push(']');
            Self::finish(text, self.0.attachments.clone())
        })
    }

    /// The packets, one by one.
    pub(crate) fn parts(&self) -> &[Self] {
        if self.0.parts.is_empty() { std::slice::from_ref(self) } else { &self.0.parts }
    }

    /// The frames of a WebSocket that negotiated nothing.
    pub(crate) fn websocket(&self) -> &Bytes {
        &self.0.websocket
    }

    /// The frames of a WebSocket with `permessage-deflate`.
    pub(crate) fn deflated(&self) -> &Bytes {
        if self.0.websocket.len() < DEFLATE_BYTES_MIN {
            return &self.0.websocket;
        }
        self.0.deflated.get_or_init(|| {
            if !self.0.parts.is_empty() {
                return concat(&self.0.parts, Self::deflated);
            }
            let mut frames = Vec::new();
            let mut push = |opcode, payload: &[u8]| {
                let mut small = Vec::new();
                deflate::compress(payload, &mut small);
                encode_frame(opcode, &small, Body::Deflated, &mut frames);
            };
            if !self.0.text.is_empty() {
                push(Opcode::Text, &self.0.text);
            }
            self.0.attachments.iter().for_each(|bytes| push(Opcode::Binary, bytes));
            frames.into()
        })
    }

    /// The namespace of the event, if it is one.
    pub(crate) fn namespace(&self) -> Option<&str> {
        let text = std::str::from_utf8(self.text()?).ok()?;
        let text = text.strip_prefix("42").or_else(|| text.strip_prefix("45"))?;
        let rest = text.trim_start_matches(|it: char| it.is_ascii_digit() || it == '-');
        Some(if rest.starts_with('/') { rest.split(',').next()? } else { "/" })
    }

    /// The Engine.IO text packet, if there is one.
    pub(crate) fn text(&self) -> Option<&Bytes> {
        (!self.0.text.is_empty()).then_some(&self.0.text)
    }

    /// The binary messages that follow the text.
    pub(crate) fn attachments(&self) -> &[Bytes] {
        &self.0.attachments
    }

    /// The same packet as one msgpack message; empty if its JSON cannot be read.
    pub(crate) fn msgpack(&self) -> &Bytes {
        &self.0.msgpack.get_or_init(|| self.transcode().unwrap_or_default()).message
    }

    /// That message as a WebSocket frame.
    pub(crate) fn msgpack_websocket(&self) -> &Bytes {
        &self.0.msgpack.get_or_init(|| self.transcode().unwrap_or_default()).websocket
    }

    fn transcode(&self) -> Option<Msgpack> {
        if !self.0.parts.is_empty() {
            let websocket = concat(&self.0.parts, Self::msgpack_websocket);
            return Some(Msgpack { websocket, ..Msgpack::default() });
        }
        let limits = Limits {
            attachments_max: usize::MAX,
            attachment_bytes_max: usize::MAX,
            depth_max: json::DEPTH_MAX,
        };
        let text = std::str::from_utf8(self.0.text.get(1..)?).ok()?;
        let packet = Packet::decode(text, &limits).ok()?;
        let mut bytes = vec![0; HEADER_BYTES_MAX];
        msgpack::encode(&packet, &self.0.attachments, &mut bytes).ok()?;
        let header = encode_header(Opcode::Binary, bytes.len() - HEADER_BYTES_MAX, Body::Plain);
        let begin = HEADER_BYTES_MAX - header.as_bytes().len();
        bytes[begin..HEADER_BYTES_MAX].copy_from_slice(header.as_bytes());
        let bytes = Bytes::from(bytes);
        Some(Msgpack { websocket: bytes.slice(begin..), message: bytes.slice(HEADER_BYTES_MAX..) })
    }

    /// Bytes that the frame adds to an output queue.
    pub(crate) fn len(&self) -> usize {
        self.0.websocket.len()
    }
}

fn concat(parts: &[Frame], of: impl Fn(&Frame) -> &Bytes) -> Bytes {
    let mut all = Vec::with_capacity(parts.iter().map(|part| of(part).len()).sum());
    parts.iter().for_each(|part| all.extend_from_slice(of(part)));
    all.into()
}

/// Room for the header, then the type of an Engine.IO message.
fn start(bytes: usize) -> String {
    let mut text = String::with_capacity(HEADER_BYTES_MAX + 40 + bytes);
    text.push_str("\0\0\0\0\0\0\0\0\0\0");
    text.push('4');
    text
}

/// The arguments of an event as the JSON text of an array.
pub(crate) fn arguments(args: &(impl Serialize + ?Sized)) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(args)?;
    Ok(match text.as_bytes().first() {
        Some(b'[') => text,
        _ if text == "null" => "[]".to_owned(),
        _ => format!("[{text}]"),
    })
}

#[cfg(test)]
mod tests;
