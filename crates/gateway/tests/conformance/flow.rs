//! Back-pressure: readers that do not read, what is held, and what was proved to have arrived.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use parlor_gateway::{Broadcast, Config, Frame, Released, Socket};

use crate::support::server::{self, Server, wait};
use crate::support::sio::Client;
use crate::support::ws;

struct Scene {
    server: Server,
    sockets: Receiver<Socket>,
    disconnects: Receiver<&'static str>,
    confirmed: Receiver<u64>,
}

fn scene(config: Config) -> Scene {
    let (connect, sockets) = channel();
    let (disconnect, disconnects) = channel();
    let (confirm, confirmed) = channel();
    let server = Server::start(config, 1, |gateway| {
        gateway.namespace(
            "/",
            server::syncing()
                .on_connect(move |socket| {
                    let _ = connect.send(socket);
                })
                .on_disconnect(move |_, reason| {
                    let _ = disconnect.send(reason.as_str());
                })
                .on_confirmed(move |_, position| {
                    let _ = confirm.send(position);
                }),
        );
    });
    Scene { server, sockets, disconnects, confirmed }
}

impl Scene {
    fn push(&self, room: &str, positions: std::ops::RangeInclusive<u64>) {
        let last = *positions.end();
        let broadcasts = positions
            .map(|position| Broadcast {
                room: room.into(),
                except: None,
                frame: Frame::event("/", "m", &(position,)).unwrap(),
                position,
            })
            .collect();
        self.server.io().broadcast_batch("/", broadcasts, last);
    }
}

#[test]
fn a_reader_that_does_not_read_is_cut_off() {
    let scene = scene(server::calm());
    let _client = Client::main(&scene.server);
    let socket = scene.sockets.recv().unwrap();
    let text = "x".repeat(100_000);
    // The kernel's buffers take some megabytes first.
    for _ in 0..400 {
        if socket.emit("big", &(text.as_str(),)).is_err() || wait(socket.rooms()).is_err() {
            break;
        }
    }
    let reason = scene.disconnects.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(reason, "slow reader");
}

#[test]
fn a_slow_reader_does_not_hold_up_the_others() {
    let scene = scene(server::calm());
    let _slow = Client::main(&scene.server);
    let socket = scene.sockets.recv().unwrap();
    let mut other = Client::main(&scene.server);
    let text = "x".repeat(100_000);
    for _ in 0..400 {
        if socket.emit("big", &(text.as_str(),)).is_err() || wait(socket.rooms()).is_err() {
            break;
        }
    }
    other.expect_nothing();
}

#[test]
fn flushed_waits_for_the_reader() {
    let scene = scene(Config { output_bytes_max: 64 << 20, ..server::calm() });
    let mut client = Client::main(&scene.server);
    let socket = scene.sockets.recv().unwrap();
    wait(socket.flushed(1)).unwrap();
    let text = "x".repeat(1_000_000);
    for _ in 0..30 {
        socket.emit("big", &(text.as_str(),)).unwrap();
    }
    let (done, is_done) = channel();
    std::thread::spawn(move || {
        let outcome = wait(socket.flushed(1));
        done.send(outcome).unwrap();
    });
    server::settle();
    assert!(is_done.try_recv().is_err(), "flushed before anything was read");
    for _ in 0..30 {
        assert!(client.text().starts_with(r#"42["big""#));
    }
    is_done.recv_timeout(Duration::from_secs(10)).unwrap().unwrap();
}

#[test]
fn flushed_fails_when_the_socket_closes() {
    let scene = scene(Config { output_bytes_max: 64 << 20, ..server::calm() });
    let client = Client::main(&scene.server);
    let socket = scene.sockets.recv().unwrap();
    let text = "x".repeat(1_000_000);
    for _ in 0..30 {
        socket.emit("big", &(text.as_str(),)).unwrap();
    }
    let waiting = std::thread::spawn(move || wait(socket.flushed(1)));
    server::settle();
    client.socket.stream.shutdown();
    assert!(waiting.join().unwrap().is_err());
}

#[test]
fn held_broadcasts_come_at_the_release_and_only_the_newer_ones() {
    let scene = scene(server::calm());
    let mut client = Client::main(&scene.server);
    let socket = scene.sockets.recv().unwrap();
    scene.push("u", 1..=3);
    let position = wait(socket.join_held(vec!["u".into()])).unwrap();
    assert_eq!(position, 3);
    scene.push("u", 4..=8);
    // What the application reads from its store meanwhile goes out directly.
    socket.emit("m", &(4,)).unwrap();
    client.expect(r#"42["m",4]"#);
    client.expect_nothing();
    socket.emit("m", &(5,)).unwrap();
    assert_eq!(wait(socket.release(5)).unwrap(), Released::Live);
    for expected in 5..=8 {
        client.expect(&format!(r#"42["m",{expected}]"#));
    }
    scene.push("u", 9..=9);
    client.expect(r#"42["m",9]"#);
    client.expect_nothing();
}

#[test]
fn broadcasts_before_the_join_are_not_held() {
    let scene = scene(server::calm());
    let mut client = Client::main(&scene.server);
    let socket = scene.sockets.recv().unwrap();
    scene.push("u", 1..=2);
    wait(socket.join_held(vec!["u".into()])).unwrap();
    assert_eq!(wait(socket.release(0)).unwrap(), Released::Live);
    client.expect_nothing();
}

#[test]
fn a_hold_that_overflows_is_read_again_by_the_application() {
    let scene = scene(Config { hold_bytes_max: 400, ..server::calm() });
    let mut client = Client::main(&scene.server);
    let socket = scene.sockets.recv().unwrap();
    wait(socket.join_held(vec!["u".into()])).unwrap();
    scene.push("u", 1..=100);
    assert_eq!(wait(socket.release(0)).unwrap(), Released::Overflowed);
    client.expect_nothing();
    scene.push("u", 101..=102);
    assert_eq!(wait(socket.release(101)).unwrap(), Released::Live);
    client.expect(r#"42["m",102]"#);
    scene.push("u", 103..=103);
    client.expect(r#"42["m",103]"#);
}

#[test]
fn the_excepted_socket_does_not_get_a_batchs_copy() {
    let scene = scene(server::calm());
    let mut one = Client::main(&scene.server);
    let origin = scene.sockets.recv().unwrap();
    let mut two = Client::main(&scene.server);
    let other = scene.sockets.recv().unwrap();
    for socket in [&origin, &other] {
        wait(socket.join_held(vec!["u".into()])).unwrap();
        assert_eq!(wait(socket.release(0)).unwrap(), Released::Live);
    }
    let broadcast = Broadcast {
        room: "u".into(),
        except: Some(origin.key()),
        frame: Frame::event("/", "m", &("copy",)).unwrap(),
        position: 1,
    };
    scene.server.io().broadcast_batch("/", vec![broadcast], 1);
    two.expect(r#"42["m","copy"]"#);
    one.expect_nothing();
    two.expect_nothing();
}

#[test]
fn what_goes_first_comes_before_all_that_was_held() {
    let config = Config { hold_bytes_max: 200, ..server::fast() };
    let scene = scene(config);
    let mut client = Client::main(&scene.server);
    let socket = scene.sockets.recv().unwrap();
    wait(socket.join_held(vec!["u".into()])).unwrap();
    scene.push("u", 1..=100);
    let first = || Frame::event_raw("/", "first", "[]");
    assert_eq!(wait(socket.release_behind(0, first())).unwrap(), Released::Overflowed);
    scene.push("u", 101..=102);
    assert_eq!(wait(socket.release_behind(100, first())).unwrap(), Released::Live);
    for expected in [r#"42["first"]"#, r#"42["m",101]"#, r#"42["m",102]"#] {
        client.expect(expected);
    }
}

#[test]
fn a_pong_confirms_what_was_pushed_before_its_ping() {
    let scene = scene(server::fast());
    let mut client = Client::main(&scene.server);
    let socket = scene.sockets.recv().unwrap();
    wait(socket.join_held(vec!["u".into()])).unwrap();
    assert_eq!(wait(socket.release(0)).unwrap(), Released::Live);
    scene.push("u", 1..=4);
    for expected in 1..=4 {
        client.expect(&format!(r#"42["m",{expected}]"#));
    }
    // The pings come while this waits, and are answered.
    server::until(|| {
        client.expect_nothing();
        scene.confirmed.try_iter().any(|position| position == 4)
    });
}

#[test]
fn nothing_is_confirmed_while_the_socket_is_held() {
    let scene = scene(Config { ping_interval: Duration::from_millis(60), ..server::fast() });
    let mut client = Client::main(&scene.server);
    let socket = scene.sockets.recv().unwrap();
    scene.push("elsewhere", 1..=1);
    wait(socket.join_held(vec!["u".into()])).unwrap();
    scene.push("u", 2..=3);
    for _ in 0..3 {
        // Between two pings there is a pong to the first.
        client.socket.expect("2");
        client.send("3");
    }
    client.expect_nothing();
    let early: Vec<u64> = scene.confirmed.try_iter().filter(|position| *position >= 2).collect();
    assert_eq!(early, [0; 0], "confirmed although it was held");
    assert_eq!(wait(socket.release(1)).unwrap(), Released::Live);
    server::until(|| {
        client.send(r#"42["sync"]"#);
        client.text();
        scene.confirmed.try_iter().any(|position| position == 3)
    });
}

/// Messages that fill all that lies between the gateway and a client that does not read.
const BIG_MESSAGES: usize = 24;

/// Sends them at once, to wait in the queue of their socket.
fn stall(socket: &Socket) {
    let frame = Frame::event_raw("/", "big", &format!(r#"["{}"]"#, "x".repeat(1 << 20)));
    for _ in 0..BIG_MESSAGES {
        socket.emit_frame(frame.clone()).unwrap();
    }
}

/// A queue that a stall does not fill.
fn roomy() -> Config {
    Config { output_bytes_max: 64 << 20, ..server::fast() }
}

#[test]
fn a_reader_that_stops_is_cut_off_by_the_heartbeat_without_more_traffic() {
    let scene = scene(roomy());
    let _client = Client::main(&scene.server);
    stall(&scene.sockets.recv().unwrap());
    let started = Instant::now();
    assert_eq!(scene.disconnects.recv_timeout(Duration::from_secs(9)).unwrap(), "slow reader");
    // One heartbeat is 500 ms; the rest is for a busy machine.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn pongs_without_reading_do_not_save_a_reader_that_stops() {
    let scene = scene(roomy());
    let mut client = Client::main(&scene.server);
    stall(&scene.sockets.recv().unwrap());
    let pong = ws::frame(0x80 | ws::TEXT, b"3");
    let reason = loop {
        let _ = client.socket.stream.try_write(&pong);
        match scene.disconnects.recv_timeout(Duration::from_millis(50)) {
            Ok(reason) => break reason,
            Err(RecvTimeoutError::Timeout) => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(reason, "slow reader");
}

#[test]
fn a_reader_that_is_only_late_is_not_cut_off() {
    let config = Config { ping_timeout: Duration::from_secs(9), ..roomy() };
    let scene = scene(config);
    let mut client = Client::main(&scene.server);
    stall(&scene.sockets.recv().unwrap());
    // A ping was due, and is at the end of the queue.
    std::thread::sleep(Duration::from_millis(600));
    for _ in 0..BIG_MESSAGES {
        assert!(client.text().starts_with(r#"42["big""#));
    }
    client.expect_nothing();
}

#[test]
fn nothing_is_kept_for_a_reader_that_was_cut_off() {
    let scene = scene(roomy());
    let mut client = Client::main(&scene.server);
    let (server, peer) = client.socket.stream.addresses();
    stall(&scene.sockets.recv().unwrap());
    assert_eq!(scene.disconnects.recv_timeout(Duration::from_secs(9)).unwrap(), "slow reader");
    // The kernel's table: local and remote address of the server's end, in hexadecimal.
    let ends = format!("0100007F:{:04X} 0100007F:{:04X}", server.port(), peer.port());
    server::until(|| !std::fs::read_to_string("/proc/net/tcp").unwrap().contains(&ends));
    let whole = client.socket.stream.read_to_end().len();
    assert!(whole < BIG_MESSAGES << 20, "all {whole} bytes came");
}

/// Seconds of processor time that the shards of this process have had.
fn shard_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let stats =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
    let ticks: u64 = stats
        .filter(|stat| stat.contains("(shard-"))
        .flat_map(|stat| {
            let rest = stat.rsplit(')').next().unwrap().to_owned();
            [11, 12].map(|at| rest.split_whitespace().nth(at).unwrap().parse::<u64>().unwrap())
        })
        .sum();
    ticks as f64 / 100.0
}

#[test]
fn stalled_members_of_a_room_hold_up_nobody_and_cost_nothing() {
    const STALLED: usize = 100;
    let config = Config { output_bytes_max: 32 << 20, ..server::calm() };
    let scene = scene(config);
    let mut all: Vec<(Client, Socket)> = (0..STALLED + 3)
        .map(|_| (Client::main(&scene.server), scene.sockets.recv().unwrap()))
        .collect();
    let reading = all.split_off(STALLED);
    let io = scene.server.io();
    let frame = Frame::event("/", "big", &("x".repeat(1 << 20),)).unwrap();
    for (_, socket) in &all {
        socket.join("room");
        for _ in 0..10 {
            socket.emit_frame(frame.clone()).unwrap();
        }
    }
    let mut reading: Vec<Client> = reading
        .into_iter()
        .map(|(client, socket)| {
            socket.join("room");
            wait(socket.rooms()).unwrap();
            client
        })
        .collect();
    let before = shard_seconds();
    std::thread::sleep(Duration::from_secs(1));
    let idle = shard_seconds() - before;
    assert!(idle < 0.3, "{idle} s of processor time while nothing happens");
    let rounds = 200;
    for number in 0..rounds {
        io.of("/").to("room").emit("n", &(number,)).unwrap();
        for client in &mut reading {
            client.expect(&format!(r#"42["n",{number}]"#));
        }
    }
    let busy = shard_seconds() - before - idle;
    // A delivery that only joins a queue costs some microseconds, in a debug build too.
    assert!(busy < 6.0, "{busy} s of processor time for {rounds} rounds");
    assert_eq!(scene.server.running.stats().connections as usize, STALLED + 3);
}
