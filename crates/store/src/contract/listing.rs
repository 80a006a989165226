//! History, lists of conversations, and devices.

use parlor_chat::entry::{Millis, Position};
use parlor_chat::ids::{ConversationId, DeviceId, Seq};
use parlor_chat::limits::DAY_MS;
use parlor_chat::store::{
    Append, AttachDevice, ConversationSummary, HistoryPage, HistoryQuery, HistoryRange, Pending,
    Revoked, StoreError, Watermarks, Whose,
};

use super::{Fixture, NOW, attach, contents, device, dm, is_not_found, user, wish};

fn history(
    f: &Fixture,
    who: &str,
    conversation: ConversationId,
    range: HistoryRange,
    limit: usize,
) -> Pending<HistoryPage> {
    f.store.history(HistoryQuery { user: user(who), conversation, range, limit })
}

pub(super) async fn history_goes_both_ways_in_pages(f: &Fixture) {
    for n in 1..=5 {
        f.sent(["a", "b"][n % 2], ["b", "a"][n % 2], &n.to_string()).await;
    }
    let read = async |range, limit| {
        let page = history(f, "a", dm("a", "b"), range, limit).await.expect("a page is read");
        assert_eq!(page.head, Seq(5), "however far the page goes");
        (contents(&page.entries).concat(), page.more)
    };
    assert_eq!(read(HistoryRange::Before(None), 2).await, ("54".into(), true));
    assert_eq!(read(HistoryRange::Before(Some(Seq(4))), 2).await, ("32".into(), true));
    assert_eq!(read(HistoryRange::Before(Some(Seq(4))), 3).await, ("321".into(), false));
    assert_eq!(read(HistoryRange::Before(Some(Seq(1))), 3).await, (String::new(), false));
    assert_eq!(read(HistoryRange::Before(Some(Seq(u64::MAX))), 9).await, ("54321".into(), false));
    assert_eq!(read(HistoryRange::After(Seq(0), None), 3).await, ("123".into(), true));
    assert_eq!(read(HistoryRange::After(Seq(3), None), 2).await, ("45".into(), false));
    assert_eq!(read(HistoryRange::After(Seq(u64::MAX), None), 2).await, (String::new(), false));
}

pub(super) async fn history_begins_at_a_time(f: &Fixture) {
    let times = [10, 10, 20, 20, 20, 30];
    for (n, ts) in times.into_iter().enumerate() {
        let now = Millis(NOW.0 + ts);
        let append = Append { now, ..wish("a", "b", &(n + 1).to_string(), None) };
        f.store.append(append).await.expect("an append succeeds");
    }
    let read = async |at, limit| {
        let range = HistoryRange::At(at);
        let page = history(f, "b", dm("a", "b"), range, limit).await.expect("a page is read");
        (contents(&page.entries).concat(), page.more, page.covers.map(|(a, b)| (a.0, b.0)))
    };
    let at = |ms: u64| Millis(NOW.0 + ms);
    assert_eq!(read(Millis(0), 9).await, ("123456".into(), false, Some((1, 6))));
    assert_eq!(read(at(10), 2).await, ("12".into(), true, Some((1, 2))));
    assert_eq!(read(at(11), 9).await, ("3456".into(), false, Some((3, 6))));
    assert_eq!(read(at(20), 3).await, ("345".into(), true, Some((3, 5))));
    assert_eq!(read(at(21), 9).await, ("6".into(), false, Some((6, 6))));
    for late in [at(31), Millis(u64::MAX)] {
        assert_eq!(read(late, 9).await, (String::new(), false, None));
    }
}

pub(super) async fn history_is_for_members(f: &Fixture) {
    f.sent("a", "b", "x").await;
    assert!(is_not_found(
        history(f, "c", dm("a", "b"), HistoryRange::After(Seq(0), None), 1).await
    ));
    assert!(is_not_found(
        history(f, "a", dm("a", "z"), HistoryRange::After(Seq(0), None), 1).await
    ));
    assert!(is_not_found(
        history(f, "a", dm("a", "a"), HistoryRange::After(Seq(0), None), 1).await
    ));
}

async fn listed(f: &Fixture, who: &str, limit: usize) -> Vec<ConversationSummary> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = f.store.conversations(user(who), cursor, limit).await.expect("a page is read");
        assert!(page.conversations.len() <= limit);
        all.extend(page.conversations);
        cursor = page.next;
        if cursor.is_none() {
            return all;
        }
    }
}

pub(super) async fn conversations_are_newest_first_in_pages(f: &Fixture) {
    for peer in ["b", "c", "d", "e"] {
        f.sent(peer, "a", peer).await;
    }
    f.sent("a", "b", "again").await;
    f.sent("x", "y", "of others").await;
    for limit in [1, 2, 3, 4, 10] {
        let all = listed(f, "a", limit).await;
        let lasts: Vec<_> = all.iter().map(|c| contents(std::slice::from_ref(&c.last))).collect();
        assert_eq!(lasts.concat(), ["again", "e", "d", "c"], "in pages of {limit}");
        assert_eq!(all[0].conversation, dm("a", "b"));
        assert_eq!(all[0].head, Seq(2));
    }
}

pub(super) async fn unread_counts_others_after_the_read_mark(f: &Fixture) {
    for n in 0..10 {
        f.sent("a", "b", "x").await;
        if n % 3 == 0 {
            f.sent("b", "a", "own").await;
        }
    }
    let all = listed(f, "b", 10).await;
    assert_eq!((all[0].unread, all[0].head), (10, Seq(14)));
    f.read("b", dm("a", "b"), 6).await;
    let all = listed(f, "b", 10).await;
    assert_eq!(all[0].unread, 6);
    let of = |who: &str, delivered, read| Watermarks {
        user: user(who),
        delivered: Seq(delivered),
        read: Seq(read),
    };
    assert_eq!(all[0].watermarks, [of("a", 0, 0), of("b", 6, 6)]);
    assert_eq!(listed(f, "a", 10).await[0].unread, 4);
    f.read("b", dm("a", "b"), 14).await;
    assert_eq!(listed(f, "b", 10).await[0].unread, 0);
}

pub(super) async fn own_sends_and_notes_are_never_unread(f: &Fixture) {
    f.sent("a", "b", "x").await;
    f.sent("a", "a", "note").await;
    let all = listed(f, "a", 10).await;
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|conversation| conversation.unread == 0));
    assert_eq!(all[0].watermarks.len(), 1);
}

pub(super) async fn the_device_limit_counts_named_devices(f: &Fixture) {
    for name in ["", "d1", "d2", "d3", "d1", ""] {
        f.attached("a", name).await;
    }
    let fourth = f.store.attach_device(attach("a", "d4", NOW.0)).await;
    assert!(matches!(fourth, Err(StoreError::TooManyDevices)));
    f.attached("b", "d4").await;
    let none = AttachDevice { devices_max: 0, ..attach("new", "d", NOW.0) };
    let refused = f.store.attach_device(none).await;
    assert!(matches!(refused, Err(StoreError::TooManyDevices)));
    assert_eq!(f.store.revoke_device(user("a"), device("d2"), NOW).await.ok(), Some(Revoked::Done));
    f.attached("a", "d4").await;
}

pub(super) async fn an_idle_device_makes_room(f: &Fixture) {
    for (name, day) in [("d1", 0), ("d2", 1), ("d3", 2)] {
        let at = NOW.0 + day * DAY_MS;
        f.store.attach_device(attach("a", name, at)).await.expect("there is room");
    }
    let later = NOW.0 + 60 * DAY_MS;
    f.store.attach_device(attach("a", "d1", later)).await.expect("it is known");
    let at = NOW.0 + 91 * DAY_MS;
    let refused = f.store.attach_device(attach("a", "d4", at)).await;
    assert!(matches!(refused, Err(StoreError::TooManyDevices)));
    f.store.attach_device(attach("a", "d4", at + 1)).await.expect("d2 is idle");
    let names: Vec<_> =
        f.store.devices(user("a")).await.expect("a list").into_iter().map(|d| d.device).collect();
    assert_eq!(names, [device("d4"), device("d1"), device("d3")]);
}

pub(super) async fn a_revoked_device_refuses_older_tokens(f: &Fixture) {
    f.attached("a", "d").await;
    let at = Millis(NOW.0 + 10);
    assert_eq!(f.store.revoke_device(user("a"), device("d"), at).await.ok(), Some(Revoked::Done));
    assert!(f.store.devices(user("a")).await.expect("a list").is_empty());
    let with = |token_issued| AttachDevice { token_issued, ..attach("a", "d", NOW.0 + 20) };
    for issued in [None, Some(NOW), Some(at)] {
        let refused = f.store.attach_device(with(issued)).await;
        assert!(matches!(refused, Err(StoreError::DeviceRevoked)), "issued {issued:?}");
    }
    f.store.attach_device(with(Some(Millis(at.0 + 1)))).await.expect("a later token");
    let refused = f.store.attach_device(with(Some(at))).await;
    assert!(matches!(refused, Err(StoreError::DeviceRevoked)));
    let again = f.store.revoke_device(user("a"), DeviceId::shared(), at).await;
    assert_eq!(again.ok(), Some(Revoked::NotFound));
}

pub(super) async fn a_revoked_device_comes_back_as_new(f: &Fixture) {
    f.attached("b", "phone").await;
    f.attached("b", "laptop").await;
    for n in 1..=3 {
        f.sent("a", "b", &n.to_string()).await;
    }
    f.delivered("b", "phone", dm("a", "b"), 3).await;
    f.delivered("b", "laptop", dm("a", "b"), 1).await;
    f.store.revoke_device(user("b"), device("laptop"), NOW).await.expect("it is there");
    f.store.attach_device(attach("b", "laptop", NOW.0 + 1)).await.expect("a later token");
    assert!(f.undelivered("b", "laptop", 10).await.0.is_empty());
}

pub(super) async fn pages_of_large_messages_are_cut_and_lose_nothing(f: &Fixture) {
    let large = "x".repeat(60_000);
    let peers: Vec<String> = (0..12).map(|n| format!("peer{n}")).collect();
    for peer in &peers {
        f.sent(peer, "a", &large).await;
        f.sent("b", "a", &large).await;
    }
    let conversations = listed(f, "a", 100).await;
    assert_eq!(conversations.len(), 13);
    let (mut seqs, mut pages) = (Vec::new(), 0);
    loop {
        let after = HistoryRange::After(seqs.last().copied().unwrap_or_default(), None);
        let page = history(f, "a", dm("a", "b"), after, 200).await.expect("a page is read");
        assert!(!page.entries.is_empty());
        seqs.extend(page.entries.iter().map(|entry| entry.seq));
        pages += 1;
        if !page.more {
            break;
        }
    }
    assert_eq!(seqs, (1..=12).map(Seq).collect::<Vec<_>>());
    assert!(pages > 1, "12 messages of 60,000 bytes in one page");
    let (mut cursor, mut undelivered) = (None, 0);
    loop {
        let page = f.store.undelivered(user("a"), device(""), cursor, 100).await;
        let page = page.expect("a page is read");
        assert!(page.entries.len() < 12);
        undelivered += page.entries.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(undelivered, 24);
    let (mut after, mut since, mut more) = (Position::default(), 0, true);
    while more {
        let page =
            f.store.since(user("a"), after, Whose::Others, 100).await.expect("a page is read");
        assert!(page.entries.len() < 12);
        since += page.entries.len();
        after = page.entries.last().map_or(page.as_of, |last| last.position);
        more = page.more;
    }
    assert_eq!(since, 24);
}

pub(super) async fn devices_are_listed_by_last_seen(f: &Fixture) {
    for (name, minute) in [("d1", 0), ("d2", 1), ("", 2), ("d1", 60)] {
        let at = NOW.0 + minute * 60_000;
        f.store.attach_device(attach("a", name, at)).await.expect("there is room");
    }
    let devices = f.store.devices(user("a")).await.expect("a list");
    let seen: Vec<_> = devices.iter().map(|d| (d.device.as_str(), d.last_seen.0 - NOW.0)).collect();
    assert_eq!(seen, [("d1", 3_600_000), ("d2", 60_000)]);
    assert_eq!(devices[0].created, NOW);
}

pub(super) async fn a_user_was_last_seen_on_the_device_that_came_last(f: &Fixture) {
    let seen = async || f.store.last_seen(user("a")).await.expect("an answer");
    assert_eq!(seen().await, None);
    f.attached("a", "").await;
    assert_eq!(seen().await, None, "the shared device is kept nowhere");
    for (name, minute, expected) in [("d1", 5, 5), ("d2", 0, 5), ("d2", 60, 60), ("d1", 20, 60)] {
        let at = NOW.0 + minute * 60_000;
        f.store.attach_device(attach("a", name, at)).await.expect("there is room");
        assert_eq!(seen().await, Some(Millis(NOW.0 + expected * 60_000)));
    }
    f.attached("b", "d1").await;
    f.store.revoke_device(user("a"), device("d2"), NOW).await.expect("it is there");
    assert_eq!(seen().await, Some(Millis(NOW.0 + 3_600_000)), "revoked, and yet seen");
    assert_eq!(f.store.last_seen(user("b")).await.ok(), Some(Some(NOW)));
}

pub(super) async fn what_does_not_exist_is_empty_or_not_found(f: &Fixture) {
    assert!(f.undelivered("nobody", "", 10).await.0.is_empty());
    assert!(f.undelivered("nobody", "d", 10).await.0.is_empty());
    assert!(listed(f, "nobody", 10).await.is_empty());
    assert!(f.store.devices(user("nobody")).await.expect("a list").is_empty());
    let revoked = f.store.revoke_device(user("nobody"), device("d"), NOW).await;
    assert_eq!(revoked.ok(), Some(Revoked::NotFound));
    assert!(f.store.health().is_ok());
    assert!(f.store.mark(Vec::new()).await.expect("an answer").is_empty());
}
