//! Questions to the server and their answers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::reads::Wish;
use super::{Core, Timer};
use crate::error::Error;
use crate::protocol::Closing;
use crate::status::Reason;
use crate::target::Target;

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Who waits for an answer.
pub(crate) type Caller = oneshot::Sender<Result<Value, Error>>;

/// What is to be said to the server.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) event: String,
    pub(crate) payload: Value,
    /// The id that an answer is asked for under.
    pub(crate) ack_id: Option<u64>,
}

/// What an answer is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The app asked.
    App(Caller),
    /// A message of the outbox was said.
    Message { target: Target, order: u64, client_id: String },
    /// Something was read back; `life` tells readings apart from those before all was read anew.
    Read { wish: Wish, life: u64 },
    /// The user has read up to here.
    Mark { conversation_id: String, seq: u64 },
    /// These were subscribed to.
    Presence(Vec<String>),
}

#[derive(Debug)]
struct Ask {
    event: String,
    purpose: Purpose,
}

/// What was asked and is not answered.
#[derive(Debug, Default)]
pub(super) struct Asks {
    unanswered: BTreeMap<u64, Ask>,
    made: u64,
}

impl Core {
    /// Says something that needs no answer; lost if there is no connection.
    pub(super) fn say(&mut self, event: &str, payload: Value) {
        if self.is_ready {
            self.frames.push_back(Said { event: event.to_owned(), payload, ack_id: None });
        }
    }

    pub(super) fn ask(&mut self, event: &str, payload: Value, purpose: Purpose) {
        self.asks.made += 1;
        let id = self.asks.made;
        let event = event.to_owned();
        self.asks.unanswered.insert(id, Ask { event: event.clone(), purpose });
        self.after(ANSWER_TIMEOUT, Timer::Answer(id));
        self.frames.push_back(Said { event, payload, ack_id: Some(id) });
    }

    /// Asks for the app; answers at once if there is no connection.
    pub(crate) fn ask_for(&mut self, event: &str, payload: Value, caller: Caller) {
        if self.is_ready {
            self.ask(event, payload, Purpose::App(caller));
        } else {
            let _ = caller.send(Err(Error::Disconnected));
        }
    }

    pub(crate) fn take_said(&mut self) -> Option<Said> {
        self.frames.pop_front()
    }

    /// Takes an answer. One that nobody waits for is dropped.
    pub(crate) fn answered(&mut self, id: u64, value: Value) {
        let Some(Ask { event, purpose }) = self.asks.unanswered.remove(&id) else { return };
        self.timers.retain(|_, timer| *timer != Timer::Answer(id));
        let outcome = if value["status"] == "error" {
            let closing = serde_json::from_value::<Closing>(value);
            Err(closing.map_or_else(|_| Error::NotUnderstood(event.clone()), Error::from))
        } else {
            Ok(value)
        };
        match purpose {
            Purpose::App(caller) => {
                if let Ok(answer) = &outcome {
                    self.done(answer);
                }
                // The app may have stopped waiting.
                let _ = caller.send(outcome);
            }
            Purpose::Message { target, order, client_id } => {
                self.message_answered(&target, order, &client_id, outcome);
            }
            Purpose::Read { wish, life } => self.read_answered(wish, life, outcome),
            Purpose::Mark { conversation_id, seq } => {
                self.mark_answered(&conversation_id, seq, outcome)
            }
            Purpose::Presence(users) => self.presence_answered(users, outcome),
        }
    }

    /// Who makes an entry is not told of it again: it is read like one that was missed.
    fn done(&mut self, answer: &Value) {
        let (Some(id), Some(seq)) = (answer["conversationId"].as_str(), answer["seq"].as_u64())
        else {
            return;
        };
        if let Some(target) = self.named(id) {
            self.held(&target).window.head_is(seq);
            self.settle(&target);
            self.refresh();
        }
    }

    pub(super) fn answer_is_late(&mut self, id: u64) {
        let Some(Ask { purpose, .. }) = self.asks.unanswered.remove(&id) else { return };
        match purpose {
            Purpose::App(caller) => {
                let _ = caller.send(Err(Error::TimedOut));
            }
            // What is asked on the app's behalf until it is answered, is asked on another connection.
            purpose => {
                self.asks.unanswered.insert(id, Ask { event: String::new(), purpose });
                self.suspect(Reason::TimedOut);
            }
        }
    }

    /// The connection is gone: whether what was asked was done is not known.
    pub(super) fn fail_asks(&mut self) {
        for (_, Ask { purpose, .. }) in std::mem::take(&mut self.asks.unanswered) {
            match purpose {
                Purpose::App(caller) => {
                    let _ = caller.send(Err(Error::Disconnected));
                }
                Purpose::Read { wish, .. } => self.wish(wish),
                Purpose::Message { .. } | Purpose::Mark { .. } | Purpose::Presence(_) => {}
            }
        }
    }
}
