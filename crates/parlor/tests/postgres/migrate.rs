//! `parlor migrate`, as an operator runs it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::UserId;
use parlor_chat::store::{Append, CommitSink, Committed, Origin, Recipient, Store};
use parlor_store::sqlite::{Config, SqliteStore};
use tokio::runtime::Runtime;

use crate::server::{Database, server};

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

fn parlor(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PARLOR_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// An address as operators write it.
fn url(database: &Database) -> String {
    let name = database.sql("SELECT current_database()");
    format!("postgres://parlor@/{name}?host={}", server().socket().display())
}

fn migrate(from: &Path, to: &str) -> Command {
    let from = format!("sqlite://{}", from.display());
    parlor(&["migrate", "--from", &from, "--to", to])
}

/// What a command came to: its code, and all that it said.
fn said(output: &Output) -> (Option<i32>, String) {
    let (out, err) = (&output.stdout, &output.stderr);
    let text = format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    (output.status.code(), text)
}

fn filled(dir: &Path, messages: usize) -> SqliteStore {
    let store = SqliteStore::open(Config::new(dir), Arc::new(Nobody)).expect("it opens");
    let user = |name: &str| UserId::parse(name).expect("a good id");
    let runtime = Runtime::new().expect("a runtime");
    let pending: Vec<_> = (0..messages)
        .map(|n| {
            store.append(Append {
                from: user("a"),
                to: Recipient::User(user("b")),
                client_id: None,
                content: Content(format!("\"number {n}\"").into()),
                now: Millis(1_800_000_000_000),
                origin: Origin::of(0),
            })
        })
        .collect();
    for pending in pending {
        runtime.block_on(pending).expect("it is kept");
    }
    store
}

fn serve(to: &str) -> Command {
    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    command.env("PARLOR_STORE__BACKEND", "postgres").env("PARLOR_STORE__URL", to);
    command
}

#[test]
fn a_migration_follows_a_server_is_killed_and_ends_right() {
    let (dir, database) = (tempfile::tempdir().expect("a directory"), server().database());
    let to = url(&database);
    let store = filled(dir.path(), 12_000);
    let (code, text) = said(&migrate(dir.path(), &to).output().expect("it runs"));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("up to position 12,000; stop the server"), "{text}");
    store.close();
    let (code, text) = said(&serve(&to).output().expect("it runs"));
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("run `parlor migrate` again"), "{text}");
    // Killed while it copies, where a dam keeps it from coming further.
    database.sql(
        "DELETE FROM entry; UPDATE migration SET up_to = 0; \
         CREATE FUNCTION dam() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(3600); RETURN NEW; END $$; \
         CREATE TRIGGER dam BEFORE UPDATE ON migration FOR EACH ROW WHEN (NEW.up_to > 6000) \
         EXECUTE FUNCTION dam()",
    );
    let mut killed = migrate(dir.path(), &to).stderr(Stdio::null()).spawn().expect("it runs");
    while database.sql("SELECT up_to FROM migration") != "6000" {
        assert!(killed.try_wait().expect("it is ours").is_none(), "it is still at work");
    }
    killed.kill().expect("it is ours");
    killed.wait().expect("it has ended");
    database.sql("DROP FUNCTION dam CASCADE");
    assert_eq!(database.sql("SELECT count(*), max(pos) FROM entry"), "6000|6000");
    let (code, text) = said(&migrate(dir.path(), &to).output().expect("it runs"));
    assert_eq!(code, Some(0), "{text}");
    let counted = |line: &str| line.starts_with("entry ") && line.contains(" 12,000 ");
    assert!(text.lines().any(counted), "{text}");
    assert!(text.contains("start servers on it"), "{text}");
    let count = "SELECT count(*) FROM entry WHERE content LIKE '\"number %'";
    assert_eq!(database.sql(count), "12000");
    let mut running =
        serve(&to).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut first = String::new();
    let mut lines = BufReader::new(running.stdout.take().expect("it is piped"));
    lines.read_line(&mut first).expect("it is text");
    running.kill().expect("it is ours");
    running.wait().expect("it has ended");
    assert!(first.starts_with("Parlor listens on"), "{first}");
    let (code, text) = said(&migrate(dir.path(), &to).output().expect("it runs"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("since a migration before"), "{text}");
}

#[test]
fn what_cannot_be_moved_says_what_to_do() {
    let (dir, database) = (tempfile::tempdir().expect("a directory"), server().database());
    let to = url(&database);
    let refused = |command: &mut Command, expected: i32, words: &str| {
        let (code, text) = said(&command.output().expect("it runs"));
        assert_eq!(code, Some(expected), "{text}");
        assert!(text.contains(words), "{text}");
    };
    refused(&mut migrate(dir.path(), &to), 3, "there is no parlor.db");
    filled(dir.path(), 3).close();
    refused(&mut migrate(dir.path(), "mysql://db/parlor"), 2, "--to must be the address");
    refused(&mut parlor(&["migrate", "--from", "postgres://db/parlor", "--to", &to]), 2, "--from");
    database.sql("CREATE TABLE mine ()");
    refused(&mut migrate(dir.path(), &to), 3, "it has the table mine; give an empty database");
}
