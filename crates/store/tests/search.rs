//! The index of words, as the files hold it: nothing of what is sealed, deleted or too old, and all of
//! what was there before it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_chat::around::port::{Around, ChangeMessage, Wish};
use parlor_chat::around::timer::SetTimer;
use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::limits::{DAY_MS, Limits};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::search::port::{Search, SearchBounds, SearchPage, SearchQuery};
use parlor_chat::search::query::Query;
use parlor_chat::store::{
    Append, Authority, CommitSink, Committed, Origin, Pending, Recipient, Store, StoreError,
};
use parlor_store::sqlite::{
    Check, Clock, Config, DATABASE_FILE, Existing, Keyring, MasterKey, SqliteStore, backup,
    restore, rotate, verify,
};
use rusqlite::Connection;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

const NOW: u64 = 1_800_000_000_000;

fn now() -> Millis {
    Millis(NOW)
}

fn open(dir: &Path, change: impl FnOnce(&mut Config)) -> SqliteStore {
    let mut config = Config { clock: Clock(now), index_gather_ms: 0, ..Config::new(dir) };
    change(&mut config);
    SqliteStore::open(config, Arc::new(Nobody)).expect("it opens")
}

fn keyring(digits: &str) -> Keyring {
    let mut keys = digits.chars().map(|digit| {
        MasterKey::parse(&String::from(digit).repeat(64)).expect("64 hexadecimal digits")
    });
    let current = keys.next().expect("at least one");
    Keyring::new(current, keys.collect())
}

fn sealed(digits: &'static str) -> impl FnOnce(&mut Config) {
    move |config| config.keyring = Some(Arc::new(keyring(digits)))
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

fn content(text: &str) -> Content {
    Content(format!("\"{text}\"").into())
}

fn say(store: &SqliteStore, text: &str, days_ago: u64) -> Pending<u64> {
    let append = Append {
        from: user("a"),
        to: Recipient::User(user("b")),
        client_id: None,
        content: content(text),
        now: Millis(NOW - days_ago * DAY_MS),
        origin: Origin::of(0),
    };
    let appended = store.append(append);
    Box::pin(async move { Ok(appended.await?.seq.0) })
}

async fn says(store: &SqliteStore, text: &str, days_ago: u64) -> u64 {
    say(store, text, days_ago).await.expect("it is kept")
}

async fn does(store: &SqliteStore, seq: u64, wish: Wish) {
    let change = ChangeMessage {
        by: user("a"),
        authority: Authority::User,
        conversation: ConversationId::direct(&user("a"), &user("b")),
        seq: Seq(seq),
        wish,
        client_id: None,
        now: now(),
        origin: Origin::of(0),
        limits: Limits::default(),
        screening: None,
        removal: None,
    };
    store.change_message(change).await.expect("it may be");
}

async fn search(store: &SqliteStore, text: &str) -> Result<SearchPage, StoreError> {
    search_for(store, Query::parse(text, 9).expect("a query in a test")).await
}

async fn search_for(store: &SqliteStore, query: Query) -> Result<SearchPage, StoreError> {
    let query = SearchQuery {
        user: user("b"),
        query,
        conversation: None,
        from: None,
        before: None,
        after: None,
        limit: 999,
        bounds: SearchBounds { contents_max: 9_999, work_max_ms: 60_000, highlights_max: 9 },
    };
    store.search(query).await
}

/// The seqs of what is found.
async fn finds(store: &SqliteStore, text: &str) -> Vec<u64> {
    let page = search(store, text).await.expect("a page is read");
    page.found.iter().map(|found| found.message.seq.0).collect()
}

async fn until(what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !what() {
        assert!(Instant::now() < deadline, "it never came");
        tokio::task::yield_now().await;
    }
}

async fn all_is_indexed(store: &SqliteStore) {
    until(|| store.stats().unindexed == 0).await;
}

fn change(dir: &Path, sql: &str) {
    let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
    conn.execute_batch(sql).expect("it is changed");
}

/// The terms that the index holds.
fn terms(dir: &Path) -> Vec<String> {
    let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
    let sql = "CREATE VIRTUAL TABLE temp.held USING fts5vocab(main, word_index, row)";
    conn.execute_batch(sql).expect("the index is read");
    let mut held = conn.prepare("SELECT term FROM temp.held ORDER BY 1").expect("it is");
    let rows = held.query_map((), |row| row.get(0)).expect("it is read");
    rows.collect::<Result<_, _>>().expect("it is read")
}

/// Whether any file of a directory holds these bytes.
fn lies_in(dir: &Path, text: &str) -> bool {
    std::fs::read_dir(dir).expect("it is read").any(|file| {
        let path = file.expect("a file").path();
        let bytes = if path.is_file() { std::fs::read(path).expect("it is read") } else { vec![] };
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn words_of_what_is_deleted_lie_in_no_file_once_the_log_is_written_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |_| {});
    says(&store, "kept before", 0).await;
    let one = says(&store, "zebrafish", 0).await;
    all_is_indexed(&store).await;
    does(&store, one, Wish::Edit(content("xylophone quartet"))).await;
    // So many that segments are merged, and their pages used again.
    let more = (0..3_000).map(|n| say(&store, &format!("filling number{n} kept"), 0));
    for said in more.collect::<Vec<_>>() {
        said.await.expect("it is kept");
    }
    all_is_indexed(&store).await;
    drop(store);
    for word in ["zebrafish", "xylophone", "quartet"] {
        assert!(lies_in(dir.path(), word), "{word} is there before");
    }
    let store = open(dir.path(), |_| {});
    assert_eq!(finds(&store, "xylophone").await, [one]);
    does(&store, one, Wish::Delete).await;
    assert!(finds(&store, "xylophone").await.is_empty());
    drop(store);
    for word in ["zebrafish", "xylophone", "quartet"] {
        assert!(!lies_in(dir.path(), word), "{word} is gone");
    }
    assert!(terms(dir.path()).contains(&"1.number2999".to_owned()));
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn of_sealed_messages_the_index_holds_no_word() {
    let dir = tempfile::tempdir().expect("a directory");
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy.db"));
    let store = open(&data, sealed("1"));
    let one = says(&store, "zebrafish swim", 0).await;
    all_is_indexed(&store).await;
    assert_eq!(finds(&store, "swim zebrafish").await, [one]);
    assert_eq!(finds(&store, "\"Zebrafish swim\"").await, [one]);
    assert!(finds(&store, "zebra").await.is_empty(), "of whole words alone");
    drop(store);
    assert!(!lies_in(&data, "zebrafish") && !lies_in(&data, "swim"));
    let held = terms(&data);
    assert_eq!(held.len(), 3);
    assert_eq!(held[2], "1~1", "who said it is no secret");
    assert!(held[..2].iter().all(|term| term.len() == "1_0123456789ab".len()), "{held:?}");

    rotate(&data, &keyring("21"), &mut |_| {}).expect("it rotates");
    let store = open(&data, sealed("2"));
    assert_eq!(finds(&store, "zebrafish").await, [one]);
    backup(&data, &copy, Check::Whole, &mut |_| {}).expect("it is copied");
    does(&store, one, Wish::Delete).await;
    drop(store);
    assert_eq!(terms(&data), Vec::<String>::new());
    assert_eq!(verify(&data).expect("it can be read"), []);

    let there = dir.path().join("there");
    std::fs::create_dir(&there).expect("it is made");
    restore(&copy, &there, &Existing::Refuse, &mut |_| {}).expect("it is put back");
    let store = open(&there, sealed("2"));
    assert_eq!(finds(&store, "zebrafish").await, [one]);
}

#[tokio::test]
async fn sealing_that_is_turned_on_later_finds_both() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |_| {});
    says(&store, "zebrafish one", 0).await;
    all_is_indexed(&store).await;
    drop(store);
    let store = open(dir.path(), sealed("1"));
    says(&store, "zebrafish two", 0).await;
    does(&store, 1, Wish::Edit(content("zebrafish three"))).await;
    all_is_indexed(&store).await;
    assert_eq!(finds(&store, "zebrafish").await, [2, 1]);
    assert_eq!(finds(&store, "three").await, [1]);
    does(&store, 1, Wish::Delete).await;
    assert_eq!(finds(&store, "zebrafish").await, [2]);
    drop(store);
    assert_eq!(terms(dir.path()).len(), 3);
}

#[tokio::test]
async fn a_log_from_before_is_indexed_and_the_index_goes_when_it_is_not_wanted() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |config| config.search = false);
    let many = (0..2_000).map(|n| say(&store, &format!("owl number{n}"), 0));
    for said in many.collect::<Vec<_>>() {
        said.await.expect("it is kept");
    }
    let refused = search(&store, "owl").await.expect_err("there is none");
    assert_eq!(of_store(&refused), Refusal::SearchOff);
    drop(store);
    assert_eq!(terms(dir.path()), Vec::<String>::new());

    let store = open(dir.path(), |_| {});
    assert_eq!(finds(&store, "number7").await.len(), 1 + 10 + 100, "found before it is indexed");
    all_is_indexed(&store).await;
    assert_eq!(finds(&store, "\"number1999\"").await, [2_000]);
    drop(store);
    assert_eq!(terms(dir.path()).len(), 2_002);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);

    drop(open(dir.path(), |config| config.search = false));
    assert_eq!(terms(dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn no_text_is_a_command_to_the_index() {
    const PIECES: [&str; 24] = [
        "\"", "'", "*", "^", ":", "(", ")", "-", "+", "{", "}", " AND ", " OR ", " NOT ", "NEAR(",
        ",", "terms", "1.", "1_", "1~1", "\\", "\u{0}", "é", "你",
    ];
    for change in [None, Some("1")] {
        let dir = tempfile::tempdir().expect("a directory");
        let store = open(dir.path(), |config| {
            config.keyring = change.map(|digits| Arc::new(keyring(digits)));
        });
        says(&store, "terms é 1 owl", 0).await;
        all_is_indexed(&store).await;
        let mut dice: u64 = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..2_000 {
            let text: String = (0..8)
                .map(|_| {
                    dice ^= dice << 13;
                    dice ^= dice >> 7;
                    dice ^= dice << 17;
                    PIECES[(dice % PIECES.len() as u64) as usize]
                })
                .collect();
            if let Ok(query) = Query::parse(&text, 99) {
                let matches = query.clone().of_whole_words().find("terms é 1 owl", 9).is_some();
                let page = search_for(&store, query).await.expect(&text);
                assert!(page.found.len() >= usize::from(matches), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn what_goes_for_its_age_goes_from_the_index() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |_| {});
    for (text, days_ago) in [("ancient", 30), ("old", 20), ("young", 1)] {
        says(&store, text, days_ago).await;
    }
    all_is_indexed(&store).await;
    drop(store);
    let store = open(dir.path(), |config| config.retention_ms = Some(10 * DAY_MS));
    until(|| store.stats().removed == 2).await;
    for (text, expected) in [("ancient", vec![]), ("old", vec![]), ("young", vec![3])] {
        assert_eq!(finds(&store, text).await, expected, "{text}");
    }
    drop(store);
    assert_eq!(terms(dir.path()), ["1.young", "1~1"]);
    assert!(!lies_in(dir.path(), "ancient"));
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn what_ends_goes_from_the_index_indexed_or_not() {
    fn after() -> Millis {
        Millis(NOW + 60_000)
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |_| {});
    says(&store, "kept", 0).await;
    let set = SetTimer {
        by: user("a"),
        conversation: ConversationId::direct(&user("a"), &user("b")),
        seconds: Some(60),
        now: now(),
        origin: Origin::of(0),
        limits: Limits::default(),
    };
    store.set_timer(set).await.expect("it may be set");
    let (one, two) = (says(&store, "zebrafish", 0).await, says(&store, "owl", 0).await);
    does(&store, one, Wish::Edit(content("xylophone"))).await;
    all_is_indexed(&store).await;
    drop(store);
    let store = open(dir.path(), |config| config.index_gather_ms = 3_600_000);
    all_is_indexed(&store).await;
    let three = says(&store, "quartet", 0).await;
    does(&store, two, Wish::Edit(content("violin"))).await;
    does(&store, three, Wish::Edit(content("trombone"))).await;
    assert_eq!(finds(&store, "violin").await, [two]);
    drop(store);
    assert!(terms(dir.path()).contains(&"1.owl".to_owned()));
    // They have ended, and are still there.
    let store = open(dir.path(), |config| config.clock = Clock(after));
    for word in ["zebrafish", "xylophone", "owl", "violin", "quartet", "trombone"] {
        assert!(finds(&store, word).await.is_empty(), "{word} is found");
    }
    until(|| store.stats().expired == 6).await;
    all_is_indexed(&store).await;
    drop(store);
    assert_eq!(terms(dir.path()), ["1.kept", "1~1"]);
    for word in ["zebrafish", "xylophone", "owl", "violin", "quartet", "trombone"] {
        assert!(!lies_in(dir.path(), word), "{word} is gone");
    }
    change(dir.path(), "INSERT INTO word_index (word_index) VALUES ('integrity-check')");
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn a_damaged_index_stops_no_message_and_is_made_anew() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |_| {});
    says(&store, "zebrafish", 0).await;
    all_is_indexed(&store).await;
    drop(store);
    change(dir.path(), "UPDATE word_index_data SET block = x'ff' WHERE id > 10");
    let findings = verify(dir.path()).expect("it can be read");
    assert!(findings.iter().any(|finding| finding.rule == "file_is_sound"), "{findings:?}");
    let store = open(dir.path(), |_| {});
    let failed = search(&store, "zebrafish").await;
    assert!(matches!(failed, Err(StoreError::Corrupt { .. })), "{failed:?}");
    // With the next write the index begins anew, and what is not in it yet is looked through.
    assert_eq!(says(&store, "another", 0).await, 2);
    all_is_indexed(&store).await;
    assert_eq!(finds(&store, "zebrafish").await, [1]);
    assert_eq!(finds(&store, "another").await, [2]);
    assert_eq!(store.stats().corrupt, 2);
    drop(store);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn a_message_whose_words_are_damaged_is_deleted_all_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |_| {});
    let one = says(&store, "zebrafish", 0).await;
    let two = says(&store, "xylophone", 0).await;
    all_is_indexed(&store).await;
    drop(store);
    change(dir.path(), "UPDATE word_index_data SET block = x'ff' WHERE id > 10");
    let store = open(dir.path(), |_| {});
    does(&store, one, Wish::Delete).await;
    all_is_indexed(&store).await;
    assert!(finds(&store, "zebrafish").await.is_empty());
    assert_eq!(finds(&store, "xylophone").await, [two]);
    drop(store);
    assert_eq!(terms(dir.path()), ["1.xylophone", "1~1"]);
    assert!(!lies_in(dir.path(), "zebrafish"));
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn indexing_that_meets_damage_begins_anew() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |_| {});
    let one = says(&store, "zebrafish", 0).await;
    all_is_indexed(&store).await;
    drop(store);
    // What holds the index together, which every change of it reads.
    change(dir.path(), "UPDATE word_index_data SET block = x'ffffffffffffffff' WHERE id = 10");
    let store = open(dir.path(), |_| {});
    let two = says(&store, "xylophone", 0).await;
    all_is_indexed(&store).await;
    assert_eq!(finds(&store, "zebrafish").await, [one]);
    assert_eq!(finds(&store, "xylophone").await, [two]);
    drop(store);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}
