//! PostgreSQL as processes of the run's own: a primary, and a standby that it waits for at each commit. Each has a
//! file system of its own, in memory, which can be filled.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::network::{Host, Network};
use crate::faults::copy::Stored;
use crate::faults::lives::Logs;

/// How long an engine may take to be there.
const START_PATIENCE: Duration = Duration::from_secs(90);
/// How long one start of it may take before it is killed, and started once more.
const ONE_START: Duration = Duration::from_secs(30);
const POSTGRES_PORT: u16 = 5432;
/// Whose the tables are, and what the database is called.
const USER: &str = "parlor";
/// What a command begins with that is not to run as root: PostgreSQL refuses to.
const AS_NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
/// What PostgreSQL is told, beside where it is: room for three nodes, and for a standby that comes late.
const POSTGRES_SETTINGS: [&str; 8] = [
    "listen_addresses=*",
    "max_connections=200",
    "max_locks_per_transaction=256",
    "shared_buffers=64MB",
    "wal_keep_size=256MB",
    "max_wal_size=256MB",
    "hot_standby=on",
    "wal_receiver_timeout=5s",
];

/// How large the disk of each is: what a run writes, with room to spare.
const DISK: &str = "size=2g,mode=0777";
/// What fills one, and the pieces in which it is written, the last ones small.
const FILLER: &str = "filler";
const FILLER_PIECES: [usize; 2] = [1 << 20, 1 << 12];

/// What was said and done between two users of a run and in groups, each log in order.
const DONE: &str = "SELECT json_build_object('conversation', conversation, 'seq', seq, 'from', sender, \
    'content', content, 'ts', ts, 'kind', kind, 'about', about) FROM entry \
    WHERE conversation LIKE 'dm:user%' OR conversation LIKE 'group:%' ORDER BY conversation, seq";

/// Two PostgreSQL servers, of which one is the primary, and the other its standby or not there.
pub(super) struct Databases {
    network: Rc<Network>,
    binaries: PathBuf,
    folder: PathBuf,
    running: [Option<Child>; 2],
    primary: usize,
}

impl Databases {
    /// Makes a primary with an empty database, and a synchronous standby.
    ///
    /// # Errors
    /// When PostgreSQL is missing or does not start.
    pub(super) async fn start(network: Rc<Network>, folder: PathBuf) -> Result<Self> {
        open_folder(&folder)?;
        for which in [0, 1] {
            let disk = disk(&folder, which);
            fs::create_dir_all(&disk)?;
            let mut mount = Command::new("mount");
            checked(mount.args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(&disk)).await?;
        }
        let binaries = binaries()?;
        let mut databases = Self { network, binaries, folder, running: [None, None], primary: 0 };
        let data = databases.data(0);
        let made = ["-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "-D"];
        let mut init = databases.tool("initdb", None);
        checked(init.args(made).arg(&data)).await?;
        let access = data.join("pg_hba.conf");
        let mut rules = fs::read_to_string(&access)?;
        rules.push_str("host all all 10.0.0.0/8 trust\nhost replication all 10.0.0.0/8 trust\n");
        fs::write(&access, rules)?;
        databases.run(0).await?;
        databases.ask("postgres", &format!("CREATE DATABASE {USER}")).await?;
        databases.attach().await?;
        Ok(databases)
    }

    /// Where the standby is read, whichever of the two it is: what clients are to be given.
    pub(super) fn standby_url(&self) -> String {
        let [one, other] = [0, 1].map(|which| self.network.addr(Host::Database(which)));
        let hosts = format!("{one}:{POSTGRES_PORT},{other}:{POSTGRES_PORT}");
        format!("postgres://{USER}@{hosts}/{USER}?target_session_attrs=read-only")
    }

    /// Where the primary is reached on the network.
    pub(super) fn addr(&self) -> SocketAddr {
        (self.network.addr(Host::Database(self.primary)), POSTGRES_PORT).into()
    }

    /// Kills the primary, and lets it recover.
    ///
    /// # Errors
    /// When it does not.
    pub(super) async fn crash(&mut self) -> Result<()> {
        self.kill(self.primary).await?;
        self.run(self.primary).await
    }

    /// Fills the disk of the primary, or of the standby.
    ///
    /// # Errors
    /// When there is room still.
    pub(super) async fn fill(&self, which: Which) -> Result<()> {
        let filler = disk(&self.folder, self.of(which)).join(FILLER);
        tokio::task::spawn_blocking(move || fill(&filler)).await?
    }

    /// Makes room again, and starts what ended for want of it.
    ///
    /// # Errors
    /// When it does not come back.
    pub(super) async fn make_room(&mut self, which: Which) -> Result<()> {
        let which = self.of(which);
        fs::remove_file(disk(&self.folder, which).join(FILLER))?;
        match self.is_there(which, Instant::now() + ONE_START).await? {
            true => Ok(()),
            false => self.run(which).await,
        }
    }

    fn of(&self, which: Which) -> usize {
        match which {
            Which::Primary => self.primary,
            Which::Standby => 1 - self.primary,
        }
    }

    /// Kills the primary for good and makes a primary of the standby, which has none of its own yet.
    ///
    /// # Errors
    /// When it cannot be promoted.
    pub(super) async fn fail_over(&mut self) -> Result<()> {
        self.kill(self.primary).await?;
        self.primary = 1 - self.primary;
        let mut promote = self.tool("pg_ctl", None);
        checked(promote.args(["promote", "-w", "-D"]).arg(self.data(self.primary))).await?;
        self.wait_for_nobody().await
    }

    /// Makes a standby anew of the server that was the primary, and has the primary wait for it at each commit.
    ///
    /// # Errors
    /// When it does not follow.
    pub(super) async fn attach(&mut self) -> Result<()> {
        let standby = 1 - self.primary;
        let data = self.data(standby);
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        let primary = self.network.addr(Host::Database(self.primary)).to_string();
        let copy = ["-h", &primary, "-U", USER, "-X", "stream", "-c", "fast", "-R", "-D"];
        let mut backup = self.tool("pg_basebackup", Some(Host::Database(standby)));
        checked(backup.args(copy).arg(&data)).await?;
        self.run(standby).await?;
        self.until("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'", "1").await?;
        self.ask("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'").await?;
        self.ask("postgres", "SELECT pg_reload_conf()").await?;
        self.until("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'", "1").await
    }

    /// Has the primary commit without waiting for a standby.
    ///
    /// # Errors
    /// When it cannot be told.
    pub(super) async fn wait_for_nobody(&self) -> Result<()> {
        self.ask("postgres", "ALTER SYSTEM RESET synchronous_standby_names").await?;
        self.ask("postgres", "SELECT pg_reload_conf()").await?;
        self.until("SHOW synchronous_standby_names", "").await
    }

    /// What is kept, each log in order.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) async fn logs(&self) -> Result<Logs> {
        let mut logs = Logs::new();
        for line in self.ask(USER, DONE).await?.lines() {
            let message = serde_json::from_str::<Stored>(line)?.message()?;
            logs.entry(message.conversation.clone()).or_default().push(message);
        }
        Ok(logs)
    }

    async fn kill(&mut self, which: usize) -> Result<()> {
        self.network.signal_all(Host::Database(which), "KILL")?;
        if let Some(mut child) = self.running[which].take() {
            // It may not have come as far as its network.
            child.kill().await?;
        }
        Ok(())
    }

    /// Starts one and waits until it answers. One that ends, for a process that its last life has left, or comes to
    /// nothing, is started again.
    async fn run(&mut self, which: usize) -> Result<()> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            self.running[which] = Some(self.spawn(which)?);
            if self.is_there(which, Instant::now() + ONE_START).await? {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "PostgreSQL is not there after {START_PATIENCE:?}");
            self.kill(which).await?;
            sleep(Duration::from_millis(500)).await;
        }
    }

    fn spawn(&self, which: usize) -> Result<Child> {
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        let mut command = self.tool("postgres", Some(Host::Database(which)));
        command.arg("-D").arg(self.data(which)).arg("-k").arg(self.door(which)?);
        POSTGRES_SETTINGS.iter().for_each(|setting| {
            command.args(["-c", setting]);
        });
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        command.spawn().context("starting PostgreSQL")
    }

    /// Waits until one that was started answers; gives whether it did before it ended, and before a time.
    async fn is_there(&mut self, which: usize, deadline: Instant) -> Result<bool> {
        while !self.answers(which).await? {
            let running = self.running[which].as_mut().context("it was started")?;
            if running.try_wait()?.is_some() || Instant::now() > deadline {
                return Ok(false);
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(true)
    }

    async fn answers(&self, which: usize) -> Result<bool> {
        Ok(self.query(which, "postgres", "SELECT 1").await?.status.success())
    }

    async fn until(&self, question: &str, answer: &str) -> Result<()> {
        let deadline = Instant::now() + START_PATIENCE;
        while self.ask("postgres", question).await? != answer {
            ensure!(Instant::now() < deadline, "not within {START_PATIENCE:?}: {question}");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// What the primary says to a statement.
    async fn ask(&self, database: &str, statement: &str) -> Result<String> {
        let output = self.query(self.primary, database, statement).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{statement}: {}", said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    async fn query(&self, which: usize, database: &str, statement: &str) -> Result<Output> {
        let mut psql = self.tool("psql", None);
        psql.arg("-h").arg(self.door(which)?).args(["-U", USER, "-d", database]);
        Ok(psql.args(["-Atc", statement]).output().await?)
    }

    /// One of PostgreSQL's programs, as nobody, on a host of the network or beside it.
    fn tool(&self, name: &str, host: Option<Host>) -> Command {
        let mut words: Vec<OsString> = host.map(|host| self.network.on(host)).unwrap_or_default();
        words.extend(AS_NOBODY.map(OsString::from));
        words.push(self.binaries.join(name).into());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir("/");
        command
    }

    fn data(&self, which: usize) -> PathBuf {
        disk(&self.folder, which).join("data")
    }

    /// The folder of the socket at which this program reaches it, whatever is cut.
    fn door(&self, which: usize) -> Result<PathBuf> {
        let folder = self.folder.join(format!("door{which}"));
        open_folder(&folder)?;
        Ok(folder)
    }
}

/// One of the two servers, by what it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Primary,
    Standby,
}

/// Lets the disks of the servers in a folder go, once these have ended; what is on them is copied before, if it is to
/// be looked at.
///
/// # Errors
/// When one is not let go.
pub(super) async fn let_go(folder: &Path, is_kept: bool) -> Result<()> {
    for which in [0, 1] {
        let disk = disk(folder, which);
        if is_kept {
            let copy = folder.join(format!("data{which}"));
            checked(Command::new("cp").arg("-a").arg(disk.join("data")).arg(copy)).await?;
        }
        checked(Command::new("umount").arg("--lazy").arg(disk)).await?;
    }
    Ok(())
}

/// Where the disk of one is mounted.
fn disk(folder: &Path, which: usize) -> PathBuf {
    folder.join(format!("disk{which}"))
}

/// Writes a file until there is no room left.
fn fill(filler: &Path) -> Result<()> {
    let mut file = File::create(filler)?;
    for piece in FILLER_PIECES {
        loop {
            match file.write_all(&vec![0; piece]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// A folder in which anybody may write.
fn open_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    Ok(fs::set_permissions(folder, fs::Permissions::from_mode(0o777))?)
}

/// Where the newest of the system's PostgreSQL is.
fn binaries() -> Result<PathBuf> {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    found.sort();
    found.retain(|folder| folder.join("initdb").exists());
    found.pop().context("PostgreSQL is missing (Debian: postgresql)")
}

async fn checked(command: &mut Command) -> Result<()> {
    let output = command.output().await.context("a program of PostgreSQL's is missing")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{:?}: {}", command.as_std().get_program(), said.trim());
    Ok(())
}
