//! An event from a client, and the right to answer it. Each event holds a permit of its connection;
//! the permit returns when the event, or the acknowledgement taken from it, is dropped or sent.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::frame::{Frame, arguments};
use crate::shard::ops::Op;
use crate::socket::{EmitError, Socket};

/// One event, with its arguments as JSON text.
#[derive(Debug)]
pub struct Event {
    name: Arc<str>,
    args: String,
    ranges: SmallVec<[Range<u32>; 4]>,
    attachments: Vec<Bytes>,
    ack_id: Option<u64>,
    permit: Permit,
}

impl Event {
    pub(crate) fn new(
        name: Arc<str>,
        args: String,
        ranges: SmallVec<[Range<u32>; 4]>,
        attachments: Vec<Bytes>,
        ack_id: Option<u64>,
        permit: Permit,
    ) -> Self {
        Self { name, args, ranges, attachments, ack_id, permit }
    }

    /// The event's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The arguments: the JSON text of an array, the name left out.
    pub fn args(&self) -> &str {
        &self.args
    }

    /// How many arguments there are.
    pub fn args_len(&self) -> usize {
        self.ranges.len()
    }

    /// The JSON text of one argument.
    pub fn arg_str(&self, index: usize) -> Option<&str> {
        let range = self.ranges.get(index)?;
        self.args.get(range.start as usize..range.end as usize)
    }

    /// One argument, unparsed.
    pub fn arg(&self, index: usize) -> Option<&RawValue> {
        serde_json::from_str(self.arg_str(index)?).ok()
    }

    /// The arguments as a tuple (or anything that is written as an array).
    ///
    /// # Errors
    /// When they have another shape.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.args)
    }

    /// The binary attachments, in the order of their placeholders.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// Whether the client waits for an acknowledgement.
    pub fn has_ack(&self) -> bool {
        self.ack_id.is_some()
    }

    /// Answers with these arguments, if the client waits for an answer; the first call counts.
    ///
    /// # Errors
    /// See [`Ack::send`].
    pub fn ack(&mut self, args: &(impl Serialize + ?Sized)) -> Result<(), EmitError> {
        self.take_ack().map_or(Ok(()), |ack| ack.send(args))
    }

    /// Takes the right to answer, and the permit with it, to be used later or elsewhere.
    pub fn take_ack(&mut self) -> Option<Ack> {
        let id = self.ack_id.take()?;
        Some(Ack { id, permit: self.permit.take() })
    }
}

/// The right to answer one event. Dropped unused, it only frees the event's permit.
#[derive(Debug)]
pub struct Ack {
    id: u64,
    permit: Permit,
}

impl Ack {
    /// Answers with these arguments: an array or tuple is the arguments, else the only one.
    ///
    /// # Errors
    /// When the arguments cannot be written as JSON.
    pub fn send(self, args: &(impl Serialize + ?Sized)) -> Result<(), EmitError> {
        let args = arguments(args)?;
        self.send_raw(&args)
    }

    /// Answers with arguments that are the JSON text of an array.
    ///
    /// # Errors
    /// None at present: answers are taken even by a full inbox, since each holds a permit.
    pub fn send_raw(self, json_args: &str) -> Result<(), EmitError> {
        self.send_with(json_args, Vec::new())
    }

    /// Answers with attachments, for which `json_args` holds placeholders.
    ///
    /// # Errors
    /// As [`Ack::send_raw`].
    pub fn send_with(mut self, json_args: &str, attachments: Vec<Bytes>) -> Result<(), EmitError> {
        let Some(socket) = self.permit.0.take() else { return Ok(()) };
        let frame = Frame::ack(socket.namespace(), self.id, json_args, attachments);
        let connection = socket.connection();
        let key = socket.key();
        socket.shared().push_always(key.shard(), Op::Ack { key, connection, frame });
        Ok(())
    }

    /// The socket that asked.
    pub fn socket(&self) -> Option<&Socket> {
        self.permit.0.as_ref()
    }
}

/// One of the events that a connection may have unanswered.
#[derive(Debug)]
pub(crate) struct Permit(Option<Socket>);

impl Permit {
    pub(crate) fn new(socket: Socket) -> Self {
        Self(Some(socket))
    }

    fn take(&mut self) -> Self {
        Self(self.0.take())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(socket) = self.0.take() {
            let connection = socket.connection();
            socket.shared().push_always(connection.shard(), Op::Permit { connection });
        }
    }
}
