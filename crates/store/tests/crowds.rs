//! What larger groups cost the store, and what is left of their watermarks after a crash and of those
//! in an older file.

use std::path::Path;
use std::sync::Arc;

use parlor_chat::entry::{Content, Millis};
use parlor_chat::group::decide::Wish;
use parlor_chat::group::port::{ChangeGroup, Groups, ReceiptCount};
use parlor_chat::group::{GroupName, SettingsPatch};
use parlor_chat::ids::{ConversationId, DeviceId, GroupId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::store::{
    Append, Authority, CommitSink, Committed, Mark, MarkKind, Marked, Origin, Recipient, Store,
};
use parlor_store::sqlite::{Config, DATABASE_FILE, SqliteStore, verify};

const NOW: Millis = Millis(1_800_000_000_000);

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

fn owls() -> GroupId {
    GroupId::parse("owls").expect("a good group id")
}

fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(Config::new(dir), Arc::new(Nobody)).expect("it opens")
}

async fn change(store: &SqliteStore, wish: Wish) {
    let change = ChangeGroup {
        by: user("owner"),
        authority: Authority::User,
        group: owls(),
        wish,
        client_id: None,
        now: NOW,
        origin: Origin::of(0),
        limits: Limits::default(),
    };
    store.change_group(change).await.expect("the group changes");
}

async fn made(store: &SqliteStore, members: &[UserId]) {
    let name = GroupName::parse("Owls").expect("a good name");
    let settings = SettingsPatch::default();
    change(store, Wish::Create { name, settings, members: Vec::new() }).await;
    for some in members.chunks(256) {
        change(store, Wish::Add(some.to_vec())).await;
    }
}

async fn said(store: &SqliteStore) -> Seq {
    let append = Append {
        from: user("owner"),
        to: Recipient::Group(owls()),
        client_id: None,
        content: Content("1".into()),
        now: NOW,
        origin: Origin::of(0),
    };
    store.append(append).await.expect("it is kept").seq
}

fn mark(who: &UserId, seq: Seq, kind: fn(DeviceId) -> MarkKind) -> Mark {
    let kind = kind(DeviceId::parse("phone").expect("a good device id"));
    Mark { user: who.clone(), conversation: ConversationId::group(&owls()), seq, kind, now: NOW }
}

async fn count(store: &SqliteStore, seq: Seq) -> ReceiptCount {
    let counts = store.receipt_counts(owls(), Seq(0), seq, 1).await.expect("it is counted");
    counts.into_iter().next().expect("one message")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_who_read_one_message_are_a_few_hundred_rows() {
    const MEMBERS: usize = 10_000;
    /// Marks that the service hands over at a time.
    const AT_ONCE: usize = 2_048;
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    let members: Vec<_> = (0..MEMBERS).map(|n| user(&format!("u{n}"))).collect();
    made(&store, &members).await;
    let seq = said(&store).await;
    let before = store.stats();
    for some in members.chunks(AT_ONCE) {
        let marks = some.iter().map(|who| mark(who, seq, MarkKind::Read)).collect();
        let marked = store.mark(marks).await.expect("they are kept");
        assert!(marked.iter().all(|it| matches!(it, Marked::MovedAmongMany { .. })));
    }
    let rows = store.stats().mark_blocks - before.mark_blocks;
    println!("members={MEMBERS} rows={rows}");
    assert!(rows <= 500, "{rows} rows");
    let ReceiptCount { delivered, read, .. } = count(&store, seq).await;
    assert_eq!((delivered, read), (MEMBERS as u64, MEMBERS as u64));
    store.close();
    assert_eq!(verify(dir.path()).expect("it is read"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_that_were_answered_outlive_a_crash() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    let members: Vec<_> = (0..300).map(|n| user(&format!("u{n}"))).collect();
    made(&store, &members).await;
    let seq = said(&store).await;
    let marks = |some: &[UserId], kind| some.iter().map(|who| mark(who, seq, kind)).collect();
    store.mark(marks(&members[..200], MarkKind::Delivered)).await.expect("they are kept");
    store.mark(marks(&members[..120], MarkKind::Read)).await.expect("they are kept");
    // The files as a crash leaves them: nothing was closed, nothing checkpointed.
    let crashed = tempfile::tempdir().expect("a directory");
    for file in std::fs::read_dir(dir.path()).expect("its files") {
        let file = file.expect("a file");
        let to = crashed.path().join(file.file_name());
        std::fs::copy(file.path(), to).expect("it is copied");
    }
    assert_eq!(verify(crashed.path()).expect("it is read"), []);
    let after = open(crashed.path());
    let ReceiptCount { delivered, read, .. } = count(&after, seq).await;
    assert_eq!((delivered, read), (200, 120));
    let line = after.conversations(members[0].clone(), None, 1).await.expect("a page");
    assert_eq!(line.conversations[0].unread, 0);
    after.mark(marks(&members[110..], MarkKind::Read)).await.expect("it goes on");
    assert_eq!(count(&after, seq).await.read, 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_files_marks_are_gathered_into_blocks() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    let members: Vec<_> = (0..200).map(|n| user(&format!("u{n}"))).collect();
    made(&store, &members).await;
    change(&store, Wish::Kick(user("u7"))).await;
    let seq = said(&store).await;
    store.close();
    drop(store);
    // The same file as a version without blocks would have it.
    let conn = rusqlite::Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    conn.execute_batch(&format!(
        "UPDATE member SET delivered = {0}, read = {0} WHERE user % 2 = 0 AND left IS NULL; \
         UPDATE member SET delivered = {0} WHERE user % 2 = 1 AND user % 3 = 0 AND left IS NULL; \
         DROP TABLE mark_block; DROP INDEX member_slot; ALTER TABLE member DROP COLUMN slot; \
         ALTER TABLE chat_group DROP COLUMN slots; \
         DROP INDEX group_ruled; ALTER TABLE chat_group DROP COLUMN rules; \
         DROP INDEX member_requests; ALTER TABLE member DROP COLUMN request; \
         ALTER TABLE entry DROP COLUMN shadow; PRAGMA user_version = 10;",
        seq.0
    ))
    .expect("it is made older");
    let of = |sql: &str| -> u64 {
        let number: i64 = conn.query_row(sql, (), |row| row.get(0)).expect("a number");
        number.unsigned_abs()
    };
    let others = "FROM member m JOIN user u ON u.id = m.user WHERE u.name <> 'owner'";
    let delivered = of(&format!("SELECT count(*) {others} AND m.delivered = {}", seq.0));
    let read = of(&format!("SELECT count(*) {others} AND m.read = {}", seq.0));
    drop(conn);
    assert!(read > 90 && delivered > read);
    let store = open(dir.path());
    let counted = count(&store, seq).await;
    assert_eq!((counted.delivered, counted.read), (delivered, read));
    change(&store, Wish::Add(vec![user("new"), user("u7")])).await;
    let seq = said(&store).await;
    let all: Vec<_> = members.iter().map(|who| mark(who, seq, MarkKind::Read)).collect();
    store.mark(all).await.expect("they are kept");
    assert_eq!(count(&store, seq).await.read, 200);
    store.close();
    assert_eq!(verify(dir.path()).expect("it is read"), []);
}
