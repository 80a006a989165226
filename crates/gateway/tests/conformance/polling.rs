//! Sessions over HTTP long-polling: payloads, and what ends them.

use parlor_gateway::Config;

use crate::support::http;
use crate::support::polling::Polling;
use crate::support::server::{self, PATH};
use crate::support::stream::Stream;

fn check_echo(body: &str) {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    session.send(body);
    let response = session.poll();
    assert_eq!((response.status, response.body.as_str()), (200, body));
    assert_eq!(response.header("content-type"), Some("text/plain; charset=UTF-8"));
}

#[test]
fn a_payload_of_one_text_packet_is_echoed() {
    check_echo("4hello");
}

#[test]
fn a_payload_of_several_packets_is_echoed_in_order() {
    check_echo("4test1\x1e4test2\x1e4test3");
}

#[test]
fn a_payload_of_text_and_bytes_is_echoed() {
    check_echo("4hello\x1ebAQIDBA==");
}

#[test]
fn a_payload_of_multibyte_text_is_echoed() {
    check_echo("4€\x1e4🦀 てすと\x1e4\u{200d}é");
}

#[test]
fn a_payload_that_is_not_of_the_protocol_closes_the_session() {
    for body in ["abc", "4ok\x1ez", "", "b!!!!", "é"] {
        let server = server::engine_echo();
        let session = Polling::open(server.address, PATH);
        let response = session.post(body);
        assert_eq!(response.status, 400, "{body:?}: {response:?}");
        session.poll().expect_refusal(400, 1);
    }
}

#[test]
fn a_payload_that_is_not_utf8_closes_the_session() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let response = http::request(server.address, "POST", &session.target(), &[], b"4\xff\xfe");
    assert_eq!(response.status, 400, "{response:?}");
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_second_poll_closes_the_session_and_the_first_is_told() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let first = session.poll_aside();
    server::settle();
    let second = session.poll();
    assert_eq!(second.status, 400, "{second:?}");
    let first = first.join().expect("a response");
    assert_eq!((first.status, first.body.as_str()), (200, "1"));
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_cancelled_poll_closes_the_session() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let pending = session.start_poll();
    server::settle();
    pending.cancel();
    let response = session.poll();
    assert_eq!(response.status, 400, "{response:?}");
    session.poll().expect_refusal(400, 1);
}

#[test]
fn the_clients_close_packet_ends_the_session_and_its_poll() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let poll = session.poll_aside();
    server::settle();
    session.send("1");
    let poll = poll.join().expect("a response");
    assert_eq!((poll.status, poll.body.as_str()), (200, "6"));
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_poll_that_crosses_the_clients_close_packet_is_answered_once() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    session.send("1");
    let poll = session.poll();
    assert_eq!((poll.status, poll.body.as_str()), (200, "6"));
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_body_over_the_limit_is_told_the_limit_and_closes_the_session() {
    let server = server::engine_echo_with(Config { max_payload: 1_000, ..server::fast() });
    let session = Polling::open(server.address, PATH);
    session.send(&format!("4{}", "a".repeat(999)));
    assert_eq!(session.receive(), [format!("4{}", "a".repeat(999))]);
    let response = session.post(&format!("4{}", "a".repeat(1_000)));
    assert_eq!(response.status, 413, "{response:?}");
    assert!(response.body.contains("1000 bytes"), "{response:?}");
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_body_of_unknown_length_is_cut_off_at_the_limit() {
    let server = server::engine_echo_with(Config { max_payload: 1_000, ..server::fast() });
    let session = Polling::open(server.address, PATH);
    let mut stream = Stream::plain(server.address);
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        session.target()
    );
    stream.write(head.as_bytes());
    for _ in 0..2 {
        // 0x258 is 600.
        let chunk = format!("258\r\n{}\r\n", "a".repeat(600));
        if stream.try_write(chunk.as_bytes()).is_err() {
            break;
        }
    }
    let response = http::receive(&mut stream).expect("a response");
    assert_eq!(response.status, 413, "{response:?}");
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_post_that_breaks_off_closes_the_session() {
    let server = server::engine_echo_with(server::calm());
    let session = Polling::open(server.address, PATH);
    let waiting = session.start_poll();
    let mut stream = Stream::plain(server.address);
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n4part",
        session.target()
    );
    stream.write(head.as_bytes());
    server::settle();
    stream.shutdown();
    assert_eq!(waiting.answer().body, "1");
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_session_that_the_server_closes_says_so_at_the_next_poll() {
    use parlor_gateway::Engine;
    let server = server::Server::start(server::calm(), 1, |gateway| {
        gateway.engine(Engine::new().on_message(|link, message| {
            link.send(message).unwrap();
            link.close();
        }));
    });
    let session = Polling::open(server.address, PATH);
    session.send("4bye");
    // Client libraries act on the end first, and what came beside it they keep.
    assert_eq!(session.poll().body, "4bye");
    assert_eq!(session.poll().body, "1");
    session.poll().expect_refusal(400, 1);
}

#[test]
fn unanswered_events_hold_a_post_back_and_lose_nothing() {
    use parlor_gateway::Namespace;
    use std::sync::Arc;
    let held = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let server = server::Server::start(server::calm(), 1, |gateway| {
        let held = Arc::clone(&held);
        let hold = move |_: &parlor_gateway::Socket, mut event: parlor_gateway::Event| {
            held.lock().extend(event.take_ack());
        };
        gateway.namespace("/", Namespace::new().on("hold", hold));
    });
    let session = Polling::open(server.address, PATH);
    session.send("40");
    session.receive();
    let body: Vec<String> = (0..70).map(|number| format!(r#"42{number}["hold"]"#)).collect();
    let (address, target) = (session.address, session.target());
    let post = std::thread::spawn(move || http::post(address, &target, &body.join("\x1e")));
    server::until(|| held.lock().len() == 64);
    server::settle();
    assert_eq!(held.lock().len(), 64);
    assert!(!post.is_finished(), "the client must wait");
    let mut answered = 0;
    while answered < 70 {
        let acks = std::mem::take(&mut *held.lock());
        answered += acks.len();
        acks.into_iter().for_each(|ack| ack.send(&()).unwrap());
    }
    assert_eq!(post.join().expect("a response").body, "ok");
    let mut received = Vec::new();
    while received.len() < 70 {
        received.extend(session.receive());
    }
    let expected: Vec<String> = (0..70).map(|number| format!("43{number}[]")).collect();
    assert_eq!(received, expected);
}

#[test]
fn a_method_that_a_session_has_no_use_for_is_refused() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let response = http::request(server.address, "PUT", &session.target(), &[], b"4hello");
    response.expect_refusal(400, 3);
}

#[test]
fn messages_queued_between_polls_come_in_one_payload() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    session.send("4one");
    session.send("4two");
    assert_eq!(session.receive(), ["4one", "4two"]);
}
