//! Users' own records: changing, reading, and what a device that was away is told.

use std::collections::BTreeMap;

use parlor_chat::entry::{Millis, Position};
use parlor_chat::ids::Seq;
use parlor_chat::own::{
    OWN_MOVED_MAX, OWN_REMOVED_MAX, OwnChange, OwnChanged, OwnKey, OwnKind, OwnMoved, OwnQuery,
    OwnRecord, OwnValue, OwnWish,
};
use parlor_chat::store::{
    Append, HistoryQuery, HistoryRange, MOVED_TOLD_WITHIN_MS, Origin, StoreError,
};

use super::model::Dice;
use super::{Fixture, NOW, dm, user, wish};

const DRAFT: OwnKind = OwnKind::Draft;

pub(super) fn key(text: &str) -> OwnKey {
    OwnKey::parse(text).expect("a good key")
}

fn value(json: &str) -> Option<OwnValue> {
    Some(OwnValue::of(json))
}

/// A wish of one user with room for three records of a kind.
fn change(who: &str, kind: OwnKind, records: &[(&str, Option<&str>)]) -> OwnChange {
    let wish = |(name, json): &(&str, Option<&str>)| OwnWish {
        kind,
        key: key(name),
        value: json.and_then(value),
    };
    let wishes = records.iter().map(wish).collect();
    OwnChange {
        user: user(who),
        wishes,
        about: None,
        records_max: 3,
        now: NOW,
        origin: Origin::of(0),
    }
}

/// A wish of one user about one record, with room for many.
pub(super) fn wished(who: &str, kind: OwnKind, name: &str, json: Option<&str>) -> OwnChange {
    OwnChange { records_max: 10_000, ..change(who, kind, &[(name, json)]) }
}

pub(super) async fn put(
    f: &Fixture,
    who: &str,
    kind: OwnKind,
    name: &str,
    json: Option<&str>,
) -> OwnRecord {
    let mut done = f.store.change_own(wished(who, kind, name, json)).await.expect("there is room");
    done.records.pop().expect("one was named")
}

/// All pages of a kind, with the number of pages.
async fn all(f: &Fixture, who: &str, kind: OwnKind, limit: usize) -> (Vec<OwnRecord>, usize) {
    let (mut records, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let query = OwnQuery { user: user(who), kind, after, limit };
        let page = f.store.own(query).await.expect("a page is read");
        assert!(page.records.len() <= limit);
        pages += 1;
        records.extend(page.records);
        after = page.next;
        if after.is_none() {
            return (records, pages);
        }
    }
}

async fn moved(f: &Fixture, who: &str, after: Position) -> OwnMoved {
    f.store.moved(user(who), after, 100).await.expect("a page is read").own
}

async fn sent_later(f: &Fixture, after_ms: u64) {
    let later = Append { now: Millis(NOW.0 + after_ms), ..wish("x", "y", "later", None) };
    f.store.append(later).await.expect("an append succeeds");
}

fn names(records: &[OwnRecord]) -> Vec<&str> {
    records.iter().map(|record| record.key.as_str()).collect()
}

pub(super) async fn own_records_are_read_last_changed_first_in_pages(f: &Fixture) {
    assert!(all(f, "a", DRAFT, 2).await.0.is_empty());
    for (at, name) in [(1, "one"), (2, "two"), (2, "three"), (4, "four"), (5, "one")] {
        let wish = change("a", DRAFT, &[(name, Some(&format!("{{\"n\": {at}}}")))]);
        let wish = OwnChange { now: Millis(NOW.0 + at), records_max: 4, ..wish };
        f.store.change_own(wish).await.expect("there is room");
    }
    put(f, "a", OwnKind::Star, "other kind", Some("1")).await;
    put(f, "b", DRAFT, "other user", Some("1")).await;
    for (limit, pages) in [(1, 4), (2, 2), (3, 2), (4, 1), (9, 1)] {
        let (records, got) = all(f, "a", DRAFT, limit).await;
        assert_eq!((names(&records), got), (vec!["one", "four", "two", "three"], pages));
        assert_eq!(records[0].value, value("{\"n\": 5}"));
        assert_eq!(records[0].at, Millis(NOW.0 + 5));
    }
    let places = [(DRAFT, key("none")), (DRAFT, key("two")), (OwnKind::Star, key("two"))];
    let places = places.into_iter().chain([(OwnKind::Star, key("other kind"))]).collect();
    let found = f.store.own_at(user("a"), places).await.expect("it is read");
    assert_eq!(names(&found), ["two", "other kind"]);
}

pub(super) async fn what_is_so_already_is_not_changed(f: &Fixture) {
    let first = put(f, "a", DRAFT, "k", Some("1")).await;
    assert_eq!((first.at, first.value.clone()), (NOW, value("1")));
    let again = OwnChange { now: Millis(NOW.0 + 9), ..change("a", DRAFT, &[("k", Some("1"))]) };
    let again = f.store.change_own(again).await.expect("it is so");
    assert_eq!(again, OwnChanged { records: vec![first] });
    let nothing = put(f, "a", DRAFT, "none", None).await;
    assert_eq!((nothing.at, nothing.value), (Millis(0), None));
    put(f, "a", DRAFT, "k", None).await;
    assert_eq!(put(f, "a", DRAFT, "k", None).await.at, Millis(NOW.0 + 1));
    assert_eq!(f.sink.own.lock().len(), 2, "only what changed is told");
}

pub(super) async fn the_times_of_a_record_only_grow(f: &Fixture) {
    let mut last = Millis(0);
    for (at, json) in [(9, Some("1")), (3, Some("2")), (9, None), (0, Some("1")), (50, None)] {
        let wish = change("a", DRAFT, &[("k", json)]);
        let wish = OwnChange { now: Millis(NOW.0 + at), ..wish };
        let done = f.store.change_own(wish).await.expect("there is room");
        assert!(done.records[0].at > last, "{done:?}");
        last = done.records[0].at;
    }
    assert_eq!(last, Millis(NOW.0 + 50));
}

pub(super) async fn what_changes_together_has_one_time(f: &Fixture) {
    for (name, at) in [("old", 1), ("same", 50), ("newer", 30)] {
        let wish = change("a", DRAFT, &[(name, Some("1"))]);
        let wish = OwnChange { now: Millis(NOW.0 + at), ..wish };
        f.store.change_own(wish).await.expect("there is room");
    }
    let both = change("a", DRAFT, &[("old", Some("2")), ("newer", Some("2"))]);
    let times = async |wish| {
        let done = f.store.change_own(wish).await.expect("there is room");
        done.records.iter().map(|record| record.at.0 - NOW.0).collect::<Vec<_>>()
    };
    assert_eq!(times(both).await, [31, 31]);
    let with_same = change("a", DRAFT, &[("old", Some("3")), ("same", Some("1"))]);
    assert_eq!(times(with_same).await, [50, 50], "as late as what is so already");
}

pub(super) async fn own_records_are_bounded_and_changed_all_or_none(f: &Fixture) {
    let three = [("1", Some("1")), ("2", Some("1")), ("3", Some("1"))];
    f.store.change_own(change("a", DRAFT, &three)).await.expect("there is room");
    let refused = |outcome| matches!(outcome, Err(StoreError::TooManyRecords));
    let both = [("1", Some("2")), ("4", Some("1"))];
    assert!(refused(f.store.change_own(change("a", DRAFT, &both)).await));
    let (records, _) = all(f, "a", DRAFT, 9).await;
    assert!(records.len() == 3 && records.iter().all(|record| record.value == value("1")));
    let instead = change("a", DRAFT, &[("1", Some("2"))]);
    f.store.change_own(instead).await.expect("it takes no more room");
    f.store.change_own(change("a", DRAFT, &[("2", None)])).await.expect("it is removed");
    f.store.change_own(change("a", DRAFT, &[("2", Some("3"))])).await.expect("there is room");
    assert!(refused(f.store.change_own(change("a", DRAFT, &[("4", Some("1"))])).await));
    let four: Vec<_> = ["1", "2", "3", "4"].map(|name| (name, Some("1"))).into();
    assert!(refused(f.store.change_own(change("b", DRAFT, &four)).await));
    assert!(all(f, "b", DRAFT, 9).await.0.is_empty(), "nothing was kept of it");
    f.store.change_own(change("a", OwnKind::Star, &three)).await.expect("each kind has its room");
}

pub(super) async fn a_record_about_an_entry_needs_that_entry(f: &Fixture) {
    f.sent("a", "b", "1").await;
    for (who, of, seq, fits) in [
        ("a", dm("a", "b"), 1, true),
        ("b", dm("a", "b"), 1, true),
        ("a", dm("a", "b"), 2, false),
        ("c", dm("a", "b"), 1, false),
        ("a", dm("a", "c"), 1, false),
    ] {
        let wish = change(who, OwnKind::Star, &[("k", Some("1"))]);
        let wish = OwnChange { about: Some((of, Seq(seq))), ..wish };
        let outcome = f.store.change_own(wish).await;
        assert_eq!(outcome.is_ok(), fits);
        assert!(fits || super::is_not_found(outcome));
        let kept = all(f, who, OwnKind::Star, 9).await.0.len();
        assert_eq!(kept, usize::from(who != "c"), "{who} {seq}");
    }
}

pub(super) async fn the_sink_hears_own_changes_before_the_answer(f: &Fixture) {
    let wish = change("a", DRAFT, &[("1", Some("1")), ("2", None), ("3", Some("3"))]);
    f.store.change_own(OwnChange { origin: Origin::of(7), ..wish }).await.expect("there is room");
    let heard = f.sink.own.lock().clone();
    assert_eq!(heard.len(), 1);
    assert_eq!((&heard[0].user, heard[0].origin), (&user("a"), Origin::of(7)));
    assert_eq!(names(&heard[0].records), ["1", "3"]);
    let pending: Vec<_> = (0..50)
        .map(|n| f.store.change_own(change("a", DRAFT, &[("1", Some(&n.to_string()))])))
        .collect();
    for pending in pending {
        pending.await.expect("there is room");
    }
    let heard = f.sink.own.lock().clone();
    let values = heard[1..].iter().map(|changed| changed.records[0].value.clone());
    assert!(values.eq((0..50).map(|n| value(&n.to_string()))), "in the order of the commits");
}

pub(super) async fn a_device_that_was_away_learns_what_changed_and_what_was_removed(f: &Fixture) {
    assert_eq!(moved(f, "a", Position(0)).await, OwnMoved::default());
    put(f, "a", DRAFT, "old", Some("1")).await;
    put(f, "a", DRAFT, "gone", Some("1")).await;
    assert_eq!(moved(f, "a", Position(0)).await.records.len(), 2, "at the start of the log");
    sent_later(f, MOVED_TOLD_WITHIN_MS + 1).await;
    let after = f.head_position().await;
    assert_eq!(moved(f, "a", after).await, OwnMoved::default());
    put(f, "a", DRAFT, "gone", None).await;
    put(f, "a", OwnKind::Star, "new", Some("1")).await;
    put(f, "b", DRAFT, "of another", Some("1")).await;
    let told = moved(f, "a", after).await;
    assert_eq!(names(&told.records), ["gone", "new"]);
    assert_eq!((&told.records[0].value, told.reread.is_empty()), (&None, true));
    // The next entry may reach a device before it is told of these, which is then cut off.
    let just = MOVED_TOLD_WITHIN_MS + 1;
    for (after_ms, told) in [(just, vec!["gone"]), (just + 1, vec![])] {
        sent_later(f, after_ms).await;
        let page = moved(f, "a", f.head_position().await).await;
        assert_eq!(names(&page.records), told, "{page:?}");
    }
}

pub(super) async fn more_changes_than_are_told_have_to_be_read_anew(f: &Fixture) {
    f.sent("x", "y", "1").await;
    let after = f.head_position().await;
    let put_many = async |kind: OwnKind, many: std::ops::Range<usize>, json: Option<&str>| {
        let records: Vec<_> = many.map(|n| n.to_string()).collect();
        let records: Vec<_> = records.iter().map(|name| (name.as_str(), json)).collect();
        let wish = OwnChange { records_max: 10_000, ..change("a", kind, &records) };
        f.store.change_own(wish).await.expect("there is room");
    };
    put_many(DRAFT, 0..OWN_MOVED_MAX, Some("1")).await;
    put(f, "a", OwnKind::Star, "s", Some("1")).await;
    let told = moved(f, "a", after).await;
    assert_eq!((told.records.len(), told.reread.len()), (OWN_MOVED_MAX + 1, 0));
    put_many(DRAFT, OWN_MOVED_MAX..OWN_MOVED_MAX + 1, Some("1")).await;
    let told = moved(f, "a", after).await;
    assert_eq!((names(&told.records), told.reread), (vec!["s"], vec![DRAFT]));
    // Large ones are fewer.
    let large = format!("\"{}\"", "x".repeat(60_000));
    for n in 0..5 {
        put(f, "b", DRAFT, &n.to_string(), Some(&large)).await;
    }
    assert_eq!(moved(f, "b", after).await.records.len(), 5);
    put(f, "b", DRAFT, "6", Some(&large)).await;
    assert_eq!(moved(f, "b", after).await.reread, [DRAFT]);
    let (records, pages) = all(f, "b", DRAFT, 100).await;
    assert_eq!((records.len(), pages), (6, 2), "a page of large ones is cut");
}

pub(super) async fn removed_records_are_remembered_within_a_bound(f: &Fixture) {
    f.sent("x", "y", "1").await;
    let after = f.head_position().await;
    for n in 0..OWN_REMOVED_MAX {
        put(f, "a", DRAFT, &n.to_string(), Some("1")).await;
        put(f, "a", DRAFT, &n.to_string(), None).await;
    }
    let told = moved(f, "a", after).await;
    assert_eq!((told.records.len(), told.reread.len()), (OWN_REMOVED_MAX, 0));
    put(f, "a", DRAFT, "one more", Some("1")).await;
    put(f, "a", OwnKind::Star, "s", Some("1")).await;
    put(f, "a", DRAFT, "one more", None).await;
    let told = moved(f, "a", after).await;
    assert_eq!((names(&told.records), told.reread), (vec!["s"], vec![DRAFT]));
    // Who was here since knows.
    sent_later(f, 3 * MOVED_TOLD_WITHIN_MS).await;
    let here = f.head_position().await;
    let later = OwnChange {
        now: Millis(NOW.0 + 3 * MOVED_TOLD_WITHIN_MS),
        ..change("a", DRAFT, &[("new", Some("1"))])
    };
    f.store.change_own(later).await.expect("there is room");
    let told = moved(f, "a", here).await;
    assert_eq!((names(&told.records), told.reread), (vec!["new"], vec![]));
    // One that comes back is no longer a removed one.
    put(f, "a", DRAFT, "255", Some("1")).await;
    assert_eq!(names(&all(f, "a", DRAFT, 9).await.0), ["new", "255"]);
}

pub(super) async fn a_read_mark_ends_that_its_conversation_is_marked_as_unread(f: &Fixture) {
    f.sent("b", "a", "1").await;
    let unread = OwnKind::Unread;
    let (ours, other) = (dm("a", "b"), dm("a", "c"));
    for conversation in [&ours, &other] {
        put(f, "a", unread, conversation.as_str(), Some("true")).await;
    }
    put(f, "b", unread, ours.as_str(), Some("true")).await;
    f.delivered("a", "", ours.clone(), 1).await;
    assert_eq!(all(f, "a", unread, 9).await.0.len(), 2);
    f.read("a", ours.clone(), 1).await;
    assert_eq!(names(&all(f, "a", unread, 9).await.0), [other.as_str()]);
    assert_eq!(all(f, "b", unread, 9).await.0.len(), 1);
    let heard = f.sink.own.lock().last().cloned().expect("it is told");
    assert_eq!((names(&heard.records), heard.origin), (vec![ours.as_str()], Origin::of(0)));
    assert_eq!(heard.records[0].value, None);
    // So does one that moves nothing, but none that is refused.
    put(f, "a", unread, ours.as_str(), Some("true")).await;
    f.read("a", ours.clone(), 2).await;
    assert_eq!(all(f, "a", unread, 9).await.0.len(), 2);
    f.read("a", ours.clone(), 1).await;
    assert_eq!(all(f, "a", unread, 9).await.0.len(), 1);
}

pub(super) async fn a_hidden_message_is_left_out_of_its_hiders_history(f: &Fixture) {
    for n in 1..=9 {
        f.sent("a", "b", &n.to_string()).await;
    }
    f.sent("a", "bb", "1").await;
    for n in [2, 3, 9] {
        put(f, "b", OwnKind::Hidden, &format!("dm:a:b:{n}"), Some("true")).await;
    }
    let read = async |who: &str, with: &str, range, limit| {
        let conversation = dm("a", with);
        let query = HistoryQuery { user: user(who), conversation, range, limit };
        let page = f.store.history(query).await.expect("a page is read");
        let covers = page.covers.map(|(from, to)| (from.0, to.0));
        (super::contents(&page.entries).concat(), page.more, covers)
    };
    let before = |before: Option<u64>| HistoryRange::Before(before.map(Seq));
    let after = |after| HistoryRange::After(Seq(after), None);
    assert_eq!(read("b", "b", before(None), 2).await, ("87".into(), true, Some((7, 9))));
    assert_eq!(read("b", "b", before(Some(5)), 9).await, ("41".into(), false, Some((1, 4))));
    assert_eq!(read("b", "b", after(0), 2).await, ("14".into(), true, Some((1, 4))));
    assert_eq!(read("b", "b", after(8), 2).await, (String::new(), false, Some((9, 9))));
    assert_eq!(read("a", "b", after(0), 9).await.0, "123456789");
    assert_eq!(read("bb", "bb", after(0), 9).await.0, "1");
    put(f, "b", OwnKind::Hidden, "dm:a:b:3", None).await;
    assert_eq!(read("b", "b", after(0), 3).await, ("134".into(), true, Some((1, 4))));
    let page = f.store.conversations(user("b"), None, 9).await.expect("a page is read");
    assert_eq!(page.conversations[0].head, Seq(9), "it is still the newest");
}

pub(super) async fn random_own_changes_agree_with_a_map(f: &Fixture) {
    for seed in [0x9e37_79b9_7f4a_7c15, 11, 2_026] {
        println!("seed: {seed}");
        let (who, mut dice) = (format!("{seed}"), Dice(seed));
        let mut model: BTreeMap<(OwnKind, String), String> = BTreeMap::new();
        let mut seen = Vec::new();
        for step in 0..400u64 {
            if dice.below(9) == 0 {
                sent_later(f, step * 1_000).await;
                seen.push((f.head_position().await, model.clone()));
            }
            let kind = [DRAFT, OwnKind::Star, OwnKind::Contact][dice.below(3)];
            let (name, json) = (dice.below(6).to_string(), dice.below(3).to_string());
            let json = (dice.below(3) > 0).then_some(json);
            let records_max = 4;
            let now = Millis(NOW.0 + step * 1_000);
            let wish = change(&who, kind, &[(&name, json.as_deref())]);
            let outcome = f.store.change_own(OwnChange { records_max, now, ..wish }).await;
            let place = (kind, name);
            let live = model.keys().filter(|(of, _)| *of == kind).count();
            let full = json.is_some() && !model.contains_key(&place) && live >= records_max;
            assert_eq!(outcome.is_err(), full, "step {step}");
            match json {
                _ if full => {}
                Some(json) => drop(model.insert(place, json)),
                None => drop(model.remove(&place)),
            }
        }
        let kept = |records: &[OwnRecord]| -> BTreeMap<(OwnKind, String), String> {
            let value = |record: &OwnRecord| Some(record.value.as_ref()?.0.to_string());
            let kept = records.iter().filter_map(|record| Some((record, value(record)?)));
            kept.map(|(it, value)| ((it.kind, it.key.as_str().to_owned()), value)).collect()
        };
        let mut records = Vec::new();
        for kind in OwnKind::ALL {
            records.extend(all(f, &who, kind, 2).await.0);
        }
        assert_eq!(kept(&records), model);
        // Whoever knew what was there at a position knows all with what moved since.
        for (position, mut known) in seen {
            let told = moved(f, &who, position).await;
            assert!(told.reread.is_empty());
            for record in told.records {
                let place = (record.kind, record.key.as_str().to_owned());
                match record.value {
                    Some(value) => drop(known.insert(place, value.0.to_string())),
                    None => drop(known.remove(&place)),
                }
            }
            assert_eq!(known, model, "since {position:?}");
        }
    }
}
