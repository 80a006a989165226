//! What an application can do to restore a socket: a private id, the public id of an earlier life,
//! and events before the answer to the CONNECT.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use parlor_gateway::{
    Broadcast, Close, ConnectError, ConnectRequest, Data, Frame, Namespace, Socket, SocketId,
};
use serde_json::{Value, json};

use crate::support::msgpack;
use crate::support::polling::Polling;
use crate::support::server::{self, PATH, Server, until, wait};
use crate::support::sio::Client;
use crate::support::ws::Received;

/// An id that no process of these tests makes.
const ID: &str = "restored_id-01234567";

/// How the auth of a CONNECT says the socket is to join.
async fn admit(request: &ConnectRequest) -> Result<Data, ConnectError> {
    let auth = request.auth().and_then(|auth| serde_json::from_str(auth.get()).ok());
    let auth: Value = auth.unwrap_or_default();
    let mut data = Data::new(auth.clone());
    if let Some(pid) = auth["pid"].as_str() {
        data = data.with_pid(pid);
    }
    if let Some(id) = auth["id"].as_str() {
        data = data.restoring(SocketId::parse(id).ok_or(ConnectError::new("bad id"))?);
    }
    if auth["later"] == true {
        data = data.answering_later();
    }
    Ok(data)
}

/// A server with such a namespace, and the sockets as they connect.
pub(crate) fn scene(shards: usize) -> (Server, Receiver<Socket>) {
    let (sender, sockets) = std::sync::mpsc::channel();
    let server = Server::start(server::calm(), shards, |gateway| {
        let main = server::syncing().middleware(admit);
        let main = main.on_connect(move |socket| sender.send(socket).unwrap());
        gateway.namespace("/", main).namespace("/plain", server::syncing());
    });
    (server, sockets)
}

/// Joins over WebSocket; gives the answer and the socket.
pub(crate) fn join(
    server: &Server,
    sockets: &Receiver<Socket>,
    auth: &Value,
) -> (Client, Value, Socket) {
    let mut client = Client::open(server);
    client.send(&format!("40{auth}"));
    let answer = client.text();
    let answer = answer.strip_prefix("40").unwrap_or_else(|| panic!("refused: {answer}"));
    (client, serde_json::from_str(answer).expect("JSON"), sockets.recv().unwrap())
}

/// Sends a CONNECT that is answered later.
fn join_later(server: &Server, sockets: &Receiver<Socket>, auth: &Value) -> (Client, Socket) {
    let mut client = Client::open(server);
    client.send(&format!("40{auth}"));
    (client, sockets.recv().unwrap())
}

pub(crate) fn event(name: &str, offset: &str) -> Frame {
    Frame::event("/", name, &(1,)).unwrap().with_offset(offset)
}

#[test]
fn a_private_id_is_told_with_the_public_one() {
    let (server, sockets) = scene(1);
    let (_client, answer, socket) = join(&server, &sockets, &json!({ "pid": "a\"b" }));
    assert_eq!(answer, json!({ "sid": socket.id().as_str(), "pid": "a\"b" }));
    assert_eq!((socket.pid(), socket.is_recoverable()), (Some("a\"b"), true));
    let (_client, answer, socket) = join(&server, &sockets, &json!({}));
    assert_eq!(answer, json!({ "sid": socket.id().as_str() }));
    assert_eq!((socket.pid(), socket.is_recoverable()), (None, false));
}

#[test]
fn the_middleware_sees_what_a_client_says_of_its_past() {
    let (server, sockets) = scene(1);
    let auth = json!({ "pid": "p", "offset": "o", "token": "t" });
    let (_client, _, socket) = join(&server, &sockets, &auth);
    assert_eq!(socket.data::<Value>(), Some(&auth));
}

#[test]
fn the_last_value_and_the_last_way_to_join_win() {
    let (sender, sockets) = std::sync::mpsc::channel();
    let server = Server::main(
        Namespace::new()
            .middleware(async |_: &ConnectRequest| Ok(Data::new(1_u32).with_pid("first")))
            .middleware(async |_: &ConnectRequest| Ok(Data::new(2_u32)))
            .middleware(async |_: &ConnectRequest| Ok(Data::none()))
            .on_connect(move |socket| sender.send(socket).unwrap()),
    );
    let (_client, answer, socket) = join(&server, &sockets, &json!({}));
    assert_eq!((answer["pid"].as_str(), socket.data()), (Some("first"), Some(&2_u32)));
}

#[test]
fn missed_events_come_before_the_answer() {
    let (server, sockets) = scene(1);
    let auth = json!({ "pid": "p", "id": ID, "later": true });
    let (mut client, socket) = join_later(&server, &sockets, &auth);
    socket.emit_frame(event("missed", "1")).unwrap();
    socket.emit_frame(event("missed", "2")).unwrap();
    socket.answer_connect();
    socket.emit_frame(event("live", "3")).unwrap();
    client.expect(r#"42["missed",1,"1"]"#);
    client.expect(r#"42["missed",1,"2"]"#);
    client.expect(&format!(r#"40{{"sid":"{ID}","pid":"p"}}"#));
    client.expect(r#"42["live",1,"3"]"#);
    socket.answer_connect();
    client.expect_nothing();
}

#[test]
fn who_was_not_answered_hears_no_farewell() {
    let (server, sockets) = scene(1);
    let auth = json!({ "pid": "p", "id": ID, "later": true });
    let (mut client, socket) = join_later(&server, &sockets, &auth);
    socket.emit_frame(event("missed", "1")).unwrap();
    client.expect(r#"42["missed",1,"1"]"#);
    let farewell = |_: &Socket, _| Some(Frame::event_raw("/", "closing", "[]"));
    server.io().drain(Duration::ZERO, farewell);
    let next = client.receive();
    assert!(matches!(next, Received::Close(..)), "{next:?}");
}

#[test]
fn missed_events_come_before_the_answer_over_polling() {
    let (server, sockets) = scene(1);
    let polling = Polling::open(server.address, PATH);
    polling.send(&format!(r#"40{{"pid":"p","id":"{ID}","later":true}}"#));
    let socket = sockets.recv().unwrap();
    socket.emit_frame(event("missed", "1")).unwrap();
    socket.answer_connect();
    socket.emit_frame(event("live", "2")).unwrap();
    wait(socket.rooms()).unwrap();
    let answer = format!(r#"40{{"sid":"{ID}","pid":"p"}}"#);
    let expected = [r#"42["missed",1,"1"]"#, &answer, r#"42["live",1,"2"]"#];
    assert_eq!(polling.receive(), expected);
}

#[test]
fn missed_events_come_before_the_answer_over_msgpack() {
    let (server, sockets) = scene(1);
    let mut client = Client::open(&server);
    let auth = json!({ "pid": "p", "later": true });
    client.send_binary(&msgpack::encode(&json!({ "type": 0, "nsp": "/", "data": auth })));
    let socket = sockets.recv().unwrap();
    socket.emit_frame(event("missed", "1")).unwrap();
    socket.answer_connect();
    let mut receive = || match client.receive() {
        Received::Binary(bytes) => msgpack::decode(&bytes),
        other => panic!("msgpack was expected, came {other:?}"),
    };
    assert_eq!(receive()["data"], json!(["missed", 1, "1"]));
    let answer = receive();
    assert_eq!(answer["type"], 0);
    assert_eq!(answer["data"], json!({ "sid": socket.id().as_str(), "pid": "p" }));
}

#[test]
fn a_restored_socket_is_found_by_its_id() {
    for shards in [1, 3] {
        let (server, sockets) = scene(shards);
        let mut ordinary = join(&server, &sockets, &json!({})).0;
        let (mut client, answer, socket) = join(&server, &sockets, &json!({ "id": ID }));
        assert_eq!(answer, json!({ "sid": ID }));
        let io = server.io();
        assert_eq!((socket.id().as_str(), io.id_of(socket.key()).as_str()), (ID, ID));
        assert_eq!(io.key_of(ID), Some(socket.key()));
        assert_eq!(*wait(socket.rooms()).unwrap()[0], *ID);
        io.of("/").to(ID).emit("to", &()).unwrap();
        io.of("/").except(ID).emit("except", &()).unwrap();
        let frame = Frame::event_raw("/", "batch", "[]");
        io.broadcast_batch(
            "/",
            vec![Broadcast { room: ID.into(), except: None, frame, position: 1 }],
            1,
        );
        client.expect(r#"42["to"]"#);
        client.expect(r#"42["batch"]"#);
        client.expect_nothing();
        ordinary.expect(r#"42["except"]"#);
        ordinary.expect_nothing();
        let found = wait(io.of("/").to(ID).fetch_sockets());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].id.as_str(), &*found[0].rooms[0]), (ID, ID));
    }
}

#[test]
fn what_a_restored_socket_is_left_out_of_it_does_not_hear() {
    let (server, sockets) = scene(1);
    let (mut client, _, socket) = join(&server, &sockets, &json!({ "id": ID }));
    let broadcasts = (0..4_u64).map(|number| Broadcast {
        room: ID.into(),
        except: (number % 2 == 0).then_some(socket.key()),
        frame: Frame::event("/", "n", &(number,)).unwrap(),
        position: number + 1,
    });
    server.io().broadcast_batch("/", broadcasts.collect(), 4);
    client.expect(r#"42["n",1]"#);
    client.expect(r#"42["n",3]"#);
    client.expect_nothing();
}

#[test]
fn an_older_socket_of_the_same_id_hears_too_until_it_is_closed() {
    for shards in [1, 3] {
        let (server, sockets) = scene(shards);
        let io = server.io();
        let (mut first, answer, ordinary) = join(&server, &sockets, &json!({}));
        let id = answer["sid"].as_str().unwrap().to_owned();
        let (mut second, _, restored) = join(&server, &sockets, &json!({ "id": id }));
        let (mut third, _, again) = join(&server, &sockets, &json!({ "id": id }));
        assert_eq!(io.key_of(&id), Some(again.key()));
        io.of("/").to(id.as_str()).emit("all", &()).unwrap();
        for client in [&mut first, &mut second, &mut third] {
            client.expect(r#"42["all"]"#);
        }
        io.disconnect(ordinary.key(), Close::Connection);
        io.disconnect(again.key(), Close::Namespace);
        assert_eq!(first.text(), "41");
        first.closed();
        assert_eq!(third.text(), "41");
        io.of("/").to(id.as_str()).emit("rest", &()).unwrap();
        second.expect(r#"42["rest"]"#);
        assert_eq!(io.key_of(&id), Some(restored.key()));
        third.send("40");
        assert!(third.text().starts_with("40{"), "the connection stayed and heard no more");
        io.disconnect(restored.key(), Close::Connection);
        until(|| io.key_of(&id) != Some(restored.key()));
        assert_ne!(io.id_of(restored.key()).as_str(), id, "nothing is kept of who is gone");
    }
}

#[test]
fn an_id_of_another_shape_cannot_be_restored() {
    for text in ["short", "twenty characters ok", "twenty_characters\"ok"] {
        assert!(SocketId::parse(text).is_none(), "{text}");
    }
    assert_eq!(SocketId::parse(ID).unwrap().as_str(), ID);
}

#[test]
fn a_namespace_that_answers_later_holds_up_no_other() {
    let (server, sockets) = scene(1);
    let (mut client, socket) = join_later(&server, &sockets, &json!({ "later": true }));
    client.connect("/plain");
    client.send(r#"42/plain,["sync"]"#);
    client.expect(r#"42/plain,["synced"]"#);
    socket.answer_connect();
    client.expect(&format!(r#"40{{"sid":"{}"}}"#, socket.id()));
    client.expect_nothing();
}

#[test]
fn an_answer_keeps_its_place_behind_a_broadcast() {
    let (server, sockets) = scene(1);
    let (mut client, socket) = join_later(&server, &sockets, &json!({ "later": true }));
    socket.join("room");
    for number in 0..100 {
        server.io().of("/").to("room").emit("n", &(number,)).unwrap();
    }
    socket.answer_connect();
    for number in 0..100 {
        client.expect(&format!(r#"42["n",{number}]"#));
    }
    assert!(client.text().starts_with("40{"));
}

#[test]
fn who_waits_for_the_answer_may_acknowledge_but_not_send() {
    let (server, sockets) = scene(1);
    let (mut client, socket) = join_later(&server, &sockets, &json!({ "later": true }));
    let asked = socket.clone();
    let asking = std::thread::spawn(move || {
        wait(asked.emit_with_ack("ask", &(), Duration::from_secs(5))).unwrap()
    });
    let ask = client.text();
    let id = ask.strip_prefix("42").unwrap().strip_suffix(r#"["ask"]"#).unwrap();
    client.send(&format!("43{id}[1]"));
    assert_eq!(asking.join().unwrap().args, "[1]");
    client.send(r#"42["sync"]"#);
    assert_eq!(client.closed(), (1002, "protocol violation".to_owned()));
}

#[test]
fn who_is_never_answered_ends_with_the_connect_timeout() {
    let server = Server::main(Namespace::new().middleware(admit));
    let mut client = Client::open(&server);
    client.send(r#"40{"later":true}"#);
    assert_eq!(client.closed(), (1000, "connect timeout".to_owned()));
}

#[test]
fn a_later_answer_is_waited_for_even_if_the_connection_is_in_use() {
    let server = Server::start(server::fast(), 1, |gateway| {
        gateway.namespace("/", Namespace::new().middleware(admit));
        gateway.namespace("/plain", server::syncing());
    });
    let mut client = Client::open(&server);
    client.connect("/plain");
    client.send(r#"40{"later":true}"#);
    assert_eq!(client.closed(), (1000, "connect timeout".to_owned()));
}

#[test]
fn an_application_that_cannot_restore_closes() {
    let (server, sockets) = scene(1);
    let auth = json!({ "pid": "p", "id": ID, "later": true });
    let (mut client, socket) = join_later(&server, &sockets, &auth);
    server.io().disconnect(socket.key(), Close::Connection);
    socket.answer_connect();
    assert_eq!(client.text(), "41");
    assert_eq!(client.closed(), (1000, "forced server close".to_owned()));
    until(|| server.io().key_of(ID).is_none());
}
