//! Watermarks, and what a device has still to hear.

use parlor_chat::entry::Position;
use parlor_chat::ids::DeviceId;
use parlor_chat::store::{MarkKind, Marked};

use super::{Fixture, contents, device, dm};

pub(super) async fn marks_only_grow_and_tell_whether_they_moved(f: &Fixture) {
    for _ in 0..3 {
        f.sent("a", "b", "x").await;
    }
    assert_eq!(f.delivered("b", "", dm("a", "b"), 2).await, Marked::Moved);
    assert_eq!(f.delivered("b", "", dm("a", "b"), 1).await, Marked::Unmoved);
    assert_eq!(f.delivered("b", "", dm("a", "b"), 2).await, Marked::Unmoved);
    assert_eq!(f.delivered("b", "", dm("a", "b"), 0).await, Marked::Unmoved);
    assert_eq!(f.read("b", dm("a", "b"), 3).await, Marked::Moved);
    assert_eq!(f.read("b", dm("a", "b"), 2).await, Marked::Unmoved);
    assert_eq!(f.delivered("b", "", dm("a", "b"), 3).await, Marked::Unmoved);
}

pub(super) async fn read_implies_delivered(f: &Fixture) {
    f.attached("b", "phone").await;
    f.sent("a", "b", "x").await;
    let kind = MarkKind::Read(device("phone"));
    assert_eq!(f.mark("b", dm("a", "b"), 1, kind).await, Marked::Moved);
    assert!(f.undelivered("b", "phone", 10).await.0.is_empty());
    assert!(f.undelivered("b", "", 10).await.0.is_empty());
}

pub(super) async fn a_mark_above_the_head_or_of_a_stranger_is_not_found(f: &Fixture) {
    f.sent("a", "b", "x").await;
    assert_eq!(f.delivered("b", "", dm("a", "b"), 2).await, Marked::NotFound);
    assert_eq!(f.delivered("b", "", dm("a", "b"), u64::MAX).await, Marked::NotFound);
    assert_eq!(f.read("c", dm("a", "b"), 1).await, Marked::NotFound);
    assert_eq!(f.read("b", dm("b", "c"), 1).await, Marked::NotFound);
    assert_eq!(f.undelivered("b", "", 10).await.0.len(), 1);
}

pub(super) async fn marks_over_own_entries_move_nothing_that_others_see(f: &Fixture) {
    f.sent("a", "b", "1").await;
    f.sent("b", "a", "2").await;
    f.sent("b", "a", "3").await;
    assert_eq!(f.read("a", dm("a", "b"), 1).await, Marked::Unmoved);
    assert_eq!(f.read("a", dm("a", "b"), 2).await, Marked::Moved);
    assert_eq!(f.read("b", dm("a", "b"), 1).await, Marked::Moved);
    assert_eq!(f.read("b", dm("a", "b"), 3).await, Marked::Unmoved);
    f.sent("a", "a", "note").await;
    assert_eq!(f.read("a", dm("a", "a"), 1).await, Marked::Unmoved);
}

pub(super) async fn undelivered_is_what_others_said_and_the_device_has_not_confirmed(f: &Fixture) {
    f.sent("a", "b", "1").await;
    f.sent("b", "a", "own").await;
    f.sent("a", "b", "2").await;
    f.sent("c", "b", "3").await;
    f.sent("b", "b", "note").await;
    f.sent("a", "c", "of others").await;
    assert_eq!(contents(&f.undelivered("b", "", 10).await.0), ["1", "2", "3"]);
    f.delivered("b", "", dm("a", "b"), 1).await;
    assert_eq!(contents(&f.undelivered("b", "", 10).await.0), ["2", "3"]);
    f.delivered("b", "", dm("a", "b"), 3).await;
    f.delivered("b", "", dm("b", "c"), 1).await;
    assert!(f.undelivered("b", "", 10).await.0.is_empty());
}

pub(super) async fn undelivered_pages_hold_each_entry_once(f: &Fixture) {
    for n in 0..30 {
        f.sent(["a", "c", "d"][n % 3], "b", &n.to_string()).await;
        f.sent("b", "a", "own").await;
    }
    let whole = f.undelivered("b", "", 100).await.0;
    assert_eq!(whole.len(), 30);
    for limit in [1, 2, 3, 7, 10, 29, 30] {
        let (entries, pages) = f.undelivered("b", "", limit).await;
        assert_eq!(entries, whole, "in pages of {limit}");
        assert!(pages <= 30usize.div_ceil(limit) + 1);
    }
    for pair in whole.windows(2) {
        if pair[0].conversation == pair[1].conversation {
            assert!(pair[0].seq < pair[1].seq);
        }
    }
}

pub(super) async fn each_named_device_has_its_own_watermark(f: &Fixture) {
    f.attached("b", "phone").await;
    f.attached("b", "laptop").await;
    f.sent("a", "b", "1").await;
    f.sent("a", "b", "2").await;
    assert_eq!(f.delivered("b", "phone", dm("a", "b"), 2).await, Marked::Moved);
    assert!(f.undelivered("b", "phone", 10).await.0.is_empty());
    assert_eq!(f.undelivered("b", "laptop", 10).await.0.len(), 2);
    assert_eq!(f.delivered("b", "laptop", dm("a", "b"), 1).await, Marked::Unmoved);
    assert_eq!(contents(&f.undelivered("b", "laptop", 10).await.0), ["2"]);
}

pub(super) async fn the_shared_device_is_as_far_as_its_user(f: &Fixture) {
    f.attached("b", "phone").await;
    f.sent("a", "b", "1").await;
    f.sent("a", "b", "2").await;
    f.delivered("b", "phone", dm("a", "b"), 1).await;
    assert_eq!(contents(&f.undelivered("b", "", 10).await.0), ["2"]);
    let kind = MarkKind::Delivered(DeviceId::shared());
    assert_eq!(f.mark("b", dm("a", "b"), 2, kind).await, Marked::Moved);
    assert_eq!(contents(&f.undelivered("b", "phone", 10).await.0), ["2"]);
}

pub(super) async fn a_new_device_starts_where_its_user_is(f: &Fixture) {
    f.attached("b", "phone").await;
    for n in 1..=3 {
        f.sent("a", "b", &n.to_string()).await;
    }
    f.delivered("b", "phone", dm("a", "b"), 2).await;
    f.attached("b", "laptop").await;
    assert_eq!(contents(&f.undelivered("b", "laptop", 10).await.0), ["3"]);
    f.delivered("b", "phone", dm("a", "b"), 3).await;
    f.attached("b", "laptop").await;
    assert_eq!(contents(&f.undelivered("b", "laptop", 10).await.0), ["3"]);
}

pub(super) async fn since_gives_what_others_said_in_commit_order(f: &Fixture) {
    let mut middle = Position(0);
    for n in 0..40 {
        f.sent(["a", "c"][n % 2], "b", &n.to_string()).await;
        f.sent("b", "a", "own").await;
        f.sent("a", "c", "of others").await;
        if n == 19 {
            middle = f.head_position().await;
        }
    }
    let expected: Vec<_> = (20..40).map(|n| n.to_string()).collect();
    for limit in [1, 3, 19, 20, 100] {
        let entries = f.since("b", middle, limit).await;
        assert_eq!(contents(&entries), expected, "in pages of {limit}");
        assert!(entries.windows(2).all(|pair| pair[0].position < pair[1].position));
    }
    let head = f.head_position().await;
    assert!(f.since("b", head, 10).await.is_empty());
    assert!(f.since("nobody", Position(0), 10).await.is_empty());
}

pub(super) async fn since_finds_a_little_behind_much(f: &Fixture) {
    f.sent("a", "b", "before").await;
    let start = f.head_position().await;
    f.sent("a", "b", "first").await;
    let pending: Vec<_> = (0..1_500).map(|_| f.send("x", "y", "of others")).collect();
    for pending in pending {
        pending.await.expect("an append succeeds");
    }
    f.sent("c", "b", "last").await;
    f.sent("b", "c", "own").await;
    for limit in [1, 2, 50] {
        assert_eq!(contents(&f.since("b", start, limit).await), ["first", "last"]);
    }
}

pub(super) async fn as_of_covers_every_answered_append(f: &Fixture) {
    for n in 1..=50 {
        f.sent("a", "b", "x").await;
        let last = f.sink.heard.lock().last().expect("it was told").entry.position;
        let page = f.store.undelivered(super::user("b"), DeviceId::shared(), None, 100).await;
        let page = page.expect("a page is read");
        assert_eq!((page.entries.len(), page.as_of), (n, last));
        assert_eq!(f.head_position().await, last);
    }
}
