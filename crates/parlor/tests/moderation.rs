//! Moderation from the configuration to the wire: roles by tokens, rules by the file, the hook over
//! HTTP, and an audit log that `parlor check` believes or not.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use crate::support::{Client, PATIENCE, SECRET, Server, parlor, run, stderr, stdout};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// A command by a client, and its answer.
fn call(client: &mut Client, id: u32, event: &str, payload: &Value) -> Value {
    client.post(&format!("42{id}[\"{event}\",{payload}]"));
    let start = format!("43{id}[");
    let packet = client.expect(&start);
    serde_json::from_str::<Value>(&packet[start.len() - 1..]).expect("JSON")[0].clone()
}

/// One question as the app heard it.
struct Asked {
    signature: String,
    body: Vec<u8>,
}

/// What the app answers.
type Said = (StatusCode, Vec<u8>, Duration);

/// An app with a hook: tells what it was asked, and answers by the content.
fn app(answer: impl Fn(&Value) -> Said + Send + Sync + 'static) -> (SocketAddr, Receiver<Asked>) {
    let (asked, heard) = sync_channel::<Asked>(64);
    let (ready, address) = sync_channel(1);
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let route = axum::routing::post(move |headers: HeaderMap, body: Bytes| {
                let (asked, answer) = (asked.clone(), Arc::clone(&answer));
                async move {
                    let signature = headers["parlor-signature"].to_str().expect("text").to_owned();
                    let question: Value = serde_json::from_slice(&body).expect("JSON");
                    // The test may have heard enough.
                    let _ = asked.send(Asked { signature, body: body.to_vec() });
                    let (status, said, delay) = answer(&question["content"]);
                    tokio::time::sleep(delay).await;
                    (status, said)
                }
            });
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            ready.send(listener.local_addr().expect("an address")).expect("the test waits");
            let app = axum::Router::new().route("/moderate", route);
            axum::serve(listener, app).await.expect("it serves");
        });
    });
    (address.recv_timeout(PATIENCE).expect("it listens"), heard)
}

fn at_once(said: Value) -> Said {
    (StatusCode::OK, said.to_string().into_bytes(), Duration::ZERO)
}

fn hooked(data: &Path, address: SocketAddr, on_failure: &str) -> Server {
    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(data);
    command.env("PARLOR_MODERATION__HOOK_URL", format!("http://{address}/moderate"));
    command.env("PARLOR_MODERATION__HOOK_SECRET", SECRET);
    command.env("PARLOR_MODERATION__HOOK_TIMEOUT_MS", "300");
    command.env("PARLOR_MODERATION__HOOK_ON_FAILURE", on_failure);
    command.env("PARLOR_MODERATION__DEV_MODERATORS", "mo");
    Server::start(&mut command)
}

fn answers(content: &Value) -> Said {
    match content.as_str().unwrap_or_default() {
        "ad" => at_once(json!({"action": "refuse", "reason": "no ads"})),
        "rude" => at_once(json!({"action": "replace", "content": {"text": "kind"}})),
        "odd" => at_once(json!({"action": "flag"})),
        "ill" => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new(), Duration::ZERO),
        "gone" => (StatusCode::FOUND, Vec::new(), Duration::ZERO),
        "junk" => (StatusCode::OK, b"<html>".to_vec(), Duration::ZERO),
        "huge" => (StatusCode::OK, vec![b' '; 1 << 20], Duration::ZERO),
        "slow" => (StatusCode::OK, b"{\"action\":\"allow\"}".to_vec(), Duration::from_secs(5)),
        _ => at_once(json!({"action": "allow"})),
    }
}

#[test]
fn the_app_is_asked_by_a_signed_post_and_obeyed() {
    let (address, asked) = app(answers);
    let dir = tempfile::tempdir().unwrap();
    let server = hooked(dir.path(), address, "refuse");
    let (mut alice, mut bob) =
        (Client::connect(server.addr, "alice"), Client::connect(server.addr, "bob"));
    let mut mo = Client::connect(server.addr, "mo");
    for client in [&mut alice, &mut bob, &mut mo] {
        client.expect("42[\"caught_up\"");
    }
    let message = json!({"toUserId": "bob", "content": "hello", "clientId": "k1"});
    assert_eq!(call(&mut alice, 1, "private_message", &message)["seq"], 1);
    let Asked { signature, body } = asked.recv_timeout(PATIENCE).expect("it was asked");
    let question: Value = serde_json::from_slice(&body).unwrap();
    let expected = json!({
        "user": "alice", "to": "bob", "conversationId": "dm:alice:bob", "content": "hello",
        "clientId": "k1", "at": question["at"],
    });
    assert_eq!(question, expected);
    let (time, digest) = signature.split_once(",v1=").expect("both parts");
    let signed = [time.trim_start_matches("t=").as_bytes(), b".", &body].concat();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag: Vec<u8> = (0..digest.len() / 2)
        .map(|at| u8::from_str_radix(&digest[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    assert!(aws_lc_rs::hmac::verify(&key, &signed, &tag).is_ok());

    let refused = alice.send(2, "bob", "ad");
    assert_eq!(refused["code"], "content_refused");
    assert!(refused["error"].as_str().unwrap().ends_with("no ads"), "{refused}");
    assert_eq!(alice.send(3, "bob", "rude")["masked"], true);
    bob.expect("42[\"private_message\"");
    assert!(bob.expect("42[\"private_message\"").contains(r#""content":{"text":"kind"}"#));
    assert_eq!(alice.send(4, "bob", "odd")["status"], "sent");
    assert!(mo.expect("42[\"report\"").contains(r#""rule":"hook""#));
    let metrics = server.get("/metrics").body;
    for line in [
        "parlor_moderation_hook_questions_total 4",
        "parlor_moderation_hook_failures_total 0",
        "parlor_moderation_messages_refused_total 1",
        "parlor_moderation_messages_masked_total 1",
        "parlor_moderation_messages_flagged_total 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line} is not in:\n{metrics}");
    }
}

#[test]
fn a_hook_that_fails_is_closed_or_open_as_configured() {
    let (address, _asked) = app(answers);
    for (on_failure, status) in [("refuse", "error"), ("allow", "sent")] {
        let dir = tempfile::tempdir().unwrap();
        let server = hooked(dir.path(), address, on_failure);
        for (id, content) in (1..).zip(["ill", "gone", "junk", "huge", "slow"]) {
            // Another one each time, so that none waits for an earlier one's retry.
            let mut client = Client::connect(server.addr, &format!("user-{id}"));
            client.expect("42[\"caught_up\"");
            let answer = client.send(id, "bob", content);
            assert_eq!(answer["status"], status, "{content}: {answer}");
            if status == "error" {
                assert_eq!(answer["code"], "unavailable", "{content}");
            }
        }
        let metrics = server.get("/metrics").body;
        for line in
            ["parlor_moderation_hook_failures_total 5", "parlor_moderation_hook_timeouts_total 1"]
        {
            assert!(metrics.lines().any(|it| it == line), "{line} is not in:\n{metrics}");
        }
    }
}

#[test]
fn a_hook_that_nobody_serves_refuses_until_somebody_does() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let server = hooked(dir.path(), gone, "refuse");
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("42[\"caught_up\"");
    assert_eq!(alice.send(1, "bob", "x")["code"], "unavailable");
}

#[test]
fn rules_of_the_file_hold_and_a_wrong_one_keeps_the_server_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("parlor.toml");
    let rule = |pattern: &str| {
        format!(
            "[[moderation.rules]]\nid = \"no-cards\"\naction = \"mask\"\npatterns = ['{pattern}']\n"
        )
    };
    std::fs::write(&file, rule(r"\d{4}-\d{4}")).unwrap();
    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(dir.path().join("data")).arg("--config").arg(&file);
    let server = Server::start(&mut command);
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("42[\"caught_up\"");
    let sent = alice.send(1, "alice", "card 1234-5678!");
    assert_eq!(sent["masked"], true);
    let history = json!({"conversationId": "dm:alice:alice"});
    let kept = call(&mut alice, 2, "history", &history);
    assert_eq!(kept["messages"][0]["content"], "card *********!");
    drop(server);

    std::fs::write(&file, rule("(")).unwrap();
    let output =
        run(command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("`no-cards` has a pattern"), "{}", stderr(&output));
}

fn token(claims: Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let mut all = json!({"sub": "mo", "exp": 4_000_000_000_u64});
    for (name, value) in claims.as_object().expect("claims") {
        all[name] = value.clone();
    }
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &all, &key).expect("it is signed")
}

#[test]
fn the_configured_claim_makes_a_moderator_and_no_other_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = parlor(&["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(dir.path()).env("PARLOR_IDENTITY__HS256_SECRET", SECRET);
    let server = Server::start(command.env("PARLOR_MODERATION__ROLE_CLAIM", "chat_role"));
    for (claims, status) in [
        (json!({"chat_role": "moderator"}), "ok"),
        (json!({"chat_role": ["x", "admin"]}), "ok"),
        (json!({"role": "admin"}), "error"),
        (json!({"chat_role": "user"}), "error"),
    ] {
        let mut client = Client::connect(server.addr, &token(claims.clone()));
        client.expect("42[\"caught_up\"");
        let answer = call(&mut client, 1, "audit", &json!({}));
        assert_eq!(answer["status"], status, "{claims}: {answer}");
    }
}

#[test]
fn check_finds_an_audit_log_that_was_edited() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(dir.path());
    let mut server = Server::start(command.env("PARLOR_MODERATION__DEV_MODERATORS", "mo"));
    let mut mo = Client::connect(server.addr, "mo");
    mo.expect("42[\"caught_up\"");
    let suspend = json!({"userId": "alice", "reason": "spam"});
    assert_eq!(call(&mut mo, 1, "suspend", &suspend)["status"], "ok");
    let mut alice = Client::connect(server.addr, "alice");
    assert!(alice.expect("44").contains("\"suspended\""));
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));

    let check = || run(parlor(&["check"]).arg("--data").arg(dir.path()));
    assert_eq!(check().status.code(), Some(0), "{}", stdout(&check()));
    let db = rusqlite::Connection::open(dir.path().join("parlor.db")).unwrap();
    db.execute_batch(
        "DROP TRIGGER audit_entries_are_not_changed; UPDATE audit SET text = 'nothing'",
    )
    .unwrap();
    drop(db);
    let found = check();
    assert_eq!(found.status.code(), Some(1));
    assert!(stdout(&found).contains("audit_is_as_written: entry 1"), "{}", stdout(&found));
}
