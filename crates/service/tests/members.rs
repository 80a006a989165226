//! What servers of the app's Socket.IO cluster may ask of this one, up to each bound and beyond it.

use std::sync::Arc;
use std::time::Duration;

use parlor_gateway::adapter::{Answer, Call, Event, Message, Selection};
use parlor_service::{Answering, MemberLimits, Settings};
use tokio::sync::mpsc;

use crate::support::{House, Plan};

fn plan(members: MemberLimits) -> Plan {
    Plan { settings: Settings { members, ..Settings::default() }, ..Plan::default() }
}

fn those_in(room: &str) -> Selection {
    Selection { rooms: vec![room.into()], except: Vec::new() }
}

/// Has the service asked; what it answers comes one by one.
fn ask(house: &House, call: Call) -> mpsc::Receiver<String> {
    let (tell, answers) = mpsc::channel(16);
    let answer: Answering = Arc::new(move |answer: Answer<'_>| {
        let text = match answer {
            Answer::Sockets(json) | Answer::SocketIds(json) | Answer::Rooms(json) => {
                json.to_owned()
            }
            Answer::Ack(json, _) => json.to_owned(),
            Answer::Asked(count) => count.to_string(),
            Answer::NoCode => String::from("null"),
        };
        let _ = tell.try_send(text);
    });
    let message =
        Message { from: "node".into(), namespace: "/".into(), request: Some("1".into()), call };
    house.service.hear_member(message, &answer);
    answers
}

async fn answer(house: &House, call: Call) -> String {
    ask(house, call).recv().await.expect("it is answered")
}

/// How many are told of.
async fn told(house: &House, call: Call) -> usize {
    let ids: Vec<String> = serde_json::from_str(&answer(house, call).await).expect("an array");
    ids.len()
}

#[tokio::test]
async fn sockets_are_told_of_up_to_the_bound() {
    let house = House::new(plan(MemberLimits { sockets_told_max: 2, ..Default::default() })).await;
    let _alice = house.device("alice", "phone").await;
    let _bob = house.device("bob", "phone").await;
    let all = || Call::SocketIds { sockets: Selection::default() };
    assert_eq!(told(&house, all()).await, 2);
    let _carol = house.device("carol", "phone").await;
    assert_eq!(told(&house, all()).await, 0, "of none rather than of some");
    assert_eq!(told(&house, Call::SocketIds { sockets: those_in("carol") }).await, 1);
    house.end().await;
}

#[tokio::test]
async fn answers_have_bytes_up_to_the_bound() {
    // An id of 20 characters, its quotes, and a comma or bracket.
    for (told_bytes_max, count) in [(46, 2), (45, 0)] {
        let limits = MemberLimits { told_bytes_max, ..Default::default() };
        let house = House::new(plan(limits)).await;
        let _alice = house.device("alice", "phone").await;
        let _bob = house.device("bob", "phone").await;
        let all = Call::SocketIds { sockets: Selection::default() };
        assert_eq!(told(&house, all).await, count);
        house.end().await;
    }
}

/// How many rooms a socket joins of those that it is to join one by one.
async fn rooms_joined(rooms_per_socket_max: usize) -> usize {
    let limits = MemberLimits { rooms_per_socket_max, ..Default::default() };
    let house = House::new(plan(limits)).await;
    let _alice = house.device("alice", "phone").await;
    let before = told(&house, Call::Rooms).await;
    for number in 0..10 {
        let rooms = vec![format!("news {number}").into()];
        ask(&house, Call::Join { sockets: those_in("alice"), rooms });
    }
    let joined = told(&house, Call::Rooms).await - before;
    house.end().await;
    joined
}

#[tokio::test]
async fn a_socket_joins_rooms_up_to_the_bound() {
    let few = rooms_joined(5).await;
    assert!((1..5).contains(&few), "its own count too: {few}");
    assert_eq!(rooms_joined(6).await, few + 1);
}

#[tokio::test]
async fn questions_about_sockets_are_under_way_up_to_the_bound() {
    let house = House::new(plan(MemberLimits { fetches_max: 2, ..Default::default() })).await;
    let _alice = house.device("alice", "phone").await;
    let all = || Call::SocketIds { sockets: Selection::default() };
    // Nothing goes on before this task waits.
    let mut asked = [ask(&house, all()), ask(&house, all()), ask(&house, all())];
    let mut counts = Vec::new();
    for answers in &mut asked {
        counts.push(answers.recv().await.expect("it is answered").len());
    }
    assert_eq!(counts, [24, 24, 2]);
    assert_eq!(told(&house, all()).await, 1, "and again when those are answered");
    house.end().await;
}

#[tokio::test]
async fn clients_are_waited_for_up_to_the_bounds() {
    let limits = MemberLimits {
        asks_max: 1,
        ack_timeout_max: Duration::from_millis(300),
        ..Default::default()
    };
    let house = House::new(plan(limits)).await;
    let alice = house.device("alice", "phone").await;
    let question = || Call::Emit {
        sockets: those_in("alice"),
        event: Event {
            name: "question".into(),
            args: String::from("[1]"),
            attachments: Vec::new(),
        },
        volatile: false,
        timeout_ms: Some(3_600_000),
    };
    let mut waiting = ask(&house, question());
    assert_eq!(answer(&house, question()).await, "0", "nobody else is asked meanwhile");
    assert_eq!(waiting.recv().await.as_deref(), Some("1"));
    alice.event("question", 0).await;
    assert_eq!(waiting.recv().await, None, "whatever the request says, the wait ends");
    assert_eq!(answer(&house, question()).await, "1");
    assert_eq!(alice.events("question", 2).await.len(), 2);
    house.end().await;
}
