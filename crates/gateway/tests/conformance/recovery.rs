//! Connection state recovery in memory: who is lost and comes back is who it was, and has missed
//! nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use parlor_gateway::{
    Broadcast, Close, Config, ConnectError, ConnectRequest, Data, Frame, Namespace, Recovery,
    Socket,
};
use serde_json::{Value, json};

use crate::support::msgpack;
use crate::support::polling::Polling;
use crate::support::server::{self, PATH, Server, wait};
use crate::support::sio::Client;
use crate::support::ws::Received;

/// A server that recovers, and its sockets as they connect and as they are gone.
pub(crate) struct Scene {
    pub(crate) server: Server,
    connected: Receiver<Socket>,
    gone: Receiver<Socket>,
}

/// A client, what it was told, and the socket that it is to the server.
pub(crate) struct Joined {
    pub(crate) client: Client,
    pub(crate) missed: Vec<Value>,
    pub(crate) sid: String,
    pid: String,
    socket: Socket,
}

pub(crate) fn scene(shards: usize, recovery: Recovery) -> Scene {
    scene_of(shards, recovery, server::syncing())
}

fn scene_of(shards: usize, recovery: Recovery, main: Namespace) -> Scene {
    let (connect, connected) = std::sync::mpsc::channel();
    let (leave, gone) = std::sync::mpsc::channel();
    let config = Config { recovery: Some(recovery), ..server::calm() };
    let server = Server::start(config, shards, |gateway| {
        let main = main
            .on_connect(move |socket| connect.send(socket).unwrap())
            .on_disconnect(move |socket, _| leave.send(socket.clone()).unwrap());
        gateway.namespace("/", main).namespace("/other", server::syncing());
    });
    Scene { server, connected, gone }
}

impl Scene {
    fn join(&self, auth: &Value) -> Joined {
        let mut client = Client::open(&self.server);
        client.send(&format!("40{auth}"));
        let mut missed = Vec::new();
        loop {
            let text = client.text();
            if let Some(event) = text.strip_prefix("42") {
                missed.push(serde_json::from_str(event).expect("JSON"));
                continue;
            }
            let answer = text.strip_prefix("40").unwrap_or_else(|| panic!("refused: {text}"));
            let answer: Value = serde_json::from_str(answer).expect("JSON");
            let text = |name: &str| answer[name].as_str().expect("an id").to_owned();
            let socket = self.connected.recv().unwrap();
            return Joined { client, missed, sid: text("sid"), pid: text("pid"), socket };
        }
    }

    /// A new client that has heard one event, and its offset.
    pub(crate) fn join_and_hear(&self, rooms: &[&str]) -> (Joined, String) {
        let mut joined = self.join(&json!({}));
        rooms.iter().for_each(|room| joined.socket.join(room));
        let offset = joined.hear();
        (joined, offset)
    }

    /// Cuts a client off and waits until the server has noticed.
    pub(crate) fn cut(&self, joined: Joined) -> (String, String) {
        joined.client.socket.stream.shutdown();
        while self.gone.recv().unwrap().key() != joined.socket.key() {}
        (joined.sid, joined.pid)
    }

    pub(crate) fn back(&self, pid: &str, offset: &str) -> Joined {
        self.join(&json!({ "pid": pid, "offset": offset }))
    }
}

impl Joined {
    /// Lets the socket hear an event; gives its offset.
    fn hear(&mut self) -> String {
        self.socket.emit("first", &()).unwrap();
        let event = self.client.text();
        let event: Vec<String> = serde_json::from_str(event.strip_prefix("42").unwrap()).unwrap();
        assert_eq!((event.len(), event[0].as_str()), (2, "first"));
        event[1].clone()
    }
}

/// The names of events.
fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event[0].as_str().unwrap()).collect()
}

#[test]
fn who_comes_back_is_who_it_was_and_hears_first_what_it_missed() {
    for shards in [1, 3] {
        let main = server::syncing().middleware(async |_: &ConnectRequest| Ok(Data::new(7_u32)));
        let scene = scene_of(shards, Recovery::default(), main);
        let io = scene.server.io();
        let (joined, offset) = scene.join_and_hear(&["a", "b"]);
        assert!(!joined.socket.recovered());
        let old = joined.socket.clone();
        let (sid, pid) = scene.cut(joined);
        io.of("/").to("a").emit("a", &()).unwrap();
        io.of("/").to("c").emit("c", &()).unwrap();
        io.of("/").emit("all", &()).unwrap();
        io.of("/").except("b").emit("except", &()).unwrap();
        io.of("/other").emit("elsewhere", &()).unwrap();
        old.emit("direct", &()).unwrap();
        io.emit_to(old.key(), Frame::event_raw("/", "by-key", "[]")).unwrap();
        io.of("/").to(sid.as_str()).emit("by-id", &()).unwrap();
        old.broadcast().emit("own", &()).unwrap();
        let batch = [("b", None), ("b", Some(old.key())), ("c", None), ("a", None)];
        let broadcasts = batch.map(|(room, except)| Broadcast {
            room: room.into(),
            except,
            frame: Frame::event_raw("/", &format!("batch-{room}"), "[]"),
            position: 1,
        });
        io.broadcast_batch("/", broadcasts.into(), 1);
        let mut back = scene.back(&pid, &offset);
        assert_eq!((&back.sid, &back.pid), (&sid, &pid));
        let expected = ["a", "all", "direct", "by-key", "by-id", "batch-b", "batch-a"];
        assert_eq!(names(&back.missed), expected);
        assert!(back.missed.iter().all(|event| event.as_array().unwrap().len() == 2));
        assert_eq!((back.socket.recovered(), back.socket.id().as_str()), (true, sid.as_str()));
        assert_eq!(back.socket.data(), Some(&7_u32));
        let rooms = wait(back.socket.rooms()).unwrap();
        assert_eq!(rooms.iter().map(|room| &**room).collect::<Vec<_>>(), [&sid, "a", "b"]);
        io.of("/").to("a").emit("live", &()).unwrap();
        assert!(back.client.text().starts_with(r#"42["live",""#));
        back.client.send(r#"42["sync"]"#);
        assert!(back.client.text().starts_with(r#"42["synced",""#));
        assert_eq!(scene.server.running.stats().recovered, 1);
    }
}

#[test]
fn it_works_more_than_once() {
    let scene = scene(2, Recovery::default());
    let (mut joined, mut offset) = scene.join_and_hear(&["a"]);
    for round in 0..5 {
        let (sid, pid) = scene.cut(joined);
        scene.server.io().of("/").to("a").emit("missed", &(round,)).unwrap();
        joined = scene.back(&pid, &offset);
        assert_eq!(joined.sid, sid, "round {round}");
        assert_eq!(joined.missed.len(), 1, "round {round}");
        assert_eq!(joined.missed[0][1], round);
        offset = joined.missed[0][2].as_str().unwrap().to_owned();
        if round % 2 == 0 {
            offset = joined.hear();
        }
    }
}

#[test]
fn who_is_cut_off_before_hearing_the_missed_hears_them_again() {
    let scene = scene(1, Recovery::default());
    let (joined, offset) = scene.join_and_hear(&["a"]);
    let (sid, pid) = scene.cut(joined);
    scene.server.io().of("/").to("a").emit("missed", &()).unwrap();
    for _ in 0..3 {
        let back = scene.back(&pid, &offset);
        assert_eq!((back.sid.as_str(), names(&back.missed)), (sid.as_str(), vec!["missed"]));
        scene.cut(back);
    }
}

#[test]
fn a_deliberate_disconnect_is_final() {
    let scene = scene(1, Recovery::default());
    for by_server in [Some(Close::Namespace), Some(Close::Connection), None] {
        let (mut joined, offset) = scene.join_and_hear(&[]);
        match by_server {
            Some(close) => joined.socket.disconnect(close),
            None => joined.client.send("41"),
        }
        scene.gone.recv().unwrap();
        let back = scene.back(&joined.pid, &offset);
        assert!(!back.socket.recovered(), "{by_server:?}");
        assert!(back.sid != joined.sid && back.pid != joined.pid);
    }
    assert_eq!(scene.server.running.stats().not_recovered, 3);
}

#[test]
fn who_stays_away_too_long_starts_anew() {
    let disconnection_max = Duration::from_millis(50);
    let scene = scene(1, Recovery { disconnection_max, ..Recovery::default() });
    let (joined, offset) = scene.join_and_hear(&[]);
    let (sid, pid) = scene.cut(joined);
    // Not a wait for something to happen: the time itself must pass.
    std::thread::sleep(2 * disconnection_max);
    assert_ne!(scene.back(&pid, &offset).sid, sid);
}

#[test]
fn what_is_over_the_bounds_is_forgotten_and_recovery_fails_into_a_new_socket() {
    let few = Recovery { packets_max: 10, ..Recovery::default() };
    let small = Recovery { bytes_max: 100_000, ..Recovery::default() };
    for (recovery, events, bytes) in [(few, 11, 1), (small, 3, 20_000)] {
        let scene = scene(1, recovery);
        let (joined, offset) = scene.join_and_hear(&["a"]);
        let (sid, pid) = scene.cut(joined);
        for _ in 0..events {
            scene.server.io().of("/").to("b").emit("e", &("x".repeat(bytes),)).unwrap();
        }
        let back = scene.back(&pid, &offset);
        assert_ne!(back.sid, sid);
        assert!(back.missed.is_empty() && !back.socket.recovered());
        assert_eq!(wait(back.socket.rooms()).unwrap().len(), 1);
    }
}

#[test]
fn more_than_a_connection_takes_is_not_recovered() {
    let scene = scene(1, Recovery { bytes_max: 1 << 30, ..Recovery::default() });
    for (events, recovered) in [(5, true), (6, false)] {
        let (joined, offset) = scene.join_and_hear(&["a"]);
        let (_, pid) = scene.cut(joined);
        for _ in 0..events {
            scene.server.io().of("/").to("a").emit("e", &("x".repeat(100_000),)).unwrap();
        }
        assert_eq!(scene.back(&pid, &offset).socket.recovered(), recovered, "{events} events");
    }
}

#[test]
fn lost_sockets_are_bounded_in_number() {
    let scene = scene(1, Recovery { sessions_max: 2, ..Recovery::default() });
    let lost: Vec<_> = (0..3)
        .map(|_| {
            let (joined, offset) = scene.join_and_hear(&[]);
            (scene.cut(joined).1, offset)
        })
        .collect();
    let back: Vec<_> = lost.iter().map(|(pid, offset)| scene.back(pid, offset)).collect();
    let recovered: Vec<_> = back.iter().map(|joined| joined.socket.recovered()).collect();
    assert_eq!(recovered, [false, true, true]);
}

#[test]
fn a_claim_that_does_not_fit_makes_a_new_socket() {
    let scene = scene(1, Recovery::default());
    let (joined, offset) = scene.join_and_hear(&[]);
    let (sid, pid) = scene.cut(joined);
    let beyond = (offset.parse::<u64>().unwrap() + 1).to_string();
    let unknown = "x".repeat(20);
    for auth in [
        json!({ "pid": pid }),
        json!({ "offset": offset }),
        json!({ "pid": pid, "offset": "x" }),
        json!({ "pid": 7, "offset": offset }),
        json!({ "pid": unknown, "offset": offset }),
    ] {
        assert!(!scene.join(&auth).socket.recovered(), "{auth}");
    }
    let mut other = Client::open(&scene.server);
    other.send(&format!(r#"40/other,{{"pid":"{pid}","offset":"{offset}"}}"#));
    assert!(!other.text().contains(&sid), "another namespace");
    assert_eq!(scene.back(&pid, &offset).sid, sid, "nothing of that has cost the session");
    // An offset that was never given out takes the session: its client lost its way.
    let (joined, _) = scene.join_and_hear(&[]);
    let (_, pid) = scene.cut(joined);
    let beyond = (beyond.parse::<u64>().unwrap() + 100).to_string();
    assert!(!scene.back(&pid, &beyond).socket.recovered());
}

#[test]
fn what_may_be_dropped_or_asks_for_an_answer_is_not_kept() {
    let scene = scene(1, Recovery::default());
    let io = scene.server.io();
    let (mut joined, offset) = scene.join_and_hear(&[]);
    joined.socket.emit_volatile("volatile", &()).unwrap();
    joined.client.expect(r#"42["volatile"]"#);
    let (_, pid) = scene.cut(joined);
    io.of("/").volatile().emit("volatile", &()).unwrap();
    let answers = wait(io.of("/").emit_with_ack("ask", &(), Duration::from_millis(10))).unwrap();
    assert!(answers.answers.is_empty());
    io.of("/").emit("kept", &()).unwrap();
    assert_eq!(names(&scene.back(&pid, &offset).missed), ["kept"]);
}

#[test]
fn polling_and_msgpack_recover_too() {
    let scene = scene(1, Recovery::default());
    let (joined, offset) = scene.join_and_hear(&["a"]);
    let (sid, pid) = scene.cut(joined);
    scene.server.io().of("/").to("a").emit("missed", &()).unwrap();
    let polling = Polling::open(scene.server.address, PATH);
    polling.send(&format!(r#"40{{"pid":"{pid}","offset":"{offset}"}}"#));
    let heard = polling.receive();
    assert!(heard[0].starts_with(r#"42["missed",""#), "{heard:?}");
    assert_eq!(heard[1], format!(r#"40{{"sid":"{sid}","pid":"{pid}"}}"#));
    polling.send("1");
    scene.gone.recv().unwrap();
    let mut client = Client::open(&scene.server);
    let auth = json!({ "pid": pid, "offset": offset });
    client.send_binary(&msgpack::encode(&json!({ "type": 0, "nsp": "/", "data": auth })));
    let mut receive = || match client.receive() {
        Received::Binary(bytes) => msgpack::decode(&bytes),
        other => panic!("msgpack was expected, came {other:?}"),
    };
    assert_eq!(receive()["data"][0], "missed");
    assert_eq!(receive()["data"], json!({ "sid": sid, "pid": pid }));
}

/// A middleware that counts, and refuses whoever says so.
fn counting(passed: &Arc<AtomicUsize>) -> Namespace {
    let passed = Arc::clone(passed);
    server::syncing().middleware(async move |request: &ConnectRequest| {
        if request.auth().is_some_and(|auth| auth.get().contains("refuse")) {
            return Err(ConnectError::new("refused"));
        }
        passed.fetch_add(1, Ordering::SeqCst);
        Ok(Data::none())
    })
}

#[test]
fn middlewares_are_skipped_for_the_recovered_alone() {
    let passed = Arc::new(AtomicUsize::new(0));
    let scene = scene_of(1, Recovery::default(), counting(&passed));
    let (joined, offset) = scene.join_and_hear(&[]);
    let (_, pid) = scene.cut(joined);
    let back = scene.back(&pid, &offset);
    assert!(back.socket.recovered());
    assert_eq!(passed.load(Ordering::SeqCst), 1);
    scene.cut(back);
    assert!(!scene.back(&pid, "18446744073709551615").socket.recovered());
    assert_eq!(passed.load(Ordering::SeqCst), 2, "who is not recovered is looked at");
}

#[test]
fn middlewares_may_look_at_the_recovered_and_refuse_them() {
    let passed = Arc::new(AtomicUsize::new(0));
    let recovery = Recovery { skip_middlewares: false, ..Recovery::default() };
    let scene = scene_of(2, recovery, counting(&passed));
    let (joined, offset) = scene.join_and_hear(&["a"]);
    let (sid, pid) = scene.cut(joined);
    let mut refused = Client::open(&scene.server);
    let auth = json!({ "pid": pid, "offset": offset, "refuse": true });
    refused.send(&format!("40{auth}"));
    refused.expect(r#"44{"message":"refused"}"#);
    scene.server.io().of("/").to("a").emit("missed", &()).unwrap();
    let back = scene.back(&pid, &offset);
    assert_eq!((back.sid, names(&back.missed)), (sid, vec!["missed"]));
    assert_eq!(passed.load(Ordering::SeqCst), 2);
}
