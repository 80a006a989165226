//! Events with an offset: recoverable sockets hear it as the last argument, others do not.

use std::time::Duration;

use parlor_gateway::{Broadcast, Frame, Released};
use serde_json::json;

use crate::restoring::{event, join, scene};
use crate::support::msgpack;
use crate::support::polling::Polling;
use crate::support::server::{PATH, wait};
use crate::support::sio::Client;
use crate::support::ws::Received;

#[test]
fn one_room_hears_each_event_in_two_forms() {
    let (server, sockets) = scene(1);
    let (mut plain, _, one) = join(&server, &sockets, &json!({}));
    let (mut recoverable, _, two) = join(&server, &sockets, &json!({ "pid": "p" }));
    let polling = Polling::open(server.address, PATH);
    polling.send(r#"40{"pid":"q"}"#);
    let three = sockets.recv().unwrap();
    assert!(polling.receive()[0].starts_with("40{"));
    let mut packed = Client::open(&server);
    let connect = json!({ "type": 0, "nsp": "/", "data": { "pid": "r" } });
    packed.send_binary(&msgpack::encode(&connect));
    let four = sockets.recv().unwrap();
    assert!(matches!(packed.receive(), Received::Binary(_)));
    for socket in [&one, &two, &three, &four] {
        socket.join("room");
        wait(socket.rooms()).unwrap();
    }
    server.io().of("/").to("room").emit_frame(event("one", "1")).unwrap();
    server.io().of("/").to("room").emit("bare", &()).unwrap();
    let broadcasts = [("a", "2"), ("b", "3")].map(|(name, offset)| Broadcast {
        room: "room".into(),
        except: None,
        frame: event(name, offset),
        position: 1,
    });
    server.io().broadcast_batch("/", broadcasts.into(), 1);
    for socket in [&one, &two, &three, &four] {
        socket.emit_frame(event("direct", "4")).unwrap();
        wait(socket.rooms()).unwrap();
    }
    let expected = [
        (r#"42["one",1]"#, json!(["one", 1, "1"])),
        (r#"42["bare"]"#, json!(["bare"])),
        (r#"42["a",1]"#, json!(["a", 1, "2"])),
        (r#"42["b",1]"#, json!(["b", 1, "3"])),
        (r#"42["direct",1]"#, json!(["direct", 1, "4"])),
    ];
    let mut polled = std::collections::VecDeque::new();
    for (bare, whole) in expected {
        plain.expect(bare);
        recoverable.expect(&format!("42{whole}"));
        if polled.is_empty() {
            polled.extend(polling.receive());
        }
        assert_eq!(polled.pop_front(), Some(format!("42{whole}")));
        let Received::Binary(bytes) = packed.receive() else { panic!("msgpack was expected") };
        assert_eq!(msgpack::decode(&bytes)["data"], whole);
    }
}

#[test]
fn one_connection_may_have_sockets_of_both_kinds() {
    let (server, sockets) = scene(1);
    let (mut client, _, _socket) = join(&server, &sockets, &json!({ "pid": "p" }));
    client.connect("/plain");
    let frame = Frame::event_raw("/plain", "e", "[]").with_offset("1");
    server.io().of("/plain").emit_frame(frame).unwrap();
    server.io().of("/").emit_frame(event("e", "1")).unwrap();
    client.expect(r#"42/plain,["e"]"#);
    client.expect(r#"42["e",1,"1"]"#);
}

#[test]
fn a_big_room_hears_runs_in_two_forms() {
    let (server, sockets) = scene(1);
    let mut clients = Vec::new();
    for number in 0..20 {
        let auth = if number % 2 == 0 { json!({ "pid": "p" }) } else { json!({}) };
        let (client, _, socket) = join(&server, &sockets, &auth);
        socket.join("room");
        wait(socket.rooms()).unwrap();
        clients.push(client);
    }
    let broadcasts = (1..=100_u64).map(|position| Broadcast {
        room: "room".into(),
        except: None,
        frame: event("n", &position.to_string()),
        position,
    });
    server.io().broadcast_batch("/", broadcasts.collect(), 100);
    for (number, client) in clients.iter_mut().enumerate() {
        for position in 1..=100 {
            if number % 2 == 0 {
                client.expect(&format!(r#"42["n",1,"{position}"]"#));
            } else {
                client.expect(r#"42["n",1]"#);
            }
        }
    }
}

#[test]
fn what_may_be_dropped_or_asks_for_an_answer_has_no_offset() {
    let (server, sockets) = scene(1);
    let (mut client, _, socket) = join(&server, &sockets, &json!({ "pid": "p" }));
    server.io().of("/").volatile().emit_frame(event("volatile", "1")).unwrap();
    client.expect(r#"42["volatile",1]"#);
    socket.emit_volatile("volatile", &(2,)).unwrap();
    client.expect(r#"42["volatile",2]"#);
    let asking = std::thread::spawn(move || {
        wait(socket.emit_with_ack("ask", &(3,), Duration::from_secs(5))).unwrap()
    });
    let asked = client.text();
    let id = asked.strip_prefix("42").unwrap().split('[').next().unwrap();
    assert_eq!(asked, format!(r#"42{id}["ask",3]"#));
    client.send(&format!("43{id}[4]"));
    assert_eq!(asking.join().unwrap().args, "[4]");
}

#[test]
fn what_was_held_is_released_with_its_offsets() {
    let (server, sockets) = scene(1);
    let (mut plain, _, one) = join(&server, &sockets, &json!({}));
    let (mut recoverable, _, two) = join(&server, &sockets, &json!({ "pid": "p" }));
    for socket in [&one, &two] {
        wait(socket.join_held(vec!["room".into()])).unwrap();
    }
    let broadcasts = (1..=3_u64).map(|position| Broadcast {
        room: "room".into(),
        except: None,
        frame: event("n", &position.to_string()),
        position,
    });
    server.io().broadcast_batch("/", broadcasts.collect(), 3);
    for socket in [&one, &two] {
        assert_eq!(wait(socket.release(1)).unwrap(), Released::Live);
    }
    for offset in ["2", "3"] {
        plain.expect(r#"42["n",1]"#);
        recoverable.expect(&format!(r#"42["n",1,"{offset}"]"#));
    }
    plain.expect_nothing();
    recoverable.expect_nothing();
}
