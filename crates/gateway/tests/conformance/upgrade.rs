//! From polling to WebSocket: the probe, its races, and what is refused afterwards.

use parlor_gateway::{Close, Namespace};

use crate::support::polling::Polling;
use crate::support::server::{self, PATH, Server};
use crate::support::ws::{Received, WebSocket};

/// Probes and waits for the answer.
fn probe(session: &Polling) -> WebSocket {
    let mut socket = WebSocket::open(session.address, &session.upgrade_target());
    socket.send("2probe");
    socket.expect("3probe");
    socket
}

/// Receives a message, past the answer to nothing.
fn expect_message(socket: &mut WebSocket, expected: &str) {
    loop {
        match socket.text() {
            ping if ping == "2" => socket.send("3"),
            text => return assert_eq!(text, expected),
        }
    }
}

#[test]
fn a_probe_then_upgrade_moves_the_session() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let mut socket = probe(&session);
    // While probed, a poll is answered at once so that the client can let go of it.
    let poll = session.poll();
    assert_eq!((poll.status, poll.body.as_str()), (200, "6"));
    socket.send("5");
    socket.send("4hello");
    expect_message(&mut socket, "4hello");
}

#[test]
fn a_waiting_poll_is_released_by_the_probe() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let waiting = session.start_poll();
    server::settle();
    let mut socket = probe(&session);
    assert_eq!(waiting.answer().body, "6");
    socket.send("5");
    socket.send("4hello");
    expect_message(&mut socket, "4hello");
}

#[test]
fn polling_is_refused_after_the_upgrade() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let mut socket = probe(&session);
    socket.send("5");
    socket.send("4moved");
    expect_message(&mut socket, "4moved");
    session.poll().expect_refusal(400, 3);
    session.post("4stale").expect_refusal(400, 3);
    socket.send("4hello");
    expect_message(&mut socket, "4hello");
}

#[test]
fn a_second_websocket_is_refused_after_the_upgrade() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let mut socket = probe(&session);
    socket.send("5");
    match WebSocket::try_open(server.address, &session.upgrade_target()) {
        Err(response) => response.expect_refusal(400, 3),
        Ok(mut second) => {
            second.closed();
        }
    }
    socket.send("4hello");
    expect_message(&mut socket, "4hello");
}

#[test]
fn a_second_probe_beside_the_first_is_closed_and_harms_nothing() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let mut socket = probe(&session);
    if let Ok(mut second) = WebSocket::try_open(server.address, &session.upgrade_target()) {
        second.closed();
    }
    socket.send("5");
    socket.send("4hello");
    expect_message(&mut socket, "4hello");
}

#[test]
fn a_probe_that_does_not_probe_is_closed_and_polling_goes_on() {
    for first in ["4hello", "5", "2", "abc"] {
        let server = server::engine_echo();
        let session = Polling::open(server.address, PATH);
        let mut socket = WebSocket::open(server.address, &session.upgrade_target());
        socket.send(first);
        socket.closed();
        session.send("4still polling");
        assert_eq!(session.receive(), ["4still polling"], "after {first}");
    }
}

#[test]
fn a_probe_that_goes_away_leaves_polling_alone() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let socket = probe(&session);
    socket.stream.shutdown();
    server::settle();
    session.send("4still polling");
    server::until(|| {
        let response = session.poll();
        assert_eq!(response.status, 200, "{response:?}");
        response.body.split('\x1e').any(|packet| packet == "4still polling")
    });
}

#[test]
fn messages_sent_over_polling_during_the_probe_arrive_once_and_in_order() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    session.send("4one");
    let mut socket = probe(&session);
    session.send("4two");
    socket.send("5");
    socket.send("4three");
    let mut received = Vec::new();
    while received.len() < 3 {
        match socket.receive() {
            Received::Text(ping) if ping == "2" => socket.send("3"),
            Received::Text(text) => received.push(text),
            other => panic!("{other:?} after {received:?}"),
        }
    }
    assert_eq!(received, ["4one", "4two", "4three"]);
}

#[test]
fn the_upgrade_can_follow_the_probe_in_one_segment() {
    use crate::support::ws::{TEXT, frame};
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let mut socket = WebSocket::open(server.address, &session.upgrade_target());
    let mut bytes = frame(0x80 | TEXT, b"2probe");
    bytes.extend(frame(0x80 | TEXT, b"5"));
    bytes.extend(frame(0x80 | TEXT, b"4hello"));
    socket.stream.write(&bytes);
    socket.expect("3probe");
    expect_message(&mut socket, "4hello");
}

#[test]
fn sessions_upgrade_on_whatever_shard_they_land() {
    let server = server::engine_echo_on(4, server::fast());
    for round in 0..24 {
        let session = Polling::open(server.address, PATH);
        session.send(&format!("4before {round}"));
        assert_eq!(session.receive(), [format!("4before {round}")]);
        let mut socket = probe(&session);
        socket.send("5");
        socket.send(&format!("4after {round}"));
        expect_message(&mut socket, &format!("4after {round}"));
    }
}

#[test]
fn the_heartbeat_goes_on_over_the_new_transport() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let mut socket = probe(&session);
    socket.send("5");
    for _ in 0..2 {
        socket.expect("2");
        socket.send("3");
    }
}

#[test]
fn an_upgrade_is_refused_where_it_is_switched_off() {
    let config = parlor_gateway::Config { upgrades: false, ..server::fast() };
    let server = server::engine_echo_with(config);
    let session = Polling::open(server.address, PATH);
    assert_eq!(session.open["upgrades"], serde_json::json!([]));
    match WebSocket::try_open(server.address, &session.upgrade_target()) {
        Err(response) => response.expect_refusal(400, 3),
        Ok(_) => panic!("upgraded"),
    }
    session.send("4still polling");
    assert_eq!(session.receive(), ["4still polling"]);
}

/// A session that was told that it may move, and is then sent away with a last event.
fn sent_away_while_it_moves(server: &Server) -> (Polling, WebSocket) {
    let session = Polling::open(server.address, PATH);
    session.send("40");
    assert!(session.receive()[0].starts_with("40{"));
    let socket = probe(&session);
    assert_eq!(session.poll().body, "6");
    server.io().of("/").emit("closing", &("bye",)).unwrap();
    server.io().of("/").disconnect(Close::Connection);
    server::until(|| server.running.stats().connections == 0);
    (session, socket)
}

#[test]
fn a_client_that_moved_hears_why_its_session_has_ended() {
    let server = Server::main(Namespace::new());
    let (session, mut socket) = sent_away_while_it_moves(&server);
    socket.send("5");
    socket.expect(r#"42["closing","bye"]"#);
    socket.expect("41");
    assert_eq!(socket.closed(), (1000, "forced server close".to_owned()));
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_client_that_stayed_hears_why_its_session_has_ended() {
    let server = Server::main(Namespace::new());
    let (session, mut socket) = sent_away_while_it_moves(&server);
    assert_eq!(session.receive(), [r#"42["closing","bye"]"#, "41"]);
    // Whoever moves then hears no word again.
    socket.send("5");
    assert_eq!(socket.closed(), (1000, "forced server close".to_owned()));
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_client_that_breaks_off_its_move_hears_the_end_by_its_poll() {
    let server = Server::main(Namespace::new());
    let (session, mut socket) = sent_away_while_it_moves(&server);
    socket.send("4nonsense");
    assert_eq!(socket.receive(), Received::End);
    assert_eq!(session.receive(), [r#"42["closing","bye"]"#, "41"]);
    assert_eq!(session.receive(), ["1"]);
}
