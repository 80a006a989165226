//! The real server as a child process.
//!
//! It is found by the variable `SERVER_UNDER_TEST`, or else beside the tests, where cargo puts it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use parlor_client::{Builder, Parlor, State};
use tempfile::TempDir;

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// The folder into which cargo builds.
pub(crate) fn built() -> PathBuf {
    let test = std::env::current_exe().expect("the test is a program");
    test.ancestors().nth(2).expect("it lies in `deps`").to_owned()
}

/// A running server, killed when it is dropped, and its data.
pub(crate) struct Server {
    child: Child,
    data: TempDir,
    how: How,
    pub(crate) addr: SocketAddr,
}

/// How a server is started: further arguments and variables.
#[derive(Default)]
struct How {
    arguments: Vec<&'static str>,
    variables: Vec<(&'static str, OsString)>,
    scheme: &'static str,
}

impl Server {
    /// One that takes any name as a token.
    pub(crate) fn dev() -> Self {
        Self::start(How { arguments: vec!["--dev"], scheme: "http", ..How::default() })
    }

    /// The same with TLS, by a certificate and its key, which are PEM files.
    pub(crate) fn encrypted(certificate: &Path, key: &Path) -> Self {
        let variables = vec![
            ("PARLOR_SERVER__TLS_CERT", certificate.into()),
            ("PARLOR_SERVER__TLS_KEY", key.into()),
        ];
        Self::start(How { arguments: vec!["--dev"], variables, scheme: "https" })
    }

    /// One that wants tokens signed by [`SECRET`].
    pub(crate) fn with_secret() -> Self {
        let variables = vec![("PARLOR_IDENTITY__HS256_SECRET", SECRET.into())];
        Self::start(How { variables, scheme: "http", ..How::default() })
    }

    fn start(how: How) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (child, addr) = serve(data.path(), &how, any);
        Self { child, data, how, addr }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.how.scheme, self.addr)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
    }

    /// Starts it again, at the same address and with the same data.
    pub(crate) fn restart(&mut self) {
        (self.child, self.addr) = serve(self.data.path(), &self.how, self.addr);
    }

    /// A client of this user that tries again quickly.
    pub(crate) fn client(&self, user: &str) -> Builder {
        let quickly = (Duration::from_millis(20), Duration::from_millis(200));
        Parlor::builder(self.url()).token(user).device("test").reconnect(quickly.0, quickly.1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(data: &Path, how: &How, addr: SocketAddr) -> (Child, SocketAddr) {
    let named = std::env::var_os("SERVER_UNDER_TEST").map(PathBuf::from);
    let program = named.unwrap_or_else(|| built().join("parlor"));
    assert!(program.is_file(), "no {}: `cargo build -p parlor`", program.display());
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PARLOR_") {
            command.env_remove(name);
        }
    }
    command.args(["serve", "--listen", &addr.to_string()]).arg("--data").arg(data);
    command.args(&how.arguments).envs(how.variables.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the server starts");
    let mut first = String::new();
    let stdout = child.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut first).expect("it says where it listens");
    let addr = first.trim_end().rsplit("//").next().and_then(|text| text.parse().ok());
    (child, addr.unwrap_or_else(|| panic!("no address in {first:?}")))
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Waits until the client is in this state.
pub(crate) async fn until_state(parlor: &Parlor, state: State) {
    let mut status = parlor.status();
    let reached = tokio::time::timeout(PATIENCE, status.wait_for(|now| now.state == state)).await;
    assert!(reached.is_ok(), "never {state}: {:?}", parlor.status().borrow());
}
