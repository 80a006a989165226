//! What `on_confirmed` may say over polling: only what a poll carried away, and only when the next
//! poll shows that it arrived.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use parlor_gateway::{Broadcast, Config, Frame, Namespace, Released, Socket};

use crate::support::http;
use crate::support::polling::Polling;
use crate::support::server::{self, PATH, Server, wait};
use crate::support::ws::WebSocket;

struct Scene {
    server: Server,
    session: Polling,
    confirmed: Receiver<u64>,
}

impl Scene {
    /// A polling session that is live in the room `u` and has been told all there was.
    fn start(ping_interval: Duration) -> Scene {
        let (connect, sockets) = channel::<Socket>();
        let (confirm, confirmed) = channel();
        let config = Config { ping_interval, ..server::calm() };
        let server = Server::start(config, 1, |gateway| {
            let rules = Namespace::new()
                .on_connect(move |socket| {
                    let _ = connect.send(socket);
                })
                .on_confirmed(move |_, position| {
                    let _ = confirm.send(position);
                });
            gateway.namespace("/", rules);
        });
        let session = Polling::open(server.address, PATH);
        session.send("40");
        session.receive();
        let socket = sockets.recv().unwrap();
        wait(socket.join_held(vec!["u".into()])).unwrap();
        assert_eq!(wait(socket.release(0)).unwrap(), Released::Live);
        Scene { server, session, confirmed }
    }

    fn push(&self, position: u64) {
        let frame = Frame::event("/", "m", &(position,)).unwrap();
        let broadcast = Broadcast { room: "u".into(), except: None, frame, position };
        self.server.io().broadcast_batch("/", vec![broadcast], position);
    }

    fn confirmed(&self) -> Vec<u64> {
        self.confirmed.try_iter().collect()
    }
}

#[test]
fn a_ping_that_no_poll_has_fetched_proves_nothing() {
    let scene = Scene::start(Duration::from_millis(50));
    scene.push(1);
    // The ping is queued behind the message, and both wait for a poll.
    std::thread::sleep(Duration::from_millis(250));
    let body = scene.session.poll().body;
    assert!(body.contains(r#"42["m",1]"#) && body.ends_with('2'), "{body}");
    assert_eq!(scene.confirmed(), [0; 0], "the answer may still be lost");
    let _next = scene.session.start_poll();
    let proved = scene.confirmed.recv_timeout(Duration::from_secs(5));
    assert_eq!(proved, Ok(1));
}

#[test]
fn a_probe_beside_queued_packets_proves_nothing() {
    let scene = Scene::start(Duration::from_secs(25));
    scene.push(1);
    let mut socket = WebSocket::open(scene.server.address, &scene.session.upgrade_target());
    socket.send("2probe");
    socket.expect("3probe");
    assert_eq!(scene.session.poll().body, r#"42["m",1]"#);
    assert_eq!(scene.confirmed(), [0; 0], "the answer may still be lost");
    assert_eq!(scene.session.poll().body, "6");
    assert_eq!(scene.confirmed(), [1]);
}

#[test]
fn a_poll_that_is_sent_again_proves_nothing_from_then_on() {
    let scene = Scene::start(Duration::from_secs(25));
    let poll = |stamp: &str| {
        let target = format!("{}&t={stamp}", scene.session.target());
        http::get(scene.server.address, &target).body
    };
    scene.push(1);
    assert_eq!(poll("a"), r#"42["m",1]"#);
    // What a browser does when that answer was lost on its way.
    scene.push(2);
    assert_eq!(poll("a"), r#"42["m",2]"#);
    scene.push(3);
    assert_eq!(poll("b"), r#"42["m",3]"#);
    assert_eq!(scene.confirmed(), [0; 0], "the first message may be lost");
}

#[test]
fn stamped_polls_prove_as_others_do() {
    let scene = Scene::start(Duration::from_secs(25));
    for position in 1..=3 {
        scene.push(position);
        let target = format!("{}&t={position}", scene.session.target());
        http::get(scene.server.address, &target);
    }
    assert_eq!(scene.confirmed(), [1, 2]);
}

#[test]
fn an_answer_that_nobody_came_back_from_is_never_confirmed() {
    let scene = Scene::start(Duration::from_secs(25));
    let poll = scene.session.start_poll();
    server::settle();
    scene.push(1);
    poll.cancel();
    server::settle();
    scene.push(2);
    server::settle();
    assert_eq!(scene.confirmed(), [0; 0]);
}
