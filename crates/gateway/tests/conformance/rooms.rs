//! Rooms and broadcasts: who hears an emit, and how often.

use std::sync::mpsc::Receiver;

use parlor_gateway::{Close, Namespace, Socket};

use crate::support::server::{self, Server, wait};
use crate::support::sio::Client;
use crate::support::ws::Received;

/// A server, and clients with the sockets that they are to the server.
struct Scene {
    server: Server,
    clients: Vec<Client>,
    sockets: Vec<Socket>,
}

fn scene(shards: usize, count: usize) -> Scene {
    let (sender, sockets): (_, Receiver<Socket>) = std::sync::mpsc::channel();
    let server = Server::start(server::calm(), shards, |gateway| {
        gateway.namespace(
            "/",
            server::syncing().on_connect(move |socket| sender.send(socket).unwrap()),
        );
    });
    let mut clients = Vec::new();
    let mut connected = Vec::new();
    for _ in 0..count {
        clients.push(Client::main(&server));
        connected.push(sockets.recv().unwrap());
    }
    Scene { server, clients, sockets: connected }
}

impl Scene {
    /// Puts a socket into rooms and waits until that is done.
    fn join(&self, index: usize, rooms: &[&str]) {
        rooms.iter().for_each(|room| self.sockets[index].join(room));
        wait(self.sockets[index].rooms()).unwrap();
    }

    /// Fails unless exactly these clients heard `42["news"]`, once each.
    fn check_heard(&mut self, expected: &[usize]) {
        for (index, client) in self.clients.iter_mut().enumerate() {
            if expected.contains(&index) {
                client.expect(r#"42["news"]"#);
            }
            client.expect_nothing();
        }
    }
}

#[test]
fn an_emit_to_a_room_is_heard_by_its_members() {
    for shards in [1, 3] {
        let mut scene = scene(shards, 3);
        scene.join(0, &["a"]);
        scene.join(2, &["a"]);
        scene.server.io().of("/").to("a").emit("news", &()).unwrap();
        scene.check_heard(&[0, 2]);
    }
}

#[test]
fn an_emit_to_several_rooms_is_heard_once() {
    let mut scene = scene(1, 3);
    scene.join(0, &["a", "b", "c"]);
    scene.join(1, &["b"]);
    scene.server.io().of("/").to("a").to("b").in_("c").emit("news", &()).unwrap();
    scene.check_heard(&[0, 1]);
}

#[test]
fn an_emit_to_the_same_room_twice_is_heard_once() {
    let mut scene = scene(1, 1);
    scene.join(0, &["a", "a"]);
    scene.server.io().of("/").to("a").to("a").emit("news", &()).unwrap();
    scene.check_heard(&[0]);
}

#[test]
fn an_emit_without_rooms_is_heard_by_all() {
    let mut scene = scene(2, 3);
    scene.server.io().of("/").emit("news", &()).unwrap();
    scene.check_heard(&[0, 1, 2]);
}

#[test]
fn the_excepted_rooms_do_not_hear() {
    let mut scene = scene(2, 4);
    scene.join(0, &["a"]);
    scene.join(1, &["a", "quiet"]);
    scene.join(2, &["a", "still"]);
    scene.server.io().of("/").to("a").except("quiet").except("still").emit("news", &()).unwrap();
    scene.check_heard(&[0]);
    let id = scene.sockets[3].id().to_string();
    scene.server.io().of("/").except(id).emit("news", &()).unwrap();
    scene.check_heard(&[0, 1, 2]);
}

#[test]
fn a_socket_does_not_hear_its_own_broadcast() {
    let mut scene = scene(2, 3);
    scene.join(0, &["a"]);
    scene.join(1, &["a"]);
    scene.sockets[0].to("a").emit("news", &()).unwrap();
    scene.check_heard(&[1]);
    scene.sockets[0].broadcast().emit("news", &()).unwrap();
    scene.check_heard(&[1, 2]);
}

#[test]
fn every_socket_is_in_the_room_of_its_own_id() {
    let mut scene = scene(2, 2);
    let id = scene.sockets[1].id().to_string();
    let rooms = wait(scene.sockets[1].rooms()).unwrap();
    assert_eq!(rooms, [id.as_str().into()]);
    scene.server.io().of("/").to(id.as_str()).emit("news", &()).unwrap();
    scene.check_heard(&[1]);
}

#[test]
fn a_room_left_is_not_heard() {
    let mut scene = scene(1, 2);
    scene.join(0, &["a"]);
    scene.join(1, &["a"]);
    scene.sockets[0].leave("a");
    scene.server.io().of("/").to("a").emit("news", &()).unwrap();
    scene.check_heard(&[1]);
}

#[test]
fn rooms_of_one_namespace_are_not_those_of_another() {
    let server = Server::start(server::calm(), 1, |gateway| {
        gateway.namespace("/", server::syncing().on_connect(|socket| socket.join("a")));
        gateway.namespace("/other", Namespace::new().on_connect(|socket| socket.join("a")));
    });
    let mut client = Client::main(&server);
    client.connect("/other");
    server.io().of("/other").to("a").emit("news", &()).unwrap();
    client.expect(r#"42/other,["news"]"#);
    client.expect_nothing();
}

#[test]
fn an_emit_after_a_join_is_heard_and_one_before_is_not() {
    let mut scene = scene(1, 1);
    let io = scene.server.io();
    io.of("/").to("a").emit("before", &()).unwrap();
    scene.sockets[0].join("a");
    io.of("/").to("a").emit("news", &()).unwrap();
    scene.check_heard(&[0]);
}

#[test]
fn attachments_are_broadcast() {
    let mut scene = scene(2, 2);
    let args = r#"[{"_placeholder":true,"num":0}]"#;
    let bytes = vec![bytes::Bytes::from_static(&[1, 2])];
    scene.server.io().of("/").emit_with("bytes", args, bytes).unwrap();
    for client in &mut scene.clients {
        client.expect(r#"451-["bytes",{"_placeholder":true,"num":0}]"#);
        client.expect_binary(&[1, 2]);
    }
}

#[test]
fn fetched_sockets_tell_their_rooms() {
    let scene = scene(3, 3);
    scene.join(0, &["a", "b"]);
    scene.join(1, &["a"]);
    let mut found = wait(scene.server.io().of("/").to("a").fetch_sockets());
    found.sort_by_key(|socket| std::cmp::Reverse(socket.rooms.len()));
    let ids: Vec<String> = found.iter().map(|socket| socket.id.to_string()).collect();
    assert_eq!(ids, [scene.sockets[0].id().to_string(), scene.sockets[1].id().to_string()]);
    let mut rooms: Vec<&str> = found[0].rooms.iter().map(|room| &**room).collect();
    rooms.sort();
    let mut expected = [ids[0].as_str(), "a", "b"];
    expected.sort();
    assert_eq!(rooms, expected);
    assert_eq!(wait(scene.server.io().of("/").fetch_sockets()).len(), 3);
    assert_eq!(wait(scene.server.io().of("/none").fetch_sockets()).len(), 0);
}

#[test]
fn sockets_are_moved_between_rooms_from_outside() {
    let mut scene = scene(2, 3);
    scene.join(0, &["a"]);
    scene.join(1, &["a"]);
    let io = scene.server.io();
    io.of("/").to("a").join(["b", "c"]);
    io.of("/").to("b").emit("news", &()).unwrap();
    scene.check_heard(&[0, 1]);
    io.of("/").to("b").leave(["a"]);
    io.of("/").to("a").emit("news", &()).unwrap();
    scene.check_heard(&[]);
    io.of("/").to("c").emit("news", &()).unwrap();
    scene.check_heard(&[0, 1]);
}

#[test]
fn more_sockets_than_were_asked_for_are_not_fetched() {
    let scene = scene(2, 3);
    let all = scene.server.io().of("/");
    assert_eq!(wait(all.fetch_at_most(3)).map(|found| found.len()), Some(3));
    assert!(wait(all.fetch_at_most(2)).is_none());
}

#[test]
fn a_socket_joins_no_more_rooms_than_it_may() {
    let mut scene = scene(1, 2);
    scene.join(0, &["a", "b"]);
    let all = scene.server.io().of("/");
    // The first is in two already, and then in three.
    all.join_up_to(&["b".into(), "c".into()], 4);
    all.join_up_to(&["c".into(), "d".into()], 4);
    for (room, heard) in [("b", &[0, 1][..]), ("c", &[0, 1]), ("d", &[1])] {
        scene.server.io().of("/").to(room).emit("news", &()).unwrap();
        scene.check_heard(heard);
    }
}

#[test]
fn sockets_are_disconnected_from_outside() {
    let mut scene = scene(1, 3);
    scene.join(0, &["a"]);
    scene.join(1, &["b"]);
    let io = scene.server.io();
    io.of("/").to("a").disconnect(Close::Namespace);
    scene.clients[0].expect("41");
    io.of("/").to("b").disconnect(Close::Connection);
    scene.clients[1].closed();
    scene.clients[2].expect_nothing();
    assert_eq!(wait(io.of("/").fetch_sockets()).len(), 1);
}

#[test]
fn a_closed_socket_leaves_its_rooms() {
    let mut scene = scene(1, 2);
    scene.join(0, &["a"]);
    scene.clients.remove(0).socket.stream.shutdown();
    let io = scene.server.io();
    server::until(|| wait(io.of("/").to("a").fetch_sockets()).is_empty());
    assert_eq!(wait(io.of("/").fetch_sockets()).len(), 1);
}

#[test]
fn a_volatile_emit_reaches_a_client_that_reads() {
    let mut scene = scene(1, 1);
    scene.server.io().of("/").volatile().emit("news", &()).unwrap();
    scene.check_heard(&[0]);
    scene.sockets[0].emit_volatile("news", &()).unwrap();
    scene.check_heard(&[0]);
}

#[test]
fn volatile_emits_are_dropped_where_the_client_does_not_read() {
    let mut scene = scene(1, 1);
    let text = "x".repeat(100_000);
    // Far more than the sockets' buffers and the output queue hold together.
    for _ in 0..300 {
        scene.server.io().of("/").volatile().emit("big", &(text.as_str(),)).unwrap();
        // Operations on one socket are done in order, so this one was decided.
        wait(scene.sockets[0].rooms()).unwrap();
    }
    scene.clients[0].send(r#"42["sync"]"#);
    let mut heard = 0;
    loop {
        match scene.clients[0].receive() {
            Received::Text(text) if text.starts_with(r#"42["big""#) => heard += 1,
            Received::Text(text) => break assert_eq!(text, r#"42["synced"]"#),
            other => panic!("{other:?}: the client was cut off"),
        }
    }
    assert!((1..300).contains(&heard), "{heard} of 300 heard");
}
