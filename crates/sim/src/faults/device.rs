//! A device that behaves as a stock client with retries: it sends in order, keeps what is not
//! acknowledged, reconnects when it is cut, and sends the unacknowledged again under the same keys.
//!
//! What it sends, is told and sees goes into the run's shared [`super::lives::Lives`], under the
//! epoch that its connection's `ready` named. Some devices keep their position and say it when they
//! connect ([`super::position`]); the others say nothing and get what they have not confirmed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::client::{Connection, Hello, Incoming};
use super::editing::{self, Said};
use super::group_log::{self, is_group};
use super::outbox::{Answered, Outbox};
use super::position::Position;
use super::shared::{Phase, Shared, conversation};
use crate::history::{Acked, DeviceName, Mark, Message, Receipt, Seen, Sent};

/// How long a device waits before it sends again what was refused for now.
const RETRY_DELAY: Duration = Duration::from_millis(100);
/// How long it waits between two sends that went out before.
const RESEND_PAUSE: Duration = Duration::from_millis(5);

/// One connection in so many is deaf: what is pushed to it gets as far as this machine and is never
/// read, so it must not count as delivered.
const DEAF_ONE_IN: u32 = 4;

/// One send in so many goes to a group, if its user is ever in one.
const GROUP_ONE_IN: u32 = 8;
/// One push to a group in so many may be confirmed: each is told to all members.
const GROUP_CONFIRMED_ONE_IN: u32 = 10;

/// One send in so many edits something that the device said, one of the last so many things.
const EDIT_ONE_IN: u32 = 16;
const SAID_MAX: usize = 32;

/// One device in so many keeps its position.
const POSITION_ONE_IN: u32 = 3;

/// One device of one user.
pub(super) struct Device {
    name: DeviceName,
    shared: Arc<Shared>,
    phase: watch::Receiver<Phase>,
    rng: StdRng,
    sends: u64,
    connections: u32,
    /// The epoch of the connection, once `ready` has come.
    epoch: Option<String>,
    /// How far it is, where it keeps that.
    position: Option<Position>,
    outbox: Outbox,
    /// The conversation and the content of what waits to be acknowledged, by its key.
    saying: HashMap<String, (String, String)>,
    /// What it said last.
    said: VecDeque<Said>,
    /// Receipts given on this connection that are not acknowledged, by ack id.
    receipts: HashMap<u64, Mark>,
}

impl Device {
    /// A device that is not connected yet; all it does by chance follows from the seed.
    pub(super) fn new(
        name: DeviceName,
        shared: Arc<Shared>,
        phase: watch::Receiver<Phase>,
        seed: u64,
    ) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let keeps_position = rng.random_ratio(1, POSITION_ONE_IN);
        Self {
            name,
            shared,
            phase,
            rng,
            position: keeps_position.then(Position::default),
            sends: 0,
            connections: 0,
            epoch: None,
            outbox: Outbox::default(),
            saying: HashMap::new(),
            said: VecDeque::new(),
            receipts: HashMap::new(),
        }
    }

    /// Lives until the phase is [`Phase::Stop`].
    pub(super) async fn run(mut self) {
        while *self.phase.borrow() != Phase::Stop {
            let hello = self.hello();
            let door = self.shared.any_door(&mut self.rng);
            let Ok(connection) = Connection::open(door, &hello).await else {
                sleep(Duration::from_millis(self.rng.random_range(20..120))).await;
                continue;
            };
            self.connections += 1;
            let resumes = !hello.more.is_empty();
            self.shared.resumes.fetch_add(u64::from(resumes), Ordering::Relaxed);
            if self.connections == 1 {
                self.shared.connected.fetch_add(1, Ordering::Relaxed);
            }
            self.epoch = None;
            self.position.iter_mut().for_each(Position::reconnected);
            self.outbox.reconnected(self.shared.refusals.load(Ordering::Relaxed));
            self.note_late();
            self.receipts.clear();
            // An error means that the connection is gone: that is what the run is about.
            let _ = self.live(connection).await;
        }
    }

    /// What it says of itself when it connects.
    fn hello(&self) -> Hello {
        let mut hello = Hello::new(&self.name.user, &self.name.device);
        if let Some(said) = self.position.as_ref().and_then(Position::said) {
            hello.more.insert("resume".into(), said);
        }
        hello
    }

    async fn live(&mut self, mut connection: Connection) -> Result<()> {
        let life = Duration::from_millis(self.rng.random_range(500..12_000));
        let cut_at = Instant::now() + life;
        let mut send_at = Instant::now() + self.shared.pause(&mut self.rng);
        let mut phase = self.phase.clone();
        if *phase.borrow() == Phase::Send && self.rng.random_ratio(1, DEAF_ONE_IN) {
            sleep(Duration::from_millis(self.rng.random_range(50..500))).await;
            self.shared.count_cut();
            return Ok(());
        }
        loop {
            let now = *phase.borrow_and_update();
            if now == Phase::Stop {
                return Ok(());
            }
            // Whether an edit still has a message is only known once the epoch is.
            let may_send = self.epoch.is_some() || !self.outbox.has_edits();
            let has_more = now == Phase::Send || !self.outbox.is_empty();
            let sending = now >= Phase::Send && has_more && may_send;
            tokio::select! {
                incoming = connection.next() => {
                    if self.take(&mut connection, incoming?).await? {
                        send_at = Instant::now() + RETRY_DELAY;
                    }
                }
                () = sleep_until(send_at), if sending => {
                    if now == Phase::Send && self.outbox.has_room() {
                        self.compose();
                    }
                    let refusals = self.shared.refusals.load(Ordering::Relaxed);
                    self.outbox.send_next(&mut connection, refusals).await?;
                    let pause = self.shared.pause(&mut self.rng);
                    send_at = Instant::now()
                        + if self.outbox.has_more() { pause.min(RESEND_PAUSE) } else { pause };
                }
                () = sleep_until(cut_at), if now == Phase::Send => {
                    self.shared.count_cut();
                    return Ok(());
                }
                changed = phase.changed() => changed?,
            }
        }
    }

    fn compose(&mut self) {
        self.sends += 1;
        let edits = self.rng.random_ratio(1, EDIT_ONE_IN) && self.shared.edits;
        if edits && self.compose_edit() {
            return;
        }
        if self.rng.random_ratio(1, GROUP_ONE_IN) && self.compose_to_group() {
            return;
        }
        let DeviceName { user, device } = &self.name;
        let to = self.shared.peer(user, &mut self.rng).to_owned();
        let client_id = format!("{user}/{device}/{}", self.sends);
        let content = format!("{client_id} to {to} {}", "·".repeat(self.rng.random_range(0..200)));
        let payload = json!({ "toUserId": to, "content": content, "clientId": client_id });
        let conversation = conversation(user, &to);
        self.saying.insert(client_id.clone(), (conversation.clone(), content.clone()));
        self.put(client_id, conversation, content, "private_message", payload);
    }

    /// Something new to send.
    fn put(
        &mut self,
        client_id: String,
        conversation: String,
        content: String,
        event: &'static str,
        payload: Value,
    ) {
        let (by, key) = (self.name.clone(), client_id.clone());
        self.shared.lives.lock().sent.push(Sent { by, client_id: key, conversation, content });
        self.shared.unacked.fetch_add(1, Ordering::Relaxed);
        self.outbox.push(client_id, event, payload);
    }

    /// Edits something that it said in this life of the log; false if there is nothing.
    fn compose_edit(&mut self) -> bool {
        let epoch = self.epoch.as_deref();
        let here = self.said.iter().filter(|said| Some(said.epoch.as_str()) == epoch);
        let Some(said) = here.choose(&mut self.rng) else { return false };
        let DeviceName { user, device } = &self.name;
        let client_id = format!("{user}/{device}/{}", self.sends);
        let (payload, text) = said.edit(&client_id);
        self.put(client_id, said.conversation.clone(), text, "edit", payload);
        true
    }

    /// Says something in one of the groups that its user is in now and then; false if there is none.
    fn compose_to_group(&mut self) -> bool {
        let DeviceName { user, device } = &self.name;
        let Some(group) = self.shared.groups_of(user).choose(&mut self.rng) else { return false };
        let client_id = format!("{user}/{device}/{}", self.sends);
        let conversation = group.conversation.clone();
        let content = format!("{client_id} to {conversation}");
        let payload = json!({ "groupId": group.id, "content": content, "clientId": client_id });
        self.saying.insert(client_id.clone(), (conversation.clone(), content.clone()));
        self.put(client_id, conversation, content, "group_message", payload);
        true
    }

    /// Takes what the server sent; true asks to wait before the next send.
    async fn take(&mut self, connection: &mut Connection, incoming: Incoming) -> Result<bool> {
        match incoming {
            Incoming::Event(name, payload) if name == "ready" => {
                let epoch = payload["epoch"].as_str().context("a ready without epoch")?;
                self.forget_edits_before(epoch);
                self.epoch = Some(epoch.to_owned());
            }
            Incoming::Event(name, payload)
                if ["private_message", "group_message", "entry"].contains(&name.as_str()) =>
            {
                self.take_message(connection, pushed(&payload)?).await?;
                self.position.iter_mut().for_each(|position| position.heard(&payload));
            }
            Incoming::Event(name, payload) if name == "caught_up" => {
                self.position.iter_mut().for_each(|position| position.caught_up(&payload));
            }
            Incoming::Event(name, _) if name == "snapshot" => {
                // As an app that is installed anew: the server knows what it confirmed.
                self.position.iter_mut().for_each(Position::forget);
                self.shared.snapshots.fetch_add(1, Ordering::Relaxed);
                bail!("what it holds is no good");
            }
            Incoming::Event(name, payload) => {
                let receipt = match name.as_str() {
                    "delivered" => Receipt::Delivered,
                    "read" => Receipt::Read,
                    _ => return Ok(false),
                };
                let told = told(receipt, &payload)?;
                self.observe(|_| ())?;
                self.shared.lives.lock().tell(self.epoch.as_deref().unwrap_or_default(), told);
            }
            Incoming::Ack(id, answer) if self.receipts.contains_key(&id) => {
                let mark = self.receipts.remove(&id).context("it was just found")?;
                if answer["status"] == "ok" {
                    self.observe(|observed| observed.kept.push(mark))?;
                }
            }
            Incoming::Ack(id, answer) => match self.outbox.take(id, &answer)? {
                Answered::Sent(acked) => {
                    self.keep_said(&acked);
                    self.observe(|_| ())?;
                    let epoch = self.epoch.as_deref().unwrap_or_default();
                    self.shared.lives.lock().ack(epoch, acked);
                    self.shared.unacked.fetch_sub(1, Ordering::Relaxed);
                }
                Answered::Refused => {
                    self.note_late();
                    return Ok(true);
                }
                Answered::Denied(client_id) => {
                    self.saying.remove(&client_id);
                    self.shared.deny(client_id);
                }
                Answered::Nothing => {}
            },
        }
        Ok(false)
    }

    /// Keeps what was acknowledged, to edit it perhaps.
    fn keep_said(&mut self, acked: &Acked) {
        let Some((conversation, content)) = self.saying.remove(&acked.client_id) else { return };
        let Some(epoch) = self.epoch.clone() else { return };
        self.said.truncate(SAID_MAX - 1);
        self.said.push_front(Said { id: acked.id.clone(), conversation, content, epoch });
    }

    /// In another life of the log, what an edit names may be another message.
    fn forget_edits_before(&mut self, epoch: &str) {
        let last = self.said.front().map(|said| said.epoch.as_str());
        if last.is_some_and(|last| last != epoch) {
            self.said.clear();
            self.outbox.drop_edits().into_iter().for_each(|key| self.shared.deny(key));
        }
    }

    /// Notes a push, and confirms it or not, by chance.
    async fn take_message(&mut self, connection: &mut Connection, message: Message) -> Result<()> {
        if self.position.is_some() && message.from == self.name.user {
            // Said by this device perhaps, long before what it saw since: it has that by its ack.
            return Ok(());
        }
        let (user, seq) = (self.name.user.clone(), message.seq);
        let conversation = message.conversation.clone();
        let in_group = is_group(&conversation);
        let mark = |receipt| Mark { receipt, user, conversation, seq };
        let about = json!({ "messageId": message.id });
        let seen = Seen { by: self.name.clone(), connection: self.connections, message };
        self.observe(|observed| observed.seen.push(seen))?;
        if in_group && !self.rng.random_ratio(1, GROUP_CONFIRMED_ONE_IN) {
            return Ok(());
        }
        match self.rng.random_range(0..10) {
            0..5 => {
                let mark = mark(Receipt::Delivered);
                self.observe(|observed| observed.given.push(mark))?;
                connection.emit("delivered", &about).await?;
            }
            5 => {
                let mark = mark(Receipt::Read);
                self.observe(|observed| observed.given.push(mark.clone()))?;
                let id = connection.emit_with_ack("read", &about).await?;
                self.receipts.insert(id, mark);
            }
            _ => {}
        }
        Ok(())
    }

    fn note_late(&mut self) {
        self.shared.lives.lock().unordered.extend(self.outbox.late());
    }

    /// Notes something in the life of the log that this connection is in.
    fn observe(&self, note: impl FnOnce(&mut crate::history::History)) -> Result<()> {
        let mut lives = self.shared.lives.lock();
        if self.epoch.is_none() {
            let DeviceName { user, device } = &self.name;
            lives.findings.push(format!("{user}/{device} heard something before ready"));
        }
        ensure!(self.epoch.is_some(), "nothing comes before ready");
        let epoch = self.epoch.as_deref().unwrap_or_default();
        note(lives.of(epoch));
        Ok(())
    }
}

fn told(receipt: Receipt, payload: &Value) -> Result<Mark> {
    let text = |field: &str| payload[field].as_str().map(str::to_owned);
    Ok(Mark {
        receipt,
        user: text("userId").context("a receipt without userId")?,
        conversation: text("conversationId").context("a receipt without conversationId")?,
        seq: payload["seq"].as_u64().context("a receipt without seq")?,
    })
}

/// Reads a message or another entry of a log as clients get it.
///
/// # Errors
/// When a field is missing.
pub(super) fn pushed(value: &Value) -> Result<Message> {
    if value["kind"].is_string() { group_log::entry(value) } else { message(value) }
}

/// Reads a message as clients get it; of one that was edited, what was said first.
///
/// # Errors
/// When a field is missing.
fn message(value: &Value) -> Result<Message> {
    let text = |field: &str| {
        let found = value[field].as_str().map(str::to_owned);
        found.with_context(|| format!("a message without {field}: {value}"))
    };
    let number = |field: &str| {
        value[field].as_u64().with_context(|| format!("a message without {field}: {value}"))
    };
    Ok(Message {
        id: text("id")?,
        conversation: text("conversationId")?,
        seq: number("seq")?,
        from: text("from")?,
        content: match value["editedAt"].is_null() {
            true => text("content")?,
            false => editing::first(&text("content")?)?.to_owned(),
        },
        ts: number("ts")?,
    })
}
