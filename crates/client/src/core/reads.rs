//! Questions that change nothing, asked until they are answered: over as many connections as it
//! takes, a few at a time, and never faster than the server wants.

use std::collections::VecDeque;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::warn;

use super::ask::Purpose;
use super::{Core, Timer};
use crate::backoff::Backoff;
use crate::error::Error;
use crate::status::Reason;
use crate::target::Target;

const AT_ONCE_MAX: usize = 4;
/// How often a server may fail at a question before it counts as refused.
const FAILURES_MAX: u32 = 3;

/// What is to be read. What exactly is asked for is decided when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A piece of a conversation's log.
    History(Target),
    /// The first page of the list.
    List,
    /// A further page of the list.
    MoreOfList,
    /// What moved since the position.
    Sync,
}

/// What waits to be asked.
#[derive(Debug)]
pub(super) struct Reads {
    /// Each wish is in it once, so it is no longer than there are conversations.
    waiting: VecDeque<Wish>,
    running: usize,
    pace: Backoff,
    failures: u32,
}

impl Default for Reads {
    fn default() -> Self {
        let pace = Backoff::new(Duration::from_millis(250), Duration::from_secs(10));
        Self { waiting: VecDeque::new(), running: 0, pace, failures: 0 }
    }
}

impl Core {
    pub(super) fn wish(&mut self, wish: Wish) {
        if !self.reads.waiting.contains(&wish) {
            self.reads.waiting.push_back(wish);
        }
        self.pump_reads();
    }

    pub(super) fn pump_reads(&mut self) {
        while self.is_ready && self.reads.running < AT_ONCE_MAX {
            let Some(wish) = self.reads.waiting.pop_front() else { return };
            let question = match &wish {
                Wish::History(target) => self.history_question(target),
                Wish::List => Some(("conversations", self.list_question(false), self.list.life)),
                Wish::MoreOfList => {
                    Some(("conversations", self.list_question(true), self.list.life))
                }
                Wish::Sync => self.sync_question().map(|question| ("sync", question, 0)),
            };
            if let Some((command, payload, life)) = question {
                self.reads.running += 1;
                self.ask(command, payload, Purpose::Read { wish, life });
            }
        }
    }

    /// Wishes that were under way wait again, and are asked on the next connection.
    pub(super) fn reads_lost(&mut self) {
        self.reads.running = 0;
    }

    pub(super) fn read_answered(&mut self, wish: Wish, life: u64, outcome: Result<Value, Error>) {
        self.reads.running = self.reads.running.saturating_sub(1);
        let is_internal = outcome.as_ref().is_err_and(|error| error.code() == Some("internal"));
        match outcome {
            Err(Error::Busy(refusal)) => {
                let delay = self.reads.pace.next(refusal.retry_after);
                self.after(delay, Timer::Read(wish));
            }
            Err(_) if is_internal && self.reads.failures < FAILURES_MAX => {
                self.reads.failures += 1;
                let delay = self.reads.pace.next(None);
                self.after(delay, Timer::Read(wish));
            }
            outcome => {
                if outcome.is_ok() {
                    self.reads.pace.succeeded();
                    self.reads.failures = 0;
                }
                match &wish {
                    Wish::History(target) => self.history_answered(target, life, outcome),
                    Wish::List => self.list_answered(life, false, outcome),
                    Wish::MoreOfList => self.list_answered(life, true, outcome),
                    Wish::Sync => self.sync_answered(outcome),
                }
            }
        }
        self.pump_reads();
    }

    /// Reads an answer. One that is not understood ends the connection, since it cannot be gone on from.
    pub(super) fn understood<T: DeserializeOwned>(
        &mut self,
        value: Value,
        command: &str,
    ) -> Option<T> {
        match serde_json::from_value(value) {
            Ok(record) => Some(record),
            Err(error) => {
                warn!(command, %error, "an answer is not understood");
                self.suspect(Reason::Network(format!("the answer to {command} is not understood")));
                None
            }
        }
    }
}
