//! A PostgreSQL server for one test process, with a database for each store, and standbys of it.
//!
//! It is started from the binaries of the system, on a socket in a directory of its own, and ends with the
//! process, however that ends: a shell waits for the end of its input, which is a pipe from here. Nothing
//! is flushed to disk, since the directory is gone afterwards.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The name of the user whom the server's tables are of.
const USER: &str = "parlor";

/// Starts the server, waits for the end of the input, and cleans up. As root it runs as nobody.
const SCRIPT: &str = r#"
if [ "$(id -u)" = 0 ]; then as="runuser -u nobody --"; else as=; fi
if [ -n "$5" ]; then
    $as "$1"/pg_basebackup -h "$5" -U "$3" -D "$2"/data -R -c fast --no-sync >"$2"/log 2>&1 || exit 1
else
    $as "$1"/initdb -D "$2"/data -U "$3" --auth=trust --encoding=UTF8 --locale=C --no-sync \
        >"$2"/log 2>&1 || exit 1
fi
if [ -n "$4" ]; then
    $as cp "$2"/server.crt "$2"/server.key "$2"/data && $as chmod 600 "$2"/data/server.key || exit 1
    set -- "$1" "$2" "$3" -p "$4" -c listen_addresses=127.0.0.1 -c ssl=on
else
    set -- "$1" "$2" "$3" -c listen_addresses=
fi
postgres=$1 dir=$2
shift 3
$as "$postgres"/postgres -D "$dir"/data -k "$dir" -c fsync=off "$@" \
    -c full_page_writes=off -c max_connections=200 -c shared_buffers=64MB >>"$dir"/log 2>&1 &
read -r _
$as "$postgres"/pg_ctl -D "$dir"/data -m immediate stop >>"$dir"/log 2>&1
wait
rm -rf "$dir"
"#;

/// A running server.
pub(crate) struct Server {
    binaries: PathBuf,
    dir: PathBuf,
    /// Where it is reached by TLS, for one that is.
    port: Option<u16>,
    databases: AtomicU32,
    _shell: Child,
}

/// A database of the server's.
#[derive(Clone)]
pub(crate) struct Database {
    name: String,
    server: &'static Server,
}

/// The server of this process.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(directory(), None, None))
}

/// Another, that is reached at `localhost` by TLS as well, with a certificate of its own.
pub(crate) fn encrypted() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let dir = directory();
        let made = rcgen::generate_simple_self_signed([String::from("localhost")]);
        let made = made.expect("a certificate is made");
        std::fs::write(dir.join("server.crt"), made.cert.pem()).expect("it is written");
        std::fs::write(dir.join("server.key"), made.signing_key.serialize_pem())
            .expect("it is written");
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = free.local_addr().expect("it has one").port();
        drop(free);
        Server::start(dir, Some(port), None)
    })
}

/// Where the newest of the system's servers is.
fn binaries() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    found.sort();
    found.retain(|dir| dir.join("initdb").exists());
    found.pop().expect("PostgreSQL is installed (Debian: postgresql)")
}

/// A directory that any user may write to; in memory, where that can be: each database has hundreds of files.
pub(crate) fn directory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("parlor-pg-");
    let dir = if memory.is_dir() { builder.tempdir_in(memory) } else { builder.tempdir() };
    let dir = dir.expect("a directory").keep();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&dir, mode).expect("it is ours");
    dir
}

impl Server {
    fn start(dir: PathBuf, port: Option<u16>, primary: Option<&Path>) -> Self {
        let binaries = binaries();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]).args([&binaries, &dir]).arg(USER).current_dir("/");
        command.arg(port.map(|port| port.to_string()).unwrap_or_default());
        command.arg(primary.unwrap_or(Path::new("")));
        let shell = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let server = Self { binaries, dir, port, databases: AtomicU32::new(0), _shell: shell };
        let began = Instant::now();
        while !server.tool("pg_isready").status().expect("it is there").success() {
            let log = || std::fs::read_to_string(server.dir.join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(60), "the server starts: {}", log());
            std::thread::park_timeout(Duration::from_millis(50));
        }
        server
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command.args(["-U", USER, "-h"]).arg(&self.dir).current_dir("/");
        command.args(["-p", &self.port.unwrap_or(5432).to_string()]);
        command.stdout(Stdio::null());
        command
    }

    /// Where its socket is.
    pub(crate) fn socket(&self) -> &Path {
        &self.dir
    }

    /// A new standby of it, that follows it.
    pub(crate) fn standby(&self) -> &'static Self {
        Box::leak(Box::new(Self::start(directory(), None, Some(&self.dir))))
    }

    /// A new database.
    pub(crate) fn database(&'static self) -> Database {
        let name = format!("store_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = self.tool("createdb").args(["--template=template0", &name]).status();
        assert!(made.expect("it is there").success(), "a database is made");
        Database { name, server: self }
    }
}

impl Database {
    /// What the server calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        self.url_at(self.server.socket())
    }

    /// Its address at a host of the network, with more to say.
    pub(crate) fn url_over_tls(&self, host: &str, more: &str) -> String {
        let port = self.server.port.expect("it is reached by TLS");
        format!("postgres://{USER}@{host}:{port}/{}?{more}", self.name)
    }

    /// Its address by way of another socket.
    pub(crate) fn url_at(&self, socket: &Path) -> String {
        format!("host={} user={USER} dbname={}", socket.display(), self.name)
    }

    /// The same database on another server, which follows this one.
    pub(crate) fn on(&self, server: &'static Server) -> Self {
        Self { name: self.name.clone(), server }
    }

    /// What a statement gives, as text.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let mut command = self.server.tool("psql");
        command.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        let done = command.arg(&self.name).stdout(Stdio::piped()).output();
        let done = done.expect("it is there");
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Ends the connections of everybody else.
    pub(crate) fn end_others(&self) {
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
    }

    /// Lets it go.
    pub(crate) fn remove(&self) {
        let removed = self.server.tool("dropdb").args(["--force", &self.name]).status();
        assert!(removed.expect("it is there").success(), "a database is removed");
    }
}
