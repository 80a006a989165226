//! Whole gateways on a loopback port, driven by bare WebSockets: what depends on slices, shards and
//! order, and on limits that are small.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use parlor_wire::websocket::{Body, Decoder, Deflate, Message, Opcode, Role, encode_masked};

use crate::{Broadcast, Config, Frame, Gateway, Listener, Namespace, Running};

struct Client {
    stream: TcpStream,
    decoder: Decoder,
    input: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).expect("the gateway listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout can be set");
        let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n\
            Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("the request is sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a response comes");
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        let decoder = Decoder::new(Role::Client, Deflate::Off, 1 << 20);
        let mut client = Self { stream, decoder, input: Vec::new() };
        assert!(client.receive().starts_with("0{"));
        client.send("40");
        assert!(client.receive().starts_with("40{"));
        client
    }

    fn send(&mut self, text: &str) {
        let mut frame = Vec::new();
        encode_masked(Opcode::Text, text.as_bytes(), Body::Plain, [1, 2, 3, 4], &mut frame);
        self.stream.write_all(&frame).expect("the gateway reads");
    }

    /// The next text that is no ping.
    fn receive(&mut self) -> String {
        loop {
            if let Some((used, message)) =
                self.decoder.decode(&mut self.input).expect("a valid frame")
            {
                let text = match message {
                    Message::Text(text) => text.into_owned(),
                    other => panic!("not a text: {other:?}"),
                };
                self.input.drain(..used);
                if text != "2" {
                    return text;
                }
            } else {
                let mut buffer = [0; 4096];
                let count = self.stream.read(&mut buffer).expect("something comes in time");
                assert!(count > 0, "the connection ended");
                self.input.extend_from_slice(&buffer[..count]);
            }
        }
    }
}

fn serve(config: Config, rules: Namespace, shards: usize) -> (Running, SocketAddr) {
    let mut gateway = Gateway::builder(config);
    gateway.namespace("/", rules);
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let running = gateway.serve(vec![Listener { tcp, tls: None }], shards).expect("it starts");
    let address = running.local_addrs()[0];
    (running, address)
}

fn clients(address: SocketAddr, count: usize) -> Vec<Client> {
    let mut clients: Vec<_> = (0..count).map(|_| Client::connect(address)).collect();
    for client in &mut clients {
        assert_eq!(client.receive(), r#"42["ready"]"#);
    }
    clients
}

fn rules() -> Namespace {
    Namespace::new()
        .on_connect(|socket| {
            socket.join("all");
            socket.emit_raw("ready", "[]").expect("the inbox has room");
        })
        .on("echo", |_, mut event| {
            let args = event.args().to_owned();
            if let Some(ack) = event.take_ack() {
                ack.send_raw(&args).expect("acks are taken");
            }
        })
}

/// Slices so short that every fan-out is cut many times.
fn sliced() -> Config {
    Config { fanout_slice: Duration::ZERO, ..Config::default() }
}

#[test]
fn a_fan_out_in_many_slices_reaches_everyone_once_and_in_order() {
    let (running, address) = serve(sliced(), rules(), 2);
    let mut clients = clients(address, 100);
    for number in 0..30 {
        running.io().of("/").to("all").emit("n", &(number,)).expect("the inbox has room");
    }
    for client in &mut clients {
        for number in 0..30 {
            assert_eq!(client.receive(), format!(r#"42["n",{number}]"#));
        }
    }
}

#[test]
fn an_emit_keeps_its_place_behind_a_running_fan_out_and_an_ack_does_not_wait() {
    let (running, address) = serve(sliced(), rules(), 1);
    let mut clients = clients(address, 100);
    let (io, rounds) = (running.io(), 50);
    for number in 0..rounds {
        io.of("/").to("all").emit("n", &(number,)).expect("the inbox has room");
    }
    io.of("/").to("all").emit("last", &()).expect("the inbox has room");
    clients[0].send(r#"427["echo",1]"#);
    let mut heard = Vec::new();
    while heard.len() < rounds + 2 {
        heard.push(clients[0].receive());
    }
    let ack = heard.iter().position(|it| it == "437[1]").expect("it was answered");
    heard.remove(ack);
    let expected = (0..rounds).map(|number| format!(r#"42["n",{number}]"#));
    let expected: Vec<_> = expected.chain([r#"42["last"]"#.to_owned()]).collect();
    assert_eq!(heard, expected);
}

#[test]
fn a_batch_reaches_rooms_on_every_shard_in_order() {
    let (running, address) = serve(sliced(), rules(), 2);
    let mut clients = clients(address, 40);
    for round in 0..10_u64 {
        let broadcasts = (0..20).map(|number| {
            let position = round * 20 + number + 1;
            let frame = Frame::event("/", "n", &(position,)).expect("a number is JSON");
            Broadcast { room: "all".into(), except: None, frame, position }
        });
        running.io().broadcast_batch("/", broadcasts.collect(), (round + 1) * 20);
    }
    for client in &mut clients {
        for position in 1..=200 {
            assert_eq!(client.receive(), format!(r#"42["n",{position}]"#));
        }
    }
    assert_eq!(running.stats().deliveries, 40 * 200);
}

#[test]
fn batches_that_wait_for_one_room_go_out_as_one_run_and_what_is_between_keeps_its_place() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&keys);
    let (stalled, is_stalled) = std::sync::mpsc::sync_channel(1);
    let (go, wait) = std::sync::mpsc::sync_channel(1);
    let wait = Mutex::new(wait);
    let rules = rules()
        .on_connect(move |socket| {
            noted.lock().push(socket.key());
            socket.join("all");
            socket.emit_raw("ready", "[]").expect("the inbox has room");
        })
        .on("stall", move |_, mut event| {
            event.take_ack().expect("it asks for one").send_raw("[]").expect("acks are taken");
            stalled.send(()).expect("it is awaited");
            wait.lock().recv().expect("it is let go");
        });
    let (running, address) = serve(sliced(), rules, 1);
    let mut clients = clients(address, 30);
    let keys = keys.lock().clone();
    let runs = running.stats().runs;
    clients[29].send(r#"427["stall"]"#);
    is_stalled.recv().expect("it stalls");
    let batch = |numbers: std::ops::Range<u64>| {
        let end = numbers.end;
        let broadcasts = numbers.map(|number| {
            let frame = Frame::event("/", "n", &(number,)).expect("a number is JSON");
            let except = Some(keys[number as usize % 3]);
            Broadcast { room: "all".into(), except, frame, position: number + 1 }
        });
        running.io().broadcast_batch("/", broadcasts.collect(), end);
    };
    (0..10).for_each(|round| batch(round * 3..round * 3 + 3));
    running.io().of("/").to("all").emit("between", &()).expect("the inbox has room");
    (10..20).for_each(|round| batch(round * 3..round * 3 + 3));
    go.send(()).expect("it waits");
    assert_eq!(clients[29].receive(), "437[]");
    for (index, client) in clients.iter_mut().enumerate() {
        for number in (0..60).filter(|number| number % 3 != index) {
            if number == if index == 0 { 31 } else { 30 } {
                assert_eq!(client.receive(), r#"42["between"]"#);
            }
            assert_eq!(client.receive(), format!(r#"42["n",{number}]"#));
        }
    }
    let stats = running.stats();
    assert_eq!(stats.runs - runs, 3);
    assert_eq!(stats.deliveries, 27 * 60 + 3 * 40 + 30);
}

#[test]
fn who_is_left_out_of_some_of_a_run_gets_the_others_in_order() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&keys);
    let rules = rules().on_connect(move |socket| {
        noted.lock().push(socket.key());
        socket.join("all");
        socket.emit_raw("ready", "[]").expect("the inbox has room");
    });
    let (running, address) = serve(sliced(), rules, 1);
    let mut clients = clients(address, 30);
    let keys = keys.lock().clone();
    let broadcasts = (0..60_u64).map(|number| {
        let frame = Frame::event("/", "n", &(number,)).expect("a number is JSON");
        let except = Some(keys[number as usize % 3]);
        Broadcast { room: "all".into(), except, frame, position: number + 1 }
    });
    running.io().broadcast_batch("/", broadcasts.collect(), 60);
    for (index, client) in clients.iter_mut().enumerate() {
        for number in (0..60).filter(|number| number % 3 != index) {
            assert_eq!(client.receive(), format!(r#"42["n",{number}]"#));
        }
    }
    assert_eq!(running.stats().deliveries, 27 * 60 + 3 * 40);
}

#[test]
fn a_socket_left_out_of_some_of_what_goes_to_its_own_id_gets_the_others() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&keys);
    let rules = rules().on_connect(move |socket| {
        noted.lock().push(socket.key());
        socket.emit_raw("ready", "[]").expect("the inbox has room");
    });
    let (running, address) = serve(Config::default(), rules, 1);
    let mut clients = clients(address, 1);
    let key = keys.lock()[0];
    let id = running.io().id_of(key).as_str().to_owned();
    let broadcasts = (0..4_u64).map(|number| {
        let frame = Frame::event("/", "n", &(number,)).expect("a number is JSON");
        let except = (number % 2 == 0).then_some(key);
        Broadcast { room: id.as_str().into(), except, frame, position: number + 1 }
    });
    running.io().broadcast_batch("/", broadcasts.collect(), 4);
    assert_eq!(clients[0].receive(), r#"42["n",1]"#);
    assert_eq!(clients[0].receive(), r#"42["n",3]"#);
}

#[test]
fn a_namespace_of_a_pattern_is_gone_with_its_last_socket() {
    let mut gateway = Gateway::builder(Config::default());
    gateway.namespace("/", rules());
    let pattern = regex::Regex::new("^/dynamic-[0-9]+$").expect("a valid pattern");
    gateway.namespace_pattern(pattern, Namespace::new());
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let running = gateway.serve(vec![Listener { tcp, tls: None }], 1).expect("it starts");
    let mut client = Client::connect(running.local_addrs()[0]);
    assert_eq!(client.receive(), r#"42["ready"]"#);
    for number in 0..100 {
        client.send(&format!("40/dynamic-{number}"));
        assert!(client.receive().starts_with(&format!("40/dynamic-{number},")));
        assert_eq!(running.stats().sockets, 2);
        client.send(&format!("41/dynamic-{number}"));
    }
    client.send(r#"421["echo"]"#);
    assert_eq!(client.receive(), "431[]");
    assert_eq!(running.stats().sockets, 1);
}

#[test]
fn rooms_are_told_of_when_somebody_is_there_and_when_nobody_is() {
    let (tell, told) = std::sync::mpsc::sync_channel(16);
    let tell = Mutex::new(tell);
    let watched = rules().on_room(move |change| {
        let name = if change.is_own { String::from("own") } else { change.room.to_owned() };
        tell.lock().send((name, change.is_there)).expect("the test listens");
    });
    let (_running, address) = serve(Config::default(), watched, 1);
    let mut both = clients(address, 2);
    let heard = || told.recv_timeout(Duration::from_secs(10)).expect("something is told");
    let (own, all) = (String::from("own"), String::from("all"));
    let mut first = [heard(), heard(), heard()];
    first.sort();
    assert_eq!(first, [(all.clone(), true), (own.clone(), true), (own.clone(), true)]);
    drop(both.pop());
    assert_eq!(heard(), (own.clone(), false));
    drop(both);
    assert_eq!([heard(), heard()], [(all, false), (own, false)]);
}

#[test]
fn counters_tell_what_was_done() {
    let (running, address) = serve(Config::default(), rules(), 1);
    let mut clients = clients(address, 3);
    clients[0].send(r#"421["echo","x"]"#);
    assert_eq!(clients[0].receive(), r#"431["x"]"#);
    let stats = running.stats();
    assert_eq!((stats.connections, stats.connections_websocket, stats.sockets), (3, 3, 3));
    assert_eq!((stats.opened, stats.packets_in), (3, 4));
    drop(clients);
    while running.stats().connections > 0 || running.stats().sockets > 0 {
        std::thread::yield_now();
    }
    assert_eq!(running.stats().closed_for(crate::CloseReason::TransportClose), 3);
    assert_eq!(running.stats().sockets, 0);
}

#[test]
fn the_queue_of_a_reader_that_is_cut_off_is_given_back_at_once() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&keys);
    let rules = rules().on_connect(move |socket| {
        noted.lock().push(socket.key());
        socket.emit_raw("ready", "[]").expect("the inbox has room");
    });
    let (running, address) = serve(Config::default(), rules, 1);
    let _clients = clients(address, 1);
    let key = keys.lock()[0];
    let frame = Frame::engine_binary(vec![0; 1 << 19].into());
    while running.stats().closed_for(crate::CloseReason::SlowReader) == 0 {
        running.io().emit_to(key, frame.clone()).expect("the inbox has room");
        std::thread::yield_now();
    }
    // Whoever counts the close has dropped the queue before its next operation.
    running.io().emit_to(key, Frame::event_raw("/", "n", "[]")).expect("the inbox has room");
    while !frame.websocket().is_unique() {
        std::thread::yield_now();
    }
}
