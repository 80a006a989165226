//! The servers that are measured, each a process of its own.
//!
//! All of them greet a socket with `ready`; all but Parlor itself speak the benchmark's own
//! events (see the programs under `src/bin` and `peers`). Dropping a server ends its process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;

use crate::pin::pinned;
use crate::place::Place;
use crate::process::{self, Memory};
use crate::protocol::{Auth, Dialect};

/// Which version of socketioxide the peer is built with; `Cargo.toml` pins the same.
pub(crate) const SOCKETIOXIDE: &str = "0.18.9";

/// The secret of the tokens that are minted for Parlor, of this machine and this run only.
const SECRET: &str = "a secret for measurements, known to all";

/// How long memory may take to come to rest, and how often it is looked at.
const SETTLE_MAX: Duration = Duration::from_secs(8);
const SETTLE_STEP: Duration = Duration::from_millis(500);

/// A server to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// `parlor serve`, durable, with tokens, devices and limits
    Parlor,
    /// A Socket.IO server on parlor-gateway, without storage
    Gateway,
    /// A server that only pings, from as many threads as Parlor
    Heartbeat,
    /// The peer socketioxide on axum
    Socketioxide,
    /// The peer Node socket.io
    Node,
    /// A server that writes a prebuilt frame to every socket, and does nothing else
    Bare,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parlor => "parlor",
            Self::Gateway => "parlor-gateway",
            Self::Heartbeat => "only pings",
            Self::Socketioxide => "socketioxide",
            Self::Node => "node socket.io",
            Self::Bare => "bare writer",
        }
    }

    pub(crate) fn auth(self) -> Auth {
        match self {
            Self::Parlor => Auth::Jwt { secret: SECRET.to_owned() },
            _ => Auth::Name,
        }
    }

    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::Parlor => Dialect::PrivateMessage,
            _ => Dialect::Relay,
        }
    }
}

/// How much Parlor's limits allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limits {
    /// As they are by default.
    Default,
    /// Checked as ever, but with rates that a saturating load does not reach.
    HighRates,
    /// The same, and a heartbeat of two seconds.
    HighRatesFastHeartbeat,
    /// High rates, and a grace period of two seconds before somebody is offline.
    HighRatesShortGrace,
    /// Defaults, but for so many threads with file tables of their own, and the heartbeat.
    OwnTables { shards: u32, ping_interval_ms: u64 },
}

/// A running server.
pub(crate) struct Server {
    kind: Kind,
    child: Child,
    address: SocketAddr,
    /// Parlor's data and configuration, removed with the server.
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts the server on its core and waits until it listens.
    ///
    /// # Errors
    /// It cannot be started or ends; its log is in the report folder.
    pub(crate) fn start(kind: Kind, place: &Place, limits: Limits) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(&place.scratch).context("no folder for data")?;
        let data = folder.path().join("data");
        Self::start_with(kind, place, limits, folder, &data)
    }

    /// Starts Parlor on data that is there and stays there.
    ///
    /// # Errors
    /// As `start`.
    pub(crate) fn start_on(data: &Path, place: &Place, limits: Limits) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(&place.scratch).context("no folder for the settings")?;
        Self::start_with(Kind::Parlor, place, limits, folder, data)
    }

    fn start_with(
        kind: Kind,
        place: &Place,
        limits: Limits,
        folder: tempfile::TempDir,
        data: &Path,
    ) -> anyhow::Result<Self> {
        let log = place.report.join(format!("{kind:?}.log").to_lowercase());
        let log_file = File::create(&log).with_context(|| format!("no {}", log.display()))?;
        let chosen = free_address()?;
        let mut command = match kind {
            Kind::Parlor => parlor(place, folder.path(), data, limits, chosen)?,
            Kind::Gateway => place.server(&place.gateway_bin),
            Kind::Heartbeat => heartbeat(place, limits)?,
            Kind::Socketioxide => pinned(place.server_core, &place.socketioxide_bin),
            Kind::Node => node(place),
            Kind::Bare => pinned(place.server_core, &place.bare_bin),
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("cannot start {}", kind.name()))?;
        let address = match listening(kind, &mut child, chosen) {
            Ok(address) => address,
            Err(error) => {
                end(&mut child);
                let told = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(error.context(format!("{} does not listen: {told}", kind.name())));
            }
        };
        Ok(Self { kind, child, address, _folder: folder })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory once it has come to rest; garbage that can be collected on request is.
    pub(crate) fn settled_memory(&self) -> anyhow::Result<Memory> {
        let began = Instant::now();
        let mut memory = process::memory(self.pid())?;
        loop {
            if self.kind == Kind::Node {
                Command::new("kill").args(["-USR2", &self.pid().to_string()]).status()?;
            }
            process::pause(SETTLE_STEP);
            let now = process::memory(self.pid())?;
            let rest = (now.anonymous - memory.anonymous).abs() <= memory.anonymous * 0.001;
            memory = now;
            if began.elapsed() > SETTLE_MAX || rest && began.elapsed() > 2 * SETTLE_STEP {
                return Ok(memory);
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

fn parlor(
    place: &Place,
    folder: &Path,
    data: &Path,
    limits: Limits,
    address: SocketAddr,
) -> anyhow::Result<Command> {
    let config = folder.join("parlor.toml");
    let rates = ["user", "connection"]
        .map(|whose| format!("{whose}_rate_burst = 1000000\n{whose}_rate_per_second = 1000000\n"));
    let rates = rates.concat() + "group_joins_per_hour = 1000000\n";
    let rates = match limits {
        Limits::Default => String::new(),
        Limits::HighRates => rates,
        Limits::HighRatesFastHeartbeat => {
            rates + "ping_interval_ms = 1000\nping_timeout_ms = 1000\n"
        }
        Limits::HighRatesShortGrace => rates + "presence_grace_ms = 2000\n",
        Limits::OwnTables { ping_interval_ms, .. } => {
            format!("ping_interval_ms = {ping_interval_ms}\n")
        }
    };
    let server = match limits {
        Limits::OwnTables { shards, .. } => {
            format!("[server]\nshards = {shards}\nown_file_tables = true\n")
        }
        _ => String::new(),
    };
    let text = format!(
        "{server}[identity]\nhs256_secret = \"{SECRET}\"\n[limits]\n{rates}[log]\nlevel = \"warn\"\n"
    );
    std::fs::write(&config, text).with_context(|| format!("no {}", config.display()))?;
    let mut command = place.server(&place.parlor_bin);
    command.arg("serve").arg("--listen").arg(address.to_string());
    command.arg("--data").arg(data).arg("--config").arg(config);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PARLOR_")) {
        command.env_remove(name);
    }
    Ok(command)
}

fn heartbeat(place: &Place, limits: Limits) -> anyhow::Result<Command> {
    let Limits::OwnTables { shards, ping_interval_ms } = limits else {
        anyhow::bail!("a server that only pings can be measured by `million` alone");
    };
    let mut command = pinned(place.server_core, &place.heartbeat_bin);
    command.args([shards.to_string(), ping_interval_ms.to_string()]);
    Ok(command)
}

fn node(place: &Place) -> Command {
    let mut command = pinned(place.server_core, "node");
    command.arg("--expose-gc").arg(place.node_peer.join("server.js"));
    command.env("NODE_ENV", "production");
    command
}

/// A loopback address that is free now.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}

/// Waits for the server to listen, and says where: `chosen` if it could be told, else as it says.
fn listening(kind: Kind, child: &mut Child, chosen: SocketAddr) -> anyhow::Result<SocketAddr> {
    let mut out = BufReader::new(child.stdout.take().context("a server has standard output")?);
    let mut line = String::new();
    out.read_line(&mut line)?;
    thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    if kind == Kind::Parlor && !line.is_empty() {
        // What Parlor prints, once it lets clients in, is for people; where it listens was chosen here.
        return Ok(chosen);
    }
    Ok(line.trim().strip_prefix("listening ").context("it ended")?.parse()?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_named_version_of_socketioxide_is_the_built_one() {
        let manifest = include_str!("../Cargo.toml");
        assert!(manifest.contains(&format!("\"={}\"", super::SOCKETIOXIDE)));
    }
}
