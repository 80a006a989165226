//! A small Socket.IO client over WebSocket that keeps all it hears, in order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

type Sink = SplitSink<WebSocketStream<MaybeTlsStream<TcpStream>>, Message>;

/// Something the client heard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Connected(Value),
    Refused(Value),
    Event(String, Value),
    Ack(u64, Value),
    Pinged,
    Disconnected,
    Closed,
    /// Something that is not what the protocol's types say; whatever waits here fails by it.
    Misshapen(String),
}

#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<Heard>>,
    came: Notify,
    /// Whether pings are left unanswered.
    mute: AtomicBool,
    /// The last argument of the last event that ended in a text, as stock clients keep it.
    offset: Mutex<Option<String>>,
}

impl Ear {
    fn hear(&self, heard: Heard) {
        self.heard.lock().push(heard);
        self.came.notify_waiters();
    }
}

/// A connected (or refused) client.
pub(crate) struct Client {
    ear: Arc<Ear>,
    sink: Arc<tokio::sync::Mutex<Option<Sink>>>,
    next_ack: AtomicU64,
    /// The commands that wait for their answers, to hold those against the protocol's shapes.
    asked: Arc<Mutex<HashMap<u64, String>>>,
    reader: tokio::task::JoinHandle<()>,
}

impl Client {
    /// Opens a connection and sends CONNECT, whatever comes of it.
    pub(crate) async fn open(address: std::net::SocketAddr, auth: Value) -> Self {
        Self::open_with(address, auth, None).await
    }

    /// The same, with a token in the `Authorization` header.
    pub(crate) async fn open_with(
        address: std::net::SocketAddr,
        auth: Value,
        bearer: Option<&str>,
    ) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let mut request = url.into_client_request().expect("a request");
        if let Some(token) = bearer {
            let value = format!("Bearer {token}").parse().expect("a header's value");
            request.headers_mut().insert("authorization", value);
        }
        let (stream, _) = tokio_tungstenite::connect_async(request).await.expect("a WebSocket");
        let (sink, mut stream) = stream.split();
        let (ear, sink) = (Arc::new(Ear::default()), Arc::new(tokio::sync::Mutex::new(Some(sink))));
        let (listening, answering) = (Arc::clone(&ear), Arc::clone(&sink));
        let asked = Arc::new(Mutex::new(HashMap::new()));
        let waiting = Arc::clone(&asked);
        let reader = tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                let Message::Text(text) = message else { continue };
                if text.as_str() == "2" {
                    if !listening.mute.load(Ordering::Relaxed) {
                        write(&answering, Message::text("3")).await;
                    }
                    listening.hear(Heard::Pinged);
                } else if let Some(heard) = read(&text) {
                    // Both at once: whoever asks for the offset has heard what it stands for.
                    let heard = hold_to_shape(heard, &waiting);
                    let mut offset = listening.offset.lock();
                    if let Some(new) = last_text(&text) {
                        *offset = Some(new);
                    }
                    listening.hear(heard);
                }
            }
            // Both halves go, so that the server need not wait for this end.
            answering.lock().await.take();
            listening.hear(Heard::Closed);
        });
        let client = Self { ear, sink, next_ack: AtomicU64::new(0), asked, reader };
        client.raw(&format!("40{auth}")).await;
        client
    }

    /// Connects and waits until it is let in and caught up.
    pub(crate) async fn connect(address: std::net::SocketAddr, auth: Value) -> Self {
        let client = Self::open(address, auth).await;
        client.wait(|heard| matches!(heard, Heard::Connected(_)).then_some(())).await;
        client.event("caught_up", 0).await;
        client
    }

    /// Connects as a user on a device and waits until it is caught up.
    pub(crate) async fn device(address: std::net::SocketAddr, token: &str, device: &str) -> Self {
        Self::connect(address, json!({"token": token, "deviceId": device})).await
    }

    /// What the CONNECT was answered.
    pub(crate) async fn answered(&self) -> Value {
        let answer = |heard: &Heard| match heard {
            Heard::Connected(answer) => Some(answer.clone()),
            _ => None,
        };
        self.wait(answer).await
    }

    /// What a stock client would say of itself when it comes back: its pid and its last offset.
    pub(crate) async fn recovery(&self) -> (Value, Option<String>) {
        (self.answered().await["pid"].clone(), self.offset())
    }

    /// The last offset that was heard.
    pub(crate) fn offset(&self) -> Option<String> {
        self.ear.offset.lock().clone()
    }

    /// Hears and answers nothing more.
    pub(crate) async fn cut(&mut self) {
        self.reader.abort();
        // It is as good as over, whichever way it ends.
        let _ = (&mut self.reader).await;
    }

    /// Sends a text frame as it is.
    pub(crate) async fn raw(&self, text: &str) {
        write(&self.sink, Message::text(text)).await;
    }

    /// Sends a binary frame as it is.
    pub(crate) async fn raw_binary(&self, bytes: &[u8]) {
        write(&self.sink, Message::binary(bytes.to_vec())).await;
    }

    /// Leaves pings unanswered from now on.
    pub(crate) fn mute(&self) {
        self.ear.mute.store(true, Ordering::Relaxed);
    }

    /// Answers the last ping after all, and pings from now on.
    pub(crate) async fn unmute(&self) {
        self.ear.mute.store(false, Ordering::Relaxed);
        self.raw("3").await;
    }

    /// Emits an event without asking for an answer.
    pub(crate) async fn emit(&self, event: &str, payload: Value) {
        self.raw(&format!("42{}", json!([event, payload]))).await;
    }

    /// Emits an event and gives the id of its answer.
    pub(crate) async fn submit(&self, event: &str, payload: Value) -> u64 {
        let id = self.next_ack.fetch_add(1, Ordering::Relaxed);
        self.asked.lock().insert(id, event.to_owned());
        self.raw(&format!("42{id}{}", json!([event, payload]))).await;
        id
    }

    /// Waits for an answer.
    pub(crate) async fn answer(&self, id: u64) -> Value {
        let answer = |heard: &Heard| match heard {
            Heard::Ack(of, value) if *of == id => Some(value.clone()),
            _ => None,
        };
        self.wait(answer).await
    }

    /// Emits an event and waits for its answer.
    pub(crate) async fn call(&self, event: &str, payload: Value) -> Value {
        let id = self.submit(event, payload).await;
        self.answer(id).await
    }

    /// Sends a message and expects that it is kept.
    pub(crate) async fn send(&self, to: &str, content: impl Into<Value>) -> Value {
        let payload = json!({"toUserId": to, "content": content.into()});
        let answer = self.call("private_message", payload).await;
        assert_eq!(answer["status"], "sent", "{answer}");
        answer
    }

    /// Waits for the event of that name with that index, counted from 0.
    pub(crate) async fn event(&self, name: &str, index: usize) -> Value {
        self.until(&format!("{name} #{index}"), |heard| named(heard, name).nth(index)).await
    }

    /// Waits for so many events of that name, and gives all there are.
    pub(crate) async fn events(&self, name: &str, count: usize) -> Vec<Value> {
        if count > 0 {
            self.event(name, count - 1).await;
        }
        self.now(name)
    }

    /// The events of that name so far.
    pub(crate) fn now(&self, name: &str) -> Vec<Value> {
        named(&self.ear.heard.lock(), name).collect()
    }

    /// Everything heard so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.ear.heard.lock().clone()
    }

    /// Waits for something heard.
    pub(crate) async fn wait<T>(&self, find: impl Fn(&Heard) -> Option<T>) -> T {
        self.until("something", |heard| heard.iter().find_map(&find)).await
    }

    /// Waits until the connection is closed.
    pub(crate) async fn closed(&self) {
        self.wait(|heard| matches!(heard, Heard::Closed).then_some(())).await;
    }

    /// Waits for `count` more pings, so that the answers to those before have arrived.
    pub(crate) async fn pings(&self, count: usize) {
        let pings = |heard: &[Heard]| heard.iter().filter(|it| **it == Heard::Pinged).count();
        let goal = pings(&self.ear.heard.lock()) + count;
        self.until("pings", |heard| (pings(heard) >= goal).then_some(())).await;
    }

    /// Waits until every command sent before is answered; so what it caused here was heard.
    pub(crate) async fn settle(&self) {
        self.call("no such event", json!({})).await;
    }

    async fn until<T>(&self, what: &str, find: impl Fn(&[Heard]) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let came = self.ear.came.notified();
                tokio::pin!(came);
                came.as_mut().enable();
                if let Some(Heard::Misshapen(how)) =
                    self.ear.heard.lock().iter().find(|it| matches!(it, Heard::Misshapen(_)))
                {
                    panic!("{how}");
                }
                if let Some(found) = find(&self.ear.heard.lock()) {
                    return found;
                }
                came.await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("{what} did not come; heard {:#?}", self.heard()),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn write(sink: &tokio::sync::Mutex<Option<Sink>>, message: Message) {
    if let Some(sink) = &mut *sink.lock().await {
        // A connection that is gone is noticed by the reader.
        let _ = sink.send(message).await;
    }
}

fn named<'a>(heard: &'a [Heard], name: &'a str) -> impl Iterator<Item = Value> + 'a {
    heard.iter().filter_map(move |heard| match heard {
        Heard::Event(event, payload) if event == name => Some(payload.clone()),
        _ => None,
    })
}

/// The last argument of an event, if there are several and it is a text.
fn last_text(text: &str) -> Option<String> {
    let args: Vec<Value> = serde_json::from_str(text.strip_prefix("42")?).ok()?;
    args.last().filter(|_| args.len() > 1)?.as_str().map(str::to_owned)
}

/// What was heard, or how it differs from the types that clients are given.
fn hold_to_shape(heard: Heard, asked: &Mutex<HashMap<u64, String>>) -> Heard {
    let (what, checked) = match &heard {
        Heard::Event(name, value) => (name.clone(), parlor_protocol::check_event(name, value)),
        Heard::Ack(id, value) => {
            let Some(command) = asked.lock().remove(id) else { return heard };
            let checked = parlor_protocol::check_answer(&command, value);
            (format!("the answer to {command}"), checked)
        }
        _ => return heard,
    };
    match checked {
        Ok(()) => heard,
        Err(error) => Heard::Misshapen(format!("{what} is misshapen: {error}; {heard:?}")),
    }
}

fn read(text: &str) -> Option<Heard> {
    let packet = text.strip_prefix('4')?;
    let (kind, rest) = packet.split_at_checked(1)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (id, data) = rest.split_at(digits);
    let data: Value = serde_json::from_str(data).unwrap_or(Value::Null);
    Some(match kind {
        "0" => Heard::Connected(data),
        "1" => Heard::Disconnected,
        "2" => Heard::Event(data[0].as_str()?.to_owned(), data[1].clone()),
        "3" => Heard::Ack(id.parse().ok()?, data[0].clone()),
        "4" => Heard::Refused(data),
        _ => return None,
    })
}
