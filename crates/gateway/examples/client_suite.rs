//! The server that the test suite of Node's `socket.io-client` expects to talk to.
//!
//! `cargo run --release -p parlor-gateway --example client_suite`; `PORT` overrides port 3210.
//! `cargo xtask conformance` runs the suite against it.
//! An emit fails only when the shard is overloaded, which no test does; so failures are let go.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parlor_gateway::{
    Config, ConnectError, ConnectRequest, Data, Event, Gateway, Listener, Namespace, Recovery,
    Socket,
};
use serde_json::{Map, Value, json};

const BYTES: Bytes = Bytes::from_static(b"asdfasdf");
/// The suite's own server answers no handshake before, and a test of its counts on that.
const DELAY: Duration = Duration::from_millis(10);
const PLACEHOLDER: &str = r#"[{"_placeholder":true,"num":0}]"#;
const DATE: &str = "2026-01-02T03:04:05.678Z";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut gateway = Gateway::builder(Config {
        ping_interval: Duration::from_millis(2_000),
        // Namespaces that are joined later are shown the handshake too.
        retain_handshake: true,
        recovery: Some(Recovery::default()),
        ..Config::default()
    });
    gateway
        .namespace("/", main_namespace())
        .namespace("/foo", Namespace::new().on("getId", get_id))
        .namespace("/timeout_socket", Namespace::new())
        .namespace("/valid", Namespace::new())
        .namespace("/asd", Namespace::new())
        .namespace("/abc", shown_handshake())
        .namespace("/no", refused());
    let port = std::env::var("PORT").map_or(Ok(3210), |port| port.parse())?;
    let front =
        TcpListener::bind(("::", port)).or_else(|_| TcpListener::bind(("127.0.0.1", port)))?;
    let tcp = TcpListener::bind("127.0.0.1:0")?;
    let running = gateway.serve(vec![Listener { tcp, tls: None }], 1)?;
    println!("listening on {}", front.local_addr()?);
    loop {
        let (client, _) = front.accept()?;
        let server = running.local_addrs()[0];
        std::thread::spawn(move || {
            std::thread::park_timeout(DELAY);
            join(&client, &TcpStream::connect(server)?)
        });
    }
}

/// Carries bytes both ways until both ends have closed.
fn join(client: &TcpStream, server: &TcpStream) -> std::io::Result<()> {
    let carry = |mut from: &TcpStream, mut to: &TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write)
    };
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    std::thread::scope(|scope| {
        let back = scope.spawn(|| carry(server, client));
        let _ = carry(client, server);
        back.join().unwrap_or(Ok(()))
    })
}

/// What a socket of the main namespace remembers.
struct Memory {
    handshake: Value,
    /// How many of the ordered binary events have come.
    steps: AtomicUsize,
}

fn main_namespace() -> Namespace {
    let namespace = Namespace::new().middleware(async |request: &ConnectRequest| {
        let handshake = handshake(request);
        if handshake["query"].get("fail").is_some_and(|fail| fail != "") {
            return Err(ConnectError::new("Auth failed (main namespace)"));
        }
        Ok(Data::new(Memory { handshake, steps: AtomicUsize::new(0) }))
    });
    binary_events(text_events(namespace))
}

fn text_events(namespace: Namespace) -> Namespace {
    namespace
        .on("hi", |socket, _| emit(socket, "hi", &json!([])))
        .on("echo", |_, mut event| {
            if let Some(ack) = event.take_ack() {
                let _ = ack.send_with(event.args(), event.attachments().to_vec());
            }
        })
        .on("ack", |socket, _| {
            let socket = socket.clone();
            // The client's answer comes while later events are handled.
            tokio::spawn(async move {
                let answer = socket.emit_with_ack("ack", &(), Duration::from_secs(10)).await;
                let args = answer.ok().and_then(|answer| serde_json::from_str(&answer.args).ok());
                let args: Value = args.unwrap_or_default();
                if args[0] == 5 && args[1]["test"] == true {
                    emit(&socket, "got it", &json!([]));
                }
            });
        })
        .on("getAckDate", |_, mut event| answer(&mut event, &json!([DATE])))
        .on("getDate", |socket, _| emit(socket, "takeDate", &json!([DATE])))
        .on("getDateObj", |socket, _| emit(socket, "takeDateObj", &json!([{ "date": DATE }])))
        .on("getUtf8", |socket, _| {
            let texts = ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"];
            texts.into_iter().for_each(|text| emit(socket, "takeUtf8", &json!([text])));
        })
        .on("false", |socket, _| emit(socket, "false", &json!([false])))
        .on("getHandshake", |socket, mut event| {
            if let Some(memory) = socket.data::<Memory>() {
                answer(&mut event, &json!([memory.handshake]));
            }
        })
        .on("getId", get_id)
}

fn binary_events(namespace: Namespace) -> Namespace {
    let mut namespace = namespace
        .on("doge", |socket, _| emit_bytes(socket, "doge"))
        .on("getbin", |socket, _| emit_bytes(socket, "takebin"));
    for (event, answer) in [("buffa", "buffack"), ("blob", "back")] {
        namespace = namespace.on(event, move |socket, event| {
            if is_binary(&event, "/0") {
                emit(socket, answer, &json!([]));
            }
        });
    }
    for (event, answer) in [("jsonbuff", "jsonbuff-ack"), ("jsonblob", "jsonblob-ack")] {
        namespace = namespace.on(event, move |socket, event| {
            let args: Value = event.parse().unwrap_or_default();
            let whole = args[0]["hello"] == "lol" && args[0]["goodbye"] == "gotcha";
            if whole && is_binary(&event, "/0/message") {
                emit(socket, answer, &json!([]));
            }
        });
    }
    // Each of these is answered only at the end of its row, and only in its order.
    let rows: [&[(&str, bool)]; 2] = [
        &[("abuff1", true), ("abuff2", false)],
        &[("blob1", true), ("blob2", false), ("blob3", true)],
    ];
    for row in rows {
        for (step, (name, binary)) in row.iter().copied().enumerate() {
            let last = step + 1 == row.len();
            namespace = namespace.on(name, move |socket, event| {
                let Some(memory) = socket.data::<Memory>() else { return };
                let in_order = memory.steps.fetch_add(1, Ordering::Relaxed) == step;
                if in_order && last && (!binary || is_binary(&event, "/0")) {
                    emit(socket, &format!("{name}-ack"), &json!([]));
                }
            });
        }
    }
    namespace
}

fn shown_handshake() -> Namespace {
    Namespace::new()
        .middleware(async |request: &ConnectRequest| Ok(Data::new(handshake(request))))
        .on_connect(|socket| {
            if let Some(handshake) = socket.data::<Value>() {
                emit(&socket, "handshake", &json!([handshake]));
            }
        })
}

fn refused() -> Namespace {
    Namespace::new().middleware(async |_: &ConnectRequest| {
        Err(ConnectError::new("Auth failed (custom namespace)"))
    })
}

fn get_id(socket: &Socket, mut event: Event) {
    answer(&mut event, &json!([socket.id().as_str()]));
}

fn emit(socket: &Socket, name: &str, args: &Value) {
    let _ = socket.emit(name, args);
}

fn emit_bytes(socket: &Socket, name: &str) {
    let _ = socket.emit_with(name, PLACEHOLDER, vec![BYTES]);
}

fn answer(event: &mut Event, args: &Value) {
    let _ = event.ack(args);
}

/// Whether there is an attachment in this place of the arguments.
fn is_binary(event: &Event, place: &str) -> bool {
    let args: Value = event.parse().unwrap_or_default();
    args.pointer(place).is_some_and(|value| value["_placeholder"] == true)
        && !event.attachments().is_empty()
}

/// The handshake as Node's server shows it, as far as the tests look.
fn handshake(request: &ConnectRequest) -> Value {
    let mut query = Map::new();
    for pair in request.query().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        query.insert(percent_decode(name), percent_decode(value).into());
    }
    let auth = request.auth().and_then(|auth| serde_json::from_str(auth.get()).ok());
    json!({ "query": query, "auth": auth.unwrap_or_else(|| json!({})) })
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
