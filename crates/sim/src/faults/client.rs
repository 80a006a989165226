//! The least Socket.IO client that fault runs need: one WebSocket, one namespace, JSON.
//!
//! It hides nothing: no reconnect, no buffer. [`crate::device`] builds the behaviour of a stock
//! client with retries on it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{WebSocketStream, client_async};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// What the server sent.
#[derive(Debug)]
pub enum Incoming {
    /// An event and its first argument.
    Event(String, Value),
    /// The answer to the emit with this ack id, its first argument.
    Ack(u64, Value),
}

/// A connection whose CONNECT was answered.
pub struct Connection {
    socket: WebSocketStream<TcpStream>,
    next_ack: u64,
}

impl Connection {
    /// Connects as a user's device, the bare name being the token.
    ///
    /// # Errors
    /// When the server is not there, refuses, or does not answer within five seconds.
    pub async fn open(addr: SocketAddr, user: &str, device: &str) -> Result<Self> {
        timeout(CONNECT_TIMEOUT, Self::handshake(addr, user, device))
            .await
            .context("no answer to the connect")?
    }

    async fn handshake(addr: SocketAddr, user: &str, device: &str) -> Result<Self> {
        let tcp = TcpStream::connect(addr).await?;
        tcp.set_nodelay(true)?;
        let url = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket");
        let (socket, _) = client_async(url, tcp).await?;
        let mut connection = Self { socket, next_ack: 0 };
        let auth = json!({ "token": user, "deviceId": device });
        connection.send(format!("40{auth}")).await?;
        loop {
            let text = connection.text().await?;
            if text.starts_with("40") {
                return Ok(connection);
            }
            if let Some(error) = text.strip_prefix("44") {
                bail!("refused: {error}");
            }
        }
    }

    /// Emits without asking for an ack.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn emit(&mut self, event: &str, payload: &Value) -> Result<()> {
        self.send(format!("42{}", json!([event, payload]))).await
    }

    /// Emits with an ack id, which is returned at once.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn emit_with_ack(&mut self, event: &str, payload: &Value) -> Result<u64> {
        self.next_ack += 1;
        self.send(format!("42{}{}", self.next_ack, json!([event, payload]))).await?;
        Ok(self.next_ack)
    }

    /// Emits and waits for the answer; events that come meanwhile are dropped.
    ///
    /// # Errors
    /// When the connection is gone, there is no answer within 20 seconds, or it is an error.
    pub async fn request(&mut self, event: &str, payload: &Value) -> Result<Value> {
        let id = self.emit_with_ack(event, payload).await?;
        let answer = timeout(REQUEST_TIMEOUT, async {
            loop {
                match self.next().await? {
                    Incoming::Ack(got, value) if got == id => return anyhow::Ok(value),
                    _ => {}
                }
            }
        });
        let answer = answer.await.with_context(|| format!("no answer to {event}"))??;
        if answer["status"] != "ok" {
            bail!("{event} {payload} was answered {answer}");
        }
        Ok(answer)
    }

    /// The next event or ack; pings are answered on the way. Cancel safe.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn next(&mut self) -> Result<Incoming> {
        loop {
            let text = self.text().await?;
            if text == "2" {
                self.send("3".into()).await?;
            } else if let Some(rest) = text.strip_prefix("42") {
                let mut args: Vec<Value> = serde_json::from_str(rest)?;
                args.resize(2, Value::Null);
                let payload = args.pop().unwrap_or_default();
                let name = args.pop().unwrap_or_default();
                return Ok(Incoming::Event(name.as_str().unwrap_or_default().into(), payload));
            } else if let Some(rest) = text.strip_prefix("43") {
                let digits = rest.find('[').context("an ack without arguments")?;
                let mut args: Vec<Value> = serde_json::from_str(&rest[digits..])?;
                args.truncate(1);
                return Ok(Incoming::Ack(rest[..digits].parse()?, args.pop().unwrap_or_default()));
            } else if text == "41" || text == "1" {
                bail!("the server closed the connection");
            }
        }
    }

    async fn send(&mut self, text: String) -> Result<()> {
        Ok(self.socket.send(Frame::text(text)).await?)
    }

    async fn text(&mut self) -> Result<String> {
        loop {
            match self.socket.next().await.context("the connection ended")?? {
                Frame::Text(text) => return Ok(text.as_str().to_owned()),
                Frame::Close(_) => bail!("the server closed the connection"),
                _ => {}
            }
        }
    }
}
