//! The move from polling to WebSocket while both sides talk: nothing is lost, doubled or reordered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, mpsc::Receiver};
use std::time::Duration;

use parlor_gateway::{Config, Namespace, Socket};

use crate::support::polling::Polling;
use crate::support::server::{self, PATH, Server};
use crate::support::ws::{Received, WebSocket};

/// The numbers of `42["down",n]` packets.
fn downs(packets: impl IntoIterator<Item = String>, into: &mut Vec<u64>) {
    for packet in packets {
        if let Some(number) = packet.strip_prefix(r#"42["down","#) {
            into.push(number.trim_end_matches(']').parse().expect("a number"));
        }
    }
}

struct Load {
    server: Server,
    sockets: Receiver<Socket>,
    ups: Receiver<u64>,
}

fn load(shards: usize) -> Load {
    let (connect, sockets) = channel();
    let (up, ups) = channel();
    let config = Config { output_bytes_max: 64 << 20, ..server::calm() };
    let server = Server::start(config, shards, |gateway| {
        let rules = Namespace::new()
            .on_connect(move |socket| {
                let _ = connect.send(socket);
            })
            .on("up", move |_, event| {
                let _ = up.send(event.parse::<(u64,)>().expect("a number").0);
            });
        gateway.namespace("/", rules);
    });
    Load { server, sockets, ups }
}

/// Moves one session over while the server emits without pause and the client sends before, during
/// and after; gives what each side heard.
fn upgrade_under_load(load: &Load) -> (Vec<u64>, Vec<u64>, u64) {
    let session = Polling::open(load.server.address, PATH);
    session.send("40");
    assert!(session.receive()[0].starts_with("40{"));
    let socket = load.sockets.recv_timeout(Duration::from_secs(10)).expect("connected");
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let emitter = std::thread::spawn({
        let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
        move || {
            while !stop.load(Ordering::Relaxed) {
                let next = sent.load(Ordering::Relaxed);
                if socket.emit("down", &(next,)).is_ok() {
                    sent.store(next + 1, Ordering::Relaxed);
                }
                if next % 8 == 0 {
                    std::thread::sleep(Duration::from_micros(50));
                }
            }
        }
    });
    let (mut heard, mut up) = (Vec::new(), 0);
    let mut next_up = || {
        up += 1;
        format!(r#"42["up",{}]"#, up - 1)
    };
    for _ in 0..3 {
        session.send(&[next_up(), next_up()].join("\x1e"));
        downs(session.receive(), &mut heard);
    }
    let waiting = session.start_poll();
    let mut ws = WebSocket::open(load.server.address, &session.upgrade_target());
    ws.send("2probe");
    session.send(&next_up());
    ws.expect("3probe");
    downs(waiting.answer().body.split('\x1e').map(str::to_owned), &mut heard);
    session.send(&[next_up(), next_up()].join("\x1e"));
    ws.send("5");
    for _ in 0..20 {
        ws.send(&next_up());
    }
    for _ in 0..100 {
        match ws.receive() {
            Received::Text(text) => downs([text], &mut heard),
            other => panic!("{other:?}"),
        }
    }
    stop.store(true, Ordering::Relaxed);
    emitter.join().expect("the emitter ends");
    let sent = sent.load(Ordering::Relaxed);
    while heard.len() < sent as usize {
        match ws.receive() {
            Received::Text(text) => downs([text], &mut heard),
            other => panic!("{other:?} after {} of {sent}", heard.len()),
        }
    }
    let ups = (0..up).map(|_| load.ups.recv_timeout(Duration::from_secs(10)).expect("an event"));
    (ups.collect(), heard, sent)
}

#[test]
fn nothing_is_lost_doubled_or_reordered_in_either_direction() {
    for shards in [1, 3] {
        let load = load(shards);
        for round in 0..20 {
            let (ups, heard, sent) = upgrade_under_load(&load);
            assert_eq!(ups, (0..ups.len() as u64).collect::<Vec<_>>(), "round {round}");
            assert_eq!(heard, (0..sent).collect::<Vec<_>>(), "round {round}");
        }
        assert_eq!(load.server.running.stats().upgrades, 20);
    }
}
