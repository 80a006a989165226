//! Who types: said now and then while the user does, heard for as long as it is true.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::{Core, Timer};
use crate::protocol::TypingEvent;
use crate::target::Target;
use crate::update::News;

/// How much longer than the server somebody is shown to type, for what is under way.
const SLACK: Duration = Duration::from_secs(1);

impl Core {
    fn typing_expires(&self) -> Duration {
        let limits = self.ready().map(|ready| ready.limits.clone()).unwrap_or_default();
        Duration::from_millis(limits.typing_expires_ms)
    }

    /// The user has pressed a key. It is said at most every half of the time after which the server
    /// forgets it, and ended when no key was pressed for as long.
    pub(crate) fn types(&mut self, target: &Target) {
        if !self.is_ready {
            return;
        }
        let expires = self.typing_expires();
        let now = Instant::now();
        let held = self.held(target);
        if held.said_typing.is_none_or(|at| now.duration_since(at) >= expires / 2) {
            held.said_typing = Some(now);
            self.say_typing(target, true);
        }
        self.cancel(&Timer::TypingStops(target.clone()));
        self.after(expires, Timer::TypingStops(target.clone()));
    }

    pub(super) fn typing_idle(&mut self, target: &Target) {
        if self.held(target).said_typing.take().is_some() {
            self.say_typing(target, false);
        }
    }

    /// A message was written, which ends it without a word.
    pub(super) fn typing_said(&mut self, target: &Target) {
        self.held(target).said_typing = None;
        self.cancel(&Timer::TypingStops(target.clone()));
    }

    fn say_typing(&mut self, target: &Target, is_typing: bool) {
        let mut payload = Map::new();
        target.put_into(&mut payload);
        payload.insert("typing".to_owned(), is_typing.into());
        self.say("typing", Value::Object(payload));
    }

    pub(super) fn hear_typing(&mut self, event: TypingEvent) {
        let Some(target) = self.named(&event.conversation_id) else { return };
        match event.user_id {
            Some(user) => {
                let gone = Timer::TypistGone(target.clone(), user.clone());
                self.cancel(&gone);
                if event.typing {
                    self.held(&target).typing.insert(user);
                    let expires = self.typing_expires() + SLACK;
                    self.after(expires, gone);
                } else {
                    self.held(&target).typing.remove(&user);
                }
            }
            // Of a larger group: all who type, as far as they are named.
            None => {
                let held = self.held(&target);
                held.typing = event.user_ids.into_iter().collect();
            }
        }
        self.tell(News::Changed(target));
    }

    pub(super) fn typist_gone(&mut self, target: &Target, user: &str) {
        if self.held(target).typing.remove(user) {
            self.tell(News::Changed(target.clone()));
        }
    }

    fn cancel(&mut self, timer: &Timer) {
        self.timers.retain(|_, other| other != timer);
    }
}
