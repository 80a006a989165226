//! Measures how fast messages become durable, and what each costs on disk.
//!
//! `cargo run --release -p parlor-store --example append_bench [-- --dir DIR] [--quick]
//! [--sealed] [--no-search]`
//!
//! The first table compares layouts of the log by bare SQL, one transaction per batch, on one
//! thread. The second measures the store as it is: appends kept in flight, each answered after
//! its commit. The third sends at half of the best rate and shows how long a commit then takes. The
//! fourth connects devices: attach, undelivered, since.
//! Contents are 300 bytes, over 10,000 conversations; bytes written are the kernel's count. `--dir` says on which disk;
//! `--sealed` has the store seal contents, `--no-search` has it keep no index of words; either leaves
//! the first table out.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, DeviceId, UserId};
use parlor_chat::limits::DAY_MS;
use parlor_chat::store::{
    Append, AttachDevice, CommitSink, Committed, Origin, Recipient, Store, Whose,
};
use parlor_store::sqlite::{COMMIT_MICROS_BOUNDS, Config, Keyring, MasterKey, SqliteStore, Stats};
use rusqlite::{Connection, OptionalExtension};

const CONVERSATIONS: u64 = 10_000;
const CONTENT_BYTES: usize = 300;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

/// A way to lay the log out.
struct Layout {
    name: &'static str,
    tables: &'static str,
    insert: &'static str,
    page_bytes: u32,
    keys: Keys,
}

#[derive(Clone, Copy, PartialEq)]
enum Keys {
    /// As UUIDv7 does: close in time, close in order.
    Rising,
    /// As UUIDv4 does.
    Random,
}

const CLUSTERED: &str = "CREATE TABLE entry (conversation INTEGER, seq INTEGER, pos INTEGER, \
    ts INTEGER, low_count INTEGER, sender INTEGER, client_id TEXT, content TEXT, \
    PRIMARY KEY (conversation, seq)) WITHOUT ROWID; \
    CREATE UNIQUE INDEX entry_pos ON entry (pos);";
const ARRIVAL: &str = "CREATE TABLE entry (pos INTEGER PRIMARY KEY, conversation INTEGER, \
    seq INTEGER, ts INTEGER, low_count INTEGER, sender INTEGER, client_id TEXT, content TEXT); \
    CREATE UNIQUE INDEX entry_place ON entry (conversation, seq);";
const COVERING: &str = "CREATE TABLE entry (pos INTEGER PRIMARY KEY, conversation INTEGER, \
    seq INTEGER, ts INTEGER, low_count INTEGER, sender INTEGER, client_id TEXT, content TEXT); \
    CREATE INDEX entry_place ON entry (conversation, seq, ts, low_count);";
const INSERT: &str = "INSERT INTO entry \
    (pos, conversation, seq, ts, low_count, sender, client_id, content) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const LAYOUTS: [Layout; 6] = [
    Layout {
        name: "by conversation",
        tables: CLUSTERED,
        insert: INSERT,
        page_bytes: 4096,
        keys: Keys::Rising,
    },
    Layout {
        name: "by arrival + index (taken)",
        tables: ARRIVAL,
        insert: INSERT,
        page_bytes: 4096,
        keys: Keys::Rising,
    },
    Layout {
        name: "by arrival, covering index",
        tables: COVERING,
        insert: INSERT,
        page_bytes: 4096,
        keys: Keys::Rising,
    },
    Layout {
        name: "by arrival, pages of 2 KiB",
        tables: ARRIVAL,
        insert: INSERT,
        page_bytes: 2048,
        keys: Keys::Rising,
    },
    Layout {
        name: "by arrival, pages of 8 KiB",
        tables: ARRIVAL,
        insert: INSERT,
        page_bytes: 8192,
        keys: Keys::Rising,
    },
    Layout {
        name: "by arrival, random keys",
        tables: ARRIVAL,
        insert: INSERT,
        page_bytes: 4096,
        keys: Keys::Random,
    },
];

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut base, mut messages) = (PathBuf::from("."), 100_000);
    let (mut sealed, mut search) = (false, true);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--dir" => base = PathBuf::from(arguments.next().ok_or("--dir needs a directory")?),
            "--quick" => messages = 20_000,
            "--sealed" => sealed = true,
            "--no-search" => search = false,
            _ => return Err(format!("unknown argument {argument}").into()),
        }
    }
    let dir = tempfile::tempdir_in(base)?;
    let dir = dir.path().join("data");
    if !sealed && search {
        layouts(&dir, messages)?;
    }
    let master_key = sealed.then(|| MasterKey::parse(&"7".repeat(64))).transpose()?;
    let keyring = master_key.map(|key| Arc::new(Keyring::new(key, Vec::new())));
    run(&Config { keyring, search, ..Config::new(&dir) }, messages)
}

fn layouts(dir: &Path, messages: u64) -> Outcome<()> {
    println!(
        "| layout | messages/s at batch 1 / 16 / 256 / 1024 | commit p99 at 256 | written per message |"
    );
    println!("|---|---|---|---|");
    for layout in &LAYOUTS {
        let mut rates = Vec::new();
        let mut at_256 = (Duration::ZERO, 0);
        for batch in [1, 16, 256, 1_024] {
            std::fs::create_dir_all(dir)?;
            let measured = bare(dir, layout, batch, count(messages, batch))?;
            rates.push(format!("{:.0}", measured.per_second));
            if batch == 256 {
                at_256 = (measured.p99, measured.written_per_message);
            }
            std::fs::remove_dir_all(dir)?;
        }
        println!("| {} | {} | {:.1?} | {} B |", layout.name, rates.join(" / "), at_256.0, at_256.1);
    }
    Ok(())
}

fn run(config: &Config, messages: u64) -> Outcome<()> {
    let dir = config.dir.as_path();
    println!(
        "\n| the store, appends in flight | messages/s | answer p50 | answer p99 | commit p99 | written per message |"
    );
    println!("|---|---|---|---|---|---|");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut best = 0.0_f64;
    for in_flight in [1, 16, 256, 1_024, 4_096] {
        std::fs::create_dir_all(dir)?;
        let measured =
            runtime.block_on(closed_loop(config, in_flight, count(messages, in_flight)))?;
        best = best.max(measured.per_second);
        println!(
            "| {in_flight} | {:.0} | {:.1?} | {:.1?} | {} | {} B |",
            measured.per_second,
            measured.p50,
            measured.p99,
            measured.commit_p99,
            measured.written_per_message
        );
        std::fs::remove_dir_all(dir)?;
    }

    println!(
        "\n| the store, sent at a steady rate | messages/s | answer p50 | answer p99 | commit p50 | commit p99 |"
    );
    println!("|---|---|---|---|---|---|");
    for rate in [10_000.0, best / 2.0] {
        std::fs::create_dir_all(dir)?;
        let measured = runtime.block_on(steady(config, rate, messages))?;
        println!(
            "| {rate:.0}/s | {:.0} | {:.1?} | {:.1?} | {} | {} |",
            measured.per_second,
            measured.p50,
            measured.p99,
            measured.commit_p50,
            measured.commit_p99
        );
        std::fs::remove_dir_all(dir)?;
    }

    println!("\n| connects of known devices, in flight | connects/s | one p50 | one p99 |");
    println!("|---|---|---|---|");
    std::fs::create_dir_all(dir)?;
    let store = Arc::new(SqliteStore::open(config.clone(), Arc::new(Nobody))?);
    let devices = messages / 2;
    for (name, in_flight) in [("new devices, 256", 256), ("1", 1), ("64", 64), ("1024", 1_024)] {
        let connects = if in_flight == 1 { devices / 5 } else { devices };
        let measured = runtime.block_on(connects_of(&store, in_flight, connects))?;
        println!(
            "| {name} | {:.0} | {:.1?} | {:.1?} |",
            measured.per_second, measured.p50, measured.p99
        );
    }
    Ok(())
}

/// What a device asks of the store when it connects: attach, undelivered, since.
async fn connects_of(store: &Arc<SqliteStore>, in_flight: u64, connects: u64) -> Outcome<Measured> {
    let (began, before) = (Instant::now(), written());
    let mut waiting = VecDeque::new();
    let mut answers = Vec::new();
    for n in 0..connects {
        if waiting.len() as u64 >= in_flight
            && let Some(connect) = waiting.pop_front()
        {
            answers.push(joined(connect).await?);
        }
        waiting.push_back(tokio::spawn(connect(store.clone(), n)));
    }
    while let Some(connect) = waiting.pop_front() {
        answers.push(joined(connect).await?);
    }
    Ok(measured(connects, began, before, answers, None))
}

async fn joined(connect: tokio::task::JoinHandle<Option<Duration>>) -> Outcome<Duration> {
    Ok(connect.await?.ok_or("a connect failed")?)
}

async fn connect(store: Arc<SqliteStore>, n: u64) -> Option<Duration> {
    let began = Instant::now();
    let user = UserId::parse(&format!("user{n}")).ok()?;
    let device = DeviceId::parse("phone").ok()?;
    let attach = AttachDevice {
        user: user.clone(),
        device: device.clone(),
        token_issued: None,
        now: Millis(1_800_000_000_000),
        devices_max: 20,
        idle_expiry_ms: DAY_MS,
    };
    store.attach_device(attach).await.ok()?;
    let page = store.undelivered(user.clone(), device, None, 100).await.ok()?;
    store.since(user, page.as_of, Whose::Others, 100).await.ok()?;
    Some(began.elapsed())
}

/// Fewer messages where each waits for a commit of its own.
fn count(messages: u64, batch: u64) -> u64 {
    if batch == 1 { messages / 5 } else { messages }
}

struct Measured {
    per_second: f64,
    p50: Duration,
    p99: Duration,
    commit_p50: String,
    commit_p99: String,
    written_per_message: u64,
}

/// The n-th message's conversation: spread, in no order.
fn conversation(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & 0xffff_ffff
}

fn key(n: u64, keys: Keys) -> String {
    let random =
        n.wrapping_mul(0xd129_0a2a_5c21_9a4b).rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let ms = 1_800_000_000_000 + n / 20;
    match keys {
        Keys::Rising => {
            let (high, low) = (ms >> 16, ms & 0xffff);
            format!("{high:08x}-{low:04x}-7{:03x}-9abc-{:012x}", random & 0xfff, random >> 16)
        }
        Keys::Random => format!("{random:016x}-4abc-9abc-{:012x}", n.wrapping_mul(random) >> 16),
    }
}

fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or(0)
}

fn bare(dir: &Path, layout: &Layout, batch: u64, messages: u64) -> Outcome<Measured> {
    let conn = Connection::open(dir.join("bench.db"))?;
    conn.pragma_update(None, "page_size", layout.page_bytes)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "cache_size", -16_384)?;
    conn.pragma_update(None, "wal_autocheckpoint", (32 << 20) / layout.page_bytes)?;
    conn.execute_batch(layout.tables)?;
    conn.execute_batch(
        "CREATE TABLE idempotency (client_id TEXT, sender INTEGER, conversation INTEGER, \
         seq INTEGER, digest BLOB, PRIMARY KEY (client_id, sender, conversation)) WITHOUT ROWID",
    )?;
    let content = "x".repeat(CONTENT_BYTES);
    let (began, before) = (Instant::now(), written());
    let mut commits = Vec::new();
    let mut n = 0;
    while n < messages {
        let started = Instant::now();
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
        for _ in 0..batch.min(messages - n) {
            n += 1;
            one(&conn, layout, n, &content)?;
        }
        conn.prepare_cached("COMMIT")?.execute(())?;
        commits.push(started.elapsed());
    }
    Ok(measured(messages, began, before, commits, None))
}

fn one(conn: &Connection, layout: &Layout, n: u64, content: &str) -> Outcome<()> {
    let conversation = conversation(n) % CONVERSATIONS;
    let head: Option<(u64, u64, u64)> = conn
        .prepare_cached(
            "SELECT seq, ts, low_count FROM entry WHERE conversation = ?1 \
             ORDER BY seq DESC LIMIT 1",
        )?
        .query_row([conversation as i64], |row| {
            let get = |i| row.get::<_, i64>(i).map(|number| number as u64);
            Ok((get(0)?, get(1)?, get(2)?))
        })
        .optional()?;
    let (seq, _, low_count) = head.unwrap_or_default();
    let key = key(n, layout.keys);
    conn.prepare_cached(
        "INSERT INTO idempotency VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?
    .execute((&key, 1, conversation as i64, seq as i64 + 1, [7_u8; 16]))?;
    conn.prepare_cached(layout.insert)?.execute((
        n as i64,
        conversation as i64,
        seq as i64 + 1,
        1_800_000_000_000_i64,
        low_count as i64 + 1,
        1,
        &key,
        content,
    ))?;
    Ok(())
}

fn append(n: u64) -> Outcome<Append> {
    let peer = conversation(n) % CONVERSATIONS;
    Ok(Append {
        from: UserId::parse(&format!("user{}", peer / 10))?,
        to: Recipient::User(UserId::parse(&format!("peer{peer}"))?),
        client_id: Some(ClientId::parse(&key(n, Keys::Rising))?),
        content: Content(format!("\"{}\"", words(n)).into()),
        now: Millis(1_800_000_000_000 + n / 20),
        origin: Origin::of(0),
    })
}

/// A text of some fifty words, as many different ones as people use.
fn words(mut n: u64) -> String {
    let mut text = String::with_capacity(CONTENT_BYTES);
    while text.len() < CONTENT_BYTES - 10 {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Few of them often, most of them seldom.
        let word = (n >> 40) % (1 << (1 + (n >> 33) % 14));
        text.push_str(&format!("w{word:x} "));
    }
    text
}

/// Keeps so many appends in flight, each sent when the oldest is answered.
async fn closed_loop(config: &Config, in_flight: u64, messages: u64) -> Outcome<Measured> {
    let store = SqliteStore::open(config.clone(), Arc::new(Nobody))?;
    let (began, before) = (Instant::now(), written());
    let mut waiting = VecDeque::new();
    let mut answers = Vec::new();
    for n in 1..=messages {
        if waiting.len() as u64 >= in_flight
            && let Some((sent, pending)) = waiting.pop_front()
        {
            answered(&mut answers, sent, pending).await?;
        }
        waiting.push_back((Instant::now(), store.append(append(n)?)));
    }
    while let Some((sent, pending)) = waiting.pop_front() {
        answered(&mut answers, sent, pending).await?;
    }
    let stats = store.stats();
    Ok(measured(messages, began, before, answers, Some(&stats)))
}

async fn answered(
    answers: &mut Vec<Duration>,
    sent: Instant,
    pending: parlor_chat::store::Pending<parlor_chat::store::Appended>,
) -> Outcome<()> {
    pending.await?;
    answers.push(sent.elapsed());
    Ok(())
}

/// Sends at a steady rate, whatever the answers do, in ticks of a millisecond.
async fn steady(config: &Config, per_second: f64, messages: u64) -> Outcome<Measured> {
    let store = SqliteStore::open(config.clone(), Arc::new(Nobody))?;
    let (answers_in, mut answers_out) = tokio::sync::mpsc::channel(messages as usize);
    let (began, before) = (Instant::now(), written());
    let mut n = 0;
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    while n < messages {
        tick.tick().await;
        let due = (began.elapsed().as_secs_f64() * per_second) as u64;
        while n < due.min(messages) {
            n += 1;
            let (sent, pending) = (Instant::now(), store.append(append(n)?));
            let answers = answers_in.clone();
            tokio::spawn(async move {
                let outcome = pending.await.map(|_| sent.elapsed());
                drop(answers.send(outcome).await);
            });
        }
    }
    drop(answers_in);
    let mut answers = Vec::new();
    while let Some(answer) = answers_out.recv().await {
        answers.push(answer?);
    }
    let stats = store.stats();
    Ok(measured(messages, began, before, answers, Some(&stats)))
}

fn measured(
    messages: u64,
    began: Instant,
    written_before: u64,
    mut times: Vec<Duration>,
    stats: Option<&Stats>,
) -> Measured {
    let took = began.elapsed();
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times.get(index).copied().unwrap_or_default()
    };
    Measured {
        per_second: messages as f64 / took.as_secs_f64(),
        p50: at(0.5),
        p99: at(0.99),
        commit_p50: stats.map(|stats| commit_bound(stats, 0.5)).unwrap_or_default(),
        commit_p99: stats.map(|stats| commit_bound(stats, 0.99)).unwrap_or_default(),
        written_per_message: (written() - written_before) / messages,
    }
}

/// The bound of the bucket in which this share of the commits lies.
fn commit_bound(stats: &Stats, share: f64) -> String {
    let wanted = (stats.commits as f64 * share).ceil() as u64;
    let mut seen = 0;
    for (i, commits) in stats.commit_micros.iter().enumerate() {
        seen += commits;
        if seen >= wanted {
            return match COMMIT_MICROS_BOUNDS.get(i) {
                Some(micros) => format!("<= {:.1?}", Duration::from_micros(*micros)),
                None => "above 1 s".to_owned(),
            };
        }
    }
    "none".to_owned()
}
