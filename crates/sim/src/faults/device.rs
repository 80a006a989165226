//! A device that behaves as a stock client with retries: it sends in order, keeps what is not
//! acknowledged, reconnects when it is cut, and sends the unacknowledged again under the same keys.
//!
//! What it sends, is told and sees goes into the run's shared [`History`].

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::client::{Connection, Incoming};
use crate::history::{Acked, DeviceName, History, Mark, Message, Receipt, Seen, Sent};

/// How many sends of one device wait for their ack at a time.
const UNACKED_MAX: usize = 8;
/// How long a device waits before it sends again what was refused for now.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// One connection in so many is deaf: what is pushed to it gets as far as this machine and is never
/// read, so it must not count as delivered.
const DEAF_ONE_IN: u32 = 4;

/// What the devices of a run do at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Connect and listen.
    Gather,
    /// Send, be cut, send again.
    Send,
    /// Send only what is not acknowledged yet.
    Finish,
    /// End.
    Stop,
}

/// What all devices of a run share.
pub struct Shared {
    /// Where the server is.
    pub addr: SocketAddr,
    /// The users that messages go to.
    pub users: Vec<String>,
    /// What was observed.
    pub history: Mutex<History>,
    /// How many devices have been connected at least once.
    pub connected: AtomicU64,
    /// Sends that were begun and are not acknowledged.
    pub unacked: AtomicU64,
    /// Connections that devices cut themselves.
    pub cuts: AtomicU64,
}

/// One device of one user.
pub struct Device {
    name: DeviceName,
    shared: Arc<Shared>,
    phase: watch::Receiver<Phase>,
    rng: StdRng,
    sends: u64,
    connections: u32,
    outbox: VecDeque<Outgoing>,
    /// How many of the outbox's first entries went out on this connection.
    in_flight: usize,
    rewind: bool,
    /// Receipts given on this connection that are not acknowledged, by ack id.
    receipts: HashMap<u64, Mark>,
}

struct Outgoing {
    client_id: String,
    payload: Value,
    ack_id: u64,
    answered: bool,
}

impl Device {
    /// A device that is not connected yet; all it does by chance follows from the seed.
    pub fn new(
        name: DeviceName,
        shared: Arc<Shared>,
        phase: watch::Receiver<Phase>,
        seed: u64,
    ) -> Self {
        Self {
            name,
            shared,
            phase,
            rng: StdRng::seed_from_u64(seed),
            sends: 0,
            connections: 0,
            outbox: VecDeque::new(),
            in_flight: 0,
            rewind: false,
            receipts: HashMap::new(),
        }
    }

    /// Lives until the phase is [`Phase::Stop`].
    pub async fn run(mut self) {
        while *self.phase.borrow() != Phase::Stop {
            let opened =
                Connection::open(self.shared.addr, &self.name.user, &self.name.device).await;
            let Ok(connection) = opened else {
                sleep(Duration::from_millis(self.rng.random_range(10..60))).await;
                continue;
            };
            self.connections += 1;
            if self.connections == 1 {
                self.shared.connected.fetch_add(1, Ordering::Relaxed);
            }
            self.in_flight = 0;
            self.rewind = false;
            self.receipts.clear();
            self.outbox.iter_mut().for_each(|send| send.answered = false);
            // An error means that the connection is gone: that is what the run is about.
            let _ = self.live(connection).await;
        }
    }

    async fn live(&mut self, mut connection: Connection) -> Result<()> {
        let life = Duration::from_millis(self.rng.random_range(200..6000));
        let cut_at = Instant::now() + life;
        let mut send_at = Instant::now();
        let mut phase = self.phase.clone();
        if *phase.borrow() == Phase::Send && self.rng.random_ratio(1, DEAF_ONE_IN) {
            sleep(Duration::from_millis(self.rng.random_range(50..500))).await;
            self.shared.cuts.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        loop {
            let now = *phase.borrow_and_update();
            if now == Phase::Stop {
                return Ok(());
            }
            let sending = now >= Phase::Send && (now == Phase::Send || !self.outbox.is_empty());
            tokio::select! {
                incoming = connection.next() => {
                    if self.take(&mut connection, incoming?).await? {
                        send_at = Instant::now() + RETRY_DELAY;
                    }
                }
                () = sleep_until(send_at), if sending => {
                    self.send_next(&mut connection, now).await?;
                    send_at = Instant::now() + Duration::from_millis(self.rng.random_range(2..30));
                }
                () = sleep_until(cut_at), if now == Phase::Send => {
                    self.shared.cuts.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                changed = phase.changed() => changed?,
            }
        }
    }

    async fn send_next(&mut self, connection: &mut Connection, phase: Phase) -> Result<()> {
        if self.rewind {
            return Ok(());
        }
        if phase == Phase::Send && self.outbox.len() < UNACKED_MAX {
            let outgoing = self.compose();
            self.outbox.push_back(outgoing);
        }
        if let Some(outgoing) = self.outbox.get_mut(self.in_flight) {
            outgoing.answered = false;
            outgoing.ack_id =
                connection.emit_with_ack("private_message", &outgoing.payload).await?;
            self.in_flight += 1;
        }
        Ok(())
    }

    fn compose(&mut self) -> Outgoing {
        self.sends += 1;
        let DeviceName { user, device } = &self.name;
        let to = &self.shared.users[self.rng.random_range(0..self.shared.users.len())];
        let client_id = format!("{user}/{device}/{}", self.sends);
        let content = format!("{client_id} to {to} {}", "·".repeat(self.rng.random_range(0..200)));
        let (low, high) = if user <= to { (user, to) } else { (to, user) };
        let payload = json!({ "toUserId": to, "content": content, "clientId": client_id });
        self.shared.history.lock().sent.push(Sent {
            by: self.name.clone(),
            client_id: client_id.clone(),
            conversation: format!("dm:{low}:{high}"),
            content,
        });
        self.shared.unacked.fetch_add(1, Ordering::Relaxed);
        Outgoing { client_id, payload, ack_id: 0, answered: false }
    }

    /// Takes what the server sent; true asks to wait before the next send.
    async fn take(&mut self, connection: &mut Connection, incoming: Incoming) -> Result<bool> {
        match incoming {
            Incoming::Event(name, payload) if name == "private_message" => {
                let message = message(&payload)?;
                let (by, confirm) = (self.name.clone(), self.rng.random_range(0..10));
                let conversation = message.conversation.clone();
                let (user, seq) = (self.name.user.clone(), message.seq);
                let mark = |receipt| Mark { receipt, user, conversation, seq };
                let about = json!({ "messageId": message.id });
                let seen = Seen { by, connection: self.connections, message };
                self.shared.history.lock().seen.push(seen);
                match confirm {
                    0..5 => {
                        self.shared.history.lock().given.push(mark(Receipt::Delivered));
                        connection.emit("delivered", &about).await?;
                    }
                    5 => {
                        let mark = mark(Receipt::Read);
                        self.shared.history.lock().given.push(mark.clone());
                        let id = connection.emit_with_ack("read", &about).await?;
                        self.receipts.insert(id, mark);
                    }
                    _ => {}
                }
                Ok(false)
            }
            Incoming::Event(name, payload) => {
                let receipt = match name.as_str() {
                    "delivered" => Receipt::Delivered,
                    "read" => Receipt::Read,
                    _ => return Ok(false),
                };
                self.shared.history.lock().told.push(told(receipt, &payload)?);
                Ok(false)
            }
            Incoming::Ack(id, answer) if self.receipts.contains_key(&id) => {
                let mark = self.receipts.remove(&id).context("it was just found")?;
                if answer["status"] == "ok" {
                    self.shared.history.lock().kept.push(mark);
                }
                Ok(false)
            }
            Incoming::Ack(id, answer) => self.take_ack(id, &answer),
        }
    }

    fn take_ack(&mut self, id: u64, answer: &Value) -> Result<bool> {
        let waiting = self.outbox.iter_mut().take(self.in_flight).find(|send| send.ack_id == id);
        let Some(outgoing) = waiting else { return Ok(false) };
        outgoing.answered = true;
        if answer["status"] == "sent" {
            let acked = Acked {
                client_id: outgoing.client_id.clone(),
                id: answer["id"].as_str().context("an ack without id")?.into(),
                seq: answer["seq"].as_u64().context("an ack without seq")?,
                ts: answer["ts"].as_u64().context("an ack without ts")?,
            };
            self.shared.history.lock().acked.push(acked);
            self.shared.unacked.fetch_sub(1, Ordering::Relaxed);
            let index = self.outbox.iter().position(|send| send.ack_id == id && send.answered);
            self.outbox.remove(index.context("it was just found")?);
            self.in_flight -= 1;
        } else {
            self.rewind = true;
        }
        let all_answered = self.outbox.iter().take(self.in_flight).all(|send| send.answered);
        if self.rewind && all_answered {
            self.rewind = false;
            self.in_flight = 0;
            return Ok(true);
        }
        Ok(false)
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

/// Reads a message as clients get it.
///
/// # Errors
/// When a field is missing.
pub fn message(value: &Value) -> Result<Message> {
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
        content: text("content")?,
        ts: number("ts")?,
    })
}
