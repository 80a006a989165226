//! A Socket.IO server on parlor-gateway alone, without chat or storage, to be measured beside the
//! peers.
//!
//! The same events as the other servers of the benchmark: every socket joins `all` and the room
//! of its user, and the one that it names in `enter`; `broadcast` is emitted to its `room`, or else
//! to `all`, as `event`; `echo_ack` is acknowledged with its argument; `dm {to, content}` is relayed to the room of the user, then acknowledged.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use parlor_gateway::{
    Config, ConnectError, ConnectRequest, Data, Gateway, Io, Listener, Namespace,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Serves on a free port, which it prints.
#[derive(Parser)]
struct Arguments {
    /// Milliseconds between heartbeats
    #[arg(long, env = "BENCH_GATEWAY_PING_INTERVAL_MS", default_value_t = 25_000)]
    ping_interval_ms: u64,
    /// What it does beyond what it should, for the limits of `counts` to notice
    #[arg(long, env = "BENCH_GATEWAY_PLANT")]
    plant: Option<Plant>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Plant {
    /// A broadcast is encoded for each socket by itself.
    Allocation,
    /// A broadcast is preceded by another event, which cannot share its write.
    Write,
    /// Each socket's token is kept with room for 100 bytes more.
    Bytes,
}

#[derive(Deserialize)]
struct Auth {
    token: String,
}

#[derive(Deserialize)]
struct Direct<'a> {
    to: &'a str,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct Broadcast<'a> {
    #[serde(borrow)]
    room: Option<&'a str>,
}

#[derive(Serialize)]
struct Message<'a> {
    from: &'a str,
    content: &'a RawValue,
}

fn main() -> anyhow::Result<()> {
    let Arguments { ping_interval_ms, plant } = Arguments::parse();
    let io = Arc::new(OnceLock::new());
    let ping_interval = Duration::from_millis(ping_interval_ms);
    let mut gateway = Gateway::builder(Config { ping_interval, ..Config::default() });
    gateway.namespace("/", events(Arc::clone(&io), plant));
    let tcp = TcpListener::bind("127.0.0.1:0")?;
    let shards = thread::available_parallelism().map_or(1, usize::from);
    let running = gateway.serve(vec![Listener { tcp, tls: None }], shards)?;
    io.get_or_init(|| running.io());
    println!("listening {}", running.local_addrs()[0]);
    loop {
        thread::park();
    }
}

/// What the server does. A failed emit or ack shows as a loss, which fails the run.
fn events(io: Arc<OnceLock<Io>>, plant: Option<Plant>) -> Namespace {
    let sockets = Arc::new(Mutex::new(Vec::new()));
    let all_sockets = Arc::clone(&sockets);
    Namespace::new()
        .middleware(async move |request: &ConnectRequest| {
            let auth = request.auth().map(|auth| serde_json::from_str::<Auth>(auth.get()));
            match auth {
                Some(Ok(mut auth)) => {
                    if plant == Some(Plant::Bytes) {
                        auth.token.reserve_exact(100);
                    }
                    Ok(Data::new(auth.token))
                }
                _ => Err(ConnectError::new("unauthorized")),
            }
        })
        .on_connect(move |socket| {
            socket.join("all");
            if plant == Some(Plant::Allocation) {
                sockets.lock().unwrap_or_else(PoisonError::into_inner).push(socket.id());
            }
            if let Some(user) = socket.data::<String>() {
                socket.join(&format!("user:{user}"));
            }
            let _ = socket.emit_raw("ready", "[{}]");
        })
        .on("enter", |socket, mut event| {
            if let Some(Ok(room)) = event.arg(0).map(|arg| serde_json::from_str(arg.get())) {
                socket.join(room);
            }
            let _ = event.ack(&[Status { status: "ok" }]);
        })
        .on("broadcast", move |_, mut event| {
            let broadcast = event.arg(0).and_then(|arg| serde_json::from_str(arg.get()).ok());
            if let (Some(io), Some(Broadcast { room })) = (io.get(), broadcast) {
                let room = room.unwrap_or("all");
                if plant == Some(Plant::Write) {
                    let _ = io.of("/").to(room).volatile().emit_raw("further", "[]");
                }
                match plant {
                    Some(Plant::Allocation) => {
                        let all = all_sockets.lock().unwrap_or_else(PoisonError::into_inner);
                        for id in all.iter() {
                            let _ = io.of("/").to(id.as_str()).emit_raw("event", event.args());
                        }
                    }
                    _ => {
                        let _ = io.of("/").to(room).emit_raw("event", event.args());
                    }
                }
            }
            let _ = event.ack(&[Status { status: "ok" }]);
        })
        .on("echo_ack", |_, mut event| {
            if let Some(ack) = event.take_ack() {
                let _ = ack.send_raw(event.args());
            }
        })
        .on("dm", |socket, mut event| {
            let sent = event.arg(0).and_then(|arg| {
                let direct: Direct<'_> = serde_json::from_str(arg.get()).ok()?;
                let from = socket.data::<String>()?;
                let message = Message { from, content: direct.content };
                socket.to(format!("user:{}", direct.to)).emit("dm", &[message]).ok()
            });
            let status = if sent.is_some() { "sent" } else { "error" };
            let _ = event.ack(&[Status { status }]);
        })
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
}
