//! A store that reads from a replica: nobody can tell, whatever the replica does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parlor_chat::ids::ConversationId;
use parlor_chat::store::{CommitSink, HistoryQuery, HistoryRange, Store};
use parlor_store::contract::{Made, MadeWhole, run_all, run_around, run_groups};
use parlor_store::postgres::{Config, PostgresStore};
use tokio::task::JoinSet;

use crate::failing::Way;
use crate::server::{Database, Server, server};
use crate::sharing::{Heard, say, user};
use crate::{Removed, quick};

/// Counts what was read from the replica when the store is let go.
struct Counted(Removed, Arc<PostgresStore>);

/// Reads that the replica has answered in this process.
static ANSWERED: AtomicU64 = AtomicU64::new(0);

impl Drop for Counted {
    fn drop(&mut self) {
        ANSWERED.fetch_add(self.1.stats().replica_reads, Ordering::Relaxed);
    }
}

/// The standby of this process's server.
fn standby() -> &'static Server {
    static STANDBY: OnceLock<&'static Server> = OnceLock::new();
    STANDBY.get_or_init(|| server().standby())
}

fn reading(database: &Database, replica: &'static Server) -> Config {
    let mut config = quick(database);
    config.replica_url = Some(database.url_at(replica.socket()));
    config
}

fn opened(sink: Arc<dyn CommitSink>) -> (Arc<PostgresStore>, Counted) {
    let database = server().database();
    let store = PostgresStore::open(reading(&database, standby()), sink).expect("it opens");
    let store = Arc::new(store);
    (store.clone(), Counted(Removed(database, store.clone()), store))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract_with_a_replica() {
    run_all(|sink| {
        let (store, guard) = opened(sink);
        Made { store, guard }
    })
    .await;
    assert!(ANSWERED.load(Ordering::Relaxed) > 100, "{ANSWERED:?} reads were the replica's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract_of_groups_with_a_replica() {
    run_groups(|sink| {
        let (store, guard) = opened(sink);
        (Made { store: store.clone(), guard }, store)
    })
    .await;
    assert!(ANSWERED.load(Ordering::Relaxed) > 100, "{ANSWERED:?} reads were the replica's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_what_is_done_to_messages_with_a_replica() {
    run_around(|sink| {
        let (store, guard) = opened(sink);
        MadeWhole { store: store.clone(), groups: store.clone(), around: store, guard }
    })
    .await;
    assert!(ANSWERED.load(Ordering::Relaxed) > 100, "{ANSWERED:?} reads were the replica's");
}

/// How many messages between `a` and `b` a store reads.
async fn read(store: &PostgresStore) -> usize {
    let query = HistoryQuery {
        user: user("a"),
        conversation: ConversationId::direct(&user("a"), &user("b")),
        range: HistoryRange::Before(None),
        limit: 100,
    };
    store.history(query).await.expect("it is read").entries.len()
}

/// Reads until the replica answers.
async fn read_by_replica(store: &PostgresStore) -> usize {
    let (began, before) = (Instant::now(), store.stats().replica_reads);
    loop {
        let read = read(store).await;
        if store.stats().replica_reads > before {
            return read;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "the replica is never read");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_replica_has_not_yet_is_read_from_the_primary() {
    let (store, guard) = opened(Arc::new(Heard::default()));
    let replica = guard.0.0.on(standby());
    say(&store, "a", "b", None).await.expect("it is kept");
    assert_eq!(read_by_replica(&store).await, 1);
    replica.sql("SELECT pg_wal_replay_pause()");
    for sent in 2..20 {
        say(&store, "a", "b", None).await.expect("it is kept");
        assert_eq!(read(&store).await, sent, "what was acknowledged is read");
    }
    let misses = store.stats().replica_misses;
    assert!(misses >= 18, "{misses} of 18");
    replica.sql("SELECT pg_wal_replay_resume()");
    assert_eq!(read_by_replica(&store).await, 19);
}

/// The primary waits for another standby, so it does not show yet what the replica has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_primary_does_not_show_yet_is_not_read_from_the_replica() {
    let (store, guard) = opened(Arc::new(Heard::default()));
    let primary = &guard.0.0;
    let replica = primary.on(standby());
    say(&store, "a", "b", None).await.expect("it is kept");
    assert_eq!(read_by_replica(&store).await, 1);
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    primary.sql("SELECT pg_reload_conf()");
    let waits = say(&store, "a", "b", None);
    let began = Instant::now();
    while replica.sql("SELECT position FROM counter") != "2" {
        assert!(began.elapsed() < Duration::from_secs(20), "the replica does not have it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let reads = store.stats().replica_reads;
    assert_eq!(read(&store).await, 1);
    assert_eq!(store.stats().replica_reads, reads);
    primary.sql("ALTER SYSTEM RESET synchronous_standby_names");
    primary.sql("SELECT pg_reload_conf()");
    waits.await.expect("it is kept");
    assert_eq!(read_by_replica(&store).await, 2);
}

/// Reads what is one message, so many times at once; how long each took.
async fn all_read(store: &Arc<PostgresStore>, many: usize) -> Vec<Duration> {
    let one = async |store: Arc<PostgresStore>, began: Instant| {
        assert_eq!(read(&store).await, 1);
        began.elapsed()
    };
    let mut reads = JoinSet::new();
    for _ in 0..many {
        reads.spawn(one(store.clone(), Instant::now()));
    }
    reads.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_hangs_holds_up_those_under_way_and_then_one_a_second() {
    let database = server().database();
    let way = Way::open(standby().socket());
    let config = Config { replica_url: Some(way.url(&database)), ..quick(&database) };
    assert_eq!(config.patience, Duration::from_secs(5));
    let store = PostgresStore::open(config, Arc::new(Heard::default())).expect("it opens");
    let store = Arc::new(store);
    say(&store, "a", "b", None).await.expect("it is kept");
    assert_eq!(read_by_replica(&store).await, 1);
    way.fall_silent();
    // More than there are connections: those that wait for one must not wait for each before them.
    let slowest = all_read(&store, 100).await.into_iter().max();
    assert!(slowest < Some(Duration::from_secs(3)), "{slowest:?}");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let held_up = all_read(&store, 20).await.into_iter();
    assert_eq!(held_up.filter(|took| *took > Duration::from_millis(450)).count(), 1);
    way.speak();
    assert_eq!(read_by_replica(&store).await, 1);
    drop(store);
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_replica_the_store_reads_from_the_primary() {
    let database = server().database();
    let mut config = quick(&database);
    config.replica_url = Some("host=/nowhere user=parlor".into());
    let store = PostgresStore::open(config, Arc::new(Heard::default())).expect("it opens");
    say(&store, "a", "b", None).await.expect("it is kept");
    assert_eq!(read(&store).await, 1);
    drop(store);
    let primary = Some(database.url());
    let config = Config { replica_url: primary, ..quick(&database) };
    let store = PostgresStore::open(config, Arc::new(Heard::default())).expect("it opens");
    assert_eq!(read(&store).await, 1);
    let stats = store.stats();
    assert_eq!((stats.replica_reads, stats.replica_misses), (0, 1), "a primary is no replica");
    drop(store);
    database.remove();
}

/// A standby was promoted that had not all; another follows the old primary still, and has more than the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_of_an_earlier_life_is_not_read() {
    let database = server().database();
    let open = |config: Config| PostgresStore::open(config, Arc::new(Heard::default()));
    let (next, stray) = (server().standby(), server().standby());
    let store = open(quick(&database)).expect("it opens");
    say(&store, "a", "b", None).await.expect("it is kept");
    let promoted = database.on(next);
    let has_all = async |standby: &Database| {
        let (began, written) = (Instant::now(), database.sql("SELECT pg_current_wal_flush_lsn()"));
        while standby.sql(&format!("SELECT pg_last_wal_replay_lsn() >= '{written}'")) != "t" {
            assert!(began.elapsed() < Duration::from_secs(20), "it does not follow");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    has_all(&promoted).await;
    promoted.sql("ALTER SYSTEM SET primary_conninfo = ''");
    promoted.sql("SELECT pg_reload_conf()");
    promoted.sql("SELECT pg_promote()");
    for _ in 0..30 {
        say(&store, "a", "b", None).await.expect("it is kept");
    }
    // The stray one's log is longer than the new primary's will be.
    database.sql("SELECT pg_switch_wal()");
    say(&store, "a", "b", None).await.expect("it is kept");
    has_all(&database.on(stray)).await;
    drop(store);
    let store = open(reading(&promoted, stray)).expect("it opens");
    for sent in 2..5 {
        say(&store, "a", "b", None).await.expect("it is kept");
        assert_eq!(read(&store).await, sent, "the new primary's log is read");
    }
    let stats = store.stats();
    assert_eq!((stats.replica_reads, stats.replica_misses), (0, 3));
}
