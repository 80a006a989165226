//! A restore in the middle of a run, and what must be found around it.

use serde_json::json;

use super::*;
use crate::history::{Acked, Changed, Seen};

const CONVERSATION: &str = "dm:a:b";

fn device(user: &str) -> DeviceName {
    DeviceName { user: user.into(), device: "d".into() }
}

fn message(seq: u64, text: &str) -> Message {
    Message {
        id: format!("{CONVERSATION}:{seq}"),
        conversation: CONVERSATION.into(),
        seq,
        from: "a".into(),
        content: text.into(),
        ts: 1000 + seq,
    }
}

fn sees(lives: &mut Lives, epoch: &str, connection: u32, message: Message) {
    lives.of(epoch).seen.push(Seen { by: device("b"), connection, message });
}

fn acks(lives: &mut Lives, epoch: &str, seq: u64, text: &str) {
    let id = format!("{CONVERSATION}:{seq}");
    lives.of(epoch).acked.push(Acked { client_id: text.into(), id, seq, ts: 1000 + seq });
}

/// Three messages in a first life, of which a copy has one; two others in a second life.
fn restored() -> (Lives, Logs) {
    let mut lives = Lives { devices: vec![device("a"), device("b")], ..Lives::default() };
    for text in ["one", "two", "three", "four", "five"] {
        lives.sent.push(Sent {
            by: device("a"),
            client_id: text.into(),
            conversation: CONVERSATION.into(),
            content: text.into(),
        });
    }
    for (seq, text) in [(1, "one"), (2, "two"), (3, "three")] {
        acks(&mut lives, "x", seq, text);
    }
    sees(&mut lives, "x", 1, message(1, "one"));
    sees(&mut lives, "x", 1, message(2, "two"));
    let old = vec![message(1, "one"), message(2, "two"), message(3, "three")];
    lives.end([(CONVERSATION.into(), old)].into(), [(CONVERSATION.into(), 1)].into());
    for (seq, text) in [(2, "four"), (3, "five")] {
        acks(&mut lives, "y", seq, text);
        sees(&mut lives, "y", 2, message(seq, text));
    }
    let new = vec![message(1, "one"), message(2, "four"), message(3, "five")];
    (lives, [(CONVERSATION.into(), new)].into())
}

fn told(logs: &Logs) -> Told {
    Told { logs: logs.clone(), ..Told::default() }
}

#[test]
fn what_the_copy_lacks_is_not_lost() {
    let (lives, logs) = restored();
    let findings: Vec<_> = lives.check(&told(&logs)).wrong;
    assert_eq!(findings, [""; 0]);
    assert!(lives.check(&told(&logs)).is_kept());
}

#[test]
fn acked_message_that_the_copy_holds_must_stay() {
    let (lives, mut logs) = restored();
    logs.get_mut(CONVERSATION).unwrap()[0] = message(1, "other");
    assert!(!lives.check(&told(&logs)).lost.is_empty());
}

#[test]
fn message_of_the_old_life_pushed_in_the_new_one_is_wrong() {
    let (mut lives, logs) = restored();
    sees(&mut lives, "y", 2, message(3, "three"));
    assert!(!lives.check(&told(&logs)).wrong.is_empty());
}

#[test]
fn message_that_took_another_ones_seq_and_was_not_pushed_is_lost() {
    let (mut lives, logs) = restored();
    lives.of("y").seen.pop();
    assert!(!lives.check(&told(&logs)).lost.is_empty());
}

#[test]
fn reading_anew_in_each_life_is_no_repeat() {
    let (mut lives, logs) = restored();
    sees(&mut lives, "x", 0, message(1, "one"));
    sees(&mut lives, "y", 0, message(1, "one"));
    assert!(lives.check(&told(&logs)).is_kept());
    sees(&mut lives, "y", 2, message(2, "four"));
    assert!(!lives.check(&told(&logs)).doubled.is_empty());
}

#[test]
fn new_epoch_without_a_restore_is_wrong() {
    let (mut lives, logs) = restored();
    lives.of("z");
    assert!(!lives.check(&told(&logs)).wrong.is_empty());
}

const GROUP: &str = "group:g";

fn entry(seq: u64, said: serde_json::Value) -> Message {
    Message {
        id: format!("{GROUP}:{seq}"),
        conversation: GROUP.into(),
        seq,
        from: "o".into(),
        content: group_log::content(&said),
        ts: 1000 + seq,
    }
}

/// A group with b, who was put out after the copy was made; c comes in after the restore.
fn restored_group() -> (Lives, Logs) {
    let created = entry(1, json!({ "kind": "group_created", "userIds": ["b"] }));
    let kicked = entry(2, json!({ "kind": "member_kicked", "userId": "b" }));
    let added = entry(2, json!({ "kind": "member_added", "userIds": ["c"] }));
    let mut lives = Lives { devices: vec![device("b"), device("c")], ..Lives::default() };
    for (epoch, key, entry) in
        [("x", "made", &created), ("x", "kick", &kicked), ("y", "add", &added)]
    {
        lives.wished.push(Wished {
            key: key.into(),
            by: "o".into(),
            conversation: GROUP.into(),
            content: entry.content.clone(),
        });
        let Message { id, seq, ts, .. } = entry.clone();
        if epoch == "y" {
            let old = vec![created.clone(), kicked.clone()];
            lives.end([(GROUP.into(), old)].into(), [(GROUP.into(), 1)].into());
        }
        lives.of(epoch).changed.push(Changed { key: key.into(), id, seq, ts });
        sees(&mut lives, epoch, u32::from(epoch == "y") + 1, entry.clone());
    }
    lives.of("y").seen.push(Seen { by: device("c"), connection: 1, message: added.clone() });
    (lives, [(GROUP.into(), vec![created, added])].into())
}

#[test]
fn memberships_go_back_with_the_log() {
    let (lives, logs) = restored_group();
    assert_eq!(lives.check(&told(&logs)).findings().collect::<Vec<_>>(), []);
    let (mut lives, logs) = restored_group();
    lives.of("y").seen.remove(0);
    assert!(!lives.check(&told(&logs)).lost.is_empty(), "who is in again hears it");
    let (mut lives, logs) = restored_group();
    lives.of("x").seen.push(Seen {
        by: device("c"),
        connection: 1,
        message: logs[GROUP][0].clone(),
    });
    assert_eq!(lives.check(&told(&logs)).leaked.len(), 2, "in each life that has it");
}

#[test]
fn what_was_in_an_outbox_on_disk_must_be_in_a_log() {
    let (mut lives, logs) = restored();
    lives.written.extend(["three".to_owned(), "five".to_owned()]);
    assert!(lives.check(&told(&logs)).is_kept(), "one of them in the log that was replaced");
    let by = device("a");
    lives.apps.insert(by.clone());
    lives.sent.push(Sent {
        by,
        client_id: "six".into(),
        conversation: CONVERSATION.into(),
        content: "six".into(),
    });
    assert_eq!((lives.check(&told(&logs)).is_kept(), lives.forgotten(&told(&logs))), (true, 1));
    lives.written.insert("six".to_owned());
    assert_eq!(lives.forgotten(&told(&logs)), 0);
    assert_eq!(lives.check(&told(&logs)).lost, ["six: in an outbox on disk, and in no log"]);
    lives.refused.push("six".to_owned());
    assert!(lives.check(&told(&logs)).is_kept());
}

#[test]
fn who_is_live_must_show_what_was_acknowledged_before_it_began_to_connect() {
    let (mut lives, logs) = restored();
    let acked = |seq| Acked {
        client_id: "four".into(),
        id: format!("{CONVERSATION}:{seq}"),
        seq,
        ts: 1000 + seq,
    };
    lives.ack("y", acked(2));
    let mut live = |shown, since_ms| {
        lives.live("y", device("b"), CONVERSATION.into(), shown, since_ms);
        lives.check(&told(&logs)).lost.len()
    };
    assert_eq!(live(0, 1), 0, "it began before the ack");
    assert_eq!(live(2, u64::MAX), 0);
    assert_eq!(live(1, u64::MAX), 1);
}

#[test]
fn of_what_was_told_the_furthest_is_kept() {
    let mut lives = Lives::default();
    let mark =
        |receipt, seq| Mark { receipt, user: "b".into(), conversation: CONVERSATION.into(), seq };
    for seq in [2, 1, 2, 3] {
        lives.tell("x", mark(Receipt::Read, seq));
    }
    lives.tell("x", mark(Receipt::Delivered, 1));
    let kept: Vec<u64> = lives.of("x").told.iter().map(|mark| mark.seq).collect();
    assert_eq!(kept, [2, 3, 1]);
}
