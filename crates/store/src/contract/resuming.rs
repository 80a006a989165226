//! What a device reads that says how far it is; and blocks, of which its user's devices learn.

use parlor_chat::entry::{Millis, Position};
use parlor_chat::ids::Seq;
use parlor_chat::store::{
    Append, Block, Blocked, HistoryQuery, HistoryRange, MOVED_TOLD_WITHIN_MS, MovedPage,
    StoreError, Whose,
};

use super::{Fixture, NOW, contents, device, dm, user, wish};

async fn moved(f: &Fixture, who: &str, after: Position) -> MovedPage {
    f.store.moved(user(who), after, 100).await.expect("a page is read")
}

async fn block(f: &Fixture, who: &str, other: &str, blocked: bool) -> Result<Blocked, StoreError> {
    let (user, other) = (user(who), user(other));
    f.store.block(Block { user, other, blocked, now: NOW, blocks_max: 3 }).await
}

/// Enough entries of others that reads do not just walk the newest.
async fn much_by_others(f: &Fixture) {
    for n in 0..600 {
        f.send("x", "y", &n.to_string()).await.expect("an append succeeds");
    }
}

pub(super) async fn since_gives_ones_own_entries_if_asked_for(f: &Fixture) {
    f.sent("a", "b", "before").await;
    let after = f.head_position().await;
    for much in [false, true] {
        f.sent("a", "b", "own").await;
        f.sent("b", "a", "other").await;
        let read = async |whose| {
            let page = f.store.since(user("a"), after, whose, 100).await.expect("a page is read");
            contents(&page.entries)
        };
        let rounds = if much { 2 } else { 1 };
        assert_eq!(read(Whose::Everyone).await, ["own", "other"].repeat(rounds));
        assert_eq!(read(Whose::Others).await, ["other"].repeat(rounds));
        much_by_others(f).await;
    }
}

pub(super) async fn behind_counts_what_since_would_give(f: &Fixture) {
    f.sent("a", "b", "before").await;
    let after = f.head_position().await;
    let count = async |whose, max| {
        f.store.behind(user("a"), after, whose, max).await.expect("it is counted").entries
    };
    assert_eq!(count(Whose::Everyone, 9).await, 0);
    for n in 0..3 {
        f.sent("a", "b", &n.to_string()).await;
        f.sent("c", "a", &n.to_string()).await;
        f.sent("x", "y", &n.to_string()).await;
    }
    assert_eq!(count(Whose::Everyone, 9).await, 6);
    assert_eq!(count(Whose::Others, 9).await, 3);
    assert_eq!(count(Whose::Everyone, 6).await, 6);
    assert_eq!(count(Whose::Everyone, 4).await, 5, "one above the bound stands for more");
    let behind = f.store.behind(user("a"), Position(0), Whose::Everyone, 99).await;
    let behind = behind.expect("it is counted");
    assert_eq!((behind.entries, behind.as_of), (7, f.head_position().await));
    assert_eq!(behind.oldest, Some(NOW));
    let nothing = f.store.behind(user("a"), behind.as_of, Whose::Everyone, 9).await;
    assert_eq!(nothing.expect("it is counted").oldest, None);
}

pub(super) async fn behind_and_since_agree_at_every_distance(f: &Fixture) {
    let pairs = [("a", "b"), ("c", "a"), ("x", "y"), ("b", "a"), ("x", "y")];
    for n in 0..900 {
        // Some conversations are long and have been quiet since, others go on.
        let (from, to) = pairs[if n < 300 { n % 5 } else { n % 3 }];
        f.send(from, to, &n.to_string()).await.expect("an append succeeds");
    }
    let head = f.head_position().await.0;
    for after in (0..=head).step_by(37).chain([1, 2, 3, head - 1, head]) {
        for whose in [Whose::Everyone, Whose::Others] {
            let (mut counted, mut at, mut more) = (0, Position(after), true);
            while more {
                let page = f.store.since(user("a"), at, whose, 100).await.expect("a page is read");
                assert!(page.entries.is_sorted_by_key(|entry| entry.position));
                counted += page.entries.len();
                more = page.more;
                at = page.entries.last().map_or(at, |last| last.position);
            }
            let behind = f.store.behind(user("a"), Position(after), whose, 5_000).await;
            assert_eq!(behind.expect("it is counted").entries, counted, "{whose:?} after {after}");
        }
    }
}

pub(super) async fn moved_names_conversations_with_entries_or_receipts_since(f: &Fixture) {
    f.sent("b", "a", "1").await;
    f.sent("c", "a", "1").await;
    f.sent("d", "a", "1").await;
    let all = moved(f, "a", Position(0)).await;
    assert_eq!((all.conversations.len(), all.more), (3, false));
    sent_later(f, "x", "y", MOVED_TOLD_WITHIN_MS + 1).await;
    let after = f.head_position().await;
    assert!(moved(f, "a", after).await.conversations.is_empty());
    f.sent("a", "b", "2").await;
    // Its own position is that of the newest entry, so it is told after that too.
    f.read("a", dm("a", "c"), 1).await;
    let page = moved(f, "a", after).await;
    let mut names: Vec<_> = page.conversations.iter().map(|moved| &moved.conversation).collect();
    names.sort();
    assert_eq!(names, [&dm("a", "b"), &dm("a", "c")]);
    let with_c = page.conversations.iter().find(|moved| moved.conversation == dm("a", "c"));
    let with_c = with_c.expect("it is there");
    assert_eq!((with_c.head, with_c.unread, with_c.watermarks[0].read), (Seq(1), 0, Seq(1)));
    let seen_by_c = moved(f, "c", after).await;
    assert_eq!(seen_by_c.conversations.len(), 1, "the other member learns of the receipt");
    let again = moved(f, "a", page.as_of).await;
    assert_eq!(again.conversations.len(), 1, "the receipt may be told twice, the entry is not");
    let cut = f.store.moved(user("a"), Position(0), 2).await.expect("a page is read");
    assert_eq!((cut.conversations.len(), cut.more), (2, true));
}

/// An entry that is written so long after [`NOW`].
async fn sent_later(f: &Fixture, from: &str, to: &str, after_ms: u64) {
    let wish = wish(from, to, "later", None);
    let later = Append { now: Millis(NOW.0 + after_ms), ..wish };
    f.store.append(later).await.expect("an append succeeds");
}

pub(super) async fn news_that_a_later_entry_may_have_overtaken_count_as_moved(f: &Fixture) {
    f.sent("b", "a", "1").await;
    f.read("a", dm("a", "b"), 1).await;
    block(f, "b", "mallory", true).await.expect("it is kept");
    // The next entry may reach a device before it is told of these, which is then cut off.
    for (after_ms, told) in [(MOVED_TOLD_WITHIN_MS, true), (MOVED_TOLD_WITHIN_MS + 1, false)] {
        sent_later(f, "c", "b", after_ms).await;
        let page = moved(f, "b", f.head_position().await).await;
        let names: Vec<_> = page.conversations.iter().map(|moved| &moved.conversation).collect();
        assert_eq!((names == [&dm("a", "b")], names.is_empty()), (told, !told));
        assert_eq!(page.blocks.is_some(), told);
    }
}

pub(super) async fn a_block_in_an_empty_log_is_told_who_is_at_its_start(f: &Fixture) {
    assert_eq!(moved(f, "a", Position(0)).await.blocks, None);
    block(f, "a", "b", true).await.expect("it is kept");
    let told = moved(f, "a", Position(0)).await.blocks.expect("it moved");
    assert_eq!(told.users, [user("b")]);
    block(f, "a", "b", false).await.expect("it is lifted");
    assert!(moved(f, "a", Position(0)).await.blocks.expect("it moved").users.is_empty());
}

pub(super) async fn received_is_what_a_position_confirms(f: &Fixture) {
    f.attached("a", "phone").await;
    f.sent("b", "a", "1").await;
    f.sent("b", "a", "2").await;
    f.sent("c", "a", "1").await;
    let here = f.head_position().await;
    f.sent("b", "a", "3").await;
    let received = async |on| {
        let of = f.store.received(user("a"), device(on), here, 10).await.expect("it is read");
        of.into_iter().collect::<std::collections::BTreeMap<_, _>>()
    };
    let both = [(dm("a", "b"), Seq(2)), (dm("a", "c"), Seq(1))].into();
    assert_eq!(received("phone").await, both);
    assert_eq!(received("").await, both);
    f.delivered("a", "phone", dm("a", "b"), 2).await;
    assert_eq!(received("phone").await, [(dm("a", "c"), Seq(1))].into());
    assert!(received("unknown").await.is_empty());
    let one = f.store.received(user("a"), device("phone"), here, 0).await.expect("it is read");
    assert!(one.is_empty());
}

pub(super) async fn a_block_holds_for_every_later_append(f: &Fixture) {
    f.sent("b", "a", "1").await;
    assert_eq!(block(f, "a", "b", true).await.expect("it is kept"), Blocked::Changed);
    assert_eq!(block(f, "a", "b", true).await.expect("it is kept"), Blocked::Unchanged);
    assert!(matches!(f.send("b", "a", "2").await, Err(StoreError::Blocked)));
    assert_eq!(f.sent("a", "b", "from me").await.seq, Seq(2), "nothing was kept of it");
    assert!(matches!(f.send("b", "a", "3").await, Err(StoreError::Blocked)));
    assert_eq!(block(f, "a", "b", false).await.expect("it is lifted"), Blocked::Changed);
    assert_eq!(f.sent("b", "a", "4").await.seq, Seq(3));
    // Asked for in one breath, they take effect in that order.
    let (blocked, sent) = {
        let wish =
            Block { user: user("a"), other: user("b"), blocked: true, now: NOW, blocks_max: 3 };
        (f.store.block(wish), f.send("b", "a", "5"))
    };
    assert_eq!(blocked.await.expect("it is kept"), Blocked::Changed);
    assert!(matches!(sent.await, Err(StoreError::Blocked)));
    assert_eq!(block(f, "s", "t", true).await.expect("of strangers"), Blocked::Changed);
    assert!(matches!(f.send("t", "s", "first").await, Err(StoreError::Blocked)));
}

pub(super) async fn a_retry_of_what_was_kept_passes_a_block(f: &Fixture) {
    let first = f.store.append(wish("b", "a", "1", Some("k"))).await.expect("an append succeeds");
    block(f, "a", "b", true).await.expect("it is kept");
    let again = f.store.append(wish("b", "a", "1", Some("k"))).await.expect("it was kept");
    assert_eq!((again.seq, again.ts, again.repeated), (first.seq, first.ts, true));
}

pub(super) async fn blocks_are_bounded_and_listed_in_order(f: &Fixture) {
    assert!(f.store.blocks(user("a")).await.expect("a list").users.is_empty());
    f.sent("a", "b", "1").await;
    for other in ["d", "b", "c"] {
        block(f, "a", other, true).await.expect("there is room");
    }
    assert!(matches!(block(f, "a", "e", true).await, Err(StoreError::TooManyBlocks)));
    block(f, "a", "d", false).await.expect("it is lifted");
    block(f, "a", "e", true).await.expect("there is room again");
    let blocks = f.store.blocks(user("a")).await.expect("a list");
    assert_eq!(blocks.users, [user("b"), user("c"), user("e")]);
    assert_eq!(moved(f, "a", f.head_position().await).await.blocks, Some(blocks));
    assert_eq!(moved(f, "b", Position(0)).await.blocks, None);
    assert!(f.store.blocks(user("b")).await.expect("a list").users.is_empty());
}

pub(super) async fn history_covers_what_it_speaks_for(f: &Fixture) {
    for n in 1..=9 {
        f.sent("a", "b", &n.to_string()).await;
    }
    let read = async |range, limit| {
        let query = HistoryQuery { user: user("a"), conversation: dm("a", "b"), range, limit };
        let page = f.store.history(query).await.expect("a page is read");
        let covers = page.covers.map(|(from, to)| (from.0, to.0));
        (contents(&page.entries).concat(), page.more, covers)
    };
    let after = |after, before: Option<u64>| HistoryRange::After(Seq(after), before.map(Seq));
    let before = |before: Option<u64>| HistoryRange::Before(before.map(Seq));
    assert_eq!(read(after(2, Some(6)), 9).await, ("345".into(), false, Some((3, 5))));
    assert_eq!(read(after(2, Some(6)), 2).await, ("34".into(), true, Some((3, 4))));
    assert_eq!(read(after(7, None), 9).await, ("89".into(), false, Some((8, 9))));
    assert_eq!(read(after(9, None), 9).await, (String::new(), false, None));
    assert_eq!(read(after(4, Some(5)), 9).await, (String::new(), false, None));
    assert_eq!(read(before(None), 3).await, ("987".into(), true, Some((7, 9))));
    assert_eq!(read(before(Some(4)), 9).await, ("321".into(), false, Some((1, 3))));
    assert_eq!(read(before(Some(1)), 9).await, (String::new(), false, None));
    assert_eq!(read(before(Some(99)), 2).await, ("98".into(), true, Some((8, 9))));
}
