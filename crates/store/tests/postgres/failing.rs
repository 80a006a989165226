//! What happens when the way to the server is lost: nothing acknowledged is lost, nothing is kept or told
//! twice, and what became of a commit is found out before it is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use parlor_chat::people::ProfileChange;
use parlor_chat::store::{Store, StoreError};
use parlor_store::postgres::{Config, PostgresStore, Statements};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::server::{Database, server};
use crate::sharing::{Heard, say, user};

/// What is done to the next `COMMIT` that comes by.
const PASS: u8 = 0;
const CUT_BEFORE: u8 = 1;
const CUT_BEHIND: u8 = 2;
/// Nothing is carried to the server any more.
const SILENT: u8 = 3;
/// It is committed; the answer says that the connection ends, which it does not at once.
const ENDED: u8 = 4;

/// An error response (PostgreSQL 17, section 53.7) with what a server that is shut down says, also to who waits
/// for a standby to have a commit.
const SHUTDOWN: &[u8] = b"E\0\0\0\x1fSFATAL\0VFATAL\0C57P01\0Mend\0\0";

/// A way to the server that can be cut at a commit, fall silent, or be closed.
pub(crate) struct Way {
    dir: tempfile::TempDir,
    cut: Arc<AtomicU8>,
}

impl Way {
    pub(crate) fn open(to: &Path) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let listener = UnixListener::bind(dir.path().join(".s.PGSQL.5432")).expect("it is free");
        let (cut, to) = (Arc::new(AtomicU8::new(PASS)), to.join(".s.PGSQL.5432"));
        let armed = cut.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, to.clone(), armed.clone()));
            }
        });
        Self { dir, cut }
    }

    pub(crate) fn url(&self, database: &Database) -> String {
        database.url_at(self.dir.path())
    }

    /// Carries nothing to the server from now on.
    pub(crate) fn fall_silent(&self) {
        self.cut.store(SILENT, Ordering::SeqCst);
    }

    /// Carries everything again, by connections that are made from now on.
    pub(crate) fn speak(&self) {
        self.cut.store(PASS, Ordering::SeqCst);
    }

    /// Lets nobody in from now on, or everybody again.
    fn door(&self, is_open: bool) {
        let (open, closed) =
            (self.dir.path().join(".s.PGSQL.5432"), self.dir.path().join("closed"));
        let (from, to) = if is_open { (closed, open) } else { (open, closed) };
        std::fs::rename(from, to).expect("it is there");
    }
}

/// Carries bytes both ways, until a commit is cut.
async fn carry(client: UnixStream, to: PathBuf, cut: Arc<AtomicU8>) {
    let Ok(server) = UnixStream::connect(to).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let is_ended = Arc::new(AtomicBool::new(false));
    let ends = is_ended.clone();
    let back = tokio::spawn(async move {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
            let is_ended = ends.load(Ordering::SeqCst);
            let said = if is_ended { SHUTDOWN } else { &bytes[..count] };
            if to_client.write_all(said).await.is_err() {
                break;
            }
        }
    });
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
        if cut.load(Ordering::SeqCst) == SILENT {
            continue;
        }
        let is_commit = bytes[..count].windows(7).any(|it| it == b"COMMIT\0");
        match if is_commit { cut.swap(PASS, Ordering::SeqCst) } else { PASS } {
            CUT_BEFORE => break,
            CUT_BEHIND => {
                // Nothing of the answer comes back.
                back.abort();
                let _ = to_server.write_all(&bytes[..count]).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
                break;
            }
            ENDED => is_ended.store(true, Ordering::SeqCst),
            _ => {}
        }
        if to_server.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    back.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_became_of_a_commit_is_found_out() {
    let database = server().database();
    let way = Way::open(server().socket());
    let heard = Arc::new(Heard::default());
    let store = PostgresStore::open(Config::new(way.url(&database)), heard.clone());
    let store = store.expect("it opens");
    let cuts = [PASS, CUT_BEFORE, CUT_BEHIND, ENDED, CUT_BEHIND];
    for (n, cut) in cuts.into_iter().enumerate() {
        way.cut.store(cut, Ordering::SeqCst);
        let appended = say(&store, "a", "b", Some(&n.to_string())).await.expect("it is kept");
        assert_eq!((appended.seq.0, appended.repeated), (n as u64 + 1, false));
        assert_eq!(way.cut.load(Ordering::SeqCst), PASS, "the cut was made");
        let told: Vec<u64> = heard.0.lock().iter().map(|it| it.entry.seq.0).collect();
        assert!(told.into_iter().eq(1..=n as u64 + 1), "each is told once");
    }
    assert_eq!(database.sql("SELECT count(*), max(seq) FROM entry"), "5|5");
    drop(store);
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_waits_for_a_server_and_gives_up_after_a_while() {
    let database = server().database();
    let way = Way::open(server().socket());
    let mut config = Config::new(way.url(&database));
    config.patience = Duration::from_millis(1_500);
    let store = PostgresStore::open(config, Arc::new(Heard::default())).expect("it opens");
    way.door(false);
    database.end_others();
    let began = Instant::now();
    let refused = store.devices(user("a")).await.expect_err("nobody is there");
    assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
    assert!(began.elapsed() >= Duration::from_millis(1_300), "after {:?}", began.elapsed());
    let mut waiting = std::pin::pin!(store.devices(user("a")));
    let early = tokio::time::timeout(Duration::from_millis(300), &mut waiting).await;
    assert!(early.is_err(), "it waits");
    way.door(true);
    waiting.await.expect("it is read, since the server is back");
    drop(store);
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_silent_holds_nobody() {
    let database = server().database();
    let way = Way::open(server().socket());
    let mut config = Config::new(way.url(&database));
    (config.readers, config.answer_max) = (1, Duration::from_millis(500));
    config.patience = Duration::from_secs(2);
    let store = PostgresStore::open(config, Arc::new(Heard::default())).expect("it opens");
    say(&store, "a", "b", Some("1")).await.expect("it is kept");
    store.devices(user("a")).await.expect("it is read");
    way.fall_silent();
    let refused = store.devices(user("a")).await.expect_err("nobody answers");
    assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
    let refused = say(&store, "a", "b", Some("2")).await.expect_err("nobody answers");
    assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
    way.speak();
    store.devices(user("a")).await.expect("it is read by another connection");
    while say(&store, "a", "b", Some("2")).await.is_err() {}
    assert_eq!(database.sql("SELECT count(*), max(seq) FROM entry"), "2|2");
    drop(store);
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_is_compiled() {
    for statements in [Statements::Prepared, Statements::Unnamed] {
        let database = server().database();
        let mut config = Config::new(database.url());
        config.statements = statements;
        let store = PostgresStore::open(config, Arc::new(Heard::default())).expect("it opens");
        database.sql(
            "CREATE TABLE noted (jit text); \
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
               INSERT INTO noted VALUES (current_setting('jit')); RETURN NEW; END $$; \
             CREATE TRIGGER note BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION note()",
        );
        say(&store, "a", "b", None).await.expect("it is kept");
        assert_eq!(database.sql("SELECT jit FROM noted"), "off", "{statements:?}");
        drop(store);
        database.remove();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_ended_all_the_time_lose_and_double_nothing() {
    let database = server().database();
    let heard = Arc::new(Heard::default());
    let mut config = Config::new(database.url());
    (config.batch_commands_max, config.patience) = (8, Duration::from_secs(30));
    let store = PostgresStore::open(config, heard.clone()).expect("it opens");
    let ender = {
        let database = database.clone();
        tokio::task::spawn_blocking(move || {
            for _ in 0..12 {
                database.end_others();
                std::thread::park_timeout(Duration::from_millis(40));
            }
        })
    };
    let mut sent = 0;
    while !ender.is_finished() || sent < 200 {
        let some: Vec<_> =
            (0..20).map(|n| say(&store, "a", "b", Some(&(sent + n).to_string()))).collect();
        for appended in some {
            sent += 1;
            let appended = appended.await.expect("it is kept");
            assert_eq!((appended.seq.0, appended.repeated), (sent, false));
        }
    }
    ender.await.expect("it ends");
    let told: Vec<u64> = heard.0.lock().iter().map(|it| it.entry.seq.0).collect();
    assert!(told.into_iter().eq(1..=sent), "each is told once, in order");
    assert_eq!(database.sql("SELECT count(*), max(seq) FROM entry"), format!("{sent}|{sent}"));
    drop(store);
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_in_another_life_takes_no_writes() {
    let database = server().database();
    let mut config = Config::new(database.url());
    config.patience = Duration::from_millis(500);
    let store = PostgresStore::open(config, Arc::new(Heard::default())).expect("it opens");
    say(&store, "a", "b", None).await.expect("it is kept");
    assert!(store.health().is_ok());
    database.sql("UPDATE meta SET value = 'another' WHERE key = 'birth'");
    database.end_others();
    let is_another = |error: &StoreError| matches!(error, StoreError::Unavailable { reason } if reason.contains("another life"));
    let refused = say(&store, "a", "b", None).await.expect_err("it is not kept");
    assert!(is_another(&refused), "{refused}");
    assert!(store.health().is_err_and(|error| is_another(&error)));
    let read = store.devices(user("a")).await;
    assert!(read.is_err(), "nor is anything read that may be of another life");
    let before = store.epoch();
    drop(store);
    let anew = PostgresStore::open(Config::new(database.url()), Arc::new(Heard::default()));
    let anew = anew.expect("it opens");
    assert_ne!(anew.epoch(), before);
    assert_eq!(say(&anew, "a", "b", None).await.expect("it is kept").seq.0, 2);
    drop(anew);
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_an_answer_and_a_closed_store_too() {
    let database = server().database();
    let mut config = Config::new(database.url());
    (config.write_queue_commands_max, config.batch_commands_max) = (4, 1);
    let store = PostgresStore::open(config, Arc::new(Heard::default())).expect("it opens");
    let holder = {
        let database = database.clone();
        tokio::task::spawn_blocking(move || {
            database.sql("BEGIN; SELECT * FROM counter FOR UPDATE; SELECT pg_sleep(1); COMMIT");
        })
    };
    while database.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1)%'")
        == "1"
    {
        tokio::task::yield_now().await;
    }
    let sent: Vec<_> = (0..12).map(|_| say(&store, "a", "b", None)).collect();
    let (mut kept, mut overloaded) = (0, 0);
    for appended in sent {
        match appended.await {
            Ok(_) => kept += 1,
            Err(StoreError::Overloaded) => overloaded += 1,
            Err(other) => panic!("{other}"),
        }
    }
    holder.await.expect("it ends");
    assert!((4..=6).contains(&kept) && kept + overloaded == 12, "{kept} and {overloaded}");
    store.close();
    let refused = say(&store, "a", "b", None).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    assert!(matches!(store.devices(user("a")).await, Err(StoreError::Unavailable { .. })));
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_overtakes_what_is_to_be_sent_again() {
    let database = server().database();
    let mut config = Config::new(database.url());
    config.batch_commands_max = 1;
    let store = PostgresStore::open(config, Arc::new(Heard::default())).expect("it opens");
    // The disk is full for the first entry, and no longer for the next.
    database.sql(
        "CREATE SEQUENCE tries; \
         CREATE FUNCTION full_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           IF nextval('tries') = 1 THEN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END IF; \
           RETURN NEW; END $$; \
         CREATE TRIGGER full_once BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION full_once()",
    );
    let keys = ["1", "2", "3"];
    let sent: Vec<_> = keys.map(|key| say(&store, "a", "b", Some(key))).into();
    for appended in sent {
        let refused = appended.await.expect_err("it is not kept");
        assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
    }
    // Who sends this has not heard of the failure yet.
    let early = say(&store, "a", "b", Some("4")).await;
    assert!(matches!(early, Err(StoreError::Unavailable { .. })), "{early:?}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    for (n, key) in keys.into_iter().enumerate() {
        let appended = say(&store, "a", "b", Some(key)).await.expect("it is kept");
        assert_eq!((appended.seq.0, appended.repeated), (n as u64 + 1, false));
    }
    drop(store);
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_cannot_keep_keeps_nothing_else_out() {
    let database = server().database();
    let heard = Arc::new(Heard::default());
    let store = PostgresStore::open(Config::new(database.url()), heard.clone());
    let store = store.expect("it opens");
    let change = |about: &str| ProfileChange {
        user: user("a"),
        name: None,
        token_name: None,
        avatar: None,
        about: Some(Some(about.into())),
    };
    // They may be committed together, and the one is of no text that a database of UTF-8 has.
    let before = say(&store, "a", "b", None);
    let changed = store.change_profile(change("a\0b"));
    let behind = say(&store, "a", "b", None);
    assert_eq!(before.await.expect("it is kept").seq.0, 1);
    assert!(matches!(changed.await, Err(StoreError::Refused(_))));
    assert_eq!(behind.await.expect("it is kept").seq.0, 2);
    assert_eq!(heard.0.lock().len(), 2);
    assert!(store.health().is_ok());
    store.change_profile(change("b")).await.expect("it is kept");
    drop(store);
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_counter_nothing_of_a_message_is_kept() {
    let database = server().database();
    let store = PostgresStore::open(Config::new(database.url()), Arc::new(Heard::default()));
    let store = store.expect("it opens");
    database.sql("DELETE FROM counter");
    let refused = say(&store, "a", "b", Some("key")).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    database.sql("INSERT INTO counter (position) VALUES (0)");
    let kept = say(&store, "a", "b", Some("key")).await.expect("it is kept");
    assert_eq!((kept.seq.0, kept.repeated), (1, false));
    drop(store);
    database.remove();
}
