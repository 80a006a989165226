//! Several nodes on one database: one log, whoever writes it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use parlor_chat::entry::{Content, Millis, Position};
use parlor_chat::ids::{ClientId, ConversationId, UserId};
use parlor_chat::store::{
    Append, Appended, CommitSink, Committed, Origin, Pending, Recipient, Store, Whose,
};
use parlor_store::postgres::{Config, OpenError, PostgresStore};

use crate::server::server;

/// Remembers what it was told.
#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<Committed>>);

impl CommitSink for Heard {
    fn committed(&self, batch: &[Committed]) {
        self.0.lock().extend_from_slice(batch);
    }
}

impl Heard {
    /// What was heard, once it is so much.
    pub(crate) async fn all(&self, entries: usize) -> Vec<Committed> {
        let began = Instant::now();
        loop {
            let all = self.0.lock().clone();
            if all.len() >= entries {
                return all;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{} of {entries}", all.len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good id")
}

pub(crate) fn say(
    store: &PostgresStore,
    from: &str,
    to: &str,
    key: Option<&str>,
) -> Pending<Appended> {
    store.append(Append {
        from: user(from),
        to: Recipient::User(user(to)),
        client_id: key.map(|key| ClientId::parse(key).expect("a good key")),
        content: Content("\"x\"".into()),
        now: Millis(1_800_000_000_000),
        origin: Origin::of(OWN),
    })
}

/// From which connection everything comes that is said here.
const OWN: u64 = 7;

/// How many messages each node says to each of its conversations.
const SENDS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_write_one_log_without_gaps() {
    let database = server().database();
    let nodes: Vec<(Arc<Heard>, Arc<PostgresStore>)> = (0..2)
        .map(|_| {
            let heard = Arc::new(Heard::default());
            let store = PostgresStore::open(Config::new(database.url()), heard.clone());
            (heard, Arc::new(store.expect("it opens")))
        })
        .collect();
    assert_eq!(nodes[0].1.epoch(), nodes[1].1.epoch());
    assert!(nodes[0].1.seal_key() == nodes[1].1.seal_key());
    let follower = tokio::spawn(follow(nodes[0].1.clone(), 2 * 3 * SENDS));
    let mut pending = Vec::new();
    for n in 0..SENDS {
        for (node, (_, store)) in nodes.iter().enumerate() {
            // In the order of the one node, and against it: locks are taken in an order of their own.
            let mut others = ["b", "c", "d"];
            others.rotate_left((n + node) % 3);
            for other in others {
                pending.push(say(store, "a", other, Some(&format!("{node}-{n}"))));
            }
        }
        tokio::task::yield_now().await;
    }
    let mut seqs: BTreeMap<ConversationId, Vec<u64>> = BTreeMap::new();
    for appended in pending {
        let appended = appended.await.expect("it is kept");
        seqs.entry(appended.conversation).or_default().push(appended.seq.0);
    }
    assert_eq!(seqs.len(), 3);
    for mut seqs in seqs.into_values() {
        seqs.sort_unstable();
        assert!(seqs.into_iter().eq(1..=2 * SENDS as u64));
    }
    for (node, (heard, _)) in nodes.iter().enumerate() {
        let all = heard.all(6 * SENDS).await;
        assert!(all.iter().map(|it| it.entry.position.0).eq(1..=6 * SENDS as u64));
        let of_node = |it: &Committed| {
            let key = it.entry.client_id.as_ref().expect("it has a key").as_str();
            key.starts_with(&format!("{node}-"))
        };
        let known = |it: &Committed| (it.origin == Origin::of(OWN)) == of_node(it);
        assert!(all.iter().all(known), "each knows which are its own");
    }
    follower.await.expect("no entry became visible behind a later one");
    drop(nodes);
    database.remove();
}

/// Reads on from the last position until it has so many entries, each of which must be the next.
async fn follow(store: Arc<PostgresStore>, entries: usize) {
    let mut last = Position(0);
    while last.0 < entries as u64 {
        let page = store.since(user("a"), last, Whose::Everyone, 50).await.expect("it is read");
        for entry in &page.entries {
            assert_eq!(entry.position.0, last.0 + 1);
            last = entry.position;
        }
        assert!(page.as_of >= last);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_good_at_every_node() {
    let database = server().database();
    let open = || {
        PostgresStore::open(Config::new(database.url()), Arc::new(Heard::default()))
            .expect("it opens")
    };
    let (one, other) = (open(), open());
    let mut pending = Vec::new();
    for n in 0..40 {
        let key = format!("{}", n / 2);
        pending.push(say(if n % 2 == 0 { &one } else { &other }, "a", "b", Some(&key)));
    }
    let mut answers: BTreeMap<usize, Vec<Appended>> = BTreeMap::new();
    for (n, appended) in pending.into_iter().enumerate() {
        answers.entry(n / 2).or_default().push(appended.await.expect("it is kept, or was"));
    }
    let mut seqs = HashSet::new();
    for pair in answers.into_values() {
        assert_eq!((pair[0].seq, pair[0].ts), (pair[1].seq, pair[1].ts));
        assert_ne!(pair[0].repeated, pair[1].repeated, "one of them was first");
        seqs.insert(pair[0].seq);
    }
    assert_eq!(seqs.len(), 20);
    drop((one, other));
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_open_an_empty_database_together_make_it_once() {
    let database = server().database();
    let opened: Vec<_> = std::thread::scope(|scope| {
        let open = || PostgresStore::open(Config::new(database.url()), Arc::new(Heard::default()));
        let opening: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        opening.into_iter().map(|it| it.join().expect("no panic").expect("it opens")).collect()
    });
    let epochs: HashSet<u64> = opened.iter().map(|store| store.epoch().0).collect();
    assert_eq!(epochs.len(), 1);
    drop(opened);
    let versions = "SELECT count(*) = max(version) FROM schema_version";
    assert_eq!(database.sql(versions), "t");
    assert_eq!(
        database.sql(
            "SELECT count(*) FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v') \
             AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition \
             AND obj_description(c.oid) IS NULL"
        ),
        "0",
        "every table says what it is"
    );
    database.sql("INSERT INTO schema_version (version) VALUES (99)");
    let refused = PostgresStore::open(Config::new(database.url()), Arc::new(Heard::default()));
    assert!(matches!(refused, Err(OpenError::NewerSchema { found: 99, .. })));
    database.remove();
}
