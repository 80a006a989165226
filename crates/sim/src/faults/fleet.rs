//! Stock Socket.IO clients of Node's, many to a process: started, told the phases of the run, and
//! listened to. What they report goes into the same history as what the Rust devices do.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::device::pushed;
use super::shared::{Shared, conversation};
use crate::history::{Acked, DeviceName, Mark, Receipt, Seen, Sent};

/// Ways to connect, which the clients take in turn.
const TRANSPORTS: [&[&str]; 3] = [&["polling", "websocket"], &["websocket"], &["polling"]];

/// What the processes share with the run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Clients that have been connected at least once.
    pub(super) connected: AtomicU64,
    /// Connections that were recovered, as Socket.IO has it.
    pub(super) recovered: AtomicU64,
    /// Clients that were told that what they hold is no good, and read everything anew.
    pub(super) rebuilt: AtomicU64,
    /// Processes whose clients have all been acknowledged everything.
    pub(super) done: AtomicU64,
}

/// One Node process.
pub(super) struct Fleet {
    _child: Child,
    input: ChildStdin,
}

impl Fleet {
    /// Starts a process with these devices.
    ///
    /// # Errors
    /// When Node or its packages are missing.
    pub(super) async fn start(
        folder: &Path,
        devices: Vec<DeviceName>,
        shared: Arc<Shared>,
        tally: Arc<Tally>,
        seed: u32,
    ) -> Result<Self> {
        let packages: PathBuf = folder.join("node_modules/socket.io-client");
        if !packages.exists() {
            bail!("{} is missing: run `npm ci` in {}", packages.display(), folder.display());
        }
        let clients = devices.iter().enumerate().map(|(index, name)| {
            json!({
                "user": name.user,
                "device": name.device,
                "peers": shared.peers(&name.user),
                "groups": shared.groups_of(&name.user).map(|group| &group.id).collect::<Vec<_>>(),
                "transports": TRANSPORTS[index % TRANSPORTS.len()],
                "recovery": index / TRANSPORTS.len() % 2 == 1,
            })
        });
        let plan = json!({
            "url": format!("http://{}", shared.addr),
            "seed": seed,
            "pauseMs": u64::try_from(shared.pause.as_millis())?,
            "clients": clients.collect::<Vec<_>>(),
        });
        let mut child = Command::new("node")
            .arg("fleet.mjs")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting node: Node.js 18 or newer is needed")?;
        let mut input = child.stdin.take().context("it is piped")?;
        input.write_all(format!("{plan}\n").as_bytes()).await?;
        let output = child.stdout.take().context("it is piped")?;
        tokio::spawn(async move {
            let mut listener = Listener {
                connected: vec![false; devices.len()],
                devices,
                shared: shared.clone(),
                tally,
            };
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Err(error) = listener.take(&line) {
                    let what = format!("a Node client reported {line}: {error:#}");
                    shared.lives.lock().findings.push(what);
                }
            }
        });
        Ok(Self { _child: child, input })
    }

    /// Tells the process what to do now.
    ///
    /// # Errors
    /// When it has ended.
    pub(super) async fn tell(&mut self, phase: &str) -> Result<()> {
        let told = self.input.write_all(format!("{phase}\n").as_bytes()).await;
        told.context("a Node process has ended")
    }
}

struct Listener {
    devices: Vec<DeviceName>,
    connected: Vec<bool>,
    shared: Arc<Shared>,
    tally: Arc<Tally>,
}

impl Listener {
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
                self.shared.unacked.fetch_add(1, Ordering::Relaxed);
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
            "acked" => {
                self.shared.unacked.fetch_sub(1, Ordering::Relaxed);
                lives.of(&text("epoch")?).acked.push(Acked {
                    client_id: text("clientId")?,
                    id: text("id")?,
                    seq: number("seq")?,
                    ts: number("ts")?,
                });
            }
            "seen" => {
                let connection = u32::try_from(number("connection")?)?;
                let message = pushed(&line["message"])?;
                lives.of(&text("epoch")?).seen.push(Seen { by, connection, message });
            }
            "gave" => lives.of(&text("epoch")?).given.push(mark()?),
            "kept" => lives.of(&text("epoch")?).kept.push(mark()?),
            "told" => lives.tell(&text("epoch")?, mark()?),
            "denied" => {
                drop(lives);
                self.shared.deny(text("clientId")?);
            }
            "recovered" => {
                self.tally.recovered.fetch_add(1, Ordering::Relaxed);
            }
            "rebuilt" => {
                self.tally.rebuilt.fetch_add(1, Ordering::Relaxed);
            }
            "error" => {
                let DeviceName { user, device } = &by;
                let what = format!("{user}/{device}, a stock client: {}", text("text")?);
                lives.findings.push(what);
            }
            other => bail!("unknown kind {other}"),
        }
        Ok(())
    }
}
