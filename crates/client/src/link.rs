//! One connection to the server: Socket.IO packets over a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::Uri;
use parlor_wire::{engine, packet};
use rustls::ClientConfig;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message as Frame};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
};

use crate::core::Said;
use crate::protocol::Closing;
use crate::tls::{self, Refused};

/// The largest packet that is read: a page of history with room to spare.
const PACKET_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a packet may take to be taken by the network.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// What the server sent.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The server's answer to CONNECT.
    Connected,
    /// It will not let the client in.
    ConnectRefused(Closing),
    /// An event and its first argument.
    Event(String, Value),
    /// An answer.
    Ack(u64, Value),
    /// The server ended the session.
    Disconnected,
}

/// Why there is no connection, or no longer.
#[derive(Debug)]
pub(crate) enum LinkError {
    /// The server has no room now, and said when to come again.
    Busy(Option<Duration>),
    /// The server's certificate is not believed.
    Certificate(String),
    /// Anything else, for people.
    Broken(String),
}

impl From<tungstenite::Error> for LinkError {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(answer) if answer.status() == 503 => {
                let seconds = answer.headers().get("retry-after").and_then(|it| it.to_str().ok());
                let seconds = seconds.and_then(|text| text.parse().ok());
                Self::Busy(seconds.map(Duration::from_secs))
            }
            tungstenite::Error::Http(answer) => Self::Broken(format!(
                "the address answered {}, which no Parlor does",
                answer.status()
            )),
            tungstenite::Error::Io(error) => match tls::refused(&error) {
                Some(Refused::Certificate(why)) => Self::Certificate(why),
                Some(Refused::NoTls) => Self::Broken("the address does not speak TLS".to_owned()),
                None => Self::Broken(error.to_string()),
            },
            error => Self::Broken(error.to_string()),
        }
    }
}

/// A connection.
pub(crate) struct Link {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// A server that has said nothing for so long is gone.
    silence_max: Duration,
    heard_at: Instant,
}

impl Link {
    /// Connects and says who the client is; [`Heard::Connected`] is still to come.
    ///
    /// # Cancel safety
    /// It is: what was begun is given up.
    pub(crate) async fn open(
        url: &Uri,
        trust: Option<&Arc<ClientConfig>>,
        auth: &Value,
    ) -> Result<Self, LinkError> {
        let config = WebSocketConfig::default()
            .max_message_size(Some(PACKET_BYTES_MAX))
            .max_frame_size(Some(PACKET_BYTES_MAX));
        let connector = trust.map_or(Connector::Plain, |it| Connector::Rustls(Arc::clone(it)));
        let (socket, _) =
            connect_async_tls_with_config(url, Some(config), true, Some(connector)).await?;
        let mut link =
            Self { socket, silence_max: Duration::from_secs(60), heard_at: Instant::now() };
        let opening = link.text().await?;
        let Ok(engine::Packet::Open(handshake)) = engine::Packet::decode(&opening) else {
            return Err(LinkError::Broken("the server does not speak Socket.IO".to_owned()));
        };
        if let Ok(handshake) = serde_json::from_str::<engine::Handshake<'_>>(handshake) {
            let silence = handshake.ping_interval_ms.saturating_add(handshake.ping_timeout_ms);
            link.silence_max = Duration::from_millis(silence);
        }
        let data = auth.to_string();
        let kind = packet::Kind::Connect;
        let connect =
            packet::Packet { kind, namespace: "/", ack_id: None, attachments: 0, data: &data };
        let mut text = String::from("4");
        connect.encode(&mut text);
        link.write(text).await?;
        Ok(link)
    }

    pub(crate) async fn say(&mut self, said: &Said) -> Result<(), LinkError> {
        let mut text = String::from("4");
        let args = format!("[{}]", said.payload);
        packet::encode_event("/", said.ack_id, 0, &said.event, &args, &mut text);
        self.write(text).await
    }

    /// The next thing that the server says. Pings are answered on the way.
    ///
    /// # Cancel safety
    /// It is, but that a pong may be lost, after which the server pings once more.
    pub(crate) async fn next(&mut self) -> Result<Heard, LinkError> {
        loop {
            let text = self.text().await?;
            let Ok(frame) = engine::Packet::decode(&text) else {
                return Err(LinkError::Broken("the server broke the protocol".to_owned()));
            };
            match frame {
                engine::Packet::Ping(data) => self.write(format!("3{data}")).await?,
                engine::Packet::Message(text) => {
                    if let Some(heard) = decode(text)? {
                        return Ok(heard);
                    }
                }
                engine::Packet::Close => return Ok(Heard::Disconnected),
                _ => {}
            }
        }
    }

    /// Says goodbye, as far as the network takes it at once.
    pub(crate) async fn close(mut self) {
        let _ = timeout(Duration::from_secs(1), async {
            self.socket.send(Frame::text("41")).await?;
            self.socket.close(None).await
        })
        .await;
    }

    async fn write(&mut self, text: String) -> Result<(), LinkError> {
        match timeout(WRITE_TIMEOUT, self.socket.send(Frame::text(text))).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(LinkError::Broken("the network takes nothing".to_owned())),
        }
    }

    async fn text(&mut self) -> Result<tungstenite::Utf8Bytes, LinkError> {
        loop {
            let deadline = self.heard_at + self.silence_max;
            let frame = timeout_at(deadline, self.socket.next()).await;
            let frame =
                frame.map_err(|_| LinkError::Broken("the server has fallen silent".to_owned()))?;
            let frame =
                frame.ok_or_else(|| LinkError::Broken("the connection was cut".to_owned()))??;
            self.heard_at = Instant::now();
            match frame {
                Frame::Text(text) => return Ok(text),
                Frame::Close(_) => {
                    return Err(LinkError::Broken("the connection was cut".to_owned()));
                }
                _ => {}
            }
        }
    }
}

/// What a Socket.IO packet says; `None` if that is nothing to this client.
fn decode(text: &str) -> Result<Option<Heard>, LinkError> {
    let broken = || LinkError::Broken("the server broke the protocol".to_owned());
    let limits = packet::Limits::default();
    let packet = packet::Packet::decode(text, &limits).map_err(|_| broken())?;
    let first = |data: &str| -> Result<Value, LinkError> {
        let args: Vec<Value> = serde_json::from_str(data).map_err(|_| broken())?;
        Ok(args.into_iter().next().unwrap_or_default())
    };
    Ok(match packet.kind {
        packet::Kind::Connect => Some(Heard::Connected),
        packet::Kind::Disconnect => Some(Heard::Disconnected),
        packet::Kind::ConnectError => Some(Heard::ConnectRefused(connect_error(packet.data))),
        packet::Kind::Event => {
            let args = packet::EventArgs::split(packet.data).map_err(|_| broken())?;
            let payload =
                args.get(0).map(serde_json::from_str).transpose().map_err(|_| broken())?;
            Some(Heard::Event(args.name().to_owned(), payload.unwrap_or_default()))
        }
        packet::Kind::Ack => match packet.ack_id {
            Some(id) => Some(Heard::Ack(id, first(packet.data)?)),
            None => None,
        },
        packet::Kind::BinaryEvent | packet::Kind::BinaryAck => None,
    })
}

/// A `connect_error` has a message, which is the code, and the rest as data.
fn connect_error(data: &str) -> Closing {
    let said: Value = serde_json::from_str(data).unwrap_or_default();
    serde_json::from_value(said["data"].clone()).unwrap_or_else(|_| Closing {
        code: said["message"].as_str().unwrap_or("unauthorized").to_owned(),
        error: "the server will not let the client in".to_owned(),
        retry_after_ms: None,
        until: None,
        rule: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_understood() {
        let event = decode(r#"2["ready",{"a":1}]"#).expect("a packet");
        assert!(
            matches!(event, Some(Heard::Event(name, value)) if name == "ready" && value["a"] == 1)
        );
        let ack = decode(r#"37[{"status":"ok"}]"#).expect("a packet");
        assert!(matches!(ack, Some(Heard::Ack(7, value)) if value["status"] == "ok"));
        let text = r#"4{"message":"unauthorized","data":{"code":"unauthorized","error":"no"}}"#;
        let refused = decode(text).expect("a packet");
        assert!(matches!(refused, Some(Heard::ConnectRefused(it)) if it.code == "unauthorized"));
        for broken in ["", "9", "2", "2{}", "3[", r#"2["disconnect"]"#] {
            assert!(decode(broken).is_err(), "{broken}");
        }
    }
}
