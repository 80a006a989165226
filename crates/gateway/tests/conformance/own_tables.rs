//! Shards whose threads have file tables of their own: connections are spread over the tables, all
//! that goes from one shard to another still arrives, and no descriptor has to.

use std::fs;
use std::net::TcpListener;

use parlor_gateway::{Config, Gateway, Listener, Namespace};
use socket2::{Domain, Socket, Type};

use crate::support::polling::Polling;
use crate::support::server::{self, PATH};
use crate::support::ws::WebSocket;

const SHARDS: usize = 4;
const CLIENTS: usize = 64;

fn listener() -> TcpListener {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_port(true).expect("Linux has it");
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).expect("a free port");
    socket.listen(128).expect("it is bound");
    socket.into()
}

/// How many files each shard's thread has open.
fn open_files() -> Vec<usize> {
    let threads = fs::read_dir("/proc/self/task").expect("Linux has it");
    let shards = threads.map(|thread| thread.expect("a thread").path()).filter(|thread| {
        fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.starts_with("shard-"))
    });
    shards.map(|shard| fs::read_dir(shard.join("fd")).expect("its table").count()).collect()
}

#[test]
fn connections_are_spread_over_tables_and_hear_of_each_other() {
    let mut gateway = Gateway::builder(Config { own_file_tables: true, ..server::calm() });
    gateway.namespace("/", server::echo_namespace().on_connect(|socket| socket.join("all")));
    let running = gateway.serve(vec![Listener { tcp: listener(), tls: None }], SHARDS);
    let running = running.expect("it serves");
    let address = running.local_addrs()[0];

    let before = open_files();
    assert_eq!(before.len(), SHARDS, "this test must be alone in its process");
    let target = format!("{PATH}?EIO=4&transport=websocket");
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = WebSocket::open(address, &target);
            assert!(client.text().starts_with('0'));
            client.send("40");
            assert!(client.text().starts_with("40"));
            client
        })
        .collect();
    let more: Vec<_> = open_files().iter().zip(before).map(|(now, then)| now - then).collect();
    assert_eq!(more.iter().sum::<usize>(), CLIENTS, "each is in one table: {more:?}");
    assert!(more.iter().filter(|more| **more > 0).count() > 1, "{more:?}");

    running.io().of("/").to("all").emit("hello", &()).expect("the inboxes have room");
    for client in &mut clients {
        assert_eq!(client.text(), r#"42["hello"]"#);
    }
    drop(clients);
    server::until(|| running.stats().connections == 0);
}

#[test]
fn a_session_of_another_shard_stays_with_polling() {
    let config = Config { own_file_tables: true, ..server::calm() };
    let mut gateway = Gateway::builder(config);
    gateway.namespace(
        "/",
        Namespace::new().on("echo", |socket, _| {
            socket.emit_raw("echoed", "[]").expect("the inbox has room");
        }),
    );
    let running = gateway.serve(vec![Listener { tcp: listener(), tls: None }], SHARDS);
    let running = running.expect("it serves");
    let (mut upgraded, mut refused) = (0, 0);
    for _ in 0..48 {
        let session = Polling::open(running.local_addrs()[0], PATH);
        session.send("40");
        assert!(session.receive()[0].starts_with("40"));
        match WebSocket::try_open(running.local_addrs()[0], &session.upgrade_target()) {
            Ok(mut socket) => {
                socket.send("2probe");
                assert_eq!(socket.text(), "3probe");
                upgraded += 1;
            }
            Err(response) => {
                assert_eq!(response.status, 400);
                refused += 1;
                session.send(r#"42["echo"]"#);
                assert_eq!(session.receive(), [r#"42["echoed"]"#]);
            }
        }
    }
    assert!(upgraded > 0 && refused > 0, "{upgraded} upgraded, {refused} refused");
}
