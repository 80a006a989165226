//! Clients that mean harm, or mean well at a bad moment: what each may cost is bounded.

use std::time::{Duration, Instant};

use parlor_gateway::{Close, Config, Cors, Namespace};

use crate::support::http;
use crate::support::polling::Polling;
use crate::support::server::{self, PATH, Server};
use crate::support::sio::Client;
use crate::support::stream::Stream;
use crate::support::ws::{self, WebSocket};

/// Sends the head of a POST of a megabyte, and one byte of it.
fn begin_post(session: &Polling, sid: &str) -> Stream {
    let mut stream = Stream::plain(session.address);
    let head = format!(
        "POST {PATH}?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: localhost\r\n\
         Content-Length: 1000000\r\n\r\n4"
    );
    stream.write(head.as_bytes());
    server::settle();
    stream
}

#[test]
fn a_burst_over_the_cap_reaches_a_client_that_reads() {
    let config = Config { output_bytes_max: 10_000, ..server::calm() };
    let server = Server::start(config, 1, |gateway| {
        let text = "x".repeat(1_000);
        let rules = Namespace::new().on("burst", move |socket, _| {
            for number in 0..100 {
                socket.emit("m", &(number, text.as_str())).unwrap();
            }
        });
        gateway.namespace("/", rules);
    });
    let mut client = Client::main(&server);
    client.send(r#"42["burst"]"#);
    for number in 0..100 {
        assert!(client.text().starts_with(&format!(r#"42["m",{number},"#)));
    }
}

#[test]
fn a_post_to_no_session_is_refused_before_its_body() {
    let server = server::engine_echo_with(server::calm());
    let mut session = Polling::open(server.address, PATH);
    session.send("1");
    session.poll();
    let sid = std::mem::take(&mut session.sid);
    let mut stream = begin_post(&session, &sid);
    http::receive(&mut stream).expect("a response").expect_refusal(400, 1);
}

#[test]
fn a_second_post_beside_the_first_closes_the_session() {
    let server = server::engine_echo_with(server::calm());
    let session = Polling::open(server.address, PATH);
    let _first = begin_post(&session, &session.sid);
    let mut second = begin_post(&session, &session.sid);
    http::receive(&mut second).expect("a response").expect_refusal(400, 3);
    session.poll().expect_refusal(400, 1);
}

#[test]
fn a_client_that_closes_is_told_nothing_more() {
    let server = server::engine_echo_with(server::calm());
    let session = Polling::open(server.address, PATH);
    session.send(&format!("4{}", "x".repeat(100_000)));
    session.send("1");
    assert_eq!(session.poll().body, "6");
}

#[test]
fn a_closed_client_that_floods_on_holds_up_nobody() {
    let server = server::echo_with(server::calm());
    let mut other = Client::main(&server);
    other.text();
    let floods: Vec<_> = (0..4)
        .map(|_| {
            let mut client = Client::main(&server);
            client.send("nonsense");
            let mut stream = client.socket.stream;
            std::thread::spawn(move || {
                let junk = vec![0; 1 << 20];
                let end = Instant::now() + Duration::from_secs(5);
                while Instant::now() < end && stream.try_write(&junk).is_ok() {}
            })
        })
        .collect();
    for number in 0..50 {
        let asked = Instant::now();
        other.send(&format!(r#"42["message",{number}]"#));
        other.expect(&format!(r#"42["message-back",{number}]"#));
        assert!(asked.elapsed() < Duration::from_secs(1));
    }
    floods.into_iter().for_each(|flood| flood.join().unwrap());
}

#[test]
fn a_flood_of_pings_without_reading_is_cut_off() {
    let config = Config { output_bytes_max: 64 << 10, ..server::calm() };
    let server = server::echo_with(config);
    let client = Client::main(&server);
    let mut stream = client.socket.stream;
    let ping = ws::frame(0x80 | ws::PING, &[7; 100]).repeat(1_000);
    let mut sent = 0;
    while stream.try_write(&ping).is_ok() {
        sent += 1;
        assert!(sent < 500, "fifty megabytes of pings were taken");
    }
}

#[test]
fn an_answer_that_nobody_reads_is_not_kept() {
    let config = Config {
        max_payload: 40_000_000,
        output_bytes_max: 80_000_000,
        // Long enough for a busy machine to bring what is posted.
        ping_timeout: Duration::from_millis(1_700),
        ..server::fast()
    };
    let server = server::engine_echo_with(config);
    let session = Polling::open(server.address, PATH);
    let text = format!("4{}", "x".repeat(30_000_000));
    session.send(&text);
    let mut stream = Stream::plain(server.address);
    http::send(&mut stream, "GET", &session.target(), &[], b"");
    // A heartbeat is 2 s; what the kernel has taken until then is still there to be read.
    std::thread::sleep(Duration::from_millis(4_200));
    let read = stream.read_to_end().len();
    assert!(read < text.len(), "all {read} bytes");
}

const PAGE: [&str; 1] = ["Origin: https://chat.example.org"];

fn open_from(server: &Server, target: &str, origin: &[&str]) -> Result<WebSocket, http::Response> {
    WebSocket::over(Stream::plain(server.address), target, origin)
}

#[test]
fn pages_of_other_origins_open_no_websocket_where_origins_are_listed() {
    let cors = Cors::Origins(vec!["https://chat.example.org".to_owned()]);
    let server = server::echo_with(Config { cors, ..server::fast() });
    let target = format!("{PATH}?EIO=4&transport=websocket");
    for evil in ["https://evil.example", "null", "https://chat.example.org.evil.example"] {
        let refused = open_from(&server, &target, &[&format!("Origin: {evil}")]);
        refused.err().expect("refused").expect_refusal(403, 4);
        let session = Polling::open(server.address, PATH);
        let refused = open_from(&server, &session.upgrade_target(), &[&format!("Origin: {evil}")]);
        refused.err().expect("refused").expect_refusal(403, 4);
    }
    // The listed page, a page of the server's own, and what is no browser.
    for good in [&PAGE[..], &["Origin: http://localhost"], &[]] {
        open_from(&server, &target, good).expect("opened");
    }
}

#[test]
fn any_page_may_open_a_websocket_where_none_is_listed() {
    let server = server::echo();
    let target = format!("{PATH}?EIO=4&transport=websocket");
    open_from(&server, &target, &PAGE).expect("opened");
}

#[test]
fn handlers_of_an_end_may_emit_and_close_what_is_gone() {
    let server = Server::start(server::calm(), 1, |gateway| {
        let rules = server::syncing()
            .on_disconnect(|socket, _| {
                let _ = socket.emit("late", &());
                socket.join("nowhere");
                socket.disconnect(Close::Connection);
                let _ = socket.broadcast().emit("left", &());
            })
            .on("end", |socket, mut event| {
                socket.disconnect(Close::Connection);
                socket.disconnect(Close::Namespace);
                let _ = event.ack(&());
            });
        gateway.namespace("/", rules);
    });
    let mut other = Client::main(&server);
    for _ in 0..20 {
        let mut client = Client::main(&server);
        client.send(r#"421["end"]"#);
        client.closed();
        other.expect(r#"42["left"]"#);
    }
    other.expect_nothing();
    assert_eq!(server.running.stats().sockets, 1);
}

#[test]
fn a_handle_of_a_socket_that_is_gone_never_reaches_the_next_in_its_place() {
    let (connect, sockets) = std::sync::mpsc::channel::<parlor_gateway::Socket>();
    let server = Server::start(server::calm(), 1, |gateway| {
        let rules = server::syncing().on_connect(move |socket| {
            let _ = connect.send(socket);
        });
        gateway.namespace("/", rules);
    });
    let gone = Client::main(&server);
    let stale = sockets.recv().unwrap();
    gone.socket.stream.shutdown();
    server::until(|| server.running.stats().sockets == 0);
    let mut next = Client::main(&server);
    let fresh = sockets.recv().unwrap();
    assert_ne!(stale.key(), fresh.key());
    stale.emit("x", &()).unwrap();
    stale.join("room");
    server.io().of("/").to("room").emit("x", &()).unwrap();
    server.io().of("/").to(stale.id().as_str()).emit("x", &()).unwrap();
    stale.disconnect(Close::Connection);
    assert!(server::wait(stale.rooms()).is_err());
    next.expect_nothing();
}
