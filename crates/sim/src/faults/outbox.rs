//! What a device has to send, in order: what is not acknowledged is kept, and sent again under the
//! same key after a cut or a refusal. Nothing overtakes what was refused.

use std::collections::VecDeque;

use anyhow::{Context, Result};
use serde_json::Value;

use super::client::Connection;
use crate::history::Acked;

/// How many sends of one device wait for their ack at a time.
const UNACKED_MAX: usize = 8;

/// The unacknowledged sends of one device.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Outgoing>,
    /// How many of the first went out on this connection.
    in_flight: usize,
    /// Whether one was refused: then all wait until the rest was answered, and go again.
    rewind: bool,
}

#[derive(Debug)]
struct Outgoing {
    client_id: String,
    payload: Value,
    ack_id: u64,
    answered: bool,
}

/// What an answer means.
pub(super) enum Answered {
    /// It is kept.
    Sent(Acked),
    /// It was refused, and all may go again after a while.
    Refused,
    /// Others are awaited, or it is not one of these.
    Nothing,
}

impl Outbox {
    /// A new connection: nothing is on its way.
    pub(super) fn reconnected(&mut self) {
        self.in_flight = 0;
        self.rewind = false;
        self.queue.iter_mut().for_each(|send| send.answered = false);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether something waits to go out again.
    pub(super) fn has_more(&self) -> bool {
        !self.rewind && self.in_flight < self.queue.len()
    }

    /// Whether another one may be added now.
    pub(super) fn has_room(&self) -> bool {
        !self.rewind && self.queue.len() < UNACKED_MAX
    }

    pub(super) fn push(&mut self, client_id: String, payload: Value) {
        self.queue.push_back(Outgoing { client_id, payload, ack_id: 0, answered: false });
    }

    /// Sends the next one, if one may go.
    pub(super) async fn send_next(&mut self, connection: &mut Connection) -> Result<()> {
        if self.rewind {
            return Ok(());
        }
        if let Some(outgoing) = self.queue.get_mut(self.in_flight) {
            outgoing.answered = false;
            outgoing.ack_id =
                connection.emit_with_ack("private_message", &outgoing.payload).await?;
            self.in_flight += 1;
        }
        Ok(())
    }

    /// Takes an answer of the server.
    pub(super) fn take(&mut self, id: u64, answer: &Value) -> Result<Answered> {
        let index = self.queue.iter().take(self.in_flight).position(|send| send.ack_id == id);
        let Some(index) = index else { return Ok(Answered::Nothing) };
        if answer["status"] == "sent" {
            let acked = Acked {
                client_id: self.queue[index].client_id.clone(),
                id: answer["id"].as_str().context("an ack without id")?.into(),
                seq: answer["seq"].as_u64().context("an ack without seq")?,
                ts: answer["ts"].as_u64().context("an ack without ts")?,
            };
            self.queue.remove(index);
            self.in_flight -= 1;
            self.rewound();
            return Ok(Answered::Sent(acked));
        }
        self.queue[index].answered = true;
        self.rewind = true;
        Ok(if self.rewound() { Answered::Refused } else { Answered::Nothing })
    }

    /// Begins anew once everything that went out is answered.
    fn rewound(&mut self) -> bool {
        let all_answered = self.queue.iter().take(self.in_flight).all(|send| send.answered);
        let again = self.rewind && all_answered;
        if again {
            self.rewind = false;
            self.in_flight = 0;
        }
        again
    }
}
