//! The real binary as a child process, and just enough of a client to talk to it: HTTP/1.1 by
//! hand, Engine.IO by long-polling.

pub(crate) mod api;
pub(crate) mod schema;
#[cfg(any(feature = "chat", feature = "top"))]
pub(crate) mod screen;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// A secret that is long enough.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The binary, with nothing of this process's environment that could configure it.
pub(crate) fn parlor(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PARLOR_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().expect("the binary runs")
}

/// What was written to standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What was written to standard output.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A running server, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) first_line: String,
    pub(crate) addr: SocketAddr,
}

impl Server {
    /// `parlor serve --dev` on a free port.
    pub(crate) fn dev(data: &Path) -> Self {
        Self::start(parlor(&["serve", "--dev", "--listen", "127.0.0.1:0"]).arg("--data").arg(data))
    }

    /// `parlor serve` with a secret, on a free port.
    pub(crate) fn with_secret(data: &Path) -> Self {
        let mut command = parlor(&["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--data").arg(data).env("PARLOR_IDENTITY__HS256_SECRET", SECRET);
        Self::start(&mut command)
    }

    /// Starts a server that must come to listen.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_logging(command.stderr(Stdio::null()))
    }

    /// The same, with its log where the command sends it.
    pub(crate) fn start_logging(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut first_line = String::new();
        stdout.read_line(&mut first_line).expect("the first line is text");
        let addr = first_line.trim_end().rsplit("//").next().and_then(|text| text.parse().ok());
        let addr = addr.unwrap_or_else(|| panic!("no address in {first_line:?}"));
        Self { child, stdout, first_line, addr }
    }

    /// The rest of what it prints at its start, up to the line that ends the snippet.
    pub(crate) fn greeting(&mut self) -> String {
        let mut text = self.first_line.clone();
        while !text.ends_with("console.log(ack));\n") {
            let read = self.stdout.read_line(&mut text).expect("it is text");
            assert_ne!(read, 0, "the greeting ended early: {text}");
        }
        text
    }

    /// Sends a signal by its name, as an operator would.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits for the end; the test runner's own bound ends a wait that is in vain.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("the child can be waited for")
    }

    /// One request without a body.
    pub(crate) fn get(&self, path: &str) -> Answer {
        request(&mut connect(self.addr), &format!("GET {path} HTTP/1.1"), "")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A connection to the server that gives up in time.
pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream
}

/// One request over any stream; the server closes it afterwards.
pub(crate) fn request(stream: &mut (impl Read + Write), line: &str, body: &str) -> Answer {
    let head = format!(
        "{line}\r\nhost: localhost\r\nconnection: close\r\ncontent-type: text/plain\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("the request is sent");
    stream.write_all(body.as_bytes()).expect("the body is sent");
    let mut bytes = Vec::new();
    // A TLS peer may leave without a goodbye once all is said.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { dechunk(body) } else { body.to_owned() };
    Answer { status, head: head.to_owned(), body }
}

fn dechunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
        if size == 0 {
            break;
        }
        body.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    body
}

/// A Socket.IO client over long-polling.
pub(crate) struct Client {
    addr: SocketAddr,
    sid: String,
    packets: Vec<String>,
}

impl Client {
    /// Opens a session and asks to be let into `/` with that token.
    pub(crate) fn connect(addr: SocketAddr, token: &str) -> Self {
        Self::with_auth(addr, &serde_json::json!({ "token": token }))
    }

    /// The same, with all of `auth`.
    pub(crate) fn with_auth(addr: SocketAddr, auth: &serde_json::Value) -> Self {
        let answer =
            request(&mut connect(addr), "GET /socket.io/?EIO=4&transport=polling HTTP/1.1", "");
        let open: serde_json::Value =
            serde_json::from_str(answer.body.trim_start_matches('0')).expect("an open packet");
        let sid = open["sid"].as_str().expect("a sid").to_owned();
        let mut client = Self { addr, sid, packets: Vec::new() };
        client.post(&format!("40{auth}"));
        client
    }

    fn path(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&sid={}", self.sid)
    }

    /// Sends one packet.
    pub(crate) fn post(&mut self, packet: &str) {
        let line = format!("POST {} HTTP/1.1", self.path());
        let answer = request(&mut connect(self.addr), &line, packet);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Polls until a packet starts with this; later ones are kept.
    pub(crate) fn expect(&mut self, start: &str) -> String {
        let begun = Instant::now();
        loop {
            if let Some(at) = self.packets.iter().position(|packet| packet.starts_with(start)) {
                return self.packets.remove(at);
            }
            assert!(begun.elapsed() < PATIENCE, "no {start}; got {:?}", self.packets);
            let line = format!("GET {} HTTP/1.1", self.path());
            let answer = request(&mut connect(self.addr), &line, "");
            assert_eq!(answer.status, 200, "{answer:?}");
            for packet in answer.body.split('\u{1e}') {
                if packet == "2" {
                    self.post("3");
                } else {
                    self.packets.push(packet.to_owned());
                }
            }
        }
    }

    /// Sends a message and gives its acknowledgement.
    pub(crate) fn send(&mut self, id: u32, to: &str, content: &str) -> serde_json::Value {
        let message = serde_json::json!({ "toUserId": to, "content": content });
        self.post(&format!("42{id}[\"private_message\",{message}]"));
        let start = format!("43{id}");
        let packet = self.expect(&start);
        serde_json::from_str::<serde_json::Value>(&packet[start.len()..]).expect("JSON")[0].clone()
    }
}
