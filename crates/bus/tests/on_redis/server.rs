//! A Redis server for one test, or six of them as a cluster, on free ports of this machine.
//!
//! Each ends with the process, however that ends: a shell waits for the end of its input, which is a pipe from
//! here. What is written is kept in a directory of its own, so that a server can be started again with it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Starts a server, says its number, waits for the end of the input, and ends it.
const SCRIPT: &str = r#"
redis-server "$@" >>log 2>&1 &
echo $!
read -r _
kill -9 $!
wait
"#;

/// How long a server may take to answer, or six of them to be a cluster.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A server.
pub(crate) struct Server {
    port: u16,
    dir: TempDir,
    in_cluster: bool,
    /// The port for TLS, with certificate and key.
    tls: Option<(u16, PathBuf, PathBuf)>,
    running: Option<(Child, Pid)>,
}

/// The masters and replicas of a cluster.
pub(crate) struct Cluster {
    pub(crate) servers: Vec<Server>,
}

/// A port that is free, as is the one that a cluster's nodes speak to each other on.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return port;
        }
    }
}

/// What a command of `redis-cli` says.
pub(crate) fn cli(port: u16, arguments: &[&str]) -> String {
    let mut command = Command::new("redis-cli");
    command.args(["-h", "127.0.0.1", "-p", &port.to_string()]).args(arguments);
    let said = command.output().expect("redis-cli is installed (Debian: redis-tools)");
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

impl Server {
    /// One by itself.
    pub(crate) fn start() -> Self {
        Self::started(false, None)
    }

    /// One by itself that speaks TLS too, with this certificate and its key.
    pub(crate) fn start_with_tls(cert: &Path, key: &Path) -> Self {
        Self::started(false, Some((free_port(), cert.to_owned(), key.to_owned())))
    }

    fn started(in_cluster: bool, tls: Option<(u16, PathBuf, PathBuf)>) -> Self {
        let dir = tempfile::Builder::new().prefix("parlor-redis-").tempdir().expect("a directory");
        let mut server = Self { port: free_port(), dir, in_cluster, tls, running: None };
        server.run();
        server
    }

    /// Starts it again, with what it kept.
    pub(crate) fn run(&mut self) {
        let port = self.port.to_string();
        let mut options = vec![
            ("port", port.as_str()),
            ("bind", "127.0.0.1"),
            ("save", ""),
            ("appendonly", "yes"),
        ];
        if self.in_cluster {
            options.extend([("cluster-enabled", "yes"), ("cluster-node-timeout", "1000")]);
            // A replica that has not seen its master for long may follow it too.
            options.push(("cluster-replica-validity-factor", "0"));
        }
        let tls = self.tls.as_ref().map(|(port, cert, key)| {
            (port.to_string(), cert.display().to_string(), key.display().to_string())
        });
        if let Some((port, cert, key)) = &tls {
            options.extend([("tls-port", port.as_str()), ("tls-cert-file", cert)]);
            options.extend([("tls-key-file", key.as_str()), ("tls-ca-cert-file", cert)]);
            options.push(("tls-auth-clients", "no"));
        }
        let arguments =
            options.iter().flat_map(|(name, value)| [format!("--{name}"), value.to_string()]);
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh"])
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let mut line = String::new();
        let out = shell.stdout.take().expect("it is a pipe");
        BufReader::new(out).read_line(&mut line).expect("the shell speaks");
        let pid = line.trim().parse().ok().and_then(Pid::from_raw).expect("a process");
        self.running = Some((shell, pid));
        wait("the server answers", || cli(self.port, &["PING"]) == "PONG", self.dir.path());
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        if let Some((mut shell, _)) = self.running.take() {
            drop(shell.stdin.take());
            shell.wait().expect("it is ours");
        }
    }

    /// Takes away what it kept.
    pub(crate) fn forget(&self) {
        for entry in std::fs::read_dir(self.dir.path()).expect("it is there").flatten() {
            let path = entry.path();
            let removed = match path.is_dir() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            removed.expect("it is ours");
        }
    }

    /// Stops it where it is.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let (_, pid) = self.running.as_ref().expect("it runs");
        kill_process(*pid, signal).expect("it is ours");
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its address by TLS.
    pub(crate) fn tls_url(&self) -> String {
        let (port, ..) = self.tls.as_ref().expect("it speaks TLS");
        format!("rediss://localhost:{port}")
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether it runs.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Cluster {
    /// Three masters with a replica each.
    pub(crate) fn start() -> Self {
        let servers: Vec<Server> = (0..6).map(|_| Server::started(true, None)).collect();
        let cluster = Self { servers };
        cluster.create();
        cluster
    }

    /// Makes a cluster of what runs.
    pub(crate) fn create(&self) {
        let addresses: Vec<String> =
            self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        let mut command = Command::new("redis-cli");
        command.args(["--cluster", "create"]).args(addresses);
        command.args(["--cluster-replicas", "1", "--cluster-yes"]);
        let made = command.output().expect("redis-cli is installed (Debian: redis-tools)");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        self.settle();
    }

    /// Waits until all that runs say that all is well, and each knows of a replica for each master that has one.
    pub(crate) fn settle(&self) {
        let running = || self.servers.iter().filter(|server| server.is_running());
        let well = |server: &Server| cli(server.port, &["CLUSTER", "INFO"]).contains("state:ok");
        let dir = self.servers[0].dir.path();
        wait("the cluster is well", || running().all(well), dir);
    }

    /// Addresses of all.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.servers.iter().map(Server::url).collect()
    }

    /// Moves the slot of a channel from its master to another one.
    pub(crate) fn move_slot_of(&self, channel: &str) {
        let from = self.master_of(channel);
        let slot = cli(self.servers[from].port, &["CLUSTER", "KEYSLOT", channel]);
        let role = |at: &usize| cli(self.servers[*at].port, &["ROLE"]).starts_with("master");
        let masters: Vec<usize> = (0..self.servers.len()).filter(role).collect();
        let to = *masters.iter().find(|at| **at != from).expect("there are three");
        let id = |at: usize| cli(self.servers[at].port, &["CLUSTER", "MYID"]);
        let set = |at: usize, what: &[&str]| {
            let said = cli(self.servers[at].port, &[&["CLUSTER", "SETSLOT", &slot], what].concat());
            assert_eq!(said, "OK");
        };
        set(to, &["IMPORTING", &id(from)]);
        set(from, &["MIGRATING", &id(to)]);
        for at in [to, from] {
            set(at, &["NODE", &id(to)]);
        }
    }

    /// Which server is the master of a channel or key.
    pub(crate) fn master_of(&self, key: &str) -> usize {
        let asked = self.servers.iter().find(|server| server.is_running()).expect("one runs").port;
        let slot: u16 = cli(asked, &["CLUSTER", "KEYSLOT", key]).parse().expect("a number");
        let nodes = cli(asked, &["CLUSTER", "NODES"]);
        let has = |range: &str| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (first.parse::<u16>(), last.parse::<u16>());
            first.is_ok_and(|first| first <= slot) && last.is_ok_and(|last| slot <= last)
        };
        let masters = nodes.lines().filter(|line| line.contains("master"));
        let mut masters = masters.filter(|line| !line.contains("fail"));
        let line = masters.find(|line| line.split(' ').skip(8).any(has)).expect("somebody has it");
        let at = |server: &Server| line.contains(&format!("127.0.0.1:{}@", server.port));
        self.servers.iter().position(at).expect("it is one of ours")
    }
}

/// Waits until something holds.
fn wait(what: &str, holds: impl Fn() -> bool, dir: &Path) {
    let began = Instant::now();
    while !holds() {
        let log = || std::fs::read_to_string(dir.join("log")).unwrap_or_default();
        assert!(began.elapsed() < START_TIMEOUT, "in time: {what}\n{}", log());
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
