//! Everything the client knows and decides, without I/O.
//!
//! The driver brings in what the server says and when a timer is due; handles of the app bring in
//! wishes. What is to be said to the server, and what the outbox's store is to keep, is left in
//! queues that are taken away after each step. All of it lies behind one lock that is never held
//! across an await.

mod ask;
mod entries;
mod held;
mod history;
mod list;
mod marks;
mod outbox;
mod presence;
mod reads;
mod sending;
mod sync;
mod typing;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};
use tracing::warn;

use crate::clock::ServerClock;
use crate::protocol::{LogEntry, MovedEvent, Position, Ready, Receipt, TypingEvent};
use crate::status::{Reason, State, Status};
use crate::target::Target;
use crate::update::News;

pub(crate) use ask::Said;
pub use held::ConversationView;
pub(crate) use held::Held;
pub use presence::PresenceView;
pub(crate) use sending::Outcome;

use ask::Asks;
use list::List;
use marks::Receipts;
use outbox::Outbox;
use presence::PresenceBook;
use reads::Reads;
use sync::Sync;

/// What there is to do at some time, on this connection.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Timer {
    /// The answer under this id is late.
    Answer(u64),
    /// A hole has been there for a while.
    Fill(Target),
    /// A question that was refused for now can be asked again.
    Read(reads::Wish),
    /// The list is to be read again.
    Refresh,
    /// A message that was refused for now can be said again.
    Send(Target),
    /// Marks are to be told.
    Tell,
    /// Somebody has not said for a while that they type.
    TypistGone(Target, String),
    /// The user has not pressed a key for a while.
    TypingStops(Target),
    /// Subscriptions to presence are to be made or ended.
    Presence,
}

/// The client's mind.
pub(crate) struct Core {
    pub(crate) me: String,
    pub(crate) clock: ServerClock,
    status: watch::Sender<Status>,
    news: broadcast::Sender<News>,
    /// What the server said of itself when it was last connected to.
    ready: Option<Ready>,
    /// Whether the server has said `ready` on the connection there is.
    is_ready: bool,
    /// Since when it has been live, on the connection there is.
    live_since: Option<Instant>,
    /// Why the driver is to give up the connection.
    end: Option<Reason>,
    frames: VecDeque<Said>,
    timers: BTreeMap<(Instant, u64), Timer>,
    timers_made: u64,
    asks: Asks,
    reads: Reads,
    sync: Sync,
    list: List,
    held: HashMap<Target, Held>,
    pub(crate) outbox: Outbox,
    receipts: Receipts,
    presence: PresenceBook,
}

impl Core {
    pub(crate) fn new(
        me: &str,
        status: watch::Sender<Status>,
        news: broadcast::Sender<News>,
    ) -> Self {
        Self {
            me: me.to_owned(),
            clock: ServerClock::default(),
            status,
            news,
            ready: None,
            is_ready: false,
            live_since: None,
            end: None,
            frames: VecDeque::new(),
            timers: BTreeMap::new(),
            timers_made: 0,
            asks: Asks::default(),
            reads: Reads::default(),
            sync: Sync::default(),
            list: List::default(),
            held: HashMap::new(),
            outbox: Outbox::default(),
            receipts: Receipts::default(),
            presence: PresenceBook::default(),
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    pub(crate) fn set_status(&mut self, status: Status) {
        self.status.send_replace(status);
    }

    /// For how long the connection there is has been live.
    pub(crate) fn live_for(&self) -> Option<Duration> {
        self.live_since.map(|since| since.elapsed())
    }

    fn is_live(&self) -> bool {
        self.live_since.is_some()
    }

    pub(crate) fn ready(&self) -> Option<&Ready> {
        self.ready.as_ref()
    }

    /// What a `CONNECT` says.
    pub(crate) fn auth(&self, token: &str, device: Option<&str>) -> Value {
        let mut auth = json!({ "token": token });
        if let Some(device) = device {
            auth["deviceId"] = device.into();
        }
        if let Some(position) = self.sync.position() {
            auth["resume"] = json!(position);
        }
        auth
    }

    /// The server has let the client in.
    pub(crate) fn greeted(&mut self, ready: Ready) {
        self.is_ready = true;
        self.end = None;
        let epoch = ready.epoch.clone();
        self.ready = Some(ready);
        self.set_status(Status::new(State::CatchingUp, None));
        self.sync_greeted(epoch);
        self.say_open();
        self.presence_soon(Duration::ZERO);
        self.pump_reads();
    }

    /// Everything the server knows is known here.
    fn caught_up(&mut self) {
        if !self.is_ready || self.is_live() {
            return;
        }
        self.live_since = Some(Instant::now());
        self.set_status(Status::new(State::Live, None));
        self.pump_outbox();
        self.tell_soon(Duration::ZERO);
    }

    /// The connection is gone, and with it all that was asked and told on it.
    pub(crate) fn lost(&mut self) {
        self.is_ready = false;
        self.live_since = None;
        self.frames.clear();
        for timer in std::mem::take(&mut self.timers).into_values() {
            match timer {
                Timer::Read(wish) => self.wish(wish),
                Timer::Refresh => self.wish(reads::Wish::List),
                _ => {}
            }
        }
        self.end = None;
        self.fail_asks();
        self.sync_lost();
        self.reads_lost();
        self.list.lost();
        self.outbox_lost();
        self.receipts_lost();
        self.presence_lost();
        for held in self.held.values_mut() {
            held.lost();
        }
        self.tell(News::List);
    }

    /// Gives up this connection, which does not do what it should, for another one.
    fn suspect(&mut self, why: Reason) {
        if self.is_ready && self.end.is_none() {
            self.end = Some(why);
        }
    }

    pub(crate) fn take_end(&mut self) -> Option<Reason> {
        self.end.take()
    }

    /// Takes an event of the server's.
    pub(crate) fn heard(&mut self, name: &str, value: Value) {
        match name {
            "private_message" | "group_message" | "entry" => {
                self.with(name, value, |core, entry: LogEntry| core.sync_pushed(entry));
            }
            "caught_up" => self.with(name, value, |core, it: Position| core.sync_caught_up(it)),
            "snapshot" => self.with(name, value, |core, it| core.sync_snapshot(it)),
            "position" => self.with(name, value, |core, it: Position| core.sync_position(&it)),
            "moved" => self.with(name, value, |core, it: MovedEvent| {
                core.moved(it.conversations, !it.more);
            }),
            "delivered" | "read" => {
                let is_read = name == "read";
                self.with(name, value, |core, it: Receipt| core.receipt(&it, is_read));
            }
            "typing" => self.with(name, value, |core, it: TypingEvent| core.hear_typing(it)),
            "presence" => self.hear_presence(value),
            "hidden" => self.hear_hidden(&value),
            _ => self.tell(News::Event(name.to_owned(), value)),
        }
    }

    /// Reads a record and acts on it. What is of another shape is news of another year.
    fn with<T: DeserializeOwned>(
        &mut self,
        name: &str,
        value: Value,
        act: impl FnOnce(&mut Self, T),
    ) {
        match serde_json::from_value(value) {
            Ok(record) => act(self, record),
            Err(error) => warn!(event = name, %error, "an event is not understood"),
        }
    }

    fn hear_hidden(&mut self, value: &Value) {
        let (Some(id), Some(hidden)) = (value["messageId"].as_str(), value["hidden"].as_bool())
        else {
            return;
        };
        for held in self.held.values_mut() {
            held.window.hide(id, hidden);
        }
        self.tell(News::List);
    }

    /// Tells the app. Nobody may be listening; who listens too slowly is told that it missed some.
    fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }

    fn after(&mut self, delay: Duration, timer: Timer) {
        self.timers_made += 1;
        self.timers.insert((Instant::now() + delay, self.timers_made), timer);
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.timers.keys().next().map(|(at, _)| *at)
    }

    /// Does what is due.
    pub(crate) fn due(&mut self, now: Instant) {
        while let Some(first) = self.timers.first_entry() {
            if first.key().0 > now {
                return;
            }
            match first.remove() {
                Timer::Answer(id) => self.answer_is_late(id),
                Timer::Fill(target) => self.fill(&target),
                Timer::Read(wish) => self.wish(wish),
                Timer::Refresh => self.refresh_now(),
                Timer::Send(target) => self.send_again(&target),
                Timer::Tell => self.tell_marks(),
                Timer::TypistGone(target, user) => self.typist_gone(&target, &user),
                Timer::TypingStops(target) => self.typing_idle(&target),
                Timer::Presence => self.adjust_presence(),
            }
        }
    }

    /// What is held of a conversation; begun if there is nothing yet.
    pub(crate) fn held(&mut self, target: &Target) -> &mut Held {
        if !self.held.contains_key(target) {
            self.make_room();
        }
        self.held.entry(target.clone()).or_insert_with(|| Held::new(target.clone(), &self.me))
    }

    pub(crate) fn look(&self, target: &Target) -> Option<&Held> {
        self.held.get(target)
    }

    fn named(&mut self, conversation_id: &str) -> Option<Target> {
        Target::of(conversation_id, &self.me)
    }
}
