//! Claims about what breaks, and about what comes after.

use parlor_chat::bus::Topic;

use super::{Kept, Node, Note, Stage, device, found, node, seated, until, user};

pub(super) async fn a_wipe_is_told_and_seats_that_are_said_again_are_found(stage: &dyn Stage) {
    let (a, b) = (node(stage).await, node(stage).await);
    let say = || a.bus.seat(user("al"), vec![device("d")]);
    say();
    seated(&*a.bus).await;
    let here = || vec![(a.bus.node(), vec![device("d")])];
    found(&*b.bus, &["al"], &[here()]).await;
    stage.wipe().await;
    forgotten(&a).await;
    forgotten(&b).await;
    found(&*b.bus, &["al"], &[vec![]]).await;
    say();
    seated(&*a.bus).await;
    found(&*b.bus, &["al"], &[here()]).await;
    flows(&a, &b, b"after the wipe").await;
    stayed(&a, &b).await;
}

pub(super) async fn after_an_interruption_messages_flow_again(stage: &dyn Stage) {
    let (a, b) = (node(stage).await, node(stage).await);
    flows(&a, &b, b"before").await;
    stage.interrupt(Kept::All).await;
    missed(&a).await;
    missed(&b).await;
    up(&a).await;
    up(&b).await;
    flows(&a, &b, b"after").await;
    flows(&b, &a, b"after").await;
    stage.interrupt(Kept::All).await;
    up(&a).await;
    up(&b).await;
    flows(&a, &b, b"after the second").await;
}

pub(super) async fn after_an_interruption_that_lost_all_seats_are_asked_for(stage: &dyn Stage) {
    let (a, b) = (node(stage).await, node(stage).await);
    let say = || a.bus.seat(user("al"), vec![device("d")]);
    say();
    seated(&*a.bus).await;
    stage.interrupt(Kept::Nothing).await;
    forgotten(&a).await;
    missed(&b).await;
    say();
    found(&*b.bus, &["al"], &[vec![(a.bus.node(), vec![device("d")])]]).await;
    up(&a).await;
    up(&b).await;
    flows(&a, &b, b"after").await;
    stayed(&a, &b).await;
}

/// Nobody took the other one for gone, and both know that the other one lives.
async fn stayed(a: &Node, b: &Node) {
    for (node, other) in [(a, b), (b, a)] {
        until("the other one lives", || node.bus.stats().nodes == 1).await;
        let left = Note::Left(other.bus.node());
        assert_eq!((node.log.count(&left), node.talk.count(&left)), (0, 0));
    }
}

async fn forgotten(node: &Node) {
    for ear in [&node.log, &node.talk] {
        let told = |notes: &[Note]| notes.contains(&Note::Forgotten);
        ear.until("the directory was emptied", told).await;
    }
}

async fn missed(node: &Node) {
    for ear in [&node.log, &node.talk] {
        let told = |notes: &[Note]| notes.contains(&Note::Missed);
        ear.until("something may have been missed", told).await;
    }
}

async fn up(node: &Node) {
    until("the bus is in reach", || node.bus.stats().is_up).await;
}

async fn flows(from: &Node, to: &Node, message: &[u8]) {
    from.bus.publish(Topic::Log, message.to_vec());
    from.bus.publish(Topic::Talk, message.to_vec());
    to.log.heard(&*from.bus, message).await;
    to.talk.heard(&*from.bus, message).await;
}
