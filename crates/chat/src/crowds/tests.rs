use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::ids::GroupId;

const BOUNDS: Bounds = Bounds { gather_ms: 1_000, open_max: 2 };

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("shape")
}

fn group(name: &str) -> ConversationId {
    ConversationId::group(&GroupId::parse(name).expect("shape"))
}

fn opened(crowds: &mut Crowds<u8>, subscriber: u8, of: &str, now: u64) {
    let name = user(&format!("u{subscriber}"));
    crowds.open(subscriber, &name, &group(of), Seq(1), Millis(now)).expect("there is room");
}

fn dues(crowds: &mut Crowds<u8>, now: u64) -> Vec<Kind> {
    crowds.due(Millis(now)).into_iter().map(|(_, kind)| kind).collect()
}

#[test]
fn as_many_are_open_as_allowed_and_once_more_is_nothing() {
    let mut crowds = Crowds::new(BOUNDS);
    opened(&mut crowds, 1, "a", 0);
    opened(&mut crowds, 1, "b", 0);
    opened(&mut crowds, 1, "a", 0);
    let third = crowds.open(1, &user("u1"), &group("c"), Seq(1), Millis(0));
    assert_eq!(third, Err(TooMany));
    assert!(crowds.close(1, &group("a")) && !crowds.close(1, &group("a")));
    opened(&mut crowds, 1, "c", 0);
    assert!(!crowds.is_open(&group("a")) && crowds.is_open(&group("c")));
    crowds.forget(1);
    assert!(!crowds.is_open(&group("b")) && crowds.subscribers.is_empty());
}

#[test]
fn who_is_out_has_it_open_no_more() {
    let mut crowds = Crowds::new(BOUNDS);
    for subscriber in [1, 2] {
        crowds.open(subscriber, &user("u"), &group("a"), Seq(1), Millis(0)).expect("there is room");
    }
    opened(&mut crowds, 3, "a", 0);
    opened(&mut crowds, 1, "b", 0);
    crowds.end(&group("a"), Some(&user("u")));
    assert_eq!(crowds.viewers(&group("a")).iter().map(|(s, _)| *s).collect::<Vec<_>>(), [3]);
    assert!(crowds.is_open(&group("b")));
    crowds.end(&group("a"), None);
    assert!(!crowds.is_open(&group("a")));
}

#[test]
fn a_thousand_marks_are_one_packet_and_a_last_one() {
    let mut crowds = Crowds::<u8>::new(BOUNDS);
    let of = group("a");
    crowds.marked(&of, Seq(3), Seq(7), Millis(0));
    assert_eq!(dues(&mut crowds, 0), [Kind::Receipts]);
    assert_eq!(crowds.moved(&of), Some((Seq(3), Seq(7))));
    for n in 0..1_000 {
        crowds.marked(&of, Seq(5 + n % 3), Seq(8 + n % 2), Millis(1 + n % 900));
        assert_eq!(dues(&mut crowds, 1 + n % 900), []);
    }
    assert_eq!(dues(&mut crowds, 1_000), [Kind::Receipts]);
    assert_eq!(crowds.moved(&of), Some((Seq(5), Seq(9))));
    assert_eq!((dues(&mut crowds, 9_000), crowds.moved(&of)), (vec![], None));
}

#[test]
fn nothing_is_due_that_nobody_has_open_but_receipts() {
    let mut crowds = Crowds::<u8>::new(BOUNDS);
    crowds.changed(&group("a"), Kind::Typing, Millis(0));
    crowds.changes_at(&group("a"), Millis(5));
    assert_eq!(crowds.next_due(), None);
}

#[test]
fn each_hears_who_types_once_and_nobody_of_themself() {
    let mut crowds = Crowds::new(BOUNDS);
    opened(&mut crowds, 1, "a", 0);
    opened(&mut crowds, 2, "a", 0);
    assert_eq!(dues(&mut crowds, 0), [Kind::Typing, Kind::Presence]);
    let told = |crowds: &mut Crowds<u8>, names: &[&str]| {
        let users = names.iter().map(|name| user(name)).collect();
        let mut told: Vec<u8> =
            crowds.typing(&group("a"), users).into_iter().map(|(s, _)| s).collect();
        told.sort_unstable();
        told
    };
    assert_eq!(told(&mut crowds, &[]), []);
    assert_eq!(told(&mut crowds, &["u1"]), [2]);
    assert_eq!(told(&mut crowds, &["u1"]), []);
    opened(&mut crowds, 3, "a", 1);
    assert_eq!(told(&mut crowds, &["u1"]), [3], "who opens it later learns of it");
    assert_eq!(told(&mut crowds, &["u1", "u2"]), [1, 2, 3]);
    assert_eq!(told(&mut crowds, &[]), [1, 2, 3]);
}

#[test]
fn each_hears_a_count_that_it_does_not_know() {
    let mut crowds = Crowds::new(BOUNDS);
    opened(&mut crowds, 1, "a", 0);
    assert_eq!(crowds.online(&group("a"), 5), [1]);
    assert_eq!(crowds.online(&group("a"), 5), []);
    opened(&mut crowds, 2, "a", 0);
    assert_eq!(crowds.online(&group("a"), 5), [2]);
    assert_eq!(crowds.online(&group("a"), 4).len(), 2);
    assert_eq!(crowds.online(&group("none"), 4), []);
}

#[test]
fn what_was_not_taken_is_told_again_after_the_interval() {
    let mut crowds = Crowds::new(BOUNDS);
    opened(&mut crowds, 1, "a", 0);
    opened(&mut crowds, 2, "a", 0);
    assert_eq!(dues(&mut crowds, 0), [Kind::Typing, Kind::Presence]);
    assert_eq!(crowds.online(&group("a"), 5).len(), 2);
    assert_eq!(crowds.typing(&group("a"), vec![user("x")]).len(), 2);
    assert_eq!(crowds.typing(&group("a"), vec![]).len(), 2);
    crowds.untold(1, &group("a"), Kind::Presence, Millis(1));
    crowds.untold(2, &group("a"), Kind::Typing, Millis(1));
    crowds.untold(3, &group("a"), Kind::Typing, Millis(1));
    assert_eq!(dues(&mut crowds, 1_000), [Kind::Typing, Kind::Presence]);
    assert_eq!(crowds.online(&group("a"), 5), [1]);
    let told = crowds.typing(&group("a"), vec![]);
    assert_eq!(told, [(2, user("u2"))], "that nobody types is news to who was not told");
    assert!(crowds.has_open(2, &group("a")) && !crowds.has_open(3, &group("a")));
}

#[test]
fn who_goes_is_looked_at_when_their_grace_is_over() {
    let mut crowds = Crowds::new(BOUNDS);
    opened(&mut crowds, 1, "a", 0);
    dues(&mut crowds, 0);
    for n in 0..500 {
        crowds.changes_at(&group("a"), Millis(10_001 + n));
    }
    assert_eq!(crowds.later.len(), 1);
    let mut looks = Vec::new();
    while let Some(at) = crowds.next_due().filter(|at| at.0 < 99_000) {
        looks.extend(dues(&mut crowds, at.0));
    }
    assert_eq!(looks, [Kind::Presence]);
}

proptest! {
    /// However often people come and go, each subscriber hears of a kind at most once an interval, and
    /// the last that it hears is the truth.
    #[test]
    fn packets_are_few_and_the_last_is_the_truth(
        steps in prop::collection::vec((0u8..3, 0u64..5, 0u64..400), 1..200),
    ) {
        let mut crowds = Crowds::new(BOUNDS);
        let of = group("a");
        let (mut now, mut count, mut heard) = (0, 0, HashMap::<u8, Vec<(u64, u64)>>::new());
        for subscriber in 0..3 {
            opened(&mut crowds, subscriber, "a", 0);
        }
        let look = |crowds: &mut Crowds<u8>,
                        heard: &mut HashMap<u8, Vec<(u64, u64)>>,
                        now: u64,
                        count: u64| {
            for (of, kind) in crowds.due(Millis(now)) {
                if kind == Kind::Presence {
                    for to in crowds.online(&of, count) {
                        heard.entry(to).or_default().push((now, count));
                    }
                }
            }
        };
        for (_, to, ms) in steps {
            let until = now + ms;
            while let Some(at) = crowds.next_due().filter(|at| at.0 <= until) {
                now = now.max(at.0);
                look(&mut crowds, &mut heard, now, count);
            }
            now = until;
            count = to;
            crowds.changed(&of, Kind::Presence, Millis(now));
            look(&mut crowds, &mut heard, now, count);
        }
        while let Some(at) = crowds.next_due() {
            now = now.max(at.0);
            look(&mut crowds, &mut heard, now, count);
        }
        for heard in heard.values() {
            prop_assert!(heard.windows(2).all(|two| two[0].0 + 1_000 <= two[1].0));
            prop_assert!(heard.len() as u64 <= 1 + now / 1_000 + 1);
            prop_assert_eq!(heard.last().map(|(_, count)| *count), Some(count));
        }
        prop_assert_eq!(heard.len(), 3);
    }
}
