//! The real binary as a child process: started on a fixed port and data folder, killed, started
//! again.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// How long a start may take before the run is given up.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A server that can be killed and started again on the same data.
pub struct Server {
    binary: PathBuf,
    data: PathBuf,
    addr: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts the binary with `--dev` on a free loopback port and waits until it accepts.
    ///
    /// # Errors
    /// When it cannot be started or does not listen within 30 seconds.
    pub async fn start(binary: &Path, data: &Path) -> Result<Self> {
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = spawn(binary, data, addr)?;
        let mut server = Self { binary: binary.into(), data: data.into(), addr, child };
        server.wait_until_listening().await?;
        Ok(server)
    }

    /// Where it listens, in this life and the next.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// SIGKILL, then start again at once.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn kill_and_restart(&mut self) -> Result<()> {
        self.child.kill().await.context("killing the server")?;
        self.child = spawn(&self.binary, &self.data, self.addr)?;
        self.wait_until_listening().await
    }

    /// SIGTERM, wait until it has drained, then start again.
    ///
    /// # Errors
    /// When it does not end by itself, ends badly, or does not come back.
    pub async fn drain_and_restart(&mut self) -> Result<()> {
        let id = self.child.id().context("the server is gone")?.to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().await?;
        ensure!(told.success(), "SIGTERM could not be sent");
        let ended = tokio::time::timeout(START_TIMEOUT, self.child.wait()).await;
        let status = ended.context("the server did not end after SIGTERM")??;
        // 5: some connections did not end in time, which is no fault here.
        ensure!(matches!(status.code(), Some(0 | 5)), "after SIGTERM the server ended by {status}");
        self.child = spawn(&self.binary, &self.data, self.addr)?;
        self.wait_until_listening().await
    }

    /// SIGKILL for good.
    ///
    /// # Errors
    /// When the process cannot be killed.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("killing the server")
    }

    async fn wait_until_listening(&mut self) -> Result<()> {
        let start = Instant::now();
        while TcpStream::connect(self.addr).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended by itself: {status}");
            }
            if start.elapsed() > START_TIMEOUT {
                bail!("the server does not listen after {START_TIMEOUT:?}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

fn spawn(binary: &Path, data: &Path, addr: SocketAddr) -> Result<Child> {
    Command::new(binary)
        .args(["serve", "--dev", "--listen", &addr.to_string(), "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .env("PARLOR_LOG__LEVEL", "error")
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {}", binary.display()))
}
