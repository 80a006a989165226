//! The real binary as a child process: started on a fixed address and fixed data, killed, waited for,
//! started again. What it logs is kept beside the data.

use std::ffi::OsString;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::disk::Disk;
use super::tokens::SECRET;

/// How long a start, or an end that was asked for, may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a page may take to be answered.
const PAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a clock is changed by (Debian: faketime), on whatever machine, and what it is told.
const FAKETIME_LIBRARY: &str = "/usr/$LIB/faketime/libfaketime.so.1";
const FAKETIME: [&str; 3] = ["LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"];

/// What every server of a run is told: whose tokens to believe, and to take more than usual from one address
/// and from one user.
const SETTINGS: [(&str, &str); 8] = [
    ("PARLOR_LOG__LEVEL", "warn"),
    ("PARLOR_IDENTITY__HS256_SECRET", SECRET),
    ("PARLOR_LIMITS__CONNECTIONS_PER_ADDRESS_MAX", "100000"),
    ("PARLOR_LIMITS__CONNECTIONS_PER_USER_MAX", "100000"),
    ("PARLOR_LIMITS__CONNECTION_RATE_BURST", "100000"),
    ("PARLOR_LIMITS__CONNECTION_RATE_PER_SECOND", "100000"),
    ("PARLOR_LIMITS__USER_RATE_BURST", "100000"),
    ("PARLOR_LIMITS__USER_RATE_PER_SECOND", "100000"),
];

/// How a server is started: the same each time.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    /// The program, after whatever puts it where it is to run, and its arguments.
    pub(super) command: Vec<OsString>,
    /// What its environment has besides.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// Where it listens.
    pub(super) addr: SocketAddr,
    /// What it logs is appended to this file.
    pub(super) log: PathBuf,
}

impl Launch {
    /// The binary on a disk of the run's own and a free loopback port, with settings as
    /// environment variables.
    ///
    /// # Errors
    /// When no port is free.
    pub(super) fn on_disk(
        binary: &Path,
        disk: &Disk,
        log: &Path,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let addr = free_addr()?;
        let mut launch = Self::serve(binary, addr, log, settings);
        launch.command.extend(["--data".into(), disk.data().into()]);
        let environment = disk.environment();
        launch.environment.extend(environment.map(|(name, value)| (name.into(), value.into())));
        Ok(launch)
    }

    /// The binary on that address, where it lifts the rates that a run is above.
    pub(super) fn serve(
        binary: &Path,
        addr: SocketAddr,
        log: &Path,
        settings: &[(&str, &str)],
    ) -> Self {
        let listen = addr.to_string();
        let arguments = ["serve", "--listen", &listen].map(OsString::from);
        let settings = settings.iter().chain(&SETTINGS);
        Self {
            command: [binary.into()].into_iter().chain(arguments).collect(),
            environment: settings.map(|(name, value)| (name.into(), value.into())).collect(),
            addr,
            log: log.into(),
        }
    }

    fn spawn(&self) -> Result<Child> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let (program, arguments) = self.command.split_first().context("there is a program")?;
        Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))
    }
}

/// A server that can be killed and started again on the same data.
pub(super) struct Server {
    launch: Launch,
    child: Child,
}

impl Server {
    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it cannot be started or is not ready within 30 seconds.
    pub(super) async fn start(launch: Launch) -> Result<Self> {
        let mut server = Self::spawn_only(launch)?;
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// The same, not waiting: for a server that is to die at its start.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn spawn_only(launch: Launch) -> Result<Self> {
        let child = launch.spawn()?;
        Ok(Self { launch, child })
    }

    /// Where it listens, in this life and the next.
    pub(super) fn addr(&self) -> SocketAddr {
        self.launch.addr
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// When the process cannot be killed.
    pub(super) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("killing the server")
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub(super) async fn terminate(&self) -> Result<()> {
        self.signal("TERM").await
    }

    /// A signal by its name, without `SIG`.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub(super) async fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.id().context("the server is gone")?.to_string();
        let told = Command::new("kill").arg(format!("-{name}")).arg(&id).status().await?;
        ensure!(told.success(), "SIG{name} could not be sent");
        Ok(())
    }

    /// Puts its clock so many milliseconds before, or behind, from its next start on; how long things take
    /// is not changed.
    pub(super) fn set_clock(&mut self, ahead_ms: i64) {
        let environment = &mut self.launch.environment;
        environment.retain(|(name, _)| !FAKETIME.contains(&name.to_str().unwrap_or_default()));
        let ahead = format!("{:+.3}s", ahead_ms as f64 / 1000.0);
        let values = [FAKETIME_LIBRARY, &ahead, "1"];
        environment.extend(FAKETIME.iter().zip(values).map(|(name, it)| (name.into(), it.into())));
    }

    /// Waits for it to end for so long; `None` when it did not.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub(super) async fn ended_within(&mut self, patience: Duration) -> Result<Option<ExitStatus>> {
        Ok(timeout(patience, self.child.wait()).await.ok().transpose()?)
    }

    /// SIGTERM, and waits until it has drained.
    ///
    /// # Errors
    /// When it does not end by itself, or ends badly.
    pub(super) async fn drain(&mut self) -> Result<()> {
        self.terminate().await?;
        let ended = self.ended_within(PATIENCE).await?;
        let status = ended.context("the server did not end after SIGTERM")?;
        // 5: some connections did not end in time, which is no fault here.
        ensure!(matches!(status.code(), Some(0 | 5)), "after SIGTERM the server ended by {status}");
        Ok(())
    }

    /// Starts it again and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come back.
    pub(super) async fn start_again(&mut self) -> Result<()> {
        self.child = self.launch.spawn()?;
        self.wait_until_ready().await
    }

    /// What one of its own pages answers: the status and the text.
    ///
    /// # Errors
    /// When there is no answer within five seconds.
    pub(super) async fn page(&self, path: &str) -> Result<(u16, String)> {
        timeout(PAGE_TIMEOUT, get(self.addr(), path)).await.context("no answer to a page")?
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while !matches!(self.page("/readyz").await, Ok((200, _))) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended by itself at its start: {status}");
            }
            ensure!(start.elapsed() < PATIENCE, "the server is not ready after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

async fn get(addr: SocketAddr, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).context("no status")?.parse()?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    Ok((status, body.to_owned()))
}

/// A free address outside the ports that the system gives to outgoing connections: who tries again
/// while the server is down could otherwise be connected to itself.
pub(super) fn free_addr() -> Result<SocketAddr> {
    for _ in 0..100 {
        let port = rand::rng().random_range(20_000..30_000);
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return Ok(listener.local_addr()?);
        }
    }
    bail!("no port is free")
}
