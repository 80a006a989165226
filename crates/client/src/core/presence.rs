//! Who is there: one subscription for each user whom the app watches.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::ask::Purpose;
use super::{Core, Timer};
use crate::backoff::Backoff;
use crate::error::Error;
use crate::protocol::{PresenceLine, PresencePage};
use crate::update::News;

/// Changes of who is watched are gathered for so long.
const GATHER: Duration = Duration::from_millis(30);

/// Whether a user is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresenceView {
    /// Whether a device of theirs is connected.
    pub online: bool,
    /// When the user was last there, in milliseconds since 1970; `None` while online, and where it
    /// is not told.
    pub last_seen: Option<u64>,
}

#[derive(Debug, Default)]
struct Watch {
    now: Option<PresenceView>,
    is_subscribed: bool,
}

/// The presence of those who are watched.
#[derive(Debug)]
pub(super) struct PresenceBook {
    watched: BTreeMap<String, Watch>,
    left: Vec<String>,
    is_due: bool,
    pace: Backoff,
}

impl Default for PresenceBook {
    fn default() -> Self {
        let pace = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        Self { watched: BTreeMap::new(), left: Vec::new(), is_due: false, pace }
    }
}

impl Core {
    pub(crate) fn watch_presence(&mut self, user: &str) {
        self.presence.watched.entry(user.to_owned()).or_default();
        self.presence_soon(GATHER);
    }

    pub(crate) fn unwatch_presence(&mut self, user: &str) {
        if self.presence.watched.remove(user).is_some_and(|watch| watch.is_subscribed) {
            self.presence.left.push(user.to_owned());
            self.presence_soon(GATHER);
        }
    }

    pub(crate) fn presence(&self, user: &str) -> Option<PresenceView> {
        self.presence.watched.get(user)?.now
    }

    pub(super) fn presence_soon(&mut self, delay: Duration) {
        if self.is_ready && !std::mem::replace(&mut self.presence.is_due, true) {
            self.after(delay, Timer::Presence);
        }
    }

    /// Subscribes to those who are watched, and no longer to the others.
    pub(super) fn adjust_presence(&mut self) {
        self.presence.is_due = false;
        let at_once = self.ready().map_or(100, |ready| ready.limits.presence_users.max(1));
        for users in std::mem::take(&mut self.presence.left).chunks(at_once) {
            self.say("presence_unsubscribe", json!({ "userIds": users }));
        }
        let mut wanted = Vec::new();
        for (user, watch) in &mut self.presence.watched {
            if !std::mem::replace(&mut watch.is_subscribed, true) {
                wanted.push(user.clone());
            }
        }
        for users in wanted.chunks(at_once) {
            let payload = json!({ "userIds": users });
            self.ask("presence_subscribe", payload, Purpose::Presence(users.to_vec()));
        }
    }

    pub(super) fn presence_answered(&mut self, users: Vec<String>, outcome: Result<Value, Error>) {
        match outcome {
            Ok(answer) => {
                self.presence.pace.succeeded();
                if let Some(page) = self.understood::<PresencePage>(answer, "presence_subscribe") {
                    for line in page.presence {
                        self.know_presence(line);
                    }
                }
            }
            Err(error) => {
                for user in users {
                    if let Some(watch) = self.presence.watched.get_mut(&user) {
                        watch.is_subscribed = false;
                    }
                }
                let advised = error.refusal().and_then(|refusal| refusal.retry_after);
                let delay = self.presence.pace.next(advised.or(Some(Duration::from_secs(30))));
                self.presence_soon(delay);
            }
        }
    }

    pub(super) fn hear_presence(&mut self, value: Value) {
        // What is told of larger groups names nobody.
        if value["userId"].is_string() {
            self.with("presence", value, |core, line| core.know_presence(line));
        }
    }

    fn know_presence(&mut self, PresenceLine { user_id, online, last_seen }: PresenceLine) {
        if let Some(watch) = self.presence.watched.get_mut(&user_id) {
            watch.now = Some(PresenceView { online, last_seen });
            self.tell(News::Presence(user_id));
        }
    }

    /// Subscriptions end with the connection, and nothing is known any more.
    pub(super) fn presence_lost(&mut self) {
        self.presence.left.clear();
        self.presence.is_due = false;
        for watch in self.presence.watched.values_mut() {
            *watch = Watch::default();
        }
    }
}
