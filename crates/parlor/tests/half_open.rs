//! A pulled cable: the server believes in a connection whose other end can hear nothing any more.
//!
//! The client sits in a network namespace of its own, behind a virtual cable whose far end is taken
//! down. That takes root and `ip`; on Debian `ip` is installed where it is missing.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Client, PATIENCE, SECRET, Server, parlor, run, stdout};
use serde_json::Value;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

const PING_INTERVAL: Duration = Duration::from_millis(600);
const PING_TIMEOUT: Duration = Duration::from_millis(500);
/// What a busy machine may add to a timer, and to asking for the count.
const SLACK: Duration = Duration::from_millis(900);

/// A network namespace at the end of a virtual cable; both are gone when it is dropped.
struct Cable {
    namespace: String,
    near: String,
    far: String,
    near_ip: String,
}

impl Cable {
    fn lay() -> Self {
        need_ip();
        let id = std::process::id();
        let (near, far) = (format!("pn{id}"), format!("pf{id}"));
        // 198.18.0.0/15 is kept free for tests of networks.
        let net = format!("198.{}.{}", 18 + id / 250 % 2, id % 250);
        let cable =
            Self { namespace: format!("parlor-{id}"), near, far, near_ip: format!("{net}.1") };
        let Self { namespace, near, far, near_ip } = &cable;
        ip(&format!("netns add {namespace}"));
        ip(&format!("link add {near} type veth peer name {far} netns {namespace}"));
        ip(&format!("addr add {near_ip}/30 dev {near}"));
        ip(&format!("link set {near} up"));
        ip(&format!("-n {namespace} addr add {net}.2/30 dev {far}"));
        cable.plug_in();
        cable
    }

    fn pull(&self) {
        ip(&format!("-n {} link set {} down", self.namespace, self.far));
    }

    fn plug_in(&self) {
        ip(&format!("-n {} link set {} up", self.namespace, self.far));
    }

    /// Connects from the far end; gives up in time.
    fn connect(&self, addr: SocketAddr) -> TcpStream {
        let namespace = format!("/var/run/netns/{}", self.namespace);
        // Only this thread moves, and a socket stays where it was made.
        let connected = std::thread::spawn(move || {
            let namespace = File::open(namespace).expect("the namespace is there");
            rustix::thread::move_into_link_name_space(
                std::os::fd::AsFd::as_fd(&namespace),
                Some(rustix::thread::LinkNameSpaceType::Network),
            )
            .expect("root may move into a namespace");
            TcpStream::connect_timeout(&addr, PATIENCE).expect("the cable is plugged in")
        });
        let stream = connected.join().expect("it connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for line in [format!("link del {}", self.near), format!("netns del {}", self.namespace)] {
            // What was never made cannot be taken away.
            let _ = Command::new("ip").args(line.split(' ')).status();
        }
    }
}

fn ip(line: &str) {
    let output = Command::new("ip").args(line.split(' ')).output().expect("ip runs");
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`ip {line}` (this test needs root): {why}");
}

fn need_ip() {
    if Command::new("ip").arg("-V").output().is_ok() {
        return;
    }
    let apt = |arguments: &[&str]| {
        let status = Command::new("apt-get").args(arguments).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "`ip` is missing and cannot be installed: install iproute2, and run this as root"
        );
    };
    apt(&["update", "-q"]);
    apt(&["install", "-q", "-y", "--no-install-recommends", "iproute2"]);
}

/// A Socket.IO client over WebSocket.
struct Phone(WebSocket<TcpStream>);

impl Phone {
    fn connect(cable: &Cable, addr: SocketAddr) -> Self {
        let stream = cable.connect(addr);
        let url = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket");
        let (socket, _) = tungstenite::client(url, stream).expect("the upgrade is accepted");
        let mut phone = Self(socket);
        let auth = serde_json::json!({ "token": token("bob"), "deviceId": "phone" });
        phone.send(&format!("40{auth}"));
        phone
    }

    fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("it is sent");
    }

    /// The next event of this name; pings are answered, other events dropped.
    fn event(&mut self, name: &str) -> Value {
        loop {
            let Message::Text(text) = self.0.read().expect("the server goes on") else { continue };
            if text.as_str() == "2" {
                self.send("3");
            }
            if let Some(event) = text.strip_prefix("42") {
                let mut event: Vec<Value> = serde_json::from_str(event).expect("an event");
                if event[0] == name {
                    return event.remove(1);
                }
            }
        }
    }
}

fn token(user: &str) -> String {
    let mut command = parlor(&["token", "--user", user]);
    let output = run(command.env("PARLOR_IDENTITY__HS256_SECRET", SECRET));
    stdout(&output).trim_end().to_owned()
}

/// Alice comes, says something to bob and leaves; the answer.
fn say(server: &Server, text: &str) -> Value {
    let mut alice = Client::connect(server.addr, &token("alice"));
    alice.expect("40");
    let answer = alice.send(1, "bob", text);
    assert_eq!(answer["status"], "sent");
    alice.post("1");
    answer
}

fn ping_timeouts(server: &Server) -> u64 {
    let metrics = server.get("/metrics").body;
    let line = metrics.lines().find(|line| {
        line.starts_with("parlor_gateway_connections_closed_total") && line.contains("ping timeout")
    });
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("the counter is there")
}

#[test]
fn pulled_cable_is_noticed_in_time_and_what_went_into_it_is_delivered_again() {
    let cable = Cable::lay();
    let data = tempfile::tempdir().expect("a directory");
    let listen = format!("{}:0", cable.near_ip);
    let mut command = parlor(&["serve", "--listen", &listen, "--data"]);
    command
        .arg(data.path())
        .env("PARLOR_IDENTITY__HS256_SECRET", SECRET)
        .env("PARLOR_LIMITS__PING_INTERVAL_MS", PING_INTERVAL.as_millis().to_string())
        .env("PARLOR_LIMITS__PING_TIMEOUT_MS", PING_TIMEOUT.as_millis().to_string());
    let server = Server::start(&mut command);

    let mut bob = Phone::connect(&cable, server.addr);
    bob.event("caught_up");
    let heard = say(&server, "heard");
    let message = bob.event("private_message");
    assert_eq!(message["id"], heard["id"]);
    let confirm = serde_json::json!(["delivered", { "messageId": message["id"] }]);
    bob.send(&format!("421{confirm}"));
    while !bob.0.read().expect("an ack comes").into_text().expect("text").starts_with("431") {}

    cable.pull();
    let pulled = Instant::now();
    // Into the connection that the server still believes in.
    let unheard = say(&server, "unheard");
    assert_eq!(ping_timeouts(&server), 0, "it cannot know yet");
    while ping_timeouts(&server) == 0 {
        assert!(pulled.elapsed() < PATIENCE, "the server did not notice");
    }
    let noticed = pulled.elapsed();
    let bound = PING_INTERVAL + PING_TIMEOUT;
    assert!(noticed < bound + SLACK, "noticed after {noticed:?}, the bound is {bound:?}");

    let missed = say(&server, "missed");
    cable.plug_in();
    let mut bob = Phone::connect(&cable, server.addr);
    for sent in [&unheard, &missed] {
        let message = bob.event("private_message");
        assert_eq!((&message["id"], &message["seq"]), (&sent["id"], &sent["seq"]));
    }
    assert_eq!(bob.event("caught_up")["pushed"], 2, "what was confirmed does not come again");
}
