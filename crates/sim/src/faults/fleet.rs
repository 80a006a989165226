//! Stock Socket.IO clients of Node's, many to a process: started, told the phases of the run, and
//! listened to. What they report goes into the same history as what the Rust devices do.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};

use super::reports::{Kind, Listener, Tally};
use super::shared::Shared;
use super::tokens::token;
use crate::history::DeviceName;

/// Ways to connect, which the clients take in turn.
const TRANSPORTS: [&[&str]; 3] = [&["polling", "websocket"], &["websocket"], &["polling"]];

/// One Node process.
pub(super) struct Fleet {
    _child: Child,
    input: ChildStdin,
}

impl Fleet {
    /// Starts a process with these devices, which connect there.
    ///
    /// # Errors
    /// When Node or its packages are missing.
    pub(super) async fn start(
        folder: &Path,
        door: SocketAddr,
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
            Ok(json!({
                "user": name.user,
                "token": token(&name.user)?,
                "device": name.device,
                "peers": shared.peers(&name.user),
                "groups": shared.groups_of(&name.user).map(|group| &group.id).collect::<Vec<_>>(),
                "transports": TRANSPORTS[index % TRANSPORTS.len()],
                "recovery": index / TRANSPORTS.len() % 2 == 1,
            }))
        });
        let plan = json!({
            "url": format!("http://{}", door),
            "seed": seed,
            "pauseMs": u64::try_from(shared.pause.as_millis())?,
            "clients": clients.collect::<Result<Vec<_>>>()?,
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
            Listener::new(Kind::Stock, devices, shared, tally).hear(output).await;
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
