//! Appending: order, keys, and what the sink hears.

use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::Seq;
use parlor_chat::store::{Append, HistoryQuery, HistoryRange, Origin, StoreError};

use super::{Fixture, NOW, dm, user, wish};

pub(super) async fn seqs_of_a_conversation_are_dense_from_one(f: &Fixture) {
    for n in 1..=5 {
        assert_eq!(f.sent("a", "b", "x").await.seq, Seq(2 * n - 1));
        assert_eq!(f.sent("b", "a", "x").await.seq, Seq(2 * n));
        assert_eq!(f.sent("a", "c", "x").await.seq, Seq(n));
    }
}

pub(super) async fn appends_commit_in_the_order_of_their_calls(f: &Fixture) {
    let pending: Vec<_> = (0..200).map(|n| f.send("a", "b", &n.to_string())).collect();
    for (n, pending) in pending.into_iter().enumerate() {
        let appended = pending.await.expect("an append succeeds");
        assert_eq!(appended.seq, Seq(n as u64 + 1));
    }
}

pub(super) async fn positions_rise_over_all_conversations(f: &Fixture) {
    for n in 0..20 {
        f.sent("a", &format!("b{}", n % 3), "x").await;
    }
    let heard = f.sink.heard.lock();
    assert!(heard.windows(2).all(|pair| pair[0].entry.position < pair[1].entry.position));
    assert!(heard[0].entry.position.0 >= 1);
}

pub(super) async fn ts_never_decreases_with_seq(f: &Fixture) {
    let at = |ms: u64| Append { now: Millis(NOW.0 + ms), ..wish("a", "b", "x", None) };
    for (wished, given) in [(10, 10), (3, 10), (11, 11)] {
        let appended = f.store.append(at(wished)).await.expect("an append succeeds");
        assert_eq!(appended.ts, Millis(NOW.0 + given));
    }
}

pub(super) async fn a_repeated_append_is_answered_like_the_first(f: &Fixture) {
    let first = f.store.append(wish("a", "b", "x", Some("k"))).await.expect("first");
    f.sent("a", "b", "y").await;
    let later = Append { now: Millis(NOW.0 + 5_000), ..wish("a", "b", "x", Some("k")) };
    let again = f.store.append(later).await.expect("again");
    assert!(!first.repeated && again.repeated);
    assert_eq!(
        (&again.conversation, again.seq, again.ts),
        (&first.conversation, first.seq, first.ts)
    );
    assert_eq!(f.sent("a", "b", "z").await.seq, Seq(3));
}

pub(super) async fn a_repeat_in_the_same_batch_sees_the_first(f: &Fixture) {
    let pending: Vec<_> =
        (0..50).map(|n| f.store.append(wish("a", "b", "x", Some(["k", "l"][n % 2])))).collect();
    let mut seqs = Vec::new();
    let mut new = 0;
    for pending in pending {
        let appended = pending.await.expect("an append succeeds");
        seqs.push(appended.seq.0);
        new += usize::from(!appended.repeated);
    }
    assert_eq!(new, 2);
    assert!(seqs.chunks(2).all(|pair| pair == [1, 2]));
    assert_eq!(f.sink.heard.lock().len(), 2);
}

pub(super) async fn another_payload_under_a_used_key_is_a_conflict(f: &Fixture) {
    f.store.append(wish("a", "b", "x", Some("k"))).await.expect("first");
    let other = f.store.append(wish("a", "b", "other", Some("k"))).await;
    assert!(matches!(other, Err(StoreError::ClientIdConflict)));
    assert_eq!(f.sent("a", "b", "y").await.seq, Seq(2));
    assert_eq!(f.sink.heard.lock().len(), 2);
}

pub(super) async fn a_key_is_of_one_sender_and_one_conversation(f: &Fixture) {
    for (from, to, seq) in [("a", "b", 1), ("b", "a", 2), ("a", "c", 1), ("a", "a", 1)] {
        let appended = f.store.append(wish(from, to, "x", Some("k"))).await.expect("own key");
        assert_eq!((appended.seq, appended.repeated), (Seq(seq), false));
    }
}

pub(super) async fn appends_without_a_key_are_never_repeats(f: &Fixture) {
    assert_eq!(f.sent("a", "b", "x").await.seq, Seq(1));
    assert_eq!(f.sent("a", "b", "x").await.seq, Seq(2));
}

pub(super) async fn notes_to_oneself_are_a_conversation(f: &Fixture) {
    let appended = f.sent("a", "a", "note").await;
    assert_eq!(appended.conversation, dm("a", "a"));
    assert_eq!(appended.conversation.as_str(), "dm:a:a");
    let heard = f.sink.heard.lock();
    assert_eq!(Some(&heard[0].entry.from), heard[0].entry.to.as_ref());
}

pub(super) async fn the_sink_hears_each_new_entry_once_in_order_before_the_answer(f: &Fixture) {
    for n in 1..=30 {
        let append =
            Append { origin: Origin::of(n), ..wish("a", "b", "x", Some(&format!("k{n}"))) };
        let appended = f.store.append(append.clone()).await.expect("an append succeeds");
        {
            let heard = f.sink.heard.lock();
            let last = heard.last().expect("it was told");
            assert_eq!((last.entry.seq, last.origin), (appended.seq, Origin::of(n)));
            assert_eq!(heard.len() as u64, n);
        }
        f.store.append(append).await.expect("a repeat succeeds");
    }
    let heard = f.sink.heard.lock();
    let seqs: Vec<_> = heard.iter().map(|committed| committed.entry.seq.0).collect();
    assert_eq!(seqs, (1..=30).collect::<Vec<_>>());
}

pub(super) async fn content_and_names_come_back_as_they_were(f: &Fixture) {
    let (from, to) = ("é:%25", "🦀 \u{200d}x");
    let content = Content(r#"{"b": 1.0, "a":[null,"\u0041 \ud83e\udd80"],   "b":2}"#.into());
    let append = Append { content: content.clone(), ..wish(from, to, "", Some(" ~'\"; --")) };
    let appended = f.store.append(append.clone()).await.expect("an append succeeds");
    let page = f
        .store
        .history(HistoryQuery {
            user: user(to),
            conversation: appended.conversation.clone(),
            range: HistoryRange::Before(None),
            limit: 1,
        })
        .await
        .expect("a page is read");
    let entry = &page.entries[0];
    assert_eq!(entry.body.said(), Some(&content));
    assert_eq!((&entry.from, &entry.to), (&user(from), &Some(user(to))));
    assert_eq!(entry.client_id, append.client_id);
    assert_eq!(entry.epoch, f.store.epoch());
    assert_eq!(*entry, f.sink.heard.lock()[0].entry);
}

pub(super) async fn dropping_a_future_does_not_undo_the_append(f: &Fixture) {
    drop(f.send("a", "b", "x"));
    assert_eq!(f.sent("a", "b", "y").await.seq, Seq(2));
}

pub(super) async fn concurrent_senders_leave_no_gap(f: &Fixture) {
    let senders: Vec<_> = (0..8)
        .map(|s| {
            let store = f.store.clone();
            tokio::spawn(async move {
                let from = if s % 2 == 0 { "a" } else { "b" };
                let to = if s % 2 == 0 { "b" } else { "a" };
                for n in 0..50 {
                    let append = wish(from, to, "x", Some(&format!("{s}-{n}")));
                    store.append(append).await.expect("an append succeeds");
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.expect("a sender ends");
    }
    let seqs: Vec<_> = f.sink.heard.lock().iter().map(|c| c.entry.seq.0).collect();
    assert_eq!(seqs, (1..=400).collect::<Vec<_>>());
}
