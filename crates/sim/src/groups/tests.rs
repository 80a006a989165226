//! Each kind of finding about groups, made on purpose.

use super::*;
use crate::checker;
use crate::history::{
    Acked, Change, DeviceName, GroupLog, Having, Message, ReadBack, Roster, Seen, Sent, Summary,
    Watermark,
};

const GROUP: &str = "group:g";

fn device(user: &str) -> DeviceName {
    DeviceName { user: user.into(), device: "d".into() }
}

fn message(seq: u64, from: &str, content: &str) -> Message {
    Message {
        id: format!("{GROUP}:{seq}"),
        conversation: GROUP.into(),
        seq,
        from: from.into(),
        content: content.into(),
        ts: 100 + seq,
    }
}

fn log() -> Vec<Message> {
    let said = [
        ("o", "created a b"),
        ("a", "text 2"),
        ("o", "kicked b"),
        ("a", "text 4"),
        ("o", "added b"),
        ("a", "text 6"),
    ];
    (1..).zip(said).map(|(seq, (from, content))| message(seq, from, content)).collect()
}

fn sees(history: &mut History, user: &str, connection: u32, seqs: &[u64]) {
    for seq in seqs {
        let message = log()[*seq as usize - 1].clone();
        history.seen.push(Seen { by: device(user), connection, message });
    }
}

fn summary(user: &str, unread: u64, read: u64) -> Summary {
    let watermark = |user: &str, delivered, read| Watermark { user: user.into(), delivered, read };
    Summary {
        user: user.into(),
        conversation: GROUP.into(),
        head: 6,
        unread,
        read,
        watermarks: vec![watermark("a", 0, 0), watermark("b", 6, 4)],
    }
}

/// o makes a group with a and b, a says something, o puts b out, a says something, o brings b
/// back, a says something. All is acknowledged and everybody sees what they may.
fn kept() -> History {
    let change = |joined: &[&str], left: &[&str]| -> Vec<Change> {
        let joined = joined.iter().map(|user| Change::Joined((*user).into()));
        joined.chain(left.iter().map(|user| Change::Left((*user).into()))).collect()
    };
    let changes =
        [(1, change(&["o", "a", "b"], &[])), (3, change(&[], &["b"])), (5, change(&["b"], &[]))];
    let said = |seq: u64| Sent {
        by: device("a"),
        client_id: format!("key {seq}"),
        conversation: GROUP.into(),
        content: format!("text {seq}"),
    };
    let ack = |seq: u64| Acked {
        client_id: format!("key {seq}"),
        id: format!("{GROUP}:{seq}"),
        seq,
        ts: 100 + seq,
    };
    let wished = |seq: u64| Wished {
        key: format!("wish {seq}"),
        by: "o".into(),
        conversation: GROUP.into(),
        content: log()[seq as usize - 1].content.clone(),
    };
    let changed = |seq: u64| Changed {
        key: format!("wish {seq}"),
        id: format!("{GROUP}:{seq}"),
        seq,
        ts: 100 + seq,
    };
    let mut history = History {
        devices: vec![device("a"), device("b")],
        sent: [2, 4, 6].map(said).into(),
        acked: [2, 4, 6].map(ack).into(),
        log: [(GROUP.into(), log())].into(),
        groups: [(GROUP.into(), GroupLog { changes: changes.into(), ..GroupLog::default() })]
            .into(),
        wished: [1, 3, 5].map(wished).into(),
        changed: [1, 3, 5, 5].map(changed).into(),
        summaries: vec![summary("a", 0, 0), summary("b", 1, 4)],
        rosters: vec![Roster {
            conversation: GROUP.into(),
            members: ["a", "b", "o"].map(String::from).into(),
        }],
        read_back: vec![ReadBack {
            user: "b".into(),
            conversation: GROUP.into(),
            seqs: [1, 2, 3, 5, 6].into(),
        }],
        having: vec![Having {
            conversation: GROUP.into(),
            seq: 6,
            members: [("b".into(), false)].into(),
        }],
        ..History::default()
    };
    sees(&mut history, "a", 1, &[1, 3, 5]);
    sees(&mut history, "b", 1, &[1, 2, 3]);
    sees(&mut history, "b", 2, &[3, 5, 6]);
    history
}

/// The kinds of findings after `spoil` has had its way with a kept history.
fn kinds(spoil: impl FnOnce(&mut History)) -> Vec<&'static str> {
    let mut history = kept();
    spoil(&mut history);
    let verdict = checker::check(&history);
    let mut kinds: Vec<_> = verdict.findings().map(|(kind, _)| kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn kept_promise_has_no_findings() {
    let verdict = checker::check(&kept());
    let findings: Vec<_> = verdict.findings().collect();
    assert_eq!(findings, []);
}

#[test]
fn push_of_the_time_between_two_memberships_is_leaked() {
    assert_eq!(kinds(|h| sees(h, "b", 2, &[4])), ["leaked"]);
    let after_the_kick = |h: &mut History| {
        h.seen.retain(|seen| seen.by.user != "b");
        sees(h, "b", 1, &[1, 2, 3, 4, 5, 6]);
    };
    assert_eq!(kinds(after_the_kick), ["leaked"]);
}

#[test]
fn push_to_who_never_was_in_is_leaked() {
    assert_eq!(kinds(|h| sees(h, "c", 1, &[2])), ["leaked"]);
}

#[test]
fn reading_what_one_may_not_is_leaked_and_not_reading_what_one_may_is_lost() {
    assert_eq!(
        kinds(|h| {
            h.read_back[0].seqs.insert(4);
        }),
        ["leaked"]
    );
    assert_eq!(
        kinds(|h| {
            h.read_back[0].seqs.remove(&3);
        }),
        ["lost"]
    );
}

#[test]
fn what_was_before_may_be_read_where_it_is_shown_and_is_not_pushed() {
    let shown = |h: &mut History| {
        h.groups.get_mut(GROUP).expect("it is there").shows_past = true;
        h.read_back[0].seqs.insert(4);
    };
    assert_eq!(kinds(shown), [""; 0]);
    let read_anew = |h: &mut History| {
        shown(h);
        sees(h, "b", 0, &[1, 2, 3, 4, 5, 6]);
    };
    assert_eq!(kinds(read_anew), [""; 0]);
    let pushed = |h: &mut History| {
        shown(h);
        sees(h, "b", 2, &[4]);
    };
    assert_eq!(kinds(pushed), ["wrong"]);
}

#[test]
fn kick_that_was_never_seen_is_lost() {
    let unseen = |h: &mut History| {
        h.seen.retain(|seen| seen.by.user != "b" || seen.message.seq != 3);
    };
    // What comes later was then seen before it, too.
    assert_eq!(kinds(unseen), ["lost", "disordered"]);
}

#[test]
fn something_seen_after_ones_kick_that_was_before_it_is_disordered() {
    let spoil = |h: &mut History| {
        h.seen.retain(|seen| seen.by.user != "b");
        sees(h, "b", 1, &[1, 3, 2, 5, 6]);
    };
    assert_eq!(kinds(spoil), ["disordered"]);
}

#[test]
fn entry_heard_again_on_one_connection_is_doubled() {
    assert_eq!(kinds(|h| sees(h, "b", 2, &[5])), ["doubled"]);
}

#[test]
fn acked_change_that_is_not_in_the_log_is_lost() {
    assert_eq!(kinds(|h| h.wished[1].content = "kicked a".into()), ["lost", "wrong"]);
    assert_eq!(kinds(|h| h.changed[1].seq = 9), ["lost"]);
}

#[test]
fn answer_about_a_change_that_changed_is_disordered() {
    let again = |h: &mut History| {
        h.changed[3].seq = 1;
        h.changed[3].id = format!("{GROUP}:1");
    };
    assert!(kinds(again).contains(&"disordered"));
}

#[test]
fn change_told_with_another_time_or_for_another_wish_is_wrong() {
    assert!(kinds(|h| h.changed[1].ts = 1).contains(&"wrong"));
    let other = |h: &mut History| h.changed[3].key = "wish 7".into();
    assert_eq!(kinds(other), ["wrong"]);
}

#[test]
fn change_more_often_in_the_log_than_wished_is_doubled() {
    let again = |h: &mut History| {
        let log = h.log.get_mut(GROUP).expect("it is there");
        log.push(message(7, "o", "kicked b"));
        log.push(message(8, "o", "added b"));
        let changes = &mut h.groups.get_mut(GROUP).expect("it is there").changes;
        changes.insert(7, vec![Change::Left("b".into())]);
        changes.insert(8, vec![Change::Joined("b".into())]);
    };
    assert!(kinds(again).contains(&"doubled"));
}

#[test]
fn entry_that_nobody_wished_is_wrong() {
    assert_eq!(kinds(|h| drop((h.wished.remove(1), h.changed.remove(1)))), ["wrong"]);
}

#[test]
fn roster_that_differs_from_the_log_is_wrong() {
    assert_eq!(
        kinds(|h| {
            h.rosters[0].members.remove("b");
        }),
        ["wrong"]
    );
    assert_eq!(
        kinds(|h| {
            h.rosters[0].members.insert("c".into());
        }),
        ["wrong"]
    );
}

#[test]
fn receipts_that_differ_from_the_watermarks_are_wrong() {
    assert_eq!(
        kinds(|h| {
            h.having[0].members.remove("b");
        }),
        ["wrong"]
    );
    assert_eq!(
        kinds(|h| {
            h.having[0].members.insert("b".into(), true);
        }),
        ["wrong"]
    );
    assert_eq!(
        kinds(|h| {
            h.having[0].members.insert("a".into(), false);
        }),
        ["wrong"]
    );
    // Who came in later has it at most by reading the past.
    assert_eq!(kinds(|h| h.having[0].seq = 4), ["wrong"]);
}

#[test]
fn changes_count_as_unread_only_where_that_is_said() {
    assert_eq!(kinds(|h| h.summaries[1].unread = 2), ["wrong"]);
    let counted = |h: &mut History| {
        h.groups.get_mut(GROUP).expect("it is there").counts_changes = true;
        h.summaries[0].unread = 3;
        h.summaries[1].unread = 2;
    };
    assert_eq!(kinds(counted), [""; 0]);
}
