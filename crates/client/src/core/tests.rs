//! The core by itself, a server's words put into its mouth: what must be asked again, and answered.

use tokio::sync::oneshot;

use super::*;

const EPOCH: &str = "7";

/// A client of alice's that is live.
fn live() -> Core {
    let (status, _) = watch::channel(Status::new(State::Connecting, None));
    let (news, _) = broadcast::channel(64);
    let mut core = Core::new("alice", status, news);
    connect(&mut core);
    core
}

fn connect(core: &mut Core) {
    let ready = json!({ "userId": "alice", "epoch": EPOCH, "version": "1" });
    core.greeted(serde_json::from_value(ready).expect("a greeting"));
    core.heard("caught_up", json!({ "pushed": 0, "epoch": EPOCH, "pos": 5 }));
    assert!(core.is_live());
}

fn message(seq: u64) -> Value {
    json!({
        "id": format!("dm:alice:bob:{seq}"), "conversationId": "dm:alice:bob", "seq": seq, "pos": seq,
        "from": "bob", "to": "alice", "content": format!("number {seq}"), "ts": seq,
    })
}

/// What `history` answers for these numbers of a log that goes up to 7.
fn page(first: u64, last: u64) -> Value {
    let messages: Vec<_> = (first..=last).map(message).collect();
    json!({
        "status": "ok", "messages": messages, "entries": [], "more": first > 1,
        "covers": [first, last], "head": 7,
    })
}

/// What was asked of the server by this name, and not taken yet.
fn asked(core: &mut Core, event: &str) -> Option<Said> {
    std::iter::from_fn(|| core.take_said()).find(|said| said.event == event)
}

fn answer(core: &mut Core, said: &Said, answer: Value) {
    core.answered(said.ack_id.expect("it is a question"), answer);
}

fn bob() -> Target {
    Target::User("bob".to_owned())
}

#[test]
fn who_opens_while_a_hole_is_filled_is_answered() {
    let mut core = live();
    core.heard("private_message", message(3));
    core.heard("private_message", message(7));
    core.due(Instant::now() + Duration::from_secs(1));
    let hole = asked(&mut core, "history").expect("the hole is read");
    assert_eq!((&hole.payload["after"], &hole.payload["before"]), (&json!(3), &json!(8)));

    let (reader, mut opened) = oneshot::channel();
    core.open(&bob(), reader);
    answer(&mut core, &hole, page(4, 6));
    let older = asked(&mut core, "history").expect("what is older is read");
    assert_eq!(older.payload["before"], 3);
    assert!(opened.try_recv().is_err(), "it is not there yet");
    answer(&mut core, &older, page(1, 2));
    opened.try_recv().expect("it is answered").expect("it is there");
    let held = core.look(&bob()).expect("it is known");
    assert_eq!((held.window.from(), held.window.to(), held.is_reading()), (Some(1), 7, false));
}

#[test]
fn what_was_refused_for_now_is_asked_again_on_the_next_connection() {
    let mut core = live();
    let (reader, mut opened) = oneshot::channel();
    core.open(&bob(), reader);
    let first = asked(&mut core, "history").expect("it is read");
    let busy = json!({ "status": "error", "code": "overloaded", "error": "", "retryAfterMs": 250 });
    answer(&mut core, &first, busy);
    core.lost();
    connect(&mut core);
    let again = asked(&mut core, "history").expect("it is asked again");
    answer(&mut core, &again, page(1, 7));
    opened.try_recv().expect("it is answered").expect("it is there");
}

#[test]
fn a_list_that_was_to_be_read_is_read_on_the_next_connection() {
    let mut core = live();
    let list = asked(&mut core, "conversations").expect("it is read at first");
    answer(&mut core, &list, json!({ "status": "ok", "conversations": [], "cursor": null }));
    assert!(asked(&mut core, "conversations").is_none());
    // A conversation that is not in the list yet is a reason to read it, in a moment.
    core.heard("private_message", message(1));
    core.lost();
    connect(&mut core);
    asked(&mut core, "conversations").expect("the reason is still one");
}
