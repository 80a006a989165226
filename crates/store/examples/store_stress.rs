//! Puts the store under the loads that its promises about time are about.
//!
//! `cargo run --release -p parlor-store --example store_stress -- upkeep|recovery [--dir DIR]
//! [--messages N] [--rate N] [--seconds N] [--wal-mib N]`
//!
//! `upkeep` sends at a steady rate and shows how long an answer takes: with nothing beside it, with a
//! backup by another process, while old messages are removed, and while pages are given back.
//!
//! `recovery` fills a store in a child process, lets its write-ahead log grow, kills the child with
//! -9 while it writes, and shows how long it takes to open the store, to read and to append. Pages
//! that the system still holds in memory stay there; after a loss of power they would be read anew.
//!
//! Contents are 300 bytes, each with an idempotency key, over 100,000 conversations. `--dir` says on
//! which disk.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, UserId};
use parlor_chat::limits::DAY_MS;
use parlor_chat::store::{
    Append, Appended, CommitSink, Committed, HistoryQuery, HistoryRange, Origin, Pending,
    Recipient, Store,
};
use parlor_store::sqlite::{Check, Config, DATABASE_FILE, SqliteStore, backup};

const CONVERSATIONS: u64 = 100_000;
const CONTENT_BYTES: usize = 300;
const IN_FLIGHT: usize = 4_096;

/// Messages of `upkeep` that are this old are removed by its last runs.
const OLD_DAYS: u64 = 60;
const KEPT_DAYS: u64 = 30;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

/// What the command line says.
#[derive(Debug, Clone)]
struct Asked {
    dir: PathBuf,
    messages: u64,
    rate: u64,
    seconds: u64,
    wal_mib: u64,
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let mut asked = Asked {
        dir: PathBuf::from("."),
        messages: if what == "recovery" { 10_000_000 } else { 1_000_000 },
        rate: 2_000,
        seconds: 20,
        wal_mib: 256,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--dir" => asked.dir = PathBuf::from(value),
            "--messages" => asked.messages = value.parse()?,
            "--rate" => asked.rate = value.parse()?,
            "--seconds" => asked.seconds = value.parse()?,
            "--wal-mib" => asked.wal_mib = value.parse()?,
            _ => return Err(format!("{name} is not known").into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match what.as_str() {
        // What the two below start as children.
        "child-copies" => return copy(&asked),
        "child-fills" => return runtime.block_on(fill_until_killed(&asked)),
        _ => {}
    }
    let dir = tempfile::tempdir_in(&asked.dir)?;
    asked.dir = dir.path().to_owned();
    match what.as_str() {
        "upkeep" => runtime.block_on(upkeep(&asked)),
        "recovery" => runtime.block_on(recovery(&asked)),
        _ => Err("upkeep or recovery?".into()),
    }
}

fn child(what: &str, asked: &Asked) -> Outcome<Child> {
    let (messages, wal_mib) = (asked.messages.to_string(), asked.wal_mib.to_string());
    let mut command = Command::new(std::env::current_exe()?);
    command.args([what, "--messages", &messages, "--wal-mib", &wal_mib, "--dir"]);
    Ok(command.arg(&asked.dir).stdout(Stdio::piped()).spawn()?)
}

fn open(config: Config) -> Outcome<Arc<SqliteStore>> {
    Ok(Arc::new(SqliteStore::open(config, Arc::new(Nobody))?))
}

fn now() -> Outcome<Millis> {
    Ok(Millis(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?))
}

/// The n-th message: its conversation spread, in no order.
fn append(n: u64, now: Millis) -> Outcome<Append> {
    let peer = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % CONVERSATIONS;
    let random = n.wrapping_mul(0xd129_0a2a_5c21_9a4b).rotate_left(29);
    let (high, low) = (now.0 >> 16, now.0 & 0xffff);
    let key = format!("{high:08x}-{low:04x}-7{:03x}-9abc-{:012x}", random & 0xfff, random >> 16);
    Ok(Append {
        from: UserId::parse(&format!("user{}", peer / 10))?,
        to: Recipient::User(UserId::parse(&format!("peer{peer}"))?),
        client_id: Some(ClientId::parse(&key)?),
        content: Content(format!("\"{}\"", "x".repeat(CONTENT_BYTES - 2)).into()),
        now,
        origin: Origin::of(0),
    })
}

/// Appends so many messages from the n-th on, as fast as they go.
async fn fill(store: &SqliteStore, from: u64, messages: u64, now: Millis) -> Outcome<()> {
    let mut waiting: VecDeque<Pending<Appended>> = VecDeque::new();
    for n in from..from + messages {
        if waiting.len() >= IN_FLIGHT
            && let Some(pending) = waiting.pop_front()
        {
            pending.await?;
        }
        waiting.push_back(store.append(append(n, now)?));
    }
    for pending in waiting {
        pending.await?;
    }
    Ok(())
}

async fn upkeep(asked: &Asked) -> Outcome<()> {
    let dir = asked.dir.join("data");
    let old = Millis(now()?.0 - OLD_DAYS * DAY_MS);
    let store = open(Config::new(&dir))?;
    fill(&store, 0, asked.messages, old).await?;
    println!("{} messages, {} a second for {} s", asked.messages, asked.rate, asked.seconds);
    println!("| beside the sends | sends | answer p50 | p99 | max | what it did |");
    println!("|---|---|---|---|---|---|");
    let quiet = steady(&store, asked, 1 << 40, || false).await?;
    quiet.print("nothing", "");

    let mut copying = child("child-copies", asked)?;
    let began = Instant::now();
    let beside =
        steady(&store, asked, 2 << 40, || copying.try_wait().is_ok_and(|ended| ended.is_none()));
    let beside = beside.await?;
    let status = copying.wait()?;
    let did = format!("{status}, {:.1?} with its check", began.elapsed());
    beside.print("a backup", &did);
    drop(store);

    let retention_ms = Some(KEPT_DAYS * DAY_MS);
    let store = open(Config { retention_ms, ..Config::new(&dir) })?;
    let left = asked.messages.saturating_sub(CONVERSATIONS);
    let beside = {
        let store = store.clone();
        steady(&store.clone(), asked, 3 << 40, move || store.stats().removed < left).await?
    };
    let stats = store.stats();
    let longest = Duration::from_micros(stats.slice_micros_max);
    let did = format!("{} removed, longest slice {longest:.1?}", stats.removed);
    beside.print("removing old messages", &did);
    let bytes = || std::fs::metadata(dir.join(DATABASE_FILE)).map_or(0, |file| file.len() >> 20);
    let before = bytes();
    let beside = steady(&store, asked, 4 << 40, || false).await?;
    let longest = Duration::from_micros(store.stats().slice_micros_max);
    let did = format!("{before} MiB to {} MiB, longest slice {longest:.1?}", bytes());
    beside.print("giving pages back", &did);
    Ok(())
}

fn copy(asked: &Asked) -> Outcome<()> {
    let to = asked.dir.join("copy.db");
    backup(&asked.dir.join("data"), &to, Check::Whole, &mut |_| {})?;
    Ok(())
}

struct Measured {
    times: Vec<Duration>,
}

impl Measured {
    fn print(&self, what: &str, did: &str) {
        let at = |share: f64| {
            let index = (self.times.len() as f64 * share) as usize;
            self.times.get(index.min(self.times.len().saturating_sub(1))).copied()
        };
        let at = |share| at(share).unwrap_or_default();
        println!(
            "| {what} | {} | {:.1?} | {:.1?} | {:.1?} | {did} |",
            self.times.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}

/// Sends at a steady rate, whatever the answers do: for the time that was asked for, and for as long
/// as `goes_on`.
async fn steady(
    store: &Arc<SqliteStore>,
    asked: &Asked,
    from: u64,
    mut goes_on: impl FnMut() -> bool,
) -> Outcome<Measured> {
    let mut answers = tokio::task::JoinSet::new();
    let began = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let mut n = 0;
    while goes_on() || began.elapsed() < Duration::from_secs(asked.seconds) {
        tick.tick().await;
        let due = began.elapsed().as_millis() as u64 * asked.rate / 1_000;
        while n < due {
            n += 1;
            let (sent, pending) = (Instant::now(), store.append(append(from + n, now()?)?));
            answers.spawn(async move { pending.await.map(|_| sent.elapsed()) });
        }
    }
    let mut times = Vec::new();
    while let Some(answer) = answers.join_next().await {
        times.push(answer??);
    }
    times.sort_unstable();
    Ok(Measured { times })
}

async fn recovery(asked: &Asked) -> Outcome<()> {
    let began = Instant::now();
    let mut filling = child("child-fills", asked)?;
    let lines = BufReader::new(filling.stdout.take().ok_or("the child has an output")?).lines();
    let mut filled = Duration::ZERO;
    for line in lines {
        match line?.as_str() {
            "filled" => filled = began.elapsed(),
            "mid-write" => break,
            _ => {}
        }
    }
    filling.kill()?;
    filling.wait()?;
    let size = |name: &str| std::fs::metadata(asked.dir.join(name)).map_or(0, |file| file.len());
    let (database, log) = (size(DATABASE_FILE), size("parlor.db-wal"));

    let began = Instant::now();
    let store = open(Config::new(&asked.dir))?;
    let opened = began.elapsed();
    let entries = store.position().0;
    let first = append(1, now()?)?;
    let conversation = first.conversation();
    let range = HistoryRange::Before(None);
    let query = HistoryQuery { user: first.from.clone(), conversation, range, limit: 50 };
    let began_read = Instant::now();
    let page = store.history(query).await?;
    let read = began_read.elapsed();
    let began_append = Instant::now();
    store.append(append(u64::MAX, now()?)?).await?;
    let appended = began_append.elapsed();
    let whole = began.elapsed();
    let began = Instant::now();
    store.close();
    println!("| what | figure |\n|---|---|");
    println!("| messages, filled in | {entries}, {filled:.1?} |");
    println!("| database, write-ahead log | {} MiB, {} MiB |", database >> 20, log >> 20);
    println!("| bytes per message | {} |", (database + log) / entries.max(1));
    println!("| open after kill -9 | {opened:.1?} |");
    println!("| first read of {} messages | {read:.1?} |", page.entries.len());
    println!("| first append | {appended:.1?} |");
    println!("| all three | {whole:.1?} |");
    println!("| close, with a checkpoint | {:.1?} |", began.elapsed());
    Ok(())
}

/// Fills the store, lets the log grow, says so, and writes on.
async fn fill_until_killed(asked: &Asked) -> Outcome<()> {
    let say = |line: &str| writeln!(std::io::stdout(), "{line}");
    let store = open(Config::new(&asked.dir))?;
    fill(&store, 0, asked.messages, now()?).await?;
    drop(store);
    say("filled")?;
    let never = Config { wal_soft_bytes: u64::MAX, ..Config::new(&asked.dir) };
    let store = open(never)?;
    for n in 1.. {
        fill(&store, n << 40, IN_FLIGHT as u64, now()?).await?;
        if store.stats().wal_bytes >= asked.wal_mib << 20 {
            say("mid-write")?;
        }
    }
    Ok(())
}
