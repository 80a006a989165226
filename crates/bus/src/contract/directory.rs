//! Claims about the directory.

use super::{Stage, device, found, node, seated, user};

pub(super) async fn it_knows_who_is_elsewhere(stage: &dyn Stage) {
    let (a, b, c) = (node(stage).await, node(stage).await, node(stage).await);
    let nodes = [a.bus.node(), b.bus.node(), c.bus.node()];
    a.bus.seat(user("al"), vec![device("phone")]);
    b.bus.seat(user("al"), vec![device("laptop"), device("")]);
    c.bus.seat(user("al"), vec![device("")]);
    c.bus.seat(user("bo {x} ü"), vec![device("d:1")]);
    for node in [&a, &b, &c] {
        seated(&*node.bus).await;
    }
    let devices = |names: &[&str]| names.iter().map(|name| device(name)).collect::<Vec<_>>();
    let of = [
        (nodes[0], devices(&["phone"])),
        (nodes[1], devices(&["laptop", ""])),
        (nodes[2], devices(&[""])),
    ];
    let but = |asking| {
        let mut others: Vec<_> = of.iter().filter(|(node, _)| *node != asking).cloned().collect();
        others.sort_by_key(|(node, _)| *node);
        others
    };
    let bo = vec![(nodes[2], devices(&["d:1"]))];
    found(
        &*a.bus,
        &["nobody", "al", "bo {x} ü", "al"],
        &[vec![], but(nodes[0]), bo.clone(), but(nodes[0])],
    )
    .await;
    found(&*b.bus, &["al", "bo {x} ü"], &[but(nodes[1]), bo]).await;
    found(&*c.bus, &["al", "bo {x} ü"], &[but(nodes[2]), vec![]]).await;
    assert_eq!(a.bus.elsewhere(Vec::new()).await, Ok(Vec::new()));
}

pub(super) async fn of_what_is_said_of_a_user_the_last_holds(stage: &dyn Stage) {
    let (a, b) = (node(stage).await, node(stage).await);
    for at in 0..500 {
        let devices = if at % 3 == 0 { vec![] } else { vec![device(&format!("d{at}"))] };
        a.bus.seat(user("al"), devices);
        a.bus.seat(user("bo"), vec![device("d")]);
    }
    a.bus.seat(user("bo"), vec![]);
    seated(&*a.bus).await;
    let node = a.bus.node();
    found(&*b.bus, &["al", "bo"], &[vec![(node, vec![device("d499")])], vec![]]).await;
}

pub(super) async fn entries_of_the_dead_are_not_given(stage: &dyn Stage) {
    let (a, b, c) = (node(stage).await, node(stage).await, node(stage).await);
    for node in [&a, &b, &c] {
        node.bus.seat(user("al"), vec![device("d")]);
        seated(&*node.bus).await;
    }
    let (at_b, at_c) = ((b.bus.node(), vec![device("d")]), (c.bus.node(), vec![device("d")]));
    let mut both = vec![at_b, at_c.clone()];
    both.sort_by_key(|(node, _)| *node);
    found(&*a.bus, &["al"], &[both]).await;
    stage.crash(b.bus.node()).await;
    found(&*a.bus, &["al"], &[vec![at_c]]).await;
    c.bus.leave().await;
    found(&*a.bus, &["al"], &[vec![]]).await;
}

pub(super) async fn a_hundred_thousand_seats_are_taken(stage: &dyn Stage) {
    const USERS: usize = 100_000;
    let (a, b) = (node(stage).await, node(stage).await);
    for at in 0..USERS {
        a.bus.seat(user(&format!("user {at}")), vec![device("phone"), device("laptop")]);
    }
    seated(&*a.bus).await;
    let here = || vec![(a.bus.node(), vec![device("phone"), device("laptop")])];
    for at in [0, 1, USERS / 2, USERS - 1] {
        found(&*b.bus, &[&format!("user {at}")], &[here()]).await;
    }
    let names: Vec<String> = (0..100).map(|at| format!("user {}", at * 997)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    found(&*b.bus, &names, &vec![here(); names.len()]).await;
}
