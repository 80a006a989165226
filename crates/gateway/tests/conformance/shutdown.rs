//! Ends that come at a bad moment: a shutdown in the middle of work, a handler that panics or
//! blocks its shard.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use parlor_gateway::{Broadcast, CloseReason, Config, ConnectRequest, Data, Frame, Namespace};

use crate::support::http;
use crate::support::polling::Polling;
use crate::support::server::{self, PATH, Server, wait};
use crate::support::sio::Client;
use crate::support::stream::Stream;
use crate::support::ws::{Received, WebSocket};

/// Shuts down and gives the time it took.
fn shut_down(server: Server) -> Duration {
    let started = Instant::now();
    wait(server.running.shutdown(Duration::from_secs(9)));
    started.elapsed()
}

#[test]
fn a_shutdown_does_not_wait_for_a_client_that_does_not_read() {
    let config = Config { output_bytes_max: 64 << 20, ..server::calm() };
    let server = Server::start(config, 2, |gateway| {
        gateway.namespace("/", Namespace::new());
    });
    let _client = Client::main(&server);
    let text = "x".repeat(30_000_000);
    server.io().of("/").emit("big", &(text,)).unwrap();
    server::settle();
    assert!(shut_down(server) < Duration::from_secs(5));
}

#[test]
fn a_shutdown_cuts_what_is_half_done() {
    let server = Server::start(server::calm(), 2, |gateway| {
        gateway.namespace("/", Namespace::new());
    });
    let mut head = Stream::plain(server.address);
    head.write(b"GET / HTTP/1.1\r\nHost: lo");
    let session = Polling::open(server.address, PATH);
    let poll = session.start_poll();
    let upgrading = Polling::open(server.address, PATH);
    let mut probe = WebSocket::open(server.address, &upgrading.upgrade_target());
    probe.send("2probe");
    probe.expect("3probe");
    let mut post = Stream::plain(server.address);
    let target = session.target();
    post.write(
        format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n4").as_bytes(),
    );
    server::settle();
    assert!(shut_down(server) < Duration::from_secs(5));
    assert_eq!(poll.answer().body, "1");
    assert_eq!(probe.receive(), Received::End);
}

#[test]
fn a_shutdown_during_a_fan_out_ends_every_client() {
    let config = Config { fanout_slice: Duration::ZERO, ..server::calm() };
    let server = Server::start(config, 2, |gateway| {
        gateway.namespace("/", Namespace::new());
    });
    let clients: Vec<Client> = (0..40).map(|_| Client::main(&server)).collect();
    let io = server.io();
    let pushing = std::thread::spawn(move || {
        // Far more than an inbox takes: the pusher is blocked when the shards end.
        for position in 1..=2_000 {
            let frame = Frame::event("/", "m", &(position,)).unwrap();
            let one =
                || Broadcast { room: "none".into(), except: None, frame: frame.clone(), position };
            io.broadcast_batch("/", (0..100).map(|_| one()).collect(), position);
            let _ = io.of("/").emit("n", &(position,));
        }
    });
    server::settle();
    assert!(shut_down(server) < Duration::from_secs(8));
    pushing.join().expect("nobody is left blocked");
    for mut client in clients {
        let (code, _) = client.closed();
        assert!(code == 1001 || code == 0, "{code}");
    }
}

#[test]
fn a_blocked_shard_holds_the_log_back_and_loses_nothing_of_it() {
    let config = Config { inbox_ops_max: 16, ..server::calm() };
    let (blocked, is_blocked) = channel();
    let (go, may_go) = channel::<()>();
    let may_go = parking_lot::Mutex::new(may_go);
    let server = Server::start(config, 2, move |gateway| {
        let rules =
            Namespace::new().on_connect(|socket| socket.join("u")).on("block", move |_, _| {
                let _ = blocked.send(());
                let _ = may_go.lock().recv();
            });
        gateway.namespace("/", rules);
    });
    let mut clients: Vec<Client> = (0..6).map(|_| Client::main(&server)).collect();
    for client in &mut clients {
        // Another round trip, so that the join has been done.
        client.send("40/nowhere,");
        assert!(client.text().starts_with("44/nowhere,"));
    }
    clients[0].send(r#"42["block"]"#);
    is_blocked.recv_timeout(Duration::from_secs(10)).unwrap();
    let io = server.io();
    let pushing = std::thread::spawn(move || {
        for position in 1..=300 {
            let frame = Frame::event("/", "m", &(position,)).unwrap();
            let broadcast = Broadcast { room: "u".into(), except: None, frame, position };
            io.broadcast_batch("/", vec![broadcast], position);
        }
    });
    server::settle();
    assert!(!pushing.is_finished(), "the pusher feels the full inbox");
    go.send(()).unwrap();
    pushing.join().unwrap();
    for client in &mut clients {
        for position in 1..=300 {
            client.expect(&format!(r#"42["m",{position}]"#));
        }
    }
}

#[test]
fn a_panic_anywhere_ends_its_own_connection_at_most() {
    let server = Server::start(server::calm(), 1, |gateway| {
        let rules = server::syncing()
            .middleware(async |request: &ConnectRequest| {
                let auth = request.auth().map_or("", |auth| auth.get());
                assert!(!auth.contains("middleware"), "a middleware that panics");
                Ok(Data::new(auth.to_owned()))
            })
            .on_connect(|socket| {
                let auth = socket.data::<String>().unwrap();
                assert!(!auth.contains("connect"), "a connect handler that panics");
            })
            .on_async("async", async |_, _| panic!("an async handler that panics"))
            .on_disconnect(|socket, _| {
                let auth = socket.data::<String>().unwrap();
                assert!(!auth.contains("end"), "a disconnect handler that panics");
            });
        gateway.namespace("/", rules);
    });
    let mut other = Client::main(&server);

    let mut client = Client::open(&server);
    client.send(r#"40{"in":"middleware"}"#);
    client.expect(r#"44{"message":"internal error"}"#);
    client.send("40{}");
    assert!(client.text().starts_with("40{"), "it may try again");

    let mut client = Client::open(&server);
    client.send(r#"40{"in":"connect"}"#);
    assert_eq!(client.closed().0, 1011);

    let mut client = Client::main(&server);
    client.send(r#"42["async"]"#);
    assert_eq!(client.closed().0, 1011);

    let mut client = Client::open(&server);
    client.send(r#"40{"in":"end"}"#);
    assert!(client.text().starts_with("40{"));
    client.send("41");
    assert_eq!(client.closed().0, 1011);

    other.expect_nothing();
    let stats = server.running.stats();
    assert_eq!((stats.handler_panics, stats.closed_for(CloseReason::HandlerPanic)), (3, 3));
    server::until(|| server.running.stats().sockets == 2);
}

#[test]
fn a_request_behind_a_waiting_poll_in_one_connection_waits_for_it() {
    let server = server::engine_echo_with(server::calm());
    let session = Polling::open(server.address, PATH);
    let mut stream = Stream::plain(server.address);
    http::send(&mut stream, "GET", &session.target(), &[], b"");
    for _ in 0..50 {
        http::send(&mut stream, "GET", PATH, &[], b"");
    }
    session.send("4hello");
    assert_eq!(http::receive(&mut stream).expect("a response").body, "4hello");
    for _ in 0..50 {
        http::receive(&mut stream).expect("a response").expect_refusal(400, 0);
    }
}

/// A client's farewell: the number it was told.
fn farewell(client: &mut Client) -> f64 {
    let text = client.text();
    let advice = text.strip_prefix(r#"42["closing","#).unwrap_or_else(|| panic!("came {text}"));
    advice.strip_suffix(']').unwrap().parse().unwrap()
}

fn drain(server: &Server, spread: Duration) {
    server.io().drain(spread, |socket, jitter| {
        Frame::event(socket.namespace(), "closing", &(jitter,)).ok()
    });
}

#[test]
fn a_drain_closes_evenly_and_says_farewell_to_each() {
    const CLIENTS: usize = 60;
    let server = Server::start(server::calm(), 2, |gateway| {
        gateway.namespace("/", server::syncing());
    });
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::main(&server)).collect();
    let (started, spread) = (Instant::now(), Duration::from_millis(1_500));
    drain(&server, spread);
    let refused = http::get(server.address, &format!("{PATH}?EIO=4&transport=polling"));
    refused.expect_refusal(503, 4);
    assert!(refused.json()["retryAfterMs"].is_u64());
    let mut left = CLIENTS;
    while left > 0 {
        left = server.running.stats().connections as usize;
        // Looked at before the clock, so never fewer than may be left by then; each shard rounds.
        let passed = started.elapsed().as_secs_f64() / spread.as_secs_f64();
        let may_be_left = (CLIENTS as f64 * (1.0 - passed)) as usize;
        assert!(left + 2 >= may_be_left, "{left} are left after {passed} of the time");
        assert!(passed < 4.0, "{left} are left");
        std::thread::sleep(Duration::from_millis(5));
    }
    let told: Vec<f64> = clients.iter_mut().map(farewell).collect();
    assert!(told.iter().all(|it| (0.0..1.0).contains(it)), "{told:?}");
    assert!(told.iter().any(|it| *it < 0.3) && told.iter().any(|it| *it > 0.7), "{told:?}");
    for client in &mut clients {
        assert_eq!(client.closed(), (1001, "server shutting down".to_owned()));
    }
    shut_down(server);
}

#[test]
fn who_waits_for_its_turn_in_a_drain_is_served() {
    let server = Server::start(server::calm(), 1, |gateway| {
        gateway.namespace("/", server::syncing());
    });
    let mut client = Client::main(&server);
    let polling = Polling::open(server.address, PATH);
    polling.send("40");
    assert!(polling.receive()[0].starts_with("40{"));
    drain(&server, Duration::from_secs(3_600));
    client.expect_nothing();
    polling.send(r#"42["sync"]"#);
    assert_eq!(polling.receive(), [r#"42["synced"]"#]);
    // A second shutdown does not hurry the first.
    drain(&server, Duration::ZERO);
    client.expect_nothing();
    assert_eq!(server.running.stats().connections, 2);
}

#[test]
fn answers_that_are_owed_come_before_the_farewell() {
    let (asked, is_asked) = channel();
    let (go, may_go) = tokio::sync::oneshot::channel::<()>();
    let may_go = parking_lot::Mutex::new(Some(may_go));
    let server = Server::start(server::calm(), 1, move |gateway| {
        let rules = server::syncing().on("slow", move |_, mut event| {
            let (ack, may_go) = (event.take_ack().unwrap(), may_go.lock().take().unwrap());
            asked.send(()).unwrap();
            tokio::spawn(async move {
                may_go.await.unwrap();
                ack.send(&("late",)).unwrap();
            });
        });
        gateway.namespace("/", rules);
    });
    let (mut idle, mut busy) = (Client::main(&server), Client::main(&server));
    busy.send(r#"421["slow"]"#);
    is_asked.recv().unwrap();
    drain(&server, Duration::ZERO);
    farewell(&mut idle);
    assert_eq!(idle.closed().0, 1001);
    go.send(()).unwrap();
    busy.expect(r#"431["late"]"#);
    farewell(&mut busy);
    assert_eq!(busy.closed().0, 1001);
    shut_down(server);
}

#[test]
fn a_farewell_comes_over_polling_too_and_one_that_panics_harms_nobody() {
    let server = Server::start(server::calm(), 1, |gateway| {
        gateway.namespace("/", Namespace::new()).namespace("/other", Namespace::new());
    });
    let polling = Polling::open(server.address, PATH);
    polling.send("40");
    assert!(polling.receive()[0].starts_with("40{"));
    let mut client = Client::join(&server, "/other").0;
    server.io().drain(Duration::ZERO, |socket, _| {
        assert_eq!(socket.namespace(), "/", "a farewell that panics");
        Some(Frame::event_raw("/", "closing", "[]"))
    });
    assert_eq!(polling.receive(), [r#"42["closing"]"#]);
    assert_eq!(polling.receive(), ["1"], "the end comes by itself, and the server waits for it");
    assert_eq!(client.closed().0, 1011);
    shut_down(server);
}

#[test]
fn polls_are_answered_on_every_thread_until_the_last_session_ends() {
    let server = Server::start(server::calm(), 4, |gateway| {
        gateway.namespace("/", Namespace::new());
    });
    let polling = Polling::open(server.address, PATH);
    polling.send("40");
    assert!(polling.receive()[0].starts_with("40{"));
    let waiting = polling.start_poll();
    // The other shards have nothing to close, and any thread may take a request.
    let spread = Duration::from_millis(300);
    drain(&server, spread);
    let started = Instant::now();
    while started.elapsed() < spread / 2 {
        let refused = http::get(server.address, &format!("{PATH}?EIO=4&transport=polling"));
        refused.expect_refusal(503, 4);
    }
    let closing = waiting.answer();
    assert!(closing.body.starts_with(r#"42["closing","#), "came {}", closing.body);
    assert_eq!(polling.receive(), ["1"]);
    shut_down(server);
}

#[test]
fn the_config_says_over_how_long_a_shutdown_is_spread() {
    let drain_spread = Duration::from_millis(300);
    let server = Server::start(Config { drain_spread, ..server::calm() }, 1, |gateway| {
        gateway.namespace("/", Namespace::new());
    });
    let _clients: Vec<Client> = (0..3).map(|_| Client::main(&server)).collect();
    assert!(shut_down(server) >= drain_spread, "the last goes when the time is over");
}
