//! What the sharded adapter says to one room is heard as long as somebody is there, whatever happens to Redis.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use parlor_bus::redis::Engine;
use parlor_bus::redis::adapter::{Adapter, Heard, Kind, Limits, Rooms};

use super::server::{Cluster, Server, cli};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A member of a cluster of Socket.IO servers that counts what it hears.
struct Member {
    adapter: Adapter,
    heard: Arc<Mutex<HashMap<String, usize>>>,
}

impl Member {
    fn join(engine: Engine) -> Self {
        let heard = Arc::<Mutex<HashMap<String, usize>>>::default();
        let noted = Arc::clone(&heard);
        let limits = Limits { answers_max: 16, answers_bytes_max: 1 << 20 };
        let adapter = Adapter::join(engine, Kind::Sharded, "p", limits, move |it, _| {
            let Heard::Told(said) = it else { return };
            *noted.lock().entry(String::from_utf8_lossy(said).into_owned()).or_default() += 1;
        });
        Self { adapter: adapter.expect("an address"), heard }
    }

    fn rooms(&self) -> &Rooms {
        self.adapter.rooms().expect("the sharded adapter has rooms")
    }

    /// Says something new on a channel at these servers until it is heard.
    async fn hears(&self, servers: &[u16], channel: &str) {
        let began = Instant::now();
        for number in 0.. {
            let said = format!("{channel} {number} {began:?}");
            // In a cluster whoever has the channel takes it, and tells its replica.
            let is_taken =
                |port: &u16| cli(*port, &["SPUBLISH", channel, &said]).parse::<u64>().is_ok();
            servers.iter().any(is_taken);
            tokio::time::sleep(Duration::from_millis(20)).await;
            match self.heard.lock().get(&said) {
                Some(times) => {
                    assert_eq!(*times, 1, "heard once");
                    return;
                }
                None => assert!(began.elapsed() < PATIENCE, "{channel} is not heard"),
            }
        }
    }
}

/// Waits until these channels are subscribed to at a server, and no others.
async fn subscribed(port: u16, channels: &[&str]) {
    let began = Instant::now();
    loop {
        let said = cli(port, &["PUBSUB", "SHARDCHANNELS"]);
        let mut found: Vec<&str> = said.lines().collect();
        found.sort_unstable();
        if found == channels {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{found:?} instead of {channels:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_are_heard_while_somebody_is_there_and_again_after_redis_was_gone() {
    let mut server = Server::start();
    let member = Member::join(Engine::Server { url: server.url() });
    member.hears(&[server.port()], "p#/#").await;
    for room in ["a", "a", "b"] {
        member.rooms().opened(room);
    }
    subscribed(server.port(), &["p#/#", "p#/#a#", "p#/#b#"]).await;
    member.hears(&[server.port()], "p#/#a#").await;
    for room in ["a", "b"] {
        member.rooms().ended(room);
    }
    subscribed(server.port(), &["p#/#", "p#/#a#"]).await;

    server.kill();
    // They come and go while nobody can be told.
    for room in ["b", "c", "d"] {
        member.rooms().opened(room);
    }
    member.rooms().ended("d");
    server.run();
    subscribed(server.port(), &["p#/#", "p#/#a#", "p#/#b#", "p#/#c#"]).await;
    for channel in ["p#/#", "p#/#a#", "p#/#c#"] {
        member.hears(&[server.port()], channel).await;
    }

    // Somebody closes the connection, and Redis goes on.
    cli(server.port(), &["CLIENT", "KILL", "TYPE", "pubsub"]);
    member.hears(&[server.port()], "p#/#b#").await;
    assert!(member.adapter.is_up().load(std::sync::atomic::Ordering::Relaxed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_rooms_as_take_several_rounds_come_and_go() {
    let server = Server::start();
    let member = Member::join(Engine::Server { url: server.url() });
    let rooms: Vec<String> = (0..2_000).map(|number| format!("{number:04}")).collect();
    rooms.iter().for_each(|room| member.rooms().opened(room));
    let mut channels: Vec<String> = rooms.iter().map(|room| format!("p#/#{room}#")).collect();
    channels.insert(0, String::from("p#/#"));
    let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
    subscribed(server.port(), &channels).await;
    rooms.iter().for_each(|room| member.rooms().ended(room));
    subscribed(server.port(), &["p#/#"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_heard_where_its_slot_has_moved_and_where_its_master_died() {
    let mut cluster = Cluster::start();
    let member = Member::join(Engine::Cluster { urls: cluster.urls() });
    let ports = |cluster: &Cluster| -> Vec<u16> {
        cluster.servers.iter().filter(|it| it.is_running()).map(Server::port).collect()
    };
    for room in ["a", "b", "c"] {
        member.rooms().opened(room);
    }
    for channel in ["p#/#", "p#/#a#", "p#/#b#", "p#/#c#"] {
        member.hears(&ports(&cluster), channel).await;
    }
    cluster.move_slot_of("p#/#a#");
    for channel in ["p#/#a#", "p#/#b#"] {
        member.hears(&ports(&cluster), channel).await;
    }
    let master = cluster.master_of("p#/#b#");
    cluster.servers[master].kill();
    for channel in ["p#/#", "p#/#a#", "p#/#b#", "p#/#c#"] {
        member.hears(&ports(&cluster), channel).await;
    }
}
