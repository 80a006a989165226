//! Messages that end and messages that are said later, as the files hold them: what has ended lies in
//! none, what is due is said once however the process ends, and the check finds what contradicts itself.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_chat::around::Emoji;
use parlor_chat::around::port::{Around, ChangeMessage, Say, Wish};
use parlor_chat::around::schedule::{ChangeSchedule, Expected, Fire, Fired, Scheduled};
use parlor_chat::around::timer::SetTimer;
use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, ConversationId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::own::{OwnKey, OwnValue};
use parlor_chat::store::{
    Append, Authority, CommitSink, Committed, HistoryQuery, HistoryRange, Origin, Recipient, Store,
    StoreError,
};
use parlor_store::sqlite::{
    Check, Clock, Config, DATABASE_FILE, Existing, Keyring, MasterKey, SqliteStore, backup,
    restore, verify,
};
use rusqlite::Connection;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

const NOW: u64 = 1_800_000_000_000;
const TIMER_SECONDS: u64 = 60;

fn before() -> Millis {
    Millis(NOW)
}

fn after() -> Millis {
    Millis(NOW + 1_000 * TIMER_SECONDS)
}

fn open(dir: &Path, clock: fn() -> Millis, is_sealed: bool) -> SqliteStore {
    let key = MasterKey::parse(&"5".repeat(64)).expect("64 digits");
    let keyring = is_sealed.then(|| Arc::new(Keyring::new(key, Vec::new())));
    let config = Config { clock: Clock(clock), keyring, ..Config::new(dir) };
    SqliteStore::open(config, Arc::new(Nobody)).expect("it opens")
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

fn of() -> ConversationId {
    ConversationId::direct(&user("a"), &user("b"))
}

fn wish(text: &str, key: Option<&str>) -> Append {
    Append {
        from: user("a"),
        to: Recipient::User(user("b")),
        client_id: key.map(|key| ClientId::parse(key).expect("a good key")),
        content: Content(format!("\"{text}\"").into()),
        now: Millis(NOW),
        origin: Origin::of(0),
    }
}

async fn says(store: &SqliteStore, text: &str) -> u64 {
    store.append(wish(text, None)).await.expect("it is kept").seq.0
}

async fn does(store: &SqliteStore, seq: u64, wish: Wish) {
    let change = ChangeMessage {
        by: user("a"),
        authority: Authority::User,
        conversation: of(),
        seq: Seq(seq),
        wish,
        client_id: None,
        now: Millis(NOW),
        origin: Origin::of(0),
        limits: Limits::default(),
        screening: None,
        removal: None,
    };
    store.change_message(change).await.expect("it may be");
}

fn edit(text: &str) -> Wish {
    Wish::Edit(Content(format!("\"{text}\"").into()))
}

fn react() -> Wish {
    Wish::React(Emoji::parse("👍").expect("a good emoji"))
}

async fn timed(store: &SqliteStore) {
    says(store, "kept: the first").await;
    let set = SetTimer {
        by: user("a"),
        conversation: of(),
        seconds: Some(TIMER_SECONDS),
        now: Millis(NOW),
        origin: Origin::of(0),
        limits: Limits::default(),
    };
    store.set_timer(set).await.expect("it may be set");
}

/// Whether any file of a directory holds these bytes.
fn lies_in(dir: &Path, text: &str) -> bool {
    std::fs::read_dir(dir).expect("it is read").any(|file| {
        let path = file.expect("a file").path();
        let bytes = if path.is_file() { std::fs::read(path).expect("it is read") } else { vec![] };
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

fn number(dir: &Path, sql: &str) -> i64 {
    let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
    conn.query_row(sql, (), |row| row.get(0)).expect("a number")
}

async fn until_expired(store: &SqliteStore, contents: u64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while store.stats().expired < contents {
        assert!(Instant::now() < deadline, "{:?}", store.stats());
        tokio::task::yield_now().await;
    }
}

async fn log(store: &SqliteStore) -> Vec<String> {
    let mut log = Vec::new();
    let mut after = Seq(0);
    loop {
        let range = HistoryRange::After(after, None);
        let query = HistoryQuery { user: user("b"), conversation: of(), range, limit: 500 };
        let page = match store.history(query).await {
            Err(StoreError::NotFound) => return log,
            page => page.expect("it is read"),
        };
        log.extend(page.entries.iter().filter_map(|entry| Some(entry.body.said()?.0.to_string())));
        let Some(last) = page.entries.last().filter(|_| page.more) else { return log };
        after = last.seq;
    }
}

#[tokio::test]
async fn what_has_ended_lies_in_no_file_once_the_log_is_written_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), before, false);
    timed(&store).await;
    let one = says(&store, "tiny secret of few bytes").await;
    let two = says(&store, &"huge secret ".repeat(4_000)).await;
    let deleted = says(&store, "deleted secret").await;
    does(&store, one, edit("edit secret, small")).await;
    does(&store, two, edit(&"long secret ".repeat(3_000))).await;
    does(&store, one, react()).await;
    does(&store, two, Wish::Pin).await;
    does(&store, deleted, edit("deleted secret, edited")).await;
    does(&store, deleted, Wish::Delete).await;
    drop(store);
    let secrets = ["tiny secret", "huge secret", "edit secret", "long secret"];
    assert!(secrets.iter().all(|secret| lies_in(dir.path(), secret)), "they are there before");
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
    let store = open(dir.path(), after, false);
    until_expired(&store, 4).await;
    says(&store, "kept: the last").await;
    drop(store);
    for secret in secrets {
        assert!(!lies_in(dir.path(), secret), "{secret} is gone");
    }
    assert!(lies_in(dir.path(), "kept: the first") && lies_in(dir.path(), "kept: the last"));
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
    for table in ["message_state", "reaction", "reaction_count"] {
        assert_eq!(number(dir.path(), &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    let ended = "SELECT count(*) FROM messages WHERE expires_at IS NOT NULL AND content IS NULL \
                 AND edited IS NULL AND NOT deleted";
    assert_eq!(number(dir.path(), ended), 2, "people see it so, too");
    assert_eq!(number(dir.path(), "SELECT count(*) FROM messages WHERE deleted"), 1);
}

#[tokio::test]
async fn sealed_content_that_has_ended_is_gone_as_well() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), before, true);
    timed(&store).await;
    let seq = says(&store, "secret").await;
    does(&store, seq, edit("secret too")).await;
    let sealed = "SELECT count(*) FROM entry WHERE sealed IS NOT NULL AND expires IS NOT NULL";
    assert_eq!(number(dir.path(), sealed), 2);
    drop(store);
    let store = open(dir.path(), after, true);
    until_expired(&store, 2).await;
    assert_eq!(log(&store).await, ["\"kept: the first\""]);
    drop(store);
    assert_eq!(number(dir.path(), sealed), 0);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn it_ends_while_the_store_is_open_without_anybody_writing() {
    fn real() -> Millis {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Millis(since.expect("after 1970").as_millis() as u64)
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), real, false);
    timed(&store).await;
    let ends_soon = Millis(real().0 - 1_000 * TIMER_SECONDS + 700);
    // Its commit's time is in the past, so that it ends soon.
    let other = Append { to: Recipient::User(user("c")), ..wish("x", None) };
    store.append(Append { now: Millis(1), ..other.clone() }).await.expect("it is kept");
    let set = SetTimer {
        by: user("a"),
        conversation: ConversationId::direct(&user("a"), &user("c")),
        seconds: Some(TIMER_SECONDS),
        now: ends_soon,
        origin: Origin::of(0),
        limits: Limits::default(),
    };
    store.set_timer(set).await.expect("it may be set");
    store.append(Append { now: ends_soon, ..other }).await.expect("it is kept");
    assert_eq!(store.stats().expired, 0);
    until_expired(&store, 1).await;
}

#[tokio::test]
async fn a_damaged_message_keeps_no_other_from_going() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), before, false);
    timed(&store).await;
    for n in 0..5 {
        says(&store, &format!("secret {n}")).await;
    }
    drop(store);
    let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    conn.execute("UPDATE entry SET sum = sum + 1 WHERE seq = 4", ()).expect("it is damaged");
    drop(conn);
    let store = open(dir.path(), after, false);
    until_expired(&store, 4).await;
    assert_eq!(store.stats().corrupt, 1, "it is told once");
    says(&store, "kept").await;
    assert_eq!((store.stats().expired, store.stats().corrupt), (4, 1));
    drop(store);
    let findings = verify(dir.path()).expect("it can be read");
    assert!(findings.iter().all(|finding| finding.rule == "entry_is_as_written"), "{findings:?}");
    assert_eq!(findings.len(), 1);
}

#[tokio::test]
async fn the_check_finds_what_contradicts_itself() {
    for (rule, damage) in [
        ("deleted_content_is_gone", "UPDATE entry SET content = '\"x\"' WHERE gone = seq"),
        ("deleted_content_is_gone", "UPDATE entry SET expires = NULL WHERE gone = seq"),
        ("entry_is_as_written", "UPDATE entry SET gone = NULL WHERE gone = seq"),
        ("entry_is_as_written", "UPDATE entry SET expires = expires + 1"),
        ("content_ends_after_it_came", "UPDATE entry SET expires = 5 WHERE kind = 9"),
        ("edit_ends_with_its_message", "UPDATE entry SET expires = NULL WHERE kind = 2"),
        ("what_is_due_is_to_be_said", "UPDATE own SET value = NULL"),
        ("own_records_are_counted", "UPDATE own SET value = NULL"),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let store = open(dir.path(), before, false);
        timed(&store).await;
        let seq = says(&store, "secret").await;
        does(&store, seq, edit("secret too")).await;
        plan(&store, "s1").await;
        drop(store);
        let store = open(dir.path(), after, false);
        until_expired(&store, 2).await;
        drop(store);
        assert_eq!(verify(dir.path()).expect("it can be read"), [], "before {damage}");
        let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
        conn.execute_batch(damage).expect("the damage is done");
        drop(conn);
        let findings = verify(dir.path()).expect("it can be read");
        assert!(findings.iter().any(|finding| finding.rule == rule), "{damage}: {findings:?}");
    }
}

async fn plan(store: &SqliteStore, id: &str) {
    let change = ChangeSchedule {
        user: user("a"),
        id: OwnKey::parse(id).expect("a good id"),
        expected: Expected::New,
        scheduled: Some(Scheduled {
            value: OwnValue::of(&format!("\"{id}\"")),
            due: Some(Millis(NOW)),
        }),
        records_max: 1 << 20,
        now: Millis(NOW),
        origin: Origin::of(0),
    };
    store.change_schedule(change).await.expect("it is kept");
}

/// Says what is due; the ids of what was said.
async fn say_due(store: &SqliteStore) -> Result<Vec<String>, StoreError> {
    let page = store.due(Millis(NOW), 50).await?;
    let fired = page.messages.iter().map(|due| {
        let id = due.record.key.as_str().to_owned();
        let say = Say::plain(wish(&id, Some(&id)));
        (id, store.fire(Fire { id: due.record.key.clone(), at: due.record.at, say }))
    });
    let mut said = Vec::new();
    for (id, fired) in fired.collect::<Vec<_>>() {
        assert!(matches!(fired.await?, Fired::Said(said) if !said.repeated), "{id}");
        said.push(id);
    }
    Ok(said)
}

#[tokio::test]
async fn a_backup_keeps_what_is_due_and_gives_nobody_what_has_ended() {
    let (dir, other) = (tempfile::tempdir(), tempfile::tempdir());
    let (dir, other) = (dir.expect("a directory"), other.expect("a directory"));
    let store = open(dir.path(), before, false);
    timed(&store).await;
    says(&store, "secret").await;
    plan(&store, "s1").await;
    let copy = other.path().join("copy.db");
    backup(dir.path(), &copy, Check::Whole, &mut |_| {}).expect("it is copied");
    assert_eq!(say_due(&store).await.expect("it is said"), ["s1"]);
    drop(store);
    let data = other.path().join("data");
    std::fs::create_dir(&data).expect("a directory");
    restore(&copy, &data, &Existing::Refuse, &mut |_| {}).expect("it is put back");
    let store = open(&data, after, false);
    assert_eq!(log(&store).await, ["\"kept: the first\""]);
    assert_eq!(say_due(&store).await.expect("it is said"), ["s1"], "in this life it was not");
    until_expired(&store, 1).await;
    drop(store);
    assert_eq!(verify(&data).expect("it can be read"), []);
}

const FIRED: &str = "PARLOR_STORE_TEST_KILLED_FIRING";
const EMPTIED: &str = "PARLOR_STORE_TEST_KILLED_EXPIRING";
const KILLS: u64 = 10;

fn child(test: &str, variable: &str, dir: &Path, round: u64) -> Child {
    Command::new(std::env::current_exe().expect("this test has a path"))
        .args(["--exact", test, "--nocapture"])
        .env(variable, dir)
        .env("ROUND", round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts")
}

/// The child: keeps messages that are due and says them, until it is killed, if the parent asks for it.
#[tokio::test]
async fn child_fires_until_killed() {
    let (Ok(dir), Ok(round)) = (std::env::var(FIRED), std::env::var("ROUND")) else { return };
    let store = open(Path::new(&dir), before, false);
    for n in 0.. {
        for i in 0..5 {
            let id = format!("{round}-{n}-{i}");
            plan(&store, &id).await;
            println!("\nkept {id}");
        }
        for id in say_due(&store).await.expect("it is said") {
            println!("\nsaid {id}");
        }
    }
}

#[tokio::test]
async fn kills_around_firing_say_each_message_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut kept, mut said) = (Vec::new(), 0);
    for round in 0..KILLS {
        let mut child = child("timers::child_fires_until_killed", FIRED, dir.path(), round);
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut here = 0;
        for line in lines.map_while(Result::ok) {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["kept", id] if id.split('-').count() == 3 && here < 23 + 7 * round => {
                    kept.push(id.to_owned());
                }
                ["said", _] => said += 1,
                _ => continue,
            }
            here += 1;
            if here == 23 + 7 * round {
                child.kill().expect("it is running");
            }
        }
        child.wait().expect("it has ended");
        assert_eq!(verify(dir.path()).expect("it can be read"), [], "round {round}");
    }
    let store = open(dir.path(), before, false);
    while !say_due(&store).await.expect("it is said").is_empty() {}
    let mut times: HashMap<String, u64> = HashMap::new();
    for text in log(&store).await {
        *times.entry(text.trim_matches('"').to_owned()).or_default() += 1;
    }
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    assert!(said > 0 && kept.iter().all(|id| times.contains_key(id)), "{kept:?} {times:?}");
    drop(store);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn a_full_disk_leaves_what_is_due_and_says_it_later() {
    let dir = tempfile::tempdir().expect("a directory");
    let full = Config { pages_max: Some(120), clock: Clock(before), ..Config::new(dir.path()) };
    let store = SqliteStore::open(full, Arc::new(Nobody)).expect("it opens");
    plan(&store, "s1").await;
    let filler = "x".repeat(20_000);
    while store.append(wish(&filler, None)).await.is_ok() {}
    let page = store.due(Millis(NOW), 9).await.expect("it is read");
    let due = &page.messages[0].record;
    let say = Say::plain(wish(&filler, Some("s1")));
    let fired = store.fire(Fire { id: due.key.clone(), at: due.at, say }).await;
    assert!(matches!(fired, Err(StoreError::Unavailable { .. })), "{fired:?}");
    drop(store);
    let store = open(dir.path(), before, false);
    assert_eq!(say_due(&store).await.expect("it is said"), ["s1"]);
    assert_eq!(say_due(&store).await.expect("nothing is left"), Vec::<String>::new());
    assert_eq!(log(&store).await.iter().filter(|text| *text == "\"s1\"").count(), 1);
}

/// The child: takes out what has ended until it is killed, if the parent asks for it.
#[tokio::test]
async fn child_expires_until_killed() {
    let (Ok(dir), Ok(_)) = (std::env::var(EMPTIED), std::env::var("ROUND")) else { return };
    let store = open(Path::new(&dir), after, false);
    loop {
        println!("\ntook {}", store.stats().expired);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn kills_while_contents_are_taken_out_leave_a_sound_store() {
    const MESSAGES: u64 = 3_000;
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), before, false);
    timed(&store).await;
    let pending: Vec<_> = (0..MESSAGES).map(|n| store.append(wish(&n.to_string(), None))).collect();
    for pending in pending {
        pending.await.expect("it is kept");
    }
    drop(store);
    for round in 0..3 {
        let mut child = child("timers::child_expires_until_killed", EMPTIED, dir.path(), round);
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        for line in lines.map_while(Result::ok) {
            let took = line.strip_prefix("took ").and_then(|took| took.parse::<u64>().ok());
            if took.is_some_and(|took| took > 0) {
                child.kill().expect("it is running");
            }
        }
        child.wait().expect("it has ended");
        assert_eq!(verify(dir.path()).expect("it can be read"), [], "round {round}");
    }
    let left = "SELECT count(*) FROM entry WHERE expires IS NOT NULL AND gone IS NULL";
    let here = u64::try_from(number(dir.path(), left)).expect("a count");
    assert!(here < MESSAGES, "some were taken out");
    let store = open(dir.path(), after, false);
    until_expired(&store, here).await;
    drop(store);
    assert_eq!(number(dir.path(), left), 0);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}
