//! Redis, and PostgreSQL for those who keep messages, as processes of a measurement's own.
//!
//! PostgreSQL flushes each commit to the disk that the servers' data are on, as it does by default. Both
//! run on the servers' core. Dropping the engines ends them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::pin::pinned;
use crate::place::Place;
use crate::process::{self, Cpu};

/// Whose the tables are, and what the database is called.
const USER: &str = "parlor";
/// What a command begins with that is not to run as root: PostgreSQL refuses to.
const AS_NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
/// How long an engine may take to be there, and how often it is tried.
const START_MAX: Duration = Duration::from_secs(60);
const START_STEP: Duration = Duration::from_millis(50);

/// Which engines servers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shared {
    /// Redis alone.
    Bus,
    /// Redis, and PostgreSQL.
    BusAndStore,
}

/// Running engines.
pub(crate) struct Engines {
    redis: Child,
    redis_address: SocketAddr,
    postgres: Option<Postgres>,
    /// Their data and logs, removed with them.
    _folder: tempfile::TempDir,
}

struct Postgres {
    child: Child,
    door: PathBuf,
    binaries: PathBuf,
}

impl Engines {
    /// Starts them on the servers' core and waits until they answer.
    ///
    /// # Errors
    /// One is not installed, or does not start.
    pub(crate) fn start(place: &Place, shared: Shared) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(&place.scratch).context("no folder for engines")?;
        open_to_all(folder.path())?;
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        let redis_address = free.local_addr()?;
        drop(free);
        let mut redis = pinned(place.server_core, "redis-server");
        redis.args(["--port", &redis_address.port().to_string(), "--bind", "127.0.0.1"]);
        redis.args(["--save", "", "--appendonly", "no", "--dir"]).arg(folder.path());
        let redis = redis.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let redis = redis.spawn().context("starting redis-server (Debian: redis-server)")?;
        let mut engines = Self { redis, redis_address, postgres: None, _folder: folder };
        until("Redis", || Ok(TcpStream::connect(redis_address).is_ok()))?;
        if shared == Shared::BusAndStore {
            let folder = engines._folder.path().join("postgres");
            engines.postgres = Some(Postgres::start(place, &folder)?);
        }
        Ok(engines)
    }

    /// Where Redis is.
    pub(crate) fn redis_url(&self) -> String {
        format!("redis://{}", self.redis_address)
    }

    /// Where the database is, if there is one.
    pub(crate) fn postgres_url(&self) -> Option<String> {
        let postgres = self.postgres.as_ref()?;
        Some(format!("host={} user={USER} dbname={USER}", postgres.door.display()))
    }

    /// Carries out statements in the database.
    ///
    /// # Errors
    /// There is none, or it refuses them.
    pub(crate) fn says(&self, statements: &str) -> anyhow::Result<()> {
        let postgres = self.postgres.as_ref().context("no database")?;
        ensure!(postgres.says(USER, statements)?.is_some(), "PostgreSQL refuses statements");
        Ok(())
    }

    /// One of PostgreSQL's programs, with the database that it works on.
    ///
    /// # Errors
    /// There is none, or it is not installed.
    pub(crate) fn client(&self, name: &str, core: Option<u32>) -> anyhow::Result<Command> {
        let postgres = self.postgres.as_ref().context("no database")?;
        let mut client = tool(&postgres.binaries, name, core)?;
        client.arg("--host").arg(&postgres.door).args(["--username", USER, USER]);
        Ok(client)
    }

    /// Processor time that Redis has used.
    pub(crate) fn redis_cpu(&self) -> anyhow::Result<Cpu> {
        process::cpu(self.redis.id())
    }

    /// Processor time that all of PostgreSQL has used.
    pub(crate) fn postgres_cpu(&self) -> anyhow::Result<Cpu> {
        let child = self.postgres.as_ref().map(|postgres| postgres.child.id());
        child.map_or(Ok(Cpu::default()), process::family_cpu)
    }

    /// How often something was published by Redis, since it started.
    ///
    /// # Errors
    /// Redis does not answer.
    pub(crate) fn published(&self) -> anyhow::Result<u64> {
        let mut redis = TcpStream::connect(self.redis_address).context("no Redis")?;
        redis.write_all(b"INFO commandstats\r\n")?;
        let mut redis = BufReader::new(redis);
        let mut line = String::new();
        redis.read_line(&mut line)?;
        let bytes = line.trim().strip_prefix('$').and_then(|bytes| bytes.parse().ok());
        let mut text = vec![0; bytes.context("Redis tells no statistics")?];
        redis.read_exact(&mut text)?;
        Ok(calls(&String::from_utf8_lossy(&text)))
    }
}

/// Calls of the commands that publish, in what `INFO commandstats` says.
fn calls(statistics: &str) -> u64 {
    let of = |line: &str| {
        let (command, figures) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls = figures.split(',').next()?.parse::<u64>().ok()?;
        ["publish", "spublish"].contains(&command).then_some(calls)
    };
    statistics.lines().filter_map(of).sum()
}

impl Drop for Engines {
    fn drop(&mut self) {
        // They may have ended by themselves.
        let _ = self.redis.kill();
        let _ = self.redis.wait();
        if let Some(postgres) = &mut self.postgres {
            let quit = ["-QUIT", &postgres.child.id().to_string()].map(str::to_owned);
            let _ = Command::new("kill").args(quit).status();
            let _ = postgres.child.wait();
        }
    }
}

impl Postgres {
    fn start(place: &Place, folder: &Path) -> anyhow::Result<Self> {
        let binaries = binaries()?;
        std::fs::create_dir(folder).context("no folder for PostgreSQL")?;
        open_to_all(folder)?;
        let data = folder.join("data");
        let made = ["-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "-D"];
        let made = tool(&binaries, "initdb", None)?.args(made).arg(&data).output()?;
        let told = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "PostgreSQL makes no data: {}", told.trim());
        let log = std::fs::File::create(folder.join("log"))?;
        let mut command = tool(&binaries, "postgres", place.server_core)?;
        command.arg("-D").arg(&data).arg("-k").arg(folder);
        // Else as by default: each commit is flushed.
        command.args(["-c", "listen_addresses=", "-c", "max_connections=200"]);
        command.args(["-c", "max_locks_per_transaction=256"]);
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let postgres = Self { child, door: folder.to_owned(), binaries };
        let made = format!("CREATE DATABASE {USER}");
        until("PostgreSQL", || postgres.says("postgres", "SELECT 1").map(|it| it.is_some()))?;
        ensure!(postgres.says("postgres", &made)?.is_some(), "PostgreSQL makes no database");
        Ok(postgres)
    }

    /// What it says to a statement, if it takes it.
    fn says(&self, database: &str, statement: &str) -> anyhow::Result<Option<String>> {
        let mut psql = tool(&self.binaries, "psql", None)?;
        psql.arg("-h").arg(&self.door).args(["-U", USER, "-d", database, "-Atc", statement]);
        let output = psql.output()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(output.status.success().then_some(said))
    }
}

/// One of PostgreSQL's programs; as nobody, where this is root.
fn tool(binaries: &Path, name: &str, core: Option<u32>) -> anyhow::Result<Command> {
    let root = Command::new("id").arg("-u").output().context("no `id`")?.stdout == b"0\n";
    let mut words: Vec<PathBuf> = Vec::new();
    if root {
        words.extend(AS_NOBODY.map(PathBuf::from));
    }
    words.push(binaries.join(name));
    let mut command = pinned(core, &words[0]);
    command.args(&words[1..]).current_dir("/");
    Ok(command)
}

/// Where the newest of the system's PostgreSQL is.
fn binaries() -> anyhow::Result<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").exists());
    found.sort();
    found.pop().context("PostgreSQL is not installed (Debian: postgresql)")
}

fn open_to_all(folder: &Path) -> anyhow::Result<()> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777))
        .with_context(|| format!("cannot open {} to all", folder.display()))
}

fn until(name: &str, mut is_there: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let began = Instant::now();
    while !is_there()? {
        if began.elapsed() > START_MAX {
            bail!("{name} is not there after {START_MAX:?}");
        }
        process::pause(START_STEP);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::calls;

    #[test]
    fn both_ways_to_publish_are_counted() {
        let statistics = "# Commandstats\r\ncmdstat_publish:calls=12,usec=9,usec_per_call=0.75\r\n\
            cmdstat_spublish:calls=3,usec=1\r\ncmdstat_subscribe:calls=5,usec=1\r\n";
        assert_eq!(calls(statistics), 15);
        assert_eq!(calls(""), 0);
    }
}
