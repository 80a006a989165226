//! The servers that are measured, each a process of its own.
//!
//! Those of Socket.IO greet a socket with `ready`; all of these but Parlor itself speak the benchmark's
//! own events (see the programs under `src/bin` and `peers`). Those of XMPP speak that. Dropping a server
//! ends its process.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::ValueEnum;

use crate::engines::Engines;
use crate::peers;
use crate::pin::pinned;
use crate::place::Place;
use crate::process::{self, Cpu, Memory};
use crate::protocol::{Auth, Dialect, Wire};
use crate::proxy::{Identity, Proxy};

/// Which version of socketioxide the peer is built with; `Cargo.toml` pins the same.
pub(crate) const SOCKETIOXIDE: &str = "0.18.9";

/// What the peers keep of a message before it is acknowledged, for the notes of a table.
pub(crate) const OTHERS_KEEP: &str = "the guide's chat: a row and an fsync before each; ejabberd and \
    Prosody: their archives, without fsync, acks by XEP-0198; the others keep nothing";

/// The secret of the tokens that are minted for Parlor, of this machine and this run only.
const SECRET: &str = "a secret for measurements, known to all";

/// How long a server may take to listen that does not say when it does, and how often it is tried.
const START_MAX: Duration = Duration::from_secs(60);
const START_STEP: Duration = Duration::from_millis(50);

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
    /// The peer Node socket.io on uWebSockets.js
    Uws,
    /// The chat of Socket.IO's guide: Node socket.io, Express and SQLite, durable
    Guide,
    /// The peer python-socketio on uvicorn
    Python,
    /// The peer ejabberd, by XMPP, with an archive
    Ejabberd,
    /// The peer Prosody, by XMPP, with an archive
    Prosody,
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
            Self::Uws => "node socket.io on uWebSockets.js",
            Self::Guide => "socket.io guide's chat",
            Self::Python => "python-socketio",
            Self::Ejabberd => "ejabberd",
            Self::Prosody => "prosody",
        }
    }

    pub(crate) fn auth(self) -> Auth {
        match self {
            Self::Parlor => Auth::Jwt { secret: SECRET.to_owned() },
            Self::Ejabberd => Auth::XmppJwt { secret: SECRET.to_owned() },
            Self::Prosody => Auth::XmppName,
            _ => Auth::Name,
        }
    }

    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::Parlor => Dialect::PrivateMessage,
            Self::Ejabberd | Self::Prosody => Dialect::Stanza,
            _ => Dialect::Relay,
        }
    }

    pub(crate) fn is_xmpp(self) -> bool {
        self.auth().wire() == Wire::Xmpp
    }

    /// Sees that this server can do what a benchmark asks of it.
    ///
    /// # Errors
    /// It cannot.
    pub(crate) fn check(self, benchmark: &str) -> anyhow::Result<()> {
        let fits = match (benchmark, self) {
            ("idle" | "groups" | "direct", Self::Bare | Self::Heartbeat) => false,
            ("fanout", Self::Parlor | Self::Heartbeat) => false,
            ("idle" | "fanout" | "groups" | "direct", _) => true,
            ("growth", kind) => matches!(kind, Self::Parlor | Self::Gateway),
            ("cluster", kind) => matches!(kind, Self::Parlor | Self::Node),
            ("million", kind) => matches!(kind, Self::Parlor | Self::Heartbeat),
            (_, kind) => kind == Self::Parlor,
        };
        ensure!(fits, "{benchmark} cannot be run with {}", self.name());
        Ok(())
    }
}

/// Connections of one thread of a server whose threads have file tables of their own, so that those that come by
/// chance to one of them stay below the usual limit of 20,000 open files.
const PER_SHARD: u32 = 17_000;

/// Connections of a process whose threads have one file table.
const PER_TABLE: u32 = 19_000;

/// How Parlor's limits and threads differ from the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Rates are checked as ever, and are such that a saturating load does not reach them.
    pub(crate) has_high_rates: bool,
    pub(crate) ping_interval_ms: Option<u64>,
    pub(crate) ping_timeout_ms: Option<u64>,
    pub(crate) presence_grace_ms: Option<u64>,
    /// Threads, each with a file table of its own.
    pub(crate) own_tables: Option<u32>,
}

impl Limits {
    /// With high rates.
    pub(crate) const HIGH_RATES: Self = Self {
        has_high_rates: true,
        ping_interval_ms: None,
        ping_timeout_ms: None,
        presence_grace_ms: None,
        own_tables: None,
    };

    /// With as many file tables as these connections need.
    pub(crate) fn for_connections(self, connections: u32) -> Self {
        let own_tables = (connections > PER_TABLE).then(|| Self::tables(connections));
        Self { own_tables, ..self }
    }

    /// File tables that these connections need.
    pub(crate) fn tables(connections: u32) -> u32 {
        connections.div_ceil(PER_SHARD)
    }

    /// Parlor's settings.
    fn settings(self) -> String {
        let mut server = String::from("[server]\n");
        if let Some(shards) = self.own_tables {
            server += &format!("shards = {shards}\nown_file_tables = true\n");
        }
        let mut limits = String::from("[limits]\n");
        if self.has_high_rates {
            for whose in ["user", "connection"] {
                limits += &format!("{whose}_rate_burst = 1000000\n");
                limits += &format!("{whose}_rate_per_second = 1000000\n");
            }
            limits += "group_joins_per_hour = 1000000\n";
        }
        let times = [
            ("ping_interval_ms", self.ping_interval_ms),
            ("ping_timeout_ms", self.ping_timeout_ms),
            ("presence_grace_ms", self.presence_grace_ms),
        ];
        for (name, value) in times {
            if let Some(value) = value {
                limits += &format!("{name} = {value}\n");
            }
        }
        server + &limits
    }
}

/// Who speaks TLS with the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// Nobody.
    None,
    /// Parlor itself.
    BuiltIn,
    /// A proxy before it.
    Proxy,
}

/// A running server.
pub(crate) struct Server {
    kind: Kind,
    child: Child,
    address: SocketAddr,
    /// What stands before it and speaks TLS.
    proxy: Option<Proxy>,
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
        Self::start_with(kind, place, limits, folder, &data, &[])
    }

    /// Starts one node of a cluster of Parlor or Node socket.io.
    ///
    /// # Errors
    /// As `start`.
    pub(crate) fn start_node(kind: Kind, place: &Place, engines: &Engines) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(&place.scratch).context("no folder for data")?;
        let data = folder.path().join("data");
        let shared = shares(kind, engines);
        Self::start_with(kind, place, Limits::HIGH_RATES, folder, &data, &shared)
    }

    /// Starts Parlor, which speaks TLS by itself, or behind a proxy that does, or not at all.
    ///
    /// # Errors
    /// As `start`; or the proxy does not start.
    pub(crate) fn start_encrypted(
        place: &Place,
        encryption: Encryption,
        identity: &Identity,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(&place.scratch).context("no folder for data")?;
        let data = folder.path().join("data");
        let own_tls = [
            ("PARLOR_SERVER__TLS_CERT", identity.certificate.display().to_string()),
            ("PARLOR_SERVER__TLS_KEY", identity.key.display().to_string()),
        ];
        let behind = [("PARLOR_SERVER__TRUSTED_PROXIES", "127.0.0.1".to_owned())];
        let env: &[_] = match encryption {
            Encryption::None => &[],
            Encryption::BuiltIn => &own_tls,
            Encryption::Proxy => &behind,
        };
        let mut server =
            Self::start_with(Kind::Parlor, place, Limits::HIGH_RATES, folder, &data, env)?;
        if encryption == Encryption::Proxy {
            server.proxy = Some(Proxy::start(place, server.address, identity)?);
        }
        Ok(server)
    }

    /// Starts Parlor on data that is there and stays there.
    ///
    /// # Errors
    /// As `start`.
    pub(crate) fn start_on(data: &Path, place: &Place, limits: Limits) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(&place.scratch).context("no folder for the settings")?;
        Self::start_with(Kind::Parlor, place, limits, folder, data, &[])
    }

    fn start_with(
        kind: Kind,
        place: &Place,
        limits: Limits,
        folder: tempfile::TempDir,
        data: &Path,
        env: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let log = place.report.join(format!("{kind:?}.log").to_lowercase());
        let log_file = File::create(&log).with_context(|| format!("no {}", log.display()))?;
        let chosen = free_address()?;
        let mut command = match kind {
            Kind::Parlor => parlor(place, folder.path(), data, limits, chosen)?,
            Kind::Gateway => place.server(&place.gateway_bin),
            Kind::Heartbeat => heartbeat(place, limits)?,
            Kind::Socketioxide => pinned(place.server_core, &place.socketioxide_bin),
            Kind::Bare => pinned(place.server_core, &place.bare_bin),
            Kind::Node => peers::node(place, "node"),
            Kind::Uws => peers::node(place, "uws"),
            Kind::Guide => peers::guide(place, folder.path()),
            Kind::Python => peers::python(place),
            Kind::Ejabberd => peers::ejabberd(place, folder.path(), chosen, SECRET)?,
            Kind::Prosody => peers::prosody(place, folder.path(), chosen)?,
        };
        command.envs(env.iter().map(|(name, value)| (name, value)));
        let input = if kind == Kind::Ejabberd { Stdio::piped() } else { Stdio::null() };
        // Those of XMPP log on standard output, and do not say when they listen.
        let output = if kind.is_xmpp() { log_file.try_clone()?.into() } else { Stdio::piped() };
        let mut child = command
            .stdin(input)
            .stdout(output)
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
        Ok(Self { kind, child, address, proxy: None, _folder: folder })
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.proxy.as_ref().map_or(self.address, Proxy::address)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time that it has used, with its proxy's.
    pub(crate) fn cpu(&self) -> anyhow::Result<Cpu> {
        let proxy = self.proxy.as_ref().map_or(Ok(Cpu::default()), Proxy::cpu);
        Ok(process::cpu(self.pid())? + proxy?)
    }

    /// Memory now, with its proxy's.
    fn memory(&self) -> anyhow::Result<Memory> {
        let proxy = self.proxy.as_ref().map_or(Ok(Memory::default()), Proxy::memory);
        Ok(process::memory(self.pid())? + proxy?)
    }

    /// Memory once it has come to rest; garbage that can be collected on request is.
    pub(crate) fn settled_memory(&self) -> anyhow::Result<Memory> {
        let began = Instant::now();
        let mut memory = self.memory()?;
        loop {
            self.collect_garbage()?;
            process::pause(SETTLE_STEP);
            let now = self.memory()?;
            let rest = (now.anonymous - memory.anonymous).abs() <= memory.anonymous * 0.001;
            memory = now;
            if began.elapsed() > SETTLE_MAX || rest && began.elapsed() > 2 * SETTLE_STEP {
                return Ok(memory);
            }
        }
    }
}

impl Server {
    /// Lets it collect garbage, if it has any and can be told.
    fn collect_garbage(&self) -> anyhow::Result<()> {
        match self.kind {
            Kind::Parlor | Kind::Gateway | Kind::Heartbeat | Kind::Bare | Kind::Socketioxide => {}
            Kind::Node | Kind::Uws | Kind::Guide | Kind::Python | Kind::Prosody => {
                Command::new("kill").args(["-USR2", &self.pid().to_string()]).status()?;
            }
            Kind::Ejabberd => {
                let mut input = self.child.stdin.as_ref().context("ejabberd has standard input")?;
                input.write_all(b"collect garbage\n").context("ejabberd has ended")?;
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

pub(crate) fn end(child: &mut Child) {
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
    let text = format!(
        "{}[identity]\nhs256_secret = \"{SECRET}\"\n[log]\nlevel = \"warn\"\n",
        limits.settings()
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

/// What tells a node where its database and its bus are.
fn shares(kind: Kind, engines: &Engines) -> Vec<(&'static str, String)> {
    if kind != Kind::Parlor {
        return vec![("REDIS_URL", engines.redis_url())];
    }
    let mut env = vec![
        ("PARLOR_BUS__BACKEND", "redis".to_owned()),
        ("PARLOR_BUS__URL", engines.redis_url()),
        ("PARLOR_BUS__CLUSTER", "measured".to_owned()),
    ];
    if let Some(url) = engines.postgres_url() {
        env.extend([("PARLOR_STORE__BACKEND", "postgres".to_owned()), ("PARLOR_STORE__URL", url)]);
    }
    env
}

fn heartbeat(place: &Place, limits: Limits) -> anyhow::Result<Command> {
    let (Some(shards), Some(ping_interval_ms)) = (limits.own_tables, limits.ping_interval_ms)
    else {
        anyhow::bail!("a server that only pings can be measured by `million` alone");
    };
    let mut command = pinned(place.server_core, &place.heartbeat_bin);
    command.args([shards.to_string(), ping_interval_ms.to_string()]);
    Ok(command)
}

/// A loopback address that is free now.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}

/// Waits for the server to listen, and says where: `chosen` if it could be told, else as it says.
fn listening(kind: Kind, child: &mut Child, chosen: SocketAddr) -> anyhow::Result<SocketAddr> {
    if kind.is_xmpp() {
        return accepting(child, chosen);
    }
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

/// Waits until an address that was told takes connections.
pub(crate) fn accepting(child: &mut Child, address: SocketAddr) -> anyhow::Result<SocketAddr> {
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        ensure!(child.try_wait()?.is_none(), "it ended");
        ensure!(began.elapsed() < START_MAX, "it took longer than {START_MAX:?}");
        process::pause(START_STEP);
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_named_version_of_socketioxide_is_the_built_one() {
        let manifest = include_str!("../Cargo.toml");
        assert!(manifest.contains(&format!("\"={}\"", super::SOCKETIOXIDE)));
    }
}
