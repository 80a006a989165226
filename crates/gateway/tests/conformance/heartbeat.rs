//! Pings: never early, answered or fatal.

use std::time::{Duration, Instant};

use parlor_gateway::Config;

use crate::support::polling::Polling;
use crate::support::server::{self, PATH};
use crate::support::ws::{Received, WebSocket};

const INTERVAL: Duration = Duration::from_millis(300);
const TIMEOUT: Duration = Duration::from_millis(200);

fn open_websocket(server: &server::Server) -> WebSocket {
    let target = format!("{PATH}?EIO=4&transport=websocket");
    let mut socket = WebSocket::open(server.address, &target);
    assert!(socket.text().starts_with('0'));
    socket
}

#[test]
fn the_first_ping_comes_after_the_interval_and_never_before() {
    let server = server::engine_echo();
    let started = Instant::now();
    let mut socket = open_websocket(&server);
    socket.expect("2");
    let waited = started.elapsed();
    assert!(waited >= INTERVAL - Duration::from_millis(10), "an early first ping: {waited:?}");
    assert!(waited < INTERVAL + TIMEOUT, "a late first ping: {waited:?}");
}

#[test]
fn the_first_ping_over_polling_is_not_early_either() {
    let server = server::engine_echo();
    let started = Instant::now();
    let session = Polling::open(server.address, PATH);
    assert_eq!(session.poll().body, "2");
    assert!(started.elapsed() >= INTERVAL - Duration::from_millis(10));
}

#[test]
fn a_websocket_that_answers_lives() {
    let server = server::engine_echo();
    let mut socket = open_websocket(&server);
    for _ in 0..4 {
        socket.expect("2");
        socket.send("3");
    }
}

/// More of them are due at the same time than are pinged at a time.
#[test]
fn all_who_came_together_are_pinged_again_and_again() {
    let (ping_interval, ping_timeout) = (Duration::from_secs(2), Duration::from_secs(2));
    let config = Config { ping_interval, ping_timeout, ..server::calm() };
    let server = server::engine_echo_with(config);
    let mut sockets: Vec<WebSocket> = (0..400).map(|_| open_websocket(&server)).collect();
    for _ in 0..2 {
        for socket in &mut sockets {
            socket.expect("2");
            socket.send("3");
        }
    }
}

#[test]
fn a_polling_session_that_answers_lives() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    for _ in 0..3 {
        let poll = session.poll();
        assert_eq!((poll.status, poll.body.as_str()), (200, "2"));
        session.send("3");
    }
}

#[test]
fn a_websocket_that_does_not_answer_is_closed() {
    let server = server::engine_echo();
    let started = Instant::now();
    let mut socket = open_websocket(&server);
    socket.expect("2");
    let end = socket.receive();
    assert!(matches!(end, Received::Close(..) | Received::End), "{end:?} after the ping");
    let waited = started.elapsed();
    assert!(waited >= INTERVAL + TIMEOUT - Duration::from_millis(10), "{waited:?}");
    assert!(waited < 3 * (INTERVAL + TIMEOUT), "{waited:?}");
}

#[test]
fn a_polling_session_that_does_not_answer_is_closed() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    assert_eq!(session.poll().body, "2");
    // The session is closed while this poll waits, so it ends with a close packet, or refused.
    let response = session.poll();
    assert!(response.status == 400 || response.body == "1", "{response:?}");
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_polling_session_that_never_polls_is_closed() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    std::thread::sleep(INTERVAL + TIMEOUT);
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_ping_from_the_client_is_refused_as_not_of_the_protocol() {
    let server = server::engine_echo();
    let mut socket = open_websocket(&server);
    // In protocol 4 the server pings; a client's ping is only a probe during an upgrade.
    socket.send("2");
    let (code, _) = socket.closed();
    assert_ne!(code, 1000);
}
