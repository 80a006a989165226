//! What the user has and has read, told to the server: the furthest mark of each conversation alone,
//! and not more often than a few times a second.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::ask::Purpose;
use super::{Core, Timer};
use crate::backoff::Backoff;
use crate::error::Error;
use crate::protocol::{Receipt, Watermark};
use crate::target::Target;
use crate::update::News;

const READ_PAUSE: Duration = Duration::from_millis(200);
const DELIVERED_PAUSE: Duration = Duration::from_millis(500);
/// How many `read` are unanswered at a time.
const AT_ONCE_MAX: usize = 8;

/// Marks that the server is to be told.
#[derive(Debug)]
pub(super) struct Receipts {
    delivered: BTreeMap<String, u64>,
    read: BTreeMap<String, u64>,
    is_due: bool,
    asked: usize,
    pace: Backoff,
}

impl Default for Receipts {
    fn default() -> Self {
        let pace = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        Self { delivered: BTreeMap::new(), read: BTreeMap::new(), is_due: false, asked: 0, pace }
    }
}

impl Receipts {
    /// The log has begun another life: marks on the last one say nothing.
    pub(super) fn forget(&mut self) {
        self.delivered.clear();
        self.read.clear();
    }
}

impl Core {
    /// This device has everything up to here.
    pub(super) fn has(&mut self, target: &Target, seq: u64) {
        let held = self.held(target);
        if seq > held.delivered {
            held.delivered = seq;
            let id = held.id.clone();
            self.receipts.delivered.insert(id, seq);
            self.tell_soon(DELIVERED_PAUSE);
        }
    }

    /// The user has read everything up to this number, or everything. Told until the server has it.
    pub(crate) fn mark_read(&mut self, target: &Target, seq: Option<u64>) {
        let held = self.held(target);
        let seq = seq.unwrap_or_else(|| held.head());
        if seq > held.read_to() {
            let id = held.id.clone();
            self.receipts.read.insert(id, seq);
            self.own_read(target, seq);
            self.tell_soon(READ_PAUSE);
        }
    }

    fn own_read(&mut self, target: &Target, seq: u64) {
        let user_id = self.me.clone();
        let held = self.held(target);
        held.take_marks([&Watermark { user_id, delivered: seq, read: seq }]);
        if !held.recount() {
            self.refresh();
        }
        self.tell(News::Changed(target.clone()));
    }

    /// A mark of a member moved.
    pub(super) fn receipt(&mut self, receipt: &Receipt, is_read: bool) {
        let Some(target) = self.named(&receipt.conversation_id) else { return };
        let Receipt { user_id, seq, .. } = receipt;
        if is_read && *user_id == self.me {
            self.own_read(&target, *seq);
            return;
        }
        let read = if is_read { *seq } else { 0 };
        let mark = Watermark { user_id: user_id.clone(), delivered: *seq, read };
        self.held(&target).take_marks([&mark]);
        self.tell(News::Changed(target));
    }

    pub(super) fn tell_soon(&mut self, delay: Duration) {
        let is_any = !self.receipts.delivered.is_empty() || !self.receipts.read.is_empty();
        if is_any && self.is_live() && !std::mem::replace(&mut self.receipts.is_due, true) {
            self.after(delay, Timer::Tell);
        }
    }

    pub(super) fn tell_marks(&mut self) {
        self.receipts.is_due = false;
        let epoch = self.sync.epoch().map(str::to_owned);
        let mark =
            |id: &String, seq: u64| json!({ "conversationId": id, "seq": seq, "epoch": epoch });
        for (id, seq) in std::mem::take(&mut self.receipts.delivered) {
            // Who has read it has it.
            if self.receipts.read.get(&id).is_none_or(|read| *read < seq) {
                self.say("delivered", mark(&id, seq));
            }
        }
        if self.receipts.asked > 0 {
            return;
        }
        let read: Vec<_> = self
            .receipts
            .read
            .iter()
            .take(AT_ONCE_MAX)
            .map(|(id, seq)| (id.clone(), *seq))
            .collect();
        for (conversation_id, seq) in read {
            self.receipts.asked += 1;
            let payload = mark(&conversation_id, seq);
            self.ask("read", payload, Purpose::Mark { conversation_id, seq });
        }
    }

    pub(super) fn mark_answered(&mut self, id: &str, seq: u64, outcome: Result<Value, Error>) {
        self.receipts.asked = self.receipts.asked.saturating_sub(1);
        let delay = match outcome {
            Err(Error::Busy(refusal)) => self.receipts.pace.next(refusal.retry_after),
            _ => {
                self.receipts.pace.succeeded();
                // It may have gone further meanwhile.
                if self.receipts.read.get(id) == Some(&seq) {
                    self.receipts.read.remove(id);
                }
                READ_PAUSE
            }
        };
        if self.receipts.asked == 0 {
            self.tell_soon(delay);
        }
    }

    /// What was delivered the position says on the next connection; what was read is told again.
    pub(super) fn receipts_lost(&mut self) {
        self.receipts.delivered.clear();
        self.receipts.asked = 0;
        self.receipts.is_due = false;
    }
}
