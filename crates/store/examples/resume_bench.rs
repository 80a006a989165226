//! What the way back asks of the store, timed: a user with many conversations, of which few or all
//! have moved since.
//!
//! `cargo run --release -p parlor-store --example resume_bench -- --dir DIR [--conversations 5000]
//! [--messages 20]`. Prints the median of 25 reads each.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_chat::entry::{Content, Millis, Position};
use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::store::{Append, CommitSink, Committed, Origin, Pending, Recipient, Store, Whose};
use parlor_store::sqlite::{Config, SqliteStore};

const ROUNDS: usize = 25;
const IN_FLIGHT: usize = 1_024;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a plain word is a user id")
}

fn option(name: &str) -> Option<String> {
    let args: Vec<String> = std::env::args().collect();
    let at = args.iter().position(|arg| arg == name)?;
    args.get(at + 1).cloned()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let number = |name: &str, default: u64| match option(name) {
        Some(text) => text.parse(),
        None => Ok(default),
    };
    let conversations = number("--conversations", 5_000)?;
    let messages = number("--messages", 20)?;
    let dir = PathBuf::from(option("--dir").ok_or("--dir DIR is required, a folder to fill")?);
    let store = SqliteStore::open(Config::new(&dir), Arc::new(Nobody))?;
    for _ in 0..messages {
        say(&store, 0..conversations).await?;
    }
    let start = Position(0);
    let before_all = store.position();
    say(&store, 0..conversations).await?;
    let before_few = store.position();
    say(&store, 0..10).await?;
    let now = store.position();

    println!(
        "{conversations} conversations of {} messages each; median of {ROUNDS} reads",
        messages + 1
    );
    println!("{:<44} {:>10}", "read", "ms");
    let me = || user("me");
    for (what, since) in
        [("nothing moved", now), ("10 moved", before_few), ("all moved", before_all)]
    {
        let max = conversations as usize + 1;
        show(&format!("moved: {what}"), || store.moved(me(), since, max)).await;
    }
    for (what, since) in
        [("10 entries", before_few), ("all that fit 1,000", before_all), ("from 0", start)]
    {
        show(&format!("behind: {what}"), || store.behind(me(), since, Whose::Everyone, 1_000))
            .await;
    }
    for (what, since) in [("10 entries", before_few), ("a page of 100 of many", before_all)] {
        show(&format!("since: {what}"), || store.since(me(), since, Whose::Everyone, 100)).await;
    }
    let device = DeviceId::shared;
    show("undelivered: a page of 100", || store.undelivered(me(), device(), None, 100)).await;
    show("conversations: a page of 50", || store.conversations(me(), None, 50)).await;
    Ok(())
}

/// One message to `me` in each of these conversations.
async fn say(
    store: &SqliteStore,
    peers: std::ops::Range<u64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut waiting = Vec::with_capacity(IN_FLIGHT);
    for peer in peers {
        waiting.push(store.append(Append {
            from: user(&format!("peer{peer}")),
            to: Recipient::User(user("me")),
            client_id: None,
            content: Content("\"so it goes\"".into()),
            now: Millis(1_800_000_000_000),
            origin: Origin::of(0),
        }));
        if waiting.len() == IN_FLIGHT {
            for answer in waiting.drain(..) {
                answer.await?;
            }
        }
    }
    for answer in waiting {
        answer.await?;
    }
    Ok(())
}

async fn show<T>(what: &str, read: impl Fn() -> Pending<T>) {
    let mut times: Vec<Duration> = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        drop(read().await.expect("it is read"));
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!("{what:<44} {:>10.2}", times[ROUNDS / 2].as_secs_f64() * 1_000.0);
}
