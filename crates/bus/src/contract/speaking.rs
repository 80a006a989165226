//! Claims about messages, and about nodes that come and go.

use parlor_chat::bus::Topic;

use super::{LOG, Note, Stage, node, until};
use crate::frame::{Frame, Kind};

/// How many messages are said in a row.
const MANY: usize = 2_000;

pub(super) async fn messages_of_a_topic_are_heard_in_order_by_all_others(stage: &dyn Stage) {
    let (a, b, c) = (node(stage).await, node(stage).await, node(stage).await);
    for at in 0..MANY {
        a.bus.publish(Topic::Log, format!("a {at}").into_bytes());
        b.bus.publish(Topic::Log, format!("b {at}").into_bytes());
    }
    let (last_a, last_b) = (format!("a {}", MANY - 1), format!("b {}", MANY - 1));
    c.log.heard(&*a.bus, last_a.as_bytes()).await;
    c.log.heard(&*b.bus, last_b.as_bytes()).await;
    a.log.heard(&*b.bus, last_b.as_bytes()).await;
    b.log.heard(&*a.bus, last_a.as_bytes()).await;
    for (ear, from, name) in
        [(&c.log, &a, "a"), (&c.log, &b, "b"), (&a.log, &b, "b"), (&b.log, &a, "a")]
    {
        let from = from.bus.node();
        let said = ear.messages().into_iter().filter(|(node, _)| *node == from);
        let said: Vec<_> = said.map(|(_, message)| message).collect();
        let expected: Vec<_> = (0..MANY).map(|at| format!("{name} {at}").into_bytes()).collect();
        assert_eq!(said, expected);
        assert_eq!(ear.count(&Note::Missed), 0);
    }
    // Nobody hears its own.
    assert_eq!((a.log.messages().len(), b.log.messages().len()), (MANY, MANY));
    // Others may hear what the engine has taken before it says that it did.
    until("all is published", || a.bus.stats().published >= MANY as u64).await;
    let stats = a.bus.stats();
    assert_eq!((stats.published, stats.heard), (MANY as u64, MANY as u64));
    assert_eq!((stats.dropped, stats.passed_over, stats.missed), (0, 0, 0));
    assert!(stats.published_bytes > 0 && stats.is_up);
}

pub(super) async fn topics_are_kept_apart(stage: &dyn Stage) {
    let (a, b) = (node(stage).await, node(stage).await);
    a.bus.publish(Topic::Log, b"log".to_vec());
    a.bus.publish(Topic::Talk, b"talk".to_vec());
    b.log.heard(&*a.bus, b"log").await;
    b.talk.heard(&*a.bus, b"talk").await;
    assert_eq!((b.log.messages().len(), b.talk.messages().len()), (1, 1));
}

pub(super) async fn long_messages_arrive_whole(stage: &dyn Stage) {
    let (a, b) = (node(stage).await, node(stage).await);
    let long: Vec<u8> = (0..3_000_000u32).map(|at| at as u8).collect();
    a.bus.publish(Topic::Log, Vec::new());
    a.bus.publish(Topic::Log, long.clone());
    a.bus.publish(Topic::Log, b"behind".to_vec());
    b.log.heard(&*a.bus, b"behind").await;
    let said: Vec<_> = b.log.messages().into_iter().map(|(_, message)| message).collect();
    assert!(said == [Vec::new(), long, b"behind".to_vec()]);
}

pub(super) async fn another_log_is_refused(stage: &dyn Stage) {
    let a = node(stage).await;
    let refused = stage.join(LOG + 1).await.err();
    let why = refused.expect("a node of another log is refused");
    assert!(why.contains("another log") || why.contains("are of the log"), "{why}");
    let b = node(stage).await;
    a.bus.publish(Topic::Log, b"still".to_vec());
    b.log.heard(&*a.bus, b"still").await;
}

pub(super) async fn what_is_no_message_of_this_log_is_passed_over(stage: &dyn Stage) {
    let (a, b) = (node(stage).await, node(stage).await);
    let frame = |log| {
        let node = parlor_chat::bus::NodeId(77);
        Frame { node, log, kind: Kind::Message, seq: 1, message: b"from afar" }.encode()
    };
    let mut newer = frame(LOG);
    newer[0] = 200;
    let foreign = [b"PING".to_vec(), Vec::new(), frame(LOG + 1), newer, vec![1; 20]];
    let count = foreign.len() as u64;
    for bytes in foreign {
        stage.say(Topic::Log, bytes).await;
    }
    a.bus.publish(Topic::Log, b"mine".to_vec());
    b.log.heard(&*a.bus, b"mine").await;
    until("all are counted", || b.bus.stats().passed_over == count).await;
    assert_eq!(b.log.messages().len(), 1);
}

pub(super) async fn who_leaves_is_told_at_once(stage: &dyn Stage) {
    let (a, b) = (node(stage).await, node(stage).await);
    a.bus.publish(Topic::Log, b"last words".to_vec());
    let left = Note::Left(a.bus.node());
    until("they know of each other", || b.bus.stats().nodes == 1 || b.bus.stats().heard > 0).await;
    a.bus.publish(Topic::Talk, b"last words".to_vec());
    a.bus.leave().await;
    for ear in [&b.log, &b.talk] {
        ear.until("a node left", |notes| notes.contains(&left)).await;
        let at = |wanted: &dyn Fn(&Note) -> bool| ear.notes.lock().iter().position(wanted);
        let words = at(&|note| matches!(note, Note::Heard(..)));
        assert!(words.is_some() && words < at(&|note| *note == left));
    }
    until("no other node lives", || b.bus.stats().nodes == 0).await;
    assert_eq!((b.log.count(&left), b.talk.count(&left)), (1, 1));
}

pub(super) async fn a_lease_that_ends_is_told(stage: &dyn Stage) {
    let (a, b, c) = (node(stage).await, node(stage).await, node(stage).await);
    let lives = |node: &super::Node| node.bus.stats().nodes == 2;
    until("all know of each other", || lives(&b) && lives(&c)).await;
    let left = Note::Left(a.bus.node());
    stage.crash(a.bus.node()).await;
    for ear in [&b.log, &b.talk, &c.log, &c.talk] {
        ear.until("a lease ended", |notes| notes.contains(&left)).await;
        assert_eq!(ear.count(&left), 1);
    }
    assert_eq!(b.log.count(&Note::Left(c.bus.node())), 0);
}
