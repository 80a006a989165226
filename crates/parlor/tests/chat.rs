//! `parlor chat` against the real server: lines, and the screen in a pseudo-terminal.
use std::io::{BufRead, BufReader, Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, Server, parlor, run, stderr};
use portable_pty::{CommandBuilder, NativePtySystem, PtySize, PtySystem};

/// A folder for the server's data and one for the clients'.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn plain(server: &Server, data: &Path, user: &str, to: &str) -> Command {
    let url = format!("http://{}", server.addr);
    let mut command = parlor(&["chat", "--plain", "--url", &url, "--user", user, "--to", to]);
    command.arg("--data").arg(data).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Sends lines and waits for the end.
fn say(command: &mut Command, lines: &str) {
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("it is piped").write_all(lines.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", stderr(&output));
}

/// A child that is killed when the test is over.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn lines_are_sent_and_printed() {
    let folder = folder();
    let server = Server::dev(&folder.path().join("server"));
    let mut bob = plain(&server, &folder.path().join("bob"), "bob", "alice");
    let mut bob = Ended(bob.spawn().expect("it starts"));
    let attack = "\r\u{202e}bob: forged";
    let lines = format!("one\n\ntwo {attack}\nthree");
    say(&mut plain(&server, &folder.path().join("alice"), "alice", "bob"), &lines);
    let printed = BufReader::new(bob.0.stdout.take().expect("it is piped")).lines();
    let printed: Vec<_> = printed.take(3).map(|line| line.expect("it is text")).collect();
    assert_eq!(printed, ["alice: one", "alice: two ␍bob: forged", "alice: three"]);
}

#[test]
fn failures_say_what_to_do() {
    let folder = folder();
    let data = folder.path().join("client");
    let failing = |arguments: &[&str]| {
        let output = run(parlor(arguments).arg("--data").arg(&data));
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        stderr(&output)
    };
    let nowhere =
        ["chat", "--plain", "--user", "alice", "--to", "bob", "--url", "http://127.0.0.1:1"];
    let said = failing(&nowhere);
    assert!(said.contains("no Parlor can be reached at http://127.0.0.1:1"), "{said}");
    assert!(said.contains("parlor serve --dev"), "{said}");
    let said = failing(&["chat", "--plain", "--user", "alice"]);
    assert!(said.contains("give --to or --group"), "{said}");

    let server = Server::with_secret(&folder.path().join("server"));
    let url = format!("http://{}", server.addr);
    let said = failing(&["chat", "--plain", "--user", "alice", "--to", "bob", "--url", &url]);
    assert!(said.contains("parlor token --user alice"), "{said}");
    let missing = ["--token-file", "/nowhere/token", "--url", &url];
    let said =
        failing(&[&["chat", "--plain", "--user", "alice", "--to", "bob"], &missing[..]].concat());
    assert!(said.contains("the token file cannot be read"), "{said}");
}

fn cells(many: u16) -> NonZero<u16> {
    NonZero::new(many).expect("a terminal has a size")
}

/// `parlor chat` in a terminal of its own.
struct Screen {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    master: Box<dyn portable_pty::MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    parser: Arc<Mutex<vt100::Parser>>,
}

impl Screen {
    fn open(
        server: &Server,
        data: &Path,
        user: &str,
        to: &str,
        (columns, rows): (u16, u16),
    ) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = NativePtySystem::default().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_parlor"));
        let url = format!("http://{}", server.addr);
        command.args(["chat", "--user", user, "--to", to, "--url", &url, "--data"]);
        command.arg(data);
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("it starts");
        let keys = pair.master.take_writer().expect("it has keys");
        let mut output = pair.master.try_clone_reader().expect("it has a screen");
        let parser = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let drawn = Arc::clone(&parser);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                drawn.lock().expect("nobody panicked").process(&bytes[..read]);
            }
        });
        Self { child, master: pair.master, keys, parser }
    }

    fn text(&self) -> String {
        self.parser.lock().expect("nobody panicked").screen().contents()
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it reads");
        self.keys.flush().expect("it reads");
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.parser
            .lock()
            .expect("nobody panicked")
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("it is resized");
    }

    /// Waits until this is to be seen.
    #[allow(
        clippy::disallowed_methods,
        reason = "a screen is looked at now and then, as by a person"
    )]
    fn shows(&self, what: &str) {
        let began = Instant::now();
        while !self.text().contains(what) {
            assert!(began.elapsed() < PATIENCE, "never {what:?}:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn two_people_chat_on_their_screens() {
    let folder = folder();
    let server = Server::dev(&folder.path().join("server"));
    let open =
        |user: &str, to, size| Screen::open(&server, &folder.path().join(user), user, to, size);
    let mut alice = open("alice", "bob", (90, 16));
    alice.shows("alice · live");
    alice.press("Are you there?\r");
    alice.shows("alice: Are you there? ✓");
    // A narrow one.
    let mut bob = open("bob", "alice", (40, 12));
    bob.shows("alice: Are you there?");
    alice.shows("Are you there? ✓✓");
    alice.shows("online");
    bob.press("Al");
    alice.shows("typing …");
    bob.press("ways\r");
    alice.shows("bob: Always");
    if let Ok(file) = std::env::var("PARLOR_SCREENSHOT") {
        std::fs::write(file, alice.text()).expect("it is written");
    }
    // It can be made smaller while it runs.
    alice.resize(36, 10);
    alice.shows("bob: Always");
    // A new conversation.
    alice.press("\u{14}");
    alice.shows("to (a user, or group:id):");
    alice.press("carol\r");
    alice.shows("Nobody has said anything here");
    alice.press("\u{3}");
    let status = alice.child.wait().expect("it ends");
    assert!(status.success(), "{}", alice.text());
}

#[test]
fn what_is_written_while_the_server_is_away_is_kept_and_sent() {
    let folder = folder();
    let data = folder.path().join("server");
    let mut server = Server::dev(&data);
    let mut alice = Screen::open(&server, &folder.path().join("alice"), "alice", "bob", (100, 14));
    alice.shows("alice · live");
    server.signal("KILL");
    server.wait();
    alice.shows("no Parlor can be reached");
    alice.press("kept\r");
    alice.shows("alice: kept …");
    alice.press("\u{3}");
    alice.child.wait().expect("it ends");

    let address = server.addr.to_string();
    let again =
        Server::start(parlor(&["serve", "--dev", "--listen", &address, "--data"]).arg(&data));
    let alice = Screen::open(&again, &folder.path().join("alice"), "alice", "bob", (100, 14));
    alice.shows("alice: kept ✓");
}
