//! Measures how fast messages become durable on PostgreSQL, beside what `pgbench` gets of the same rows.
//!
//! `cargo run --release -p parlor-store --features postgres --example postgres_bench -- --url URL
//! [--nodes N] [--no-search] [--messages N]`
//!
//! The database is to be an empty one. Appends are kept in flight, each answered after its commit, over
//! 10,000 conversations, 300 bytes each, with an idempotency key. With `--nodes` so many stores share the
//! database and the load. The same rows by `pgbench`, one message a transaction, in the tables that this
//! leaves: `pgbench -n -c 8 -T 10 -f crates/store/examples/postgres_bench.sql URL`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, UserId};
use parlor_chat::store::{
    Append, Appended, CommitSink, Committed, Origin, Pending, Recipient, Store,
};
use parlor_store::postgres::{Config, PostgresStore, Stats};

const CONVERSATIONS: u64 = 10_000;
const CONTENT_BYTES: usize = 300;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

struct Arguments {
    url: String,
    nodes: usize,
    messages: u64,
    search: bool,
}

fn arguments() -> Outcome<Arguments> {
    let mut given = std::env::args().skip(1);
    let (mut url, mut nodes, mut messages, mut search) = (None, 1, 40_000, true);
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--url" => url = Some(value()?),
            "--nodes" => nodes = value()?.parse()?,
            "--messages" => messages = value()?.parse()?,
            "--no-search" => search = false,
            _ => return Err(format!("unknown argument {argument}").into()),
        }
    }
    Ok(Arguments { url: url.ok_or("--url says where the database is")?, nodes, messages, search })
}

fn main() -> Outcome<()> {
    let arguments = arguments()?;
    let open = |_| {
        let config = Config { search: arguments.search, ..Config::new(&arguments.url) };
        PostgresStore::open(config, Arc::new(Nobody))
    };
    let nodes: Vec<PostgresStore> =
        (0..arguments.nodes.max(1)).map(open).collect::<Result<_, _>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("| in flight | messages/s | p50 ms | p99 ms | messages a commit |");
    println!("|---|---|---|---|---|");
    for in_flight in [1, 16, 64, 256, 1_024, 4_096] {
        let messages = arguments.messages.min(2_000 * in_flight as u64);
        let before: Vec<Stats> = nodes.iter().map(PostgresStore::stats).collect();
        let (took, mut waits) = runtime.block_on(send(&nodes, messages, in_flight))?;
        waits.sort_unstable();
        let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
        let (mut commits, mut entries) = (0, 0);
        for (node, before) in nodes.iter().zip(&before) {
            let now = node.stats();
            commits += now.commits - before.commits;
            entries += now.entries - before.entries;
        }
        println!(
            "| {in_flight} | {:.0} | {:.1} | {:.1} | {:.1} |",
            messages as f64 / took.as_secs_f64(),
            at(0.5),
            at(0.99),
            entries as f64 / commits.max(1) as f64,
        );
    }
    Ok(())
}

/// Sends so many messages, so many of them in flight; gives how long that took, and each.
async fn send(
    nodes: &[PostgresStore],
    messages: u64,
    in_flight: usize,
) -> Outcome<(Duration, Vec<Duration>)> {
    let content = Content(format!("\"{}\"", "words of it ".repeat(CONTENT_BYTES / 12)).into());
    let began = Instant::now();
    let mut waiting: VecDeque<(Instant, Pending<Appended>)> = VecDeque::new();
    let mut waits = Vec::new();
    for n in 0..messages {
        if waiting.len() >= in_flight
            && let Some((sent, pending)) = waiting.pop_front()
        {
            pending.await?;
            waits.push(sent.elapsed());
        }
        let node = &nodes[(n % nodes.len() as u64) as usize];
        let to = n.wrapping_mul(7_919) % CONVERSATIONS;
        let append = Append {
            from: UserId::parse(&format!("from-{to}"))?,
            to: Recipient::User(UserId::parse(&format!("to-{to}"))?),
            client_id: Some(ClientId::parse(&format!("{:016x}-{in_flight}-{n}", nanos()))?),
            content: content.clone(),
            now: Millis(nanos() / 1_000_000),
            origin: Origin::of(0),
        };
        waiting.push_back((Instant::now(), node.append(append)));
    }
    for (sent, pending) in waiting {
        pending.await?;
        waits.push(sent.elapsed());
    }
    Ok((began.elapsed(), waits))
}

fn nanos() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0))
}
