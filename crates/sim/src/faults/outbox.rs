//! What a device has to send, in order: what is not acknowledged is kept, and sent again under the
//! same key after a cut or a refusal.
//!
//! The server keeps later sends behind a refused one until its `retryAfterMs` has passed. Where the
//! refusal took longer than that to arrive, what the device sent meanwhile may have been taken: such
//! sends are [`Outbox::late`], and no order is asked of them.

use std::collections::VecDeque;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::time::Instant;

use super::client::Connection;
use crate::history::Acked;

/// How many sends of one device wait for their ack at a time.
const UNACKED_MAX: usize = 8;
/// The shortest `retryAfterMs` that a refusal which never arrived may have had.
const RETRY_AFTER_MS_MIN: u64 = 1_000;
/// What a send to a group is refused as for good.
pub(super) const NOT_A_MEMBER: &str = "not_a_member";
/// No `retryAfterMs` is that long: what went out while the server refused nothing is in order.
const NEVER_MS: u64 = u64::MAX;

/// The unacknowledged sends of one device.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Outgoing>,
    /// How many of the first went out on this connection.
    in_flight: usize,
    /// Whether one was refused: then all wait until the rest was answered, and go again.
    rewind: bool,
    /// Sends whose refusal arrived late, or may have.
    late: Vec<String>,
}

#[derive(Debug)]
struct Outgoing {
    client_id: String,
    event: &'static str,
    payload: Value,
    ack_id: u64,
    answered: bool,
    went_out: Instant,
    retry_after_ms: u64,
    /// How often the server had begun or ceased to refuse sends when it went out.
    refusals: u64,
}

impl Outgoing {
    fn is_edit(&self) -> bool {
        self.event == "edit"
    }

    /// Whether that refuses it for good: of who was put out of a group, or came back since.
    fn is_denied_by(&self, answer: &Value) -> bool {
        match self.event {
            "private_message" => false,
            "edit" => [NOT_A_MEMBER, "not_found"].iter().any(|code| answer["code"] == *code),
            _ => answer["code"] == NOT_A_MEMBER,
        }
    }
}

/// What an answer means.
pub(super) enum Answered {
    /// It is kept.
    Sent(Acked),
    /// It was refused, and all may go again after a while.
    Refused,
    /// It was refused for good, since its sender is not in that group or was not.
    Denied(String),
    /// Others are awaited, or it is not one of these.
    Nothing,
}

impl Outbox {
    /// A new connection: nothing is on its way.
    /// `refusals` counts how often the server began or ceased to refuse sends.
    pub(super) fn reconnected(&mut self, refusals: u64) {
        for send in self.queue.iter_mut().take(self.in_flight).filter(|send| !send.answered) {
            if send.refusals == refusals && refusals.is_multiple_of(2) {
                send.retry_after_ms = NEVER_MS;
            }
        }
        self.begin_anew();
    }

    /// Takes the keys of sends that later ones may have overtaken.
    pub(super) fn late(&mut self) -> Vec<String> {
        std::mem::take(&mut self.late)
    }

    /// Takes edits out, and says under which keys they were. None has gone out on this connection.
    pub(super) fn drop_edits(&mut self) -> Vec<String> {
        let (edits, rest) = self.queue.drain(..).partition::<VecDeque<_>, _>(Outgoing::is_edit);
        self.queue = rest;
        edits.into_iter().map(|edit| edit.client_id).collect()
    }

    /// Whether an edit is among them.
    pub(super) fn has_edits(&self) -> bool {
        self.queue.iter().any(Outgoing::is_edit)
    }

    fn begin_anew(&mut self) {
        for send in self.queue.iter_mut().take(self.in_flight) {
            if send.went_out.elapsed().as_millis() >= u128::from(send.retry_after_ms) {
                self.late.push(send.client_id.clone());
            }
            send.answered = false;
        }
        self.rewind = false;
        self.in_flight = 0;
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

    pub(super) fn push(&mut self, client_id: String, event: &'static str, payload: Value) {
        self.queue.push_back(Outgoing {
            client_id,
            event,
            payload,
            ack_id: 0,
            answered: false,
            went_out: Instant::now(),
            retry_after_ms: 0,
            refusals: 0,
        });
    }

    /// Sends the next one, if one may go.
    pub(super) async fn send_next(
        &mut self,
        connection: &mut Connection,
        refusals: u64,
    ) -> Result<()> {
        if self.rewind {
            return Ok(());
        }
        if let Some(outgoing) = self.queue.get_mut(self.in_flight) {
            outgoing.answered = false;
            outgoing.went_out = Instant::now();
            outgoing.retry_after_ms = RETRY_AFTER_MS_MIN;
            outgoing.refusals = refusals;
            outgoing.ack_id = connection.emit_with_ack(outgoing.event, &outgoing.payload).await?;
            self.in_flight += 1;
        }
        Ok(())
    }

    /// Takes an answer of the server.
    pub(super) fn take(&mut self, id: u64, answer: &Value) -> Result<Answered> {
        let index = self.queue.iter().take(self.in_flight).position(|send| send.ack_id == id);
        let Some(index) = index else { return Ok(Answered::Nothing) };
        if answer["status"] == "sent" || answer["seq"].is_u64() {
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
        if self.queue[index].is_denied_by(answer) {
            let denied = self.queue.remove(index).map(|send| send.client_id);
            self.in_flight -= 1;
            self.rewound();
            return Ok(denied.map_or(Answered::Nothing, Answered::Denied));
        }
        self.queue[index].answered = true;
        self.queue[index].retry_after_ms = answer["retryAfterMs"].as_u64().unwrap_or(0);
        self.rewind = true;
        Ok(if self.rewound() { Answered::Refused } else { Answered::Nothing })
    }

    /// Begins anew once everything that went out is answered.
    fn rewound(&mut self) -> bool {
        let all_answered = self.queue.iter().take(self.in_flight).all(|send| send.answered);
        let again = self.rewind && all_answered;
        if again {
            self.begin_anew();
        }
        again
    }
}
