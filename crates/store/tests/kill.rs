//! A process that is killed with -9 while it commits loses nothing that it acknowledged.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use parlor_chat::entry::{Content, Epoch, Millis};
use parlor_chat::ids::{ClientId, ConversationId, Seq, UserId};
use parlor_chat::store::{
    Append, CommitSink, Committed, HistoryQuery, HistoryRange, Origin, Recipient, Store,
};
use parlor_store::sqlite::{Config, SqliteStore, verify};

const DIR: &str = "PARLOR_STORE_TEST_KILLED_DIR";
const ROUND: &str = "PARLOR_STORE_TEST_KILLED_ROUND";
const ROUNDS: u64 = 20;
const SENDERS: u64 = 16;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

fn open(dir: &Path) -> SqliteStore {
    // Small bounds, so that kills hit checkpoints too.
    let config = Config { wal_soft_bytes: 200_000, wal_hard_bytes: 400_000, ..Config::new(dir) };
    SqliteStore::open(config, Arc::new(Nobody)).expect("it opens")
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

fn wish(sender: u64, key: &str) -> Append {
    Append {
        from: user(if sender.is_multiple_of(2) { "a" } else { "b" }),
        to: Recipient::User(user(&format!("peer{}", sender % 5))),
        client_id: Some(ClientId::parse(key).expect("a good key")),
        content: Content(format!("\"{key}\"").into()),
        now: Millis(1_800_000_000_000),
        origin: Origin::of(0),
    }
}

/// The child: does nothing unless the parent names a directory, then appends until it is killed,
/// printing each acknowledged append.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_appends_until_killed() {
    let (Ok(dir), Ok(round)) = (std::env::var(DIR), std::env::var(ROUND)) else { return };
    let store = Arc::new(open(dir.as_ref()));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (store, round) = (store.clone(), round.clone());
            tokio::spawn(async move {
                for n in 0.. {
                    let key = format!("{round}-{sender}-{n}");
                    let appended = store.append(wish(sender, &key)).await.expect("it is kept");
                    let line = format!("\nack {sender} {key} {}\n", appended.seq);
                    std::io::stdout().write_all(line.as_bytes()).expect("the parent listens");
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.expect("it is killed before it ends");
    }
}

#[derive(Debug, Clone)]
struct Ack {
    sender: u64,
    key: String,
    seq: Seq,
}

/// Lets a child append, kills it after a number of acknowledgements, and returns them.
fn killed_round(dir: &Path, round: u64, acks_before_kill: usize) -> Vec<Ack> {
    let mut child = Command::new(std::env::current_exe().expect("this test has a path"))
        .args(["--exact", "kill::child_appends_until_killed", "--nocapture"])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts");
    let mut acks = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let Ok(line) = line else { break };
        let Some(ack) = line.strip_prefix("ack ") else { continue };
        let mut words = ack.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (sender, key, seq) = (word(), word(), word());
        // The last line may be cut off by the kill.
        if let (Ok(sender), Ok(seq)) = (sender.parse(), seq.parse()) {
            acks.push(Ack { sender, key, seq: Seq(seq) });
        }
        if acks.len() == acks_before_kill {
            child.kill().expect("it is running");
        }
    }
    child.wait().expect("it has ended");
    assert!(acks.len() >= acks_before_kill, "the child ended early, in round {round}");
    // What was printed in full before the kill counts; a line without its end does not.
    acks.pop();
    acks
}

async fn log_of(store: &SqliteStore, conversation: &ConversationId) -> Vec<(Seq, String, Epoch)> {
    let mut log = Vec::new();
    loop {
        let after = Seq(log.len() as u64);
        let (user, _) = conversation.direct_members().expect("a direct one");
        let (conversation, range) = (conversation.clone(), HistoryRange::After(after, None));
        let page = store.history(HistoryQuery { user, conversation, range, limit: 500 }).await;
        let page = page.expect("the log is read");
        log.extend(page.entries.iter().map(|entry| {
            let key = entry.client_id.as_ref().expect("all were sent with a key");
            (entry.seq, key.as_str().to_owned(), entry.epoch)
        }));
        if !page.more {
            return log;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills_mid_commit() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut acked: Vec<Ack> = Vec::new();
    let mut epoch = None;
    for round in 0..ROUNDS {
        let acks_before_kill = 50 + (round as usize * 137) % 900;
        acked.extend(killed_round(dir.path(), round, acks_before_kill));
        let findings = verify(dir.path()).expect("the store can be read");
        assert!(findings.is_empty(), "round {round}: {findings:?}");

        let store = open(dir.path());
        assert_eq!(*epoch.get_or_insert(store.epoch()), store.epoch(), "a crash is no copy");
        let mut places: HashMap<String, Seq> = HashMap::new();
        for peer in 0..5 {
            for from in ["a", "b"] {
                let conversation =
                    ConversationId::direct(&user(from), &user(&format!("peer{peer}")));
                let is_there = (0..SENDERS).any(|sender| {
                    let wish = wish(sender, "k");
                    wish.conversation() == conversation
                });
                if !is_there {
                    continue;
                }
                for (n, (seq, key, _)) in
                    log_of(&store, &conversation).await.into_iter().enumerate()
                {
                    assert_eq!(seq.0, n as u64 + 1, "round {round}: {conversation} has a gap");
                    assert!(places.insert(key, seq).is_none(), "round {round}: kept twice");
                }
            }
        }
        for ack in &acked {
            assert_eq!(places.get(&ack.key), Some(&ack.seq), "round {round}: {ack:?}");
        }
        for ack in acked.iter().rev().take(20) {
            let again = store.append(wish(ack.sender, &ack.key)).await.expect("a repeat");
            assert!(again.repeated && again.seq == ack.seq, "round {round}: {ack:?}");
        }
    }
    println!("kills={ROUNDS} acked={} lost=0 doubled=0", acked.len());
}
