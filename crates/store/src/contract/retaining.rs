//! What is left where entries are removed for their age: each conversation's end, with its numbers,
//! counts and keys as if nothing had been removed.

use parlor_chat::entry::{Millis, Position};
use parlor_chat::ids::Seq;
use parlor_chat::limits::DAY_MS;
use parlor_chat::store::{Append, Appended, HistoryQuery, HistoryRange, Marked, StoreError, Whose};

use super::{Fixture, NOW, contents, dm, user, wish};

/// Entries older than this are removed from a store that is made for these claims.
pub const RETAINED_MS: u64 = 7 * DAY_MS;

/// The time it is for such a store.
pub fn clock() -> Millis {
    NOW
}

async fn sent_old(f: &Fixture, from: &str, to: &str, key: &str) -> Appended {
    let now = Millis(NOW.0 - 10 * DAY_MS);
    let append = Append { now, ..wish(from, to, key, Some(key)) };
    f.store.append(append).await.expect("an append succeeds")
}

async fn history(f: &Fixture, with: &str, range: HistoryRange) -> (String, Option<(u64, u64)>) {
    let query = HistoryQuery { user: user("a"), conversation: dm("a", with), range, limit: 99 };
    let page = f.store.history(query).await.expect("a page is read");
    (contents(&page.entries).concat(), page.covers.map(|(from, to)| (from.0, to.0)))
}

const NEWEST: HistoryRange = HistoryRange::Before(None);

/// Waits until a conversation of `a` is down to what is expected.
async fn down_to(f: &Fixture, with: &str, expected: &str) {
    loop {
        let (left, _) = history(f, with, NEWEST).await;
        assert!(left.ends_with(expected.chars().last().unwrap_or_default()) || left.len() > 1);
        if left == expected {
            return;
        }
        tokio::task::yield_now().await;
    }
}

pub(super) async fn old_entries_go_and_history_covers_where_they_were(f: &Fixture) {
    for key in ["1", "2", "3", "4"] {
        sent_old(f, "a", "b", key).await;
    }
    for text in ["5", "6"] {
        f.sent("b", "a", text).await;
    }
    down_to(f, "b", "65").await;
    assert_eq!(history(f, "b", NEWEST).await, ("65".into(), Some((1, 6))));
    let after = |after, before: Option<u64>| HistoryRange::After(Seq(after), before.map(Seq));
    assert_eq!(history(f, "b", after(0, None)).await, ("56".into(), Some((1, 6))));
    assert_eq!(history(f, "b", after(0, Some(4))).await, (String::new(), Some((1, 3))));
    let before = HistoryRange::Before(Some(Seq(4)));
    assert_eq!(history(f, "b", before).await, (String::new(), Some((1, 3))));
    assert_eq!(f.sent("a", "b", "7").await.seq, Seq(7));
}

pub(super) async fn the_newest_entry_stays_until_it_is_succeeded(f: &Fixture) {
    for key in ["1", "2", "3"] {
        sent_old(f, "a", "b", key).await;
    }
    down_to(f, "b", "3").await;
    let page = f.store.conversations(user("b"), None, 9).await.expect("a page is read");
    assert_eq!((page.conversations[0].head, page.conversations[0].unread), (Seq(3), 1));
    assert_eq!(f.sent("b", "a", "4").await.seq, Seq(4));
    down_to(f, "b", "4").await;
    assert_eq!(history(f, "b", NEWEST).await.1, Some((1, 4)));
    assert_eq!(f.sent("b", "a", "5").await.seq, Seq(5));
    assert_eq!(history(f, "b", NEWEST).await.0, "54");
}

pub(super) async fn only_what_is_kept_is_undelivered_unread_or_behind(f: &Fixture) {
    f.attached("b", "phone").await;
    for key in ["1", "2"] {
        sent_old(f, "a", "b", key).await;
        sent_old(f, "b", "a", key).await;
    }
    f.sent("a", "b", "5").await;
    f.sent("b", "a", "6").await;
    f.sent("a", "b", "7").await;
    down_to(f, "b", "765").await;
    for device in ["", "phone"] {
        assert_eq!(contents(&f.undelivered("b", device, 1).await.0), ["5", "7"]);
    }
    let page = f.store.conversations(user("b"), None, 9).await.expect("a page is read");
    assert_eq!(page.conversations[0].unread, 2);
    let moved = f.store.moved(user("b"), Position(0), 9).await.expect("a page is read");
    assert_eq!((moved.conversations[0].unread, moved.conversations[0].head), (2, Seq(7)));
    assert_eq!(contents(&f.since("b", Position(0), 99).await), ["5", "7"]);
    let behind = f.store.behind(user("b"), Position(0), Whose::Everyone, 99).await;
    assert_eq!(behind.expect("it is counted").entries, 3);
    let head = f.head_position().await;
    let received = f.store.received(user("b"), super::device("phone"), head, 9).await;
    assert_eq!(received.expect("it is read"), [(dm("a", "b"), Seq(7))]);
    let received = f.store.received(user("b"), super::device("phone"), Position(1), 9).await;
    assert_eq!(received.expect("it is read"), [], "what is removed needs no confirmation");
}

pub(super) async fn watermarks_may_lie_where_entries_were(f: &Fixture) {
    for key in ["1", "2", "3", "4"] {
        sent_old(f, "a", "b", key).await;
    }
    assert_eq!(f.read("b", dm("a", "b"), 1).await, Marked::Moved);
    f.sent("a", "b", "5").await;
    down_to(f, "b", "5").await;
    assert_eq!(f.read("b", dm("a", "b"), 1).await, Marked::Unmoved);
    assert_eq!(f.read("b", dm("a", "b"), 3).await, Marked::Moved, "a sees it, who has them still");
    assert_eq!(f.delivered("b", "", dm("a", "b"), 2).await, Marked::Unmoved);
    assert_eq!(f.delivered("b", "", dm("a", "b"), 6).await, Marked::NotFound);
    let page = f.store.conversations(user("b"), None, 9).await.expect("a page is read");
    let summary = &page.conversations[0];
    let of_b = summary.watermarks.iter().find(|marks| marks.user == user("b"));
    assert_eq!(of_b.map(|marks| (marks.delivered, marks.read)), Some((Seq(3), Seq(3))));
    assert_eq!(summary.unread, 1);
    assert_eq!(contents(&f.undelivered("b", "", 9).await.0), ["5"]);
    assert_eq!(f.read("b", dm("a", "b"), 5).await, Marked::Moved);
    assert_eq!(f.read("b", dm("a", "b"), 5).await, Marked::Unmoved);
    assert!(f.undelivered("b", "", 9).await.0.is_empty());
}

pub(super) async fn a_retry_of_what_was_removed_is_answered_like_the_first(f: &Fixture) {
    let first = sent_old(f, "a", "b", "1").await;
    let second = sent_old(f, "a", "b", "2").await;
    down_to(f, "b", "2").await;
    f.sent("b", "a", "3").await;
    down_to(f, "b", "3").await;
    for (key, then) in [("1", first), ("2", second)] {
        let again = f.store.append(wish("a", "b", key, Some(key))).await.expect("it was kept");
        assert_eq!((again.seq, again.ts, again.repeated), (then.seq, then.ts, true));
        let other = f.store.append(wish("a", "b", "other", Some(key))).await;
        assert!(matches!(other, Err(StoreError::ClientIdConflict)));
    }
    assert_eq!(f.sent("a", "b", "4").await.seq, Seq(4));
}

pub(super) async fn notes_to_oneself_are_removed_like_others(f: &Fixture) {
    for key in ["1", "2", "3"] {
        sent_old(f, "a", "a", key).await;
    }
    down_to(f, "a", "3").await;
    assert_eq!(f.sent("a", "a", "4").await.seq, Seq(4));
    down_to(f, "a", "4").await;
    let page = f.store.conversations(user("a"), None, 9).await.expect("a page is read");
    assert_eq!((page.conversations[0].head, page.conversations[0].unread), (Seq(4), 0));
}
