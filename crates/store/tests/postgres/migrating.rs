//! A store that is moved here from SQLite answers as it did there, whatever it was filled with.
//!
//! The contract's own claims fill a store each; once one holds, what it left is moved and both stores are asked
//! the same.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parlor_chat::ids::{ConversationId, GroupId, UserId};
use parlor_chat::store::{CommitSink, Committed};
use parlor_store::contract::{
    CROWD_MEMBERS_MAX, Made, MadeWhole, RETAINED_MS, clock, moving_clock, run_all, run_around,
    run_crowds, run_groups, run_moderating, run_retaining, run_timing,
};
use parlor_store::migrate::{Migration, Outcome, Unsealed, migrate};
use parlor_store::postgres::PostgresStore;
use parlor_store::sqlite::{self, Clock, DATABASE_FILE, Keyring, MasterKey, SqliteStore};
use parlor_store::{postgres, sqlite::Config};
use rusqlite::Connection;

use crate::asking::{Names, answers};
use crate::server::{Database, server};

pub(crate) struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

pub(crate) fn keyring() -> Arc<Keyring> {
    let key = MasterKey::parse(&"a".repeat(64)).expect("64 digits");
    Arc::new(Keyring::new(key, Vec::new()))
}

/// What moves a store into a database.
pub(crate) fn migration(from: &sqlite::Config, to: &Database) -> Migration {
    Migration {
        from: from.dir.clone(),
        keyring: from.keyring.clone(),
        unsealed: Unsealed::Allow,
        to: postgres::Config::new(to.url()),
    }
}

/// The same store on PostgreSQL.
pub(crate) fn opened(from: &sqlite::Config, to: &Database) -> PostgresStore {
    let config = postgres::Config {
        clock: from.clock,
        receipts_members_max: from.receipts_members_max,
        ..postgres::Config::new(to.url())
    };
    PostgresStore::open(config, Arc::new(Nobody)).expect("it opens")
}

/// Who and what is in a store, and the words of its messages.
pub(crate) fn names(dir: &Path) -> Names {
    let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
    let column = |sql: &str| -> Vec<String> {
        let mut statement = conn.prepare(sql).expect("it is a statement");
        let rows = statement.query_map((), |row| row.get(0)).expect("it is read");
        rows.collect::<Result<_, _>>().expect("these are texts")
    };
    let user = |name: &String| UserId::parse(name).expect("a good id");
    let users = column("SELECT name FROM user ORDER BY id LIMIT 8");
    let direct = column(
        "SELECT l.name || char(10) || h.name FROM conversation c JOIN user l ON l.id = c.low \
         JOIN user h ON h.id = c.high ORDER BY c.id LIMIT 16",
    );
    let groups = column("SELECT name FROM chat_group ORDER BY conversation LIMIT 8");
    let direct = direct.iter().filter_map(|pair| {
        let (low, high) = pair.split_once('\n')?;
        Some(ConversationId::direct(&user(&low.into()), &user(&high.into())))
    });
    let groups =
        groups.iter().map(|name| ConversationId::group(&GroupId::parse(name).expect("a good id")));
    let conversations = direct.chain(groups).collect();
    // The index of a sealed store has no words to read.
    let sql = "CREATE VIRTUAL TABLE temp.held USING fts5vocab(main, word_index, row)";
    let terms = conn.execute_batch(sql).map(|()| column("SELECT term FROM temp.held LIMIT 60"));
    let terms = terms.unwrap_or_default();
    let terms = terms.iter().filter_map(|term| term.split(['.', '_']).next_back());
    let mut words: Vec<String> = terms.chain(["one", "two", "edited"]).map(Into::into).collect();
    words.sort();
    words.dedup();
    words.truncate(6);
    Names { users: users.iter().map(user).collect(), conversations, words }
}

/// Compares the answers of both stores, on a thread that is in no runtime.
pub(crate) fn answer_alike(from: &sqlite::Config, to: &Database) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let names = names(&from.dir);
    // Nothing is removed, or changes its place, while they are asked.
    let config = Config { retention_ms: None, ..from.clone() };
    let there = SqliteStore::open(config, Arc::new(Nobody)).expect("it opens");
    while there.stats().unindexed > 0 {
        std::thread::yield_now();
    }
    let here = opened(from, to);
    let (was, is) =
        runtime.block_on(async { (answers(&there, &names).await, answers(&here, &names).await) });
    assert_eq!(was.len(), is.len());
    for ((question, was), (other, is)) in was.iter().zip(&is) {
        assert_eq!(question, other);
        assert_eq!(was, is, "{question}");
    }
    there.close();
    here.close();
}

/// Moves what a claim left, unless it is left out.
struct Moved {
    dir: tempfile::TempDir,
    store: Arc<SqliteStore>,
    config: Config,
    is_left_out: bool,
}

impl Moved {
    fn check(config: &Config) {
        let database = server().database();
        let outcome = migrate(&migration(config, &database), &mut |_| {}).expect("it is moved");
        assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");
        answer_alike(config, &database);
        database.remove();
    }
}

impl Drop for Moved {
    fn drop(&mut self) {
        self.store.close();
        if std::thread::panicking() || self.is_left_out {
            return;
        }
        let Self { config, dir, .. } = self;
        assert!(dir.path().exists());
        let checked = std::thread::scope(|scope| scope.spawn(|| Self::check(config)).join());
        assert!(checked.is_ok(), "what is moved answers alike");
    }
}

fn filled(
    sink: Arc<dyn CommitSink>,
    change: impl FnOnce(&mut Config),
) -> (Arc<SqliteStore>, Moved) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = Config::new(dir.path());
    change(&mut config);
    let store = Arc::new(SqliteStore::open(config.clone(), sink).expect("it opens"));
    (store.clone(), Moved { dir, store, config, is_left_out: false })
}

fn made(sink: Arc<dyn CommitSink>, change: impl FnOnce(&mut Config)) -> Made<Moved> {
    let (store, guard) = filled(sink, change);
    Made { store, guard }
}

fn whole(sink: Arc<dyn CommitSink>, change: impl FnOnce(&mut Config)) -> MadeWhole<Moved> {
    let (store, guard) = filled(sink, change);
    MadeWhole { store: store.clone(), groups: store.clone(), around: store, guard }
}

/// Leaves out all but each so many of the claims about one thing, which are many and leave much the same.
struct Sampled {
    each: usize,
    count: AtomicUsize,
}

impl Sampled {
    fn of(each: usize) -> Self {
        Self { each, count: AtomicUsize::new(0) }
    }

    fn leaves_out(&self) -> bool {
        !self.count.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.each)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_contract_fills_a_store_with_is_moved() {
    let some = Sampled::of(3);
    run_all(|sink| {
        let mut made = made(sink, |_| {});
        made.guard.is_left_out = some.leaves_out();
        made
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_of_old_entries_is_moved() {
    run_retaining(|sink| {
        made(sink, |config| {
            config.retention_ms = Some(RETAINED_MS);
            config.clock = Clock(clock);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_are_moved() {
    run_groups(|sink| {
        let (store, guard) = filled(sink, |_| {});
        (Made { store: store.clone(), guard }, store)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_to_sealed_messages_is_opened_and_moved() {
    let some = Sampled::of(2);
    run_around(|sink| {
        let mut made = whole(sink, |config| config.keyring = Some(keyring()));
        made.guard.is_left_out = some.leaves_out();
        made
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watermarks_of_larger_groups_are_moved() {
    run_crowds(|sink| whole(sink, |config| config.receipts_members_max = CROWD_MEMBERS_MAX)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_and_what_is_said_later_is_moved() {
    run_timing(|sink| whole(sink, |config| config.clock = Clock(moving_clock))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_moderators_did_is_moved() {
    run_moderating(|sink| made(sink, |config| config.keyring = Some(keyring()))).await;
}
