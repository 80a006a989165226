//! What processes of clients report, line by line, into the run's history: stock clients of Node's
//! (`fleet`), and programs with the Rust SDK (`apps`).

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::device::pushed;
use super::shared::{Shared, conversation};
use crate::history::{Acked, DeviceName, Mark, Receipt, Seen, Sent, Shown};

/// What the processes of one kind share with the run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Clients that have been connected at least once.
    pub(super) connected: AtomicU64,
    /// Connections that were recovered, as Socket.IO has it.
    pub(super) recovered: AtomicU64,
    /// Clients that were told that what they hold is no good, and read everything anew.
    pub(super) rebuilt: AtomicU64,
    /// How often it was said that all is acknowledged: by processes of stock clients, or by programs.
    pub(super) done: AtomicU64,
    /// How often a program has shown everything.
    pub(super) showed: AtomicU64,
    /// How often a program said that it is live, for each of its conversations.
    pub(super) live: AtomicU64,
}

/// What a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Stock clients: what they began to send is awaited.
    Stock,
    /// Programs with the SDK: what they were killed before they had it on disk never comes.
    Apps,
}

/// Listens to one process; of one that is killed, to each of its lives.
pub(super) struct Listener {
    kind: Kind,
    devices: Vec<DeviceName>,
    connected: Vec<bool>,
    /// What was read on no connection, by epoch and client: once is enough to know of each.
    read: HashSet<(String, usize, String)>,
    shared: Arc<Shared>,
    tally: Arc<Tally>,
}

impl Listener {
    /// To a process with these clients, which it names by their places.
    pub(super) fn new(
        kind: Kind,
        devices: Vec<DeviceName>,
        shared: Arc<Shared>,
        tally: Arc<Tally>,
    ) -> Self {
        let connected = vec![false; devices.len()];
        Self { kind, devices, connected, read: HashSet::new(), shared, tally }
    }

    /// Takes what is said until its end.
    pub(super) async fn hear(&mut self, output: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Err(error) = self.take(&line) {
                let what = format!("a client reported {line}: {error:#}");
                self.shared.lives.lock().findings.push(what);
            }
        }
    }

    fn take(&mut self, line: &str) -> Result<()> {
        let line: Value = serde_json::from_str(line)?;
        let kind = line["kind"].as_str().context("no kind")?;
        if kind == "done" {
            self.tally.done.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        let index = line["index"].as_u64().context("no index")? as usize;
        let by = self.devices.get(index).context("no such client")?.clone();
        let text = |field: &str| -> Result<String> {
            Ok(line[field].as_str().with_context(|| format!("no {field}"))?.to_owned())
        };
        let number = |field: &str| line[field].as_u64().with_context(|| format!("no {field}"));
        let mark = || -> Result<Mark> {
            Ok(Mark {
                receipt: match text("receipt")?.as_str() {
                    "delivered" => Receipt::Delivered,
                    _ => Receipt::Read,
                },
                user: text("userId")?,
                conversation: text("conversationId")?,
                seq: number("seq")?,
            })
        };
        let mut lives = self.shared.lives.lock();
        match kind {
            "connected" => {
                if !std::mem::replace(&mut self.connected[index], true) {
                    self.tally.connected.fetch_add(1, Ordering::Relaxed);
                }
            }
            "sent" => {
                if self.kind == Kind::Stock {
                    self.shared.unacked.fetch_add(1, Ordering::Relaxed);
                }
                lives.sent.push(Sent {
                    conversation: match line["groupId"].as_str() {
                        Some(group) => format!("group:{group}"),
                        None => conversation(&by.user, &text("toUserId")?),
                    },
                    by,
                    client_id: text("clientId")?,
                    content: text("content")?,
                });
            }
            "written" => drop(lives.written.insert(text("clientId")?)),
            "acked" => {
                if self.kind == Kind::Stock {
                    self.shared.unacked.fetch_sub(1, Ordering::Relaxed);
                }
                let acked = Acked {
                    client_id: text("clientId")?,
                    id: text("id")?,
                    seq: number("seq")?,
                    ts: number("ts")?,
                };
                lives.ack(&text("epoch")?, acked);
            }
            "seen" => {
                let connection = u32::try_from(number("connection")?)?;
                let message = pushed(&line["message"])?;
                let epoch = text("epoch")?;
                let place = (epoch.clone(), index, message.id.clone());
                if connection == 0 && !self.read.insert(place) {
                    return Ok(());
                }
                lives.of(&epoch).seen.push(Seen { by, connection, message });
            }
            "gave" => lives.of(&text("epoch")?).given.push(mark()?),
            "kept" => lives.of(&text("epoch")?).kept.push(mark()?),
            "told" => lives.tell(&text("epoch")?, mark()?),
            "live" => {
                self.tally.live.fetch_add(1, Ordering::Relaxed);
                let (epoch, conversation) = (text("epoch")?, text("conversationId")?);
                lives.live(&epoch, by, conversation, number("seq")?, number("since")?);
            }
            "shown" => {
                let epoch = text("epoch")?;
                let (shown, told) = shown(by, &line)?;
                told.into_iter().for_each(|mark| lives.tell(&epoch, mark));
                lives.shown.push(shown);
            }
            "showed" => drop(self.tally.showed.fetch_add(1, Ordering::Relaxed)),
            "denied" => {
                let client_id = text("clientId")?;
                match self.kind {
                    Kind::Stock => {
                        drop(lives);
                        self.shared.deny(client_id);
                    }
                    // One that was killed before it had forgotten the message says so again.
                    Kind::Apps if lives.refused.contains(&client_id) => {}
                    Kind::Apps => {
                        lives.refused.push(client_id);
                        self.shared.denied.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            "recovered" => drop(self.tally.recovered.fetch_add(1, Ordering::Relaxed)),
            "rebuilt" => drop(self.tally.rebuilt.fetch_add(1, Ordering::Relaxed)),
            "error" => {
                let DeviceName { user, device } = &by;
                lives.findings.push(format!("{user}/{device}: {}", text("text")?));
            }
            other => bail!("unknown kind {other}"),
        }
        Ok(())
    }
}

/// What a program shows of a conversation, and what it was told of how far others are.
fn shown(by: DeviceName, line: &Value) -> Result<(Shown, Vec<Mark>)> {
    let conversation = line["conversationId"].as_str().context("no conversationId")?.to_owned();
    let message = |pair: &Value| Some((pair[0].as_u64()?, pair[1].as_str()?.to_owned()));
    let messages = line["messages"].as_array().context("no messages")?.iter().map(message);
    let mut told = Vec::new();
    for mark in line["watermarks"].as_array().context("no watermarks")? {
        let user = mark["userId"].as_str().context("no userId")?;
        for (receipt, field) in [(Receipt::Delivered, "delivered"), (Receipt::Read, "read")] {
            let seq = mark[field].as_u64().context("no seq")?;
            let (user, conversation) = (user.to_owned(), conversation.clone());
            if user != by.user {
                told.push(Mark { receipt, user, conversation, seq });
            }
        }
    }
    let shown = Shown {
        by,
        conversation,
        messages: messages.collect::<Option<_>>().context("no message")?,
        unread: line["unread"].as_u64().context("no unread")?,
    };
    Ok((shown, told))
}
