//! Messages on their way: kept until the server has each in its log, sent one after the other in
//! each conversation, and each once, whatever is cut or restarted meanwhile.
//!
//! A message is in the store before it is said for the first time, and leaves it after its answer.
//! All tries carry the same key, so the server keeps one; in a conversation the next message is
//! said only after the one before was answered.

use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tracing::warn;
use uuid::{NoContext, Timestamp, Uuid};

use super::ask::Purpose;
use super::outbox::{ITEMS_MAX, Waiting};
use super::{Core, Timer};
use crate::error::Error;
use crate::outbox::{Change, Failure, OutboxItem, StoreError};
use crate::protocol::{Message, Sent};
use crate::status::Reason;
use crate::target::Target;
use crate::update::News;

/// Conversations in which a message is unanswered at a time.
const AT_ONCE_MAX: usize = 16;
/// How often a server may fail at a message before it counts as refused.
const FAILURES_MAX: u32 = 5;

/// What becomes of a message.
pub(crate) type Outcome<T> = oneshot::Receiver<Result<T, Error>>;

impl Core {
    /// Puts a message behind all others. The first outcome is that of the store, the second that of
    /// the server.
    ///
    /// # Errors
    /// The outbox is full.
    pub(crate) fn send(
        &mut self,
        target: Target,
        content: Value,
        more: Map<String, Value>,
    ) -> Result<(String, Outcome<()>, Outcome<Sent>), Error> {
        if self.outbox.items.len() >= ITEMS_MAX {
            return Err(Error::OutboxFull(ITEMS_MAX));
        }
        self.typing_said(&target);
        let created_at = self.clock.now_ms();
        let client_id = uuid_v7(created_at);
        let order = self.outbox.next_order;
        let failure = None;
        let item = OutboxItem { client_id, order, target, content, more, created_at, failure };
        Ok(self.put(item, true))
    }

    fn put(&mut self, item: OutboxItem, is_fresh: bool) -> (String, Outcome<()>, Outcome<Sent>) {
        let (saved, is_saved) = oneshot::channel();
        let (sent, is_sent) = oneshot::channel();
        let (client_id, target) = (item.client_id.clone(), item.target.clone());
        self.outbox.changes.push(Change::Put(item.clone()));
        let (saved, sent) = (Some(saved), Some(sent));
        self.outbox.insert(Waiting { item, is_saving: true, is_fresh, saved, sent });
        self.tell(News::Changed(target));
        (client_id, is_saved, is_sent)
    }

    /// Sends a refused message again, behind all others; `None` if there is no such.
    pub(crate) fn retry(
        &mut self,
        client_id: &str,
    ) -> Option<(String, Outcome<()>, Outcome<Sent>)> {
        let failure = self.outbox.of(client_id)?.item.failure.clone()?;
        let order = *self.outbox.orders.get(client_id)?;
        let mut item = self.outbox.remove(order)?.item;
        // A key that is used up is replaced; any other makes sure that it is kept once.
        let is_used_up = matches!(failure.code.as_str(), "conflict" | "stale_client_id");
        if is_used_up {
            self.outbox.changes.push(Change::Remove(item.client_id));
            item.client_id = uuid_v7(self.clock.now_ms());
        }
        (item.failure, item.order) = (None, self.outbox.next_order);
        Some(self.put(item, is_used_up))
    }

    /// Takes a refused message out of the outbox; `false` if there is no such.
    pub(crate) fn discard(&mut self, client_id: &str) -> bool {
        let is_refused = self.outbox.of(client_id).is_some_and(|it| it.item.failure.is_some());
        is_refused && self.take_out(client_id, Err(Error::Discarded)).is_some()
    }

    /// The store has kept these changes, or could not.
    pub(crate) fn stored(&mut self, changes: &[Change], outcome: Result<(), StoreError>) {
        for change in changes {
            let Change::Put(item) = change else { continue };
            let Some(waiting) = self.outbox.of(&item.client_id) else { continue };
            if !std::mem::replace(&mut waiting.is_saving, false) {
                continue;
            }
            let saved = waiting.saved.take();
            let target = item.target.clone();
            if outcome.is_err() {
                // What cannot be kept is not sent: it would be lost at the next restart unnoticed.
                let order = item.order;
                drop(self.outbox.remove(order));
                self.tell(News::Changed(target.clone()));
            }
            if let Some(saved) = saved {
                let _ = saved.send(outcome.clone().map_err(Error::Store));
            }
            self.outbox.take_turn(target);
        }
        if let Err(error) = outcome {
            // What is not forgotten is sent again after a restart, and gets its first answer.
            warn!(%error, "the outbox cannot be written");
        }
        self.pump_outbox();
    }

    /// Says what can be said.
    pub(super) fn pump_outbox(&mut self) {
        if !self.is_live() {
            return;
        }
        while self.outbox.in_flight < AT_ONCE_MAX {
            let Some(target) = self.outbox.turns.pop_front() else { return };
            let Some(item) = self.outbox.next(&target) else { continue };
            let (client_id, order) = (item.client_id.clone(), item.order);
            let mut payload = item.more.clone();
            payload.insert("content".to_owned(), item.content.clone());
            payload.insert("clientId".to_owned(), client_id.as_str().into());
            target.put_into(&mut payload);
            let command = match target {
                Target::User(_) => "private_message",
                Target::Group(_) => "group_message",
            };
            if let Some(line) = self.outbox.lines.get_mut(&target) {
                line.in_flight = Some(order);
                self.outbox.in_flight += 1;
            }
            let purpose = Purpose::Message { target, order, client_id };
            self.ask(command, Value::Object(payload), purpose);
        }
    }

    pub(super) fn message_answered(
        &mut self,
        target: &Target,
        order: u64,
        client_id: &str,
        outcome: Result<Value, Error>,
    ) {
        if let Some(line) = self.outbox.lines.get_mut(target)
            && line.in_flight == Some(order)
        {
            line.in_flight = None;
            self.outbox.in_flight -= 1;
        }
        // Somebody heard of it on another way.
        if self.outbox.of(client_id).is_none() {
            self.outbox.take_turn(target.clone());
            self.pump_outbox();
            return;
        }
        match outcome {
            Ok(answer) => {
                if let Some(sent) = self.understood::<Sent>(answer, "private_message") {
                    self.kept(client_id, sent);
                }
            }
            Err(error) => self.refused(target, client_id, error),
        }
        self.pump_outbox();
    }

    fn refused(&mut self, target: &Target, client_id: &str, error: Error) {
        let line = self.outbox.lines.entry(target.clone()).or_default();
        match &error {
            Error::Busy(refusal) => {
                let delay = line.pace.next(refusal.retry_after);
                line.is_pausing = true;
                self.after(delay, Timer::Send(target.clone()));
                return;
            }
            Error::Refused(refusal)
                if refusal.code == "internal" && line.failures < FAILURES_MAX =>
            {
                line.failures += 1;
                line.is_pausing = true;
                let delay = line.pace.next(None);
                self.after(delay, Timer::Send(target.clone()));
                return;
            }
            // The token is no good any more: the next connection asks again.
            Error::Identity(refusal) => {
                self.suspect(Reason::Refused(refusal.clone()));
                return;
            }
            _ => {}
        }
        line.failures = 0;
        let Some(waiting) = self.outbox.of(client_id) else { return };
        if error.code() == Some("stale_client_id") && waiting.is_fresh {
            // It was written just now, so this device's clock is wrong; and nothing was ever kept
            // under this key.
            self.rekey(client_id);
            return;
        }
        let (code, text) = match error.refusal() {
            Some(refusal) => (refusal.code.clone(), refusal.text.clone()),
            None => ("internal".to_owned(), error.to_string()),
        };
        waiting.item.failure = Some(Failure { code, error: text });
        let change = Change::Put(waiting.item.clone());
        if let Some(sent) = waiting.sent.take() {
            let _ = sent.send(Err(error));
        }
        self.outbox.changes.push(change);
        self.outbox.take_turn(target.clone());
        self.tell(News::Changed(target.clone()));
    }

    fn rekey(&mut self, client_id: &str) {
        let Some(order) = self.outbox.orders.remove(client_id) else { return };
        let Some(waiting) = self.outbox.items.get_mut(&order) else { return };
        waiting.item.client_id = Uuid::new_v4().to_string();
        waiting.is_fresh = false;
        let item = waiting.item.clone();
        self.outbox.orders.insert(item.client_id.clone(), order);
        self.outbox.take_turn(item.target.clone());
        self.outbox.changes.push(Change::Remove(client_id.to_owned()));
        self.outbox.changes.push(Change::Put(item));
    }

    /// What was refused for now can be said again.
    pub(super) fn send_again(&mut self, target: &Target) {
        if let Some(line) = self.outbox.lines.get_mut(target) {
            line.is_pausing = false;
        }
        self.outbox.take_turn(target.clone());
        self.pump_outbox();
    }

    /// The log has a message with this key, whoever brought it there.
    pub(super) fn is_in_log(&mut self, client_id: &str, message: &Message) {
        let Message { id, conversation_id, seq, ts, expires_at, .. } = message.clone();
        let sent = Sent { id, conversation_id, seq, ts, expires_at, masked: false };
        if self.take_out(client_id, Ok(sent)).is_some() {
            self.pump_outbox();
        }
    }

    /// The server has answered that it has it.
    fn kept(&mut self, client_id: &str, sent: Sent) {
        if let Some(line) = self.outbox.of(client_id).map(|it| it.item.target.clone())
            && let Some(line) = self.outbox.lines.get_mut(&line)
        {
            line.pace.succeeded();
            line.failures = 0;
        }
        if let Some(item) = self.take_out(client_id, Ok(sent.clone())) {
            self.sent(item, &sent);
        }
    }

    fn take_out(&mut self, client_id: &str, outcome: Result<Sent, Error>) -> Option<OutboxItem> {
        let order = *self.outbox.orders.get(client_id)?;
        let Waiting { item, sent, .. } = self.outbox.remove(order)?;
        self.outbox.changes.push(Change::Remove(client_id.to_owned()));
        if let Some(sent) = sent {
            // The app may not want to know.
            let _ = sent.send(outcome);
        }
        self.tell(News::Changed(item.target.clone()));
        Some(item)
    }

    /// What was unanswered is said again on the next connection, with the same key.
    pub(super) fn outbox_lost(&mut self) {
        self.outbox.in_flight = 0;
        let targets: Vec<_> = self.outbox.lines.keys().cloned().collect();
        for line in self.outbox.lines.values_mut() {
            // Whether it was kept is not known.
            let said = line.in_flight.take().and_then(|order| self.outbox.items.get_mut(&order));
            if let Some(waiting) = said {
                waiting.is_fresh = false;
            }
            line.is_pausing = false;
        }
        for target in targets {
            self.outbox.take_turn(target);
        }
        self.outbox.lines.retain(|_, line| !line.items.is_empty());
    }
}

/// A UUIDv7 of this time, of which the server can tell the age.
fn uuid_v7(now_ms: u64) -> String {
    let nanos = (now_ms % 1_000) as u32 * 1_000_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, now_ms / 1_000, nanos)).to_string()
}
