//! A Socket.IO server that sends back what it hears, for the protocol's public test suite.
//!
//! `cargo run --release -p parlor-gateway --example socketio_echo`; `PORT` overrides port 3000.

use std::net::TcpListener;
use std::time::Duration;

use parlor_gateway::{Config, ConnectRequest, Data, Gateway, Listener, Namespace};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut gateway = Gateway::builder(Config {
        path: "/socket.io/".to_owned(),
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        max_payload: 1_000_000,
        connect_timeout: Duration::from_millis(1_000),
        ..Config::default()
    });
    gateway.namespace("/", echo()).namespace("/custom", echo());
    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let tcp =
        TcpListener::bind(("::", port)).or_else(|_| TcpListener::bind(("127.0.0.1", port)))?;
    let running = gateway.serve(vec![Listener { tcp, tls: None }], 1)?;
    println!("listening on {}", running.local_addrs()[0]);
    loop {
        std::thread::park();
    }
}

/// Tells a client its own handshake, then answers its messages. An emit fails only when the shard
/// is overloaded; what is lost then, the client notices.
fn echo() -> Namespace {
    Namespace::new()
        .middleware(async |request: &ConnectRequest| {
            let auth = request.auth().map_or("{}", |auth| auth.get());
            Ok(Data::new(format!("[{auth}]")))
        })
        .on_connect(|socket| {
            let auth = socket.data::<String>().map_or("[{}]", String::as_str);
            let _ = socket.emit_raw("auth", auth);
        })
        .on("message", |socket, event| {
            let attachments = event.attachments().to_vec();
            let _ = socket.emit_with("message-back", event.args(), attachments);
        })
        .on("message-with-ack", |_, mut event| {
            if let Some(ack) = event.take_ack() {
                let _ = ack.send_with(event.args(), event.attachments().to_vec());
            }
        })
}
