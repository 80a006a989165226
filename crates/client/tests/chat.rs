//! Two clients of the real server.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use parlor_client::{Error, MessageState, Parlor, SqliteOutbox, State, Update, Updates};
use serde_json::json;
use support::{PATIENCE, Server, until, until_state};

async fn live(builder: parlor_client::Builder) -> Parlor {
    let parlor = builder.connect().expect("a client");
    tokio::time::timeout(PATIENCE, parlor.live()).await.expect("in time").expect("it is let in");
    parlor
}

/// The texts that somebody else says next, so many of them.
async fn texts(updates: &mut Updates, many: usize) -> Vec<String> {
    let mut heard = Vec::new();
    let listening = async {
        while heard.len() < many {
            match updates.next().await.expect("it goes on") {
                Update::Message { message, .. } => {
                    heard.push(message.text().expect("a text").to_owned());
                }
                Update::Missed(many) => panic!("{many} updates were missed"),
                _ => {}
            }
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, listening).await;
    assert!(outcome.is_ok(), "only {} of {many} were heard", heard.len());
    heard
}

/// What a client shows of a conversation: numbers, texts.
fn shown(parlor: &Parlor, other: &str) -> Vec<(u64, String)> {
    let messages = parlor.direct(other).messages();
    let logged =
        messages.iter().filter_map(|it| Some((it.logged.as_ref()?.seq, it.text()?.to_owned())));
    logged.collect()
}

#[tokio::test]
async fn two_users_chat() {
    let server = Server::dev();
    let (alice, bob) = (live(server.client("alice")).await, live(server.client("bob")).await);
    let mut updates = bob.updates();
    let to_bob = alice.direct("bob");
    let sent = to_bob.send("Hello!").await.expect("kept").sent().await.expect("sent");
    assert_eq!((sent.seq, sent.conversation_id.as_str()), (1, "dm:alice:bob"));
    assert_eq!(texts(&mut updates, 1).await, ["Hello!"]);

    // Receipts: delivered by itself, read when the app says so.
    let state =
        |parlor: &Parlor| parlor.direct("bob").messages().pop().map(|message| message.state);
    until("it is delivered", || state(&alice) == Some(MessageState::Delivered)).await;
    until("it is unread", || bob.direct("alice").view().unread == 1).await;
    bob.direct("alice").mark_read();
    until("it is read", || state(&alice) == Some(MessageState::Read)).await;
    assert_eq!(bob.direct("alice").view().unread, 0);

    // Typing and presence.
    bob.direct("alice").types();
    until("bob types", || to_bob.view().typing == ["bob"]).await;
    alice.watch_presence("bob");
    until("bob is online", || alice.presence("bob").is_some_and(|it| it.online)).await;

    // What is done to a message, by a command and by an entry.
    bob.direct("alice").react(&sent.id, "👍").await.expect("it may");
    until("alice sees it", || {
        let message = to_bob.messages().pop().and_then(|message| message.logged);
        message.is_some_and(|message| message.reactions.len() == 1)
    })
    .await;
    to_bob.edit(&sent.id, "Hello, Bob!").await.expect("it may");
    until("bob sees it", || shown(&bob, "alice") == [(1, "Hello, Bob!".to_owned())]).await;
    until("alice sees it", || shown(&alice, "bob") == [(1, "Hello, Bob!".to_owned())]).await;

    // Groups, by a command of the protocol.
    let group = alice.command("group_create", json!({ "name": "Owls", "members": ["bob"] })).await;
    let group = group.expect("made")["groupId"].as_str().expect("an id").to_owned();
    let owls = alice.group(&group);
    owls.send("Who's there?").await.expect("kept").sent().await.expect("sent");
    assert_eq!(texts(&mut updates, 1).await, ["Who's there?"]);
    until("it is named", || bob.group(&group).view().name == "Owls").await;
    let listed = bob.conversations().conversations;
    let names: Vec<_> = listed.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["Owls", "alice"]);
}

#[tokio::test]
async fn what_is_refused_waits_and_holds_up_nothing() {
    let server = Server::dev();
    let (alice, bob) = (live(server.client("alice")).await, live(server.client("bob")).await);
    bob.command("block", json!({ "userId": "alice" })).await.expect("blocked");
    let to_bob = alice.direct("bob");
    let refused = to_bob.send("Hello?").await.expect("kept");
    let key = refused.client_id().to_owned();
    let error = refused.sent().await.expect_err("it is refused");
    assert!(matches!(&error, Error::Permission(refusal) if refusal.code == "blocked"), "{error}");
    alice.direct("carol").send("Hi").await.expect("kept").sent().await.expect("sent");

    bob.command("unblock", json!({ "userId": "alice" })).await.expect("unblocked");
    let again = to_bob.retry(&key).await.expect("kept").expect("it is there");
    assert_eq!(again.sent().await.expect("sent").seq, 1);
    assert!(!to_bob.discard(&key));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_out_of_order_when_the_server_is_killed() {
    const MESSAGES: usize = 300;
    let mut server = Server::dev();
    let (alice, bob) = (live(server.client("alice")).await, live(server.client("bob")).await);
    let mut updates = bob.updates();
    let sending = tokio::spawn({
        let to_bob = alice.direct("bob");
        async move {
            for number in 0..MESSAGES {
                to_bob.send(format!("number {number}")).await.expect("kept");
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }
    });
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.extend(texts(&mut updates, 60).await);
        server.kill();
        until_state(&alice, State::Offline).await;
        server.restart();
    }
    sending.await.expect("all are written");
    heard.extend(texts(&mut updates, MESSAGES - heard.len()).await);
    let said: Vec<_> = (0..MESSAGES).map(|number| format!("number {number}")).collect();
    assert_eq!(heard, said, "heard one by one");
    until("all are acknowledged", || alice.unsent() == 0).await;
    let log: Vec<_> =
        said.into_iter().enumerate().map(|(at, text)| (at as u64 + 1, text)).collect();
    assert_eq!(shown(&alice, "bob"), log, "shown to the sender");
    assert_eq!(shown(&bob, "alice"), log, "shown to the recipient");
}

#[tokio::test]
async fn who_missed_more_than_a_thousand_reads_them_back() {
    const MESSAGES: u64 = 1_100;
    let server = Server::dev();
    let alice = live(server.client("alice")).await;
    let outbox_of_nobody = tempfile::tempdir().expect("a folder");
    let door = Door::open(server.addr).await;
    let builder = Parlor::builder(format!("http://{}", door.addr)).token("bob").device("test");
    let store = SqliteOutbox::open(outbox_of_nobody.path().join("outbox.db")).expect("a store");
    let soon = Duration::from_millis(20);
    let bob = live(builder.outbox(store).reconnect(soon, 2 * soon)).await;
    let mut updates = bob.updates();
    let to_bob = alice.direct("bob");
    to_bob.send("number 1").await.expect("kept");
    assert_eq!(texts(&mut updates, 1).await, ["number 1"]);
    bob.direct("alice").open().await.expect("opened");

    door.shut();
    until_state(&bob, State::Offline).await;
    for number in 2..=MESSAGES {
        let sending = to_bob.send(format!("number {number}")).await.expect("kept");
        if number == MESSAGES {
            sending.sent().await.expect("sent");
        }
    }
    door.unlock();
    until_state(&bob, State::Live).await;
    until("the newest are there", || {
        shown(&bob, "alice").last().is_some_and(|(seq, _)| *seq == MESSAGES)
    })
    .await;
    until("they are counted", || bob.direct("alice").view().unread == MESSAGES).await;
    while bob.direct("alice").has_older() {
        bob.direct("alice").load_older().await.expect("read");
    }
    let log: Vec<_> = (1..=MESSAGES).map(|number| (number, format!("number {number}"))).collect();
    assert_eq!(shown(&bob, "alice"), log);
    // From here on it hears one by one again.
    let mut updates = bob.updates();
    to_bob.send("the end").await.expect("kept");
    assert_eq!(texts(&mut updates, 1).await, ["the end"]);
}

#[tokio::test]
async fn the_outbox_survives_the_client() {
    let mut server = Server::dev();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("outbox.db");
    let open = || SqliteOutbox::open(&path).expect("a store");
    let alice = live(server.client("alice").outbox(open())).await;
    server.kill();
    until_state(&alice, State::Offline).await;
    let to_bob = alice.direct("bob");
    let sending = to_bob.send("one").await.expect("kept");
    to_bob.send("two").await.expect("kept");
    alice.close().await;
    assert!(matches!(sending.sent().await, Err(Error::Closed(_))));
    assert!(matches!(to_bob.send("three").await, Err(Error::Closed(_))));

    server.restart();
    let again = live(server.client("alice").outbox(open())).await;
    until("all are acknowledged", || again.unsent() == 0).await;
    let bob = live(server.client("bob")).await;
    bob.direct("alice").open().await.expect("opened");
    assert_eq!(shown(&bob, "alice"), [(1, "one".to_owned()), (2, "two".to_owned())]);
}

#[tokio::test]
async fn a_token_that_is_refused_closes_the_client() {
    let server = Server::with_secret();
    let parlor = server.client("alice").connect().expect("a client");
    let error = parlor.live().await.expect_err("it is not let in");
    let Error::Closed(reason) = &error else { panic!("{error}") };
    assert_eq!(reason.code(), Some("unauthorized"), "{error}");
    assert!(
        parlor.updates().next().await.is_none() || parlor.status().borrow().state == State::Closed
    );
}

#[tokio::test]
async fn tokens_are_renewed_before_they_end() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let server = Server::with_secret();
    let renewals = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&renewals);
    let parlor = Parlor::builder(server.url()).user("alice").token_from(move |reason| {
        if reason == parlor_client::TokenReason::Renew {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        async { Ok::<_, std::io::Error>(token("alice", 3)) }
    });
    let parlor = live(parlor).await;
    until("it is renewed twice", || renewals.load(Ordering::Relaxed) >= 2).await;
    assert_eq!(parlor.status().borrow().state, State::Live);
}

#[tokio::test]
async fn what_somebody_else_s_token_says_is_not_believed() {
    let server = Server::dev();
    let parlor = server.client("alice").user("bob").connect().expect("a client");
    let error = parlor.live().await.expect_err("it is closed").to_string();
    assert!(error.contains("another user, alice"), "{error}");
}

#[tokio::test]
async fn ids_of_messages_differ() {
    let server = Server::dev();
    let alice = live(server.client("alice")).await;
    let mut keys = BTreeSet::new();
    for _ in 0..50 {
        let sending = alice.direct("alice").send("a note").await.expect("kept");
        assert!(keys.insert(sending.client_id().to_owned()));
        assert!(keys.insert(sending.sent().await.expect("sent").id));
    }
}

fn token(user: &str, seconds: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    let claims = json!({ "sub": user, "iat": now.as_secs(), "exp": now.as_secs() + seconds });
    let key = jsonwebtoken::EncodingKey::from_secret(support::SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("signed")
}

/// A way to the server that can be shut.
struct Door {
    addr: std::net::SocketAddr,
    is_open: tokio::sync::watch::Sender<bool>,
}

impl Door {
    async fn open(to: std::net::SocketAddr) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let is_open = tokio::sync::watch::Sender::new(true);
        let opened = is_open.clone();
        tokio::spawn(async move {
            while let Ok((mut inner, _)) = listener.accept().await {
                let mut state = opened.subscribe();
                if !*state.borrow() {
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut outer) = tokio::net::TcpStream::connect(to).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut inner, &mut outer) => {}
                        _ = state.wait_for(|is_open| !is_open) => {}
                    }
                });
            }
        });
        Self { addr, is_open }
    }

    fn shut(&self) {
        self.is_open.send_replace(false);
    }

    fn unlock(&self) {
        self.is_open.send_replace(true);
    }
}
