//! Handshakes in flight are bounded: who comes when there are too many waits or is told when to come
//! again, and nobody else feels it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use parlor_gateway::{Config, ConnectError, ConnectRequest, Data, Namespace, Socket};

use crate::support::http::{self, Response};
use crate::support::polling::Polling;
use crate::support::server::{self, PATH, Server, until};
use crate::support::sio::Client;
use crate::support::ws::WebSocket;

/// A server that lets so many handshakes be in flight, and nobody wait.
fn narrow(handshakes_in_flight_max: usize, config: Config) -> (Server, Receiver<Socket>) {
    waiting(Config { handshakes_in_flight_max, handshakes_waiting_max: 0, ..config })
}

fn waiting(config: Config) -> (Server, Receiver<Socket>) {
    let (sender, sockets) = std::sync::mpsc::sync_channel(8);
    let server = Server::start(config, 2, |gateway| {
        let later = Namespace::new()
            .middleware(async |_: &ConnectRequest| Ok(Data::none().answering_later()))
            .on_connect(move |socket| sender.send(socket).unwrap());
        let refused = Namespace::new()
            .middleware(async |_: &ConnectRequest| Err::<Data, _>(ConnectError::new("not you")));
        gateway.namespace("/", server::syncing());
        gateway.namespace("/later", later).namespace("/refused", refused);
    });
    (server, sockets)
}

fn in_flight(server: &Server) -> u64 {
    server.running.stats().handshakes_in_flight
}

fn expect_busy(response: &Response) {
    response.expect_refusal(503, 4);
    let retry_after_ms = response.json()["retryAfterMs"].as_u64().expect("a number");
    assert!((1_000..5_000).contains(&retry_after_ms), "{retry_after_ms}");
    let seconds: u64 = response.header("retry-after").expect("the header").parse().unwrap();
    assert_eq!(seconds, retry_after_ms.div_ceil(1_000));
}

#[test]
fn one_handshake_too_many_is_told_to_come_again() {
    let (server, _) = narrow(3, server::calm());
    let target = format!("{PATH}?EIO=4&transport=websocket");
    let mut before = Client::main(&server);
    let mut opening: Vec<Client> = (0..3).map(|_| Client::open(&server)).collect();
    expect_busy(&WebSocket::try_open(server.address, &target).err().expect("refused"));
    expect_busy(&http::get(server.address, &format!("{PATH}?EIO=4&transport=polling")));
    before.expect_nothing();
    let stats = server.running.stats();
    assert_eq!((stats.handshakes_in_flight, stats.handshakes_refused), (3, 2));
    assert_eq!((stats.opened, stats.connections), (4, 4), "no session was made for the refused");
    opening[0].connect("/");
    let next = Polling::open(server.address, PATH);
    expect_busy(&http::get(server.address, &format!("{PATH}?EIO=4&transport=polling")));
    next.send("40");
    assert!(next.receive()[0].starts_with("40{"));
    assert_eq!(in_flight(&server), 2);
}

#[test]
fn handshakes_that_wait_are_let_in_when_others_are_over() {
    let config = Config {
        handshakes_in_flight_max: 1,
        handshakes_waiting_max: 2,
        handshake_wait: Duration::from_secs(60),
        ..server::calm()
    };
    let (server, _) = waiting(config);
    let mut opening = Client::open(&server);
    let address = server.address;
    let waiters: Vec<_> = (0..2)
        .map(|before| {
            until(|| server.running.stats().handshakes_waiting == before);
            std::thread::spawn(move || {
                let target = format!("{PATH}?EIO=4&transport=websocket");
                let mut client = WebSocket::open(address, &target);
                assert!(client.text().starts_with('0'));
                client.send("40");
                assert!(client.text().starts_with("40{"));
                client
            })
        })
        .collect();
    until(|| server.running.stats().handshakes_waiting == 2);
    expect_busy(&http::get(address, &format!("{PATH}?EIO=4&transport=polling")));
    assert_eq!(server.running.stats().opened, 1);
    opening.connect("/");
    let clients: Vec<_> =
        waiters.into_iter().map(|waiter| waiter.join().expect("let in")).collect();
    let stats = server.running.stats();
    assert_eq!((stats.handshakes_waiting, stats.handshakes_in_flight), (0, 0));
    assert_eq!((stats.opened, stats.handshakes_refused), (3, 1));
    drop(clients);
}

#[test]
fn a_handshake_that_waits_for_too_long_or_at_the_end_is_told_to_come_again() {
    let config = Config {
        handshakes_in_flight_max: 0,
        handshakes_waiting_max: 1,
        handshake_wait: Duration::from_millis(200),
        ..server::calm()
    };
    let (server, _) = waiting(config.clone());
    let target = format!("{PATH}?EIO=4&transport=polling");
    expect_busy(&http::get(server.address, &target));
    assert_eq!(server.running.stats().handshakes_waiting, 0);

    let (server, _) = waiting(Config { handshake_wait: Duration::from_secs(60), ..config });
    let address = server.address;
    let waiter = std::thread::spawn(move || http::get(address, &target));
    until(|| server.running.stats().handshakes_waiting == 1);
    server::wait(server.running.shutdown(Duration::from_secs(10)));
    assert_eq!(waiter.join().expect("an answer").status, 503);
}

/// A server of one shard that works at two handshakes at the same time, and what its middleware does.
fn in_turns<F>(middleware: impl Fn() -> F + Send + Sync + 'static) -> Server
where
    F: Future<Output = ()> + Send + 'static,
{
    let config = Config { handshake_turns_per_shard: 2, ..server::calm() };
    let middleware = Arc::new(middleware);
    Server::start(config, 1, |gateway| {
        let space = Namespace::new().middleware(move |_: &ConnectRequest| {
            let work = middleware();
            async move {
                work.await;
                Ok::<_, ConnectError>(Data::none())
            }
        });
        gateway.namespace("/", space);
    })
}

#[test]
fn so_many_handshakes_are_worked_at_at_the_same_time() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = in_turns({
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        move || {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                tokio::time::sleep(Duration::from_millis(5)).await;
                now.fetch_sub(1, SeqCst);
            }
        }
    });
    let mut clients: Vec<Client> = (0..12).map(|_| Client::open(&server)).collect();
    clients.iter_mut().for_each(|client| client.send("40"));
    for client in &mut clients {
        assert!(client.text().starts_with("40{"));
    }
    assert_eq!(most.load(SeqCst), 2);
}

#[test]
fn a_handshake_that_waits_for_something_else_gives_its_turn_up() {
    let begun = Arc::new(AtomicUsize::new(0));
    let server = in_turns({
        let begun = Arc::clone(&begun);
        move || {
            let is_one_of_the_first = begun.fetch_add(1, SeqCst) < 5;
            async move {
                if is_one_of_the_first {
                    std::future::pending::<()>().await;
                }
            }
        }
    });
    let mut stuck: Vec<Client> = (0..5).map(|_| Client::open(&server)).collect();
    stuck.iter_mut().for_each(|client| client.send("40"));
    until(|| begun.load(SeqCst) == 5);
    let mut client = Client::open(&server);
    client.send("40");
    assert!(client.text().starts_with("40{"), "three times a turn was given up");
}

#[test]
fn those_who_are_told_to_come_again_are_not_told_the_same_time() {
    let (server, _) = narrow(0, server::calm());
    let target = format!("{PATH}?EIO=4&transport=polling");
    let times: std::collections::HashSet<u64> = (0..10)
        .map(|_| http::get(server.address, &target).json()["retryAfterMs"].as_u64().unwrap())
        .collect();
    assert!(times.len() > 5, "{times:?}");
}

#[test]
fn a_handshake_is_over_when_it_is_refused_closed_or_too_late() {
    let connect_timeout = Duration::from_millis(500);
    let (server, _) = narrow(10, Config { connect_timeout, ..server::calm() });
    let mut refused = Client::open(&server);
    refused.send("40/refused,");
    assert!(refused.text().starts_with("44/refused,"));
    assert_eq!(in_flight(&server), 0);
    let closed = Client::open(&server);
    assert_eq!(in_flight(&server), 1);
    closed.socket.stream.shutdown();
    until(|| in_flight(&server) == 0);
    let mut silent = Client::open(&server);
    assert_eq!(in_flight(&server), 1);
    assert_eq!(silent.closed(), (1000, "connect timeout".to_owned()));
    assert_eq!(in_flight(&server), 0);
    assert_eq!(refused.closed(), (1000, "connect timeout".to_owned()));
    assert_eq!(in_flight(&server), 0, "nothing is counted twice");
}

#[test]
fn a_handshake_whose_answer_is_held_back_is_in_flight() {
    let (server, sockets) = narrow(10, server::calm());
    let mut waiting = Client::open(&server);
    waiting.send("40/later,");
    waiting.send("40/later-than-never,");
    assert!(waiting.text().starts_with("44/later-than-never,"));
    until(|| in_flight(&server) == 0);
    let mut waiting = Client::open(&server);
    waiting.send("40/later,");
    assert_eq!(in_flight(&server), 1);
    let answered: Vec<Socket> = sockets.iter().take(2).collect();
    answered.iter().for_each(Socket::answer_connect);
    assert!(waiting.text().starts_with("40/later,{"));
    assert_eq!(in_flight(&server), 0);
}

#[test]
fn an_engine_without_sockets_has_no_handshakes_in_flight() {
    let config = Config { handshakes_in_flight_max: 1, ..server::calm() };
    let server = server::engine_echo_with(config);
    let sessions: Vec<Polling> = (0..5).map(|_| Polling::open(server.address, PATH)).collect();
    sessions[4].send("4hello");
    assert_eq!(sessions[4].receive(), ["4hello"]);
    assert_eq!(in_flight(&server), 0);
}
