//! `parlor chat` against the real server: lines, and the screen in a pseudo-terminal.
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::screen::Screen;
use crate::support::{Server, parlor, run, stderr};

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

/// `parlor chat` in a terminal of its own.
fn chat(server: &Server, data: &Path, user: &str, to: &str, size: (u16, u16)) -> Screen {
    let url = format!("http://{}", server.addr);
    let data = data.to_str().expect("it is text");
    let arguments = ["chat", "--user", user, "--to", to, "--url", &url, "--data", data];
    Screen::open(&arguments, size)
}

#[test]
fn two_people_chat_on_their_screens() {
    let folder = folder();
    let server = Server::dev(&folder.path().join("server"));
    let open = |user: &str, to, size| chat(&server, &folder.path().join(user), user, to, size);
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
    let mut alice = chat(&server, &folder.path().join("alice"), "alice", "bob", (100, 14));
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
    let alice = chat(&again, &folder.path().join("alice"), "alice", "bob", (100, 14));
    alice.shows("alice: kept ✓");
}
