//! Redis as a process of the run's own.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::network::{Host, Network};

const PORT: u16 = 6379;
/// How long it may take to be there, or to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(30);
/// What it keeps when it ends in peace.
const KEPT: &str = "dump.rdb";

/// What it knows after it was started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// What it knew.
    Kept,
    /// Nothing.
    Lost,
}

/// A Redis server.
pub(super) struct Redis {
    network: Rc<Network>,
    folder: PathBuf,
    running: Child,
}

impl Redis {
    /// Starts one that knows nothing.
    ///
    /// # Errors
    /// When Redis is missing or does not start.
    pub(super) async fn start(network: Rc<Network>, folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let running = spawn(&network, &folder)?;
        let redis = Self { network, folder, running };
        redis.wait_until_there().await?;
        Ok(redis)
    }

    /// Where it is reached on the network.
    pub(super) fn addr(&self) -> SocketAddr {
        (self.network.addr(Host::Redis), PORT).into()
    }

    /// Ends it, and starts it again after a while.
    ///
    /// # Errors
    /// When it does not come back.
    pub(super) async fn restart(&mut self, memory: Memory, away: Duration) -> Result<()> {
        let how = if memory == Memory::Kept { "TERM" } else { "KILL" };
        self.network.signal_all(Host::Redis, how)?;
        timeout(PATIENCE, self.running.wait()).await.context("Redis does not end")??;
        if memory == Memory::Lost && self.folder.join(KEPT).exists() {
            fs::remove_file(self.folder.join(KEPT))?;
        }
        sleep(away).await;
        self.running = spawn(&self.network, &self.folder)?;
        self.wait_until_there().await
    }

    async fn wait_until_there(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(self.addr()).await.is_err() {
            ensure!(Instant::now() < deadline, "Redis is not there after {PATIENCE:?}");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

fn spawn(network: &Network, folder: &PathBuf) -> Result<Child> {
    let words = network.on(Host::Redis);
    let port = PORT.to_string();
    Command::new(&words[0])
        .args(&words[1..])
        .args(["redis-server", "--port", &port, "--protected-mode", "no", "--save", "3600 1"])
        .args(["--dbfilename", KEPT, "--dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("starting redis-server (Debian: redis-server)")
}
