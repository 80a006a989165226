//! An Engine.IO server that sends back what it hears, for the protocol's public test suite.
//!
//! `cargo run --release -p parlor-gateway --example engineio_echo`; `PORT` overrides port 3000.

use std::net::TcpListener;
use std::time::Duration;

use parlor_gateway::{Config, Engine, Gateway, Listener};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut gateway = Gateway::builder(Config {
        path: "/engine.io/".to_owned(),
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        max_payload: 1_000_000,
        ..Config::default()
    });
    gateway.engine(Engine::new().on_message(|link, message| {
        // A full inbox would drop the echo, which the client would notice.
        let _ = link.send(message);
    }));
    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let tcp =
        TcpListener::bind(("::", port)).or_else(|_| TcpListener::bind(("127.0.0.1", port)))?;
    let running = gateway.serve(vec![Listener { tcp, tls: None }], 1)?;
    println!("listening on {}", running.local_addrs()[0]);
    loop {
        std::thread::park();
    }
}
