//! The peer socketioxide on axum, as its documentation sets it up.
//!
//! The same events as the other servers of the benchmark: every socket joins `all` and the room
//! of its user, and the one that it names in `enter`; `broadcast` is emitted to its `room`, or else
//! to `all`, as `event`; `echo_ack` is acknowledged with its argument; `dm {to, content}` is relayed to the room of the user, then acknowledged.

use axum::serve::ListenerExt;
use serde::Deserialize;
use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};

#[derive(Deserialize)]
struct Auth {
    token: String,
}

#[derive(Deserialize)]
struct Direct {
    to: String,
    content: Value,
}

async fn on_connect(socket: SocketRef, io: SocketIo, Data(auth): Data<Auth>) {
    let user = auth.token;
    socket.join(["all".to_owned(), format!("user:{user}")]);
    socket.on("enter", async |socket: SocketRef, Data::<String>(room), ack: AckSender| {
        socket.join(room);
        let _ = ack.send(&json!({ "status": "ok" }));
    });
    let everyone = io.clone();
    socket.on("broadcast", async move |Data::<Value>(payload), ack: AckSender| {
        // A failed emit shows as a lost delivery, which fails the run.
        let room = payload["room"].as_str().unwrap_or("all").to_owned();
        let _ = everyone.to(room).emit("event", &payload).await;
        let _ = ack.send(&json!({ "status": "ok" }));
    });
    socket.on("echo_ack", async |Data::<Value>(payload), ack: AckSender| {
        let _ = ack.send(&payload);
    });
    socket.on("dm", async move |Data::<Direct>(direct), ack: AckSender| {
        let room = format!("user:{}", direct.to);
        let message = json!({ "from": user, "content": direct.content });
        let _ = io.to(room).emit("dm", &message).await;
        let _ = ack.send(&json!({ "status": "sent" }));
    });
    let _ = socket.emit("ready", &json!({}));
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", on_connect);
    let app = axum::Router::new().layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening {}", listener.local_addr()?);
    // axum leaves Nagle's algorithm on; with it acks wait for the client's delayed TCP ack.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("no TCP_NODELAY: {error}");
        }
    });
    axum::serve(listener, app).await?;
    Ok(())
}
