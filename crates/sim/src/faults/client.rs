//! The least Socket.IO client that fault runs need: one WebSocket, one namespace, JSON.
//!
//! It hides nothing: no reconnect, no buffer. [`super::device`] builds the behaviour of a stock
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

use super::tokens::token;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// What the server sent.
#[derive(Debug)]
pub(super) enum Incoming {
    /// An event and its first argument.
    Event(String, Value),
    /// The answer to the emit with this ack id, its first argument.
    Ack(u64, Value),
}

/// What a device says of itself when it connects.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    /// The user.
    pub(super) user: String,
    /// Its own name.
    pub(super) device: String,
    /// Further fields of `auth`, such as what it has already.
    pub(super) more: serde_json::Map<String, Value>,
}

impl Hello {
    /// A device that says no more than its name.
    pub(super) fn new(user: &str, device: &str) -> Self {
        Self { user: user.into(), device: device.into(), more: serde_json::Map::new() }
    }

    fn auth(&self) -> Result<Value> {
        let mut auth = self.more.clone();
        auth.insert("token".into(), token(&self.user)?.into());
        auth.insert("deviceId".into(), self.device.clone().into());
        Ok(Value::Object(auth))
    }
}

/// A connection whose CONNECT was answered.
pub(super) struct Connection {
    socket: WebSocketStream<TcpStream>,
    next_ack: u64,
}

impl Connection {
    /// Connects as a user's device.
    ///
    /// # Errors
    /// When the server is not there, refuses, or does not answer within five seconds.
    pub(super) async fn open(addr: SocketAddr, hello: &Hello) -> Result<Self> {
        timeout(CONNECT_TIMEOUT, Self::handshake(addr, hello))
            .await
            .context("no answer to the connect")?
    }

    async fn handshake(addr: SocketAddr, hello: &Hello) -> Result<Self> {
        let tcp = TcpStream::connect(addr).await?;
        tcp.set_nodelay(true)?;
        let url = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket");
        let (socket, _) = client_async(url, tcp).await?;
        let mut connection = Self { socket, next_ack: 0 };
        connection.send(format!("40{}", hello.auth()?)).await?;
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
    pub(super) async fn emit(&mut self, event: &str, payload: &Value) -> Result<()> {
        self.send(format!("42{}", json!([event, payload]))).await
    }

    /// Emits with an ack id, which is returned at once.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) async fn emit_with_ack(&mut self, event: &str, payload: &Value) -> Result<u64> {
        self.next_ack += 1;
        self.send(format!("42{}{}", self.next_ack, json!([event, payload]))).await?;
        Ok(self.next_ack)
    }

    /// Emits and waits for an answer that is not an error; events that come meanwhile are dropped.
    ///
    /// # Errors
    /// When the connection is gone, there is no answer within 20 seconds, or it is an error.
    pub(super) async fn request(&mut self, event: &str, payload: &Value) -> Result<Value> {
        let answer = self.ask(event, payload).await?;
        if answer["status"] != "ok" {
            bail!("{event} {payload} was answered {answer}");
        }
        Ok(answer)
    }

    /// Waits for an event by its name, dropping what comes before; its payload.
    ///
    /// # Errors
    /// When the connection is gone, or it does not come within 20 seconds.
    pub(super) async fn event(&mut self, name: &str) -> Result<Value> {
        let event = timeout(REQUEST_TIMEOUT, async {
            loop {
                match self.next().await? {
                    Incoming::Event(got, payload) if got == name => return anyhow::Ok(payload),
                    _ => {}
                }
            }
        });
        event.await.with_context(|| format!("no {name}"))?
    }

    /// Emits and waits for the answer, whatever its status; events that come meanwhile are dropped.
    ///
    /// # Errors
    /// When the connection is gone, or there is no answer within 20 seconds.
    pub(super) async fn ask(&mut self, event: &str, payload: &Value) -> Result<Value> {
        let id = self.emit_with_ack(event, payload).await?;
        self.answer(id).await.with_context(|| format!("no answer to {event}"))
    }

    /// Waits for the answer to the emit with this ack id; events that come meanwhile are dropped.
    ///
    /// # Errors
    /// When the connection is gone, or there is no answer within 20 seconds.
    pub(super) async fn answer(&mut self, id: u64) -> Result<Value> {
        let answer = timeout(REQUEST_TIMEOUT, async {
            loop {
                match self.next().await? {
                    Incoming::Ack(got, value) if got == id => return anyhow::Ok(value),
                    _ => {}
                }
            }
        });
        answer.await.context("no answer")?
    }

    /// Waits for something else, answering pings on the way and dropping what comes.
    pub(super) async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        tokio::pin!(other);
        loop {
            tokio::select! {
                outcome = &mut other => return outcome,
                heard = self.next() => match heard {
                    Ok(_) => {}
                    Err(_) => return other.await,
                },
            }
        }
    }

    /// The next event or ack; pings are answered on the way. Cancel safe.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) async fn next(&mut self) -> Result<Incoming> {
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
