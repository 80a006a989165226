//! What each operation of the HTTP API does, over real HTTP on the real binary: what sockets hear of
//! it, what stays, and what bad requests get.

use crate::support::api::{Api, Key, now_s, said, serving, token};
use crate::support::{Client, Server};
use serde_json::{Value, json};

fn connected(server: &Server, user: &str) -> Client {
    let mut client = Client::connect(server.addr, &token(user, now_s()));
    client.expect("42[\"caught_up\"");
    client
}

/// The payload of the next event of that name.
fn event(client: &mut Client, name: &str) -> Value {
    let packet = client.expect(&format!("42[\"{name}\""));
    serde_json::from_str::<Value>(&packet[2..]).expect("JSON")[1].clone()
}

#[test]
fn what_is_sent_is_heard_by_real_sockets_of_both_sides() {
    let dir = tempfile::tempdir().unwrap();
    let (server, api) = Api::start(dir.path());
    let (mut alice, mut bob) = (connected(&server, "alice"), connected(&server, "bob"));
    let body = json!({"from": "alice", "to": "bob", "content": {"text": "hé \"x\""}});
    let sent = api.done("POST /v1/messages", &body.to_string());
    assert_eq!(sent["status"], "sent");
    for client in [&mut alice, &mut bob] {
        let heard = event(client, "private_message");
        assert_eq!((&heard["id"], &heard["content"]), (&sent["id"], &body["content"]));
        assert_eq!((&heard["from"], &heard["to"]), (&json!("alice"), &json!("bob")));
    }
}

#[test]
fn a_retry_gets_the_first_answer_even_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new("shop", &["messages:write", "messages:read"]);
    let server = Server::start(&mut serving(dir.path(), &[&key]));
    let api = Api { addr: server.addr, key: key.key.clone() };
    let send = |api: &Api, content: &str, key: &str| {
        let body = json!({"from": "alice", "to": "bob", "content": content}).to_string();
        said(&api.send(
            "POST /v1/messages",
            &format!("idempotency-key: {key}\r\n"),
            body.as_bytes(),
        ))
    };
    let longest = "k".repeat(64);
    let (first, last) = (send(&api, "one", "order 1"), send(&api, "two", &longest));
    assert_eq!((first.0, last.0), (200, 200));
    assert_eq!(send(&api, "one", "order 1"), first);
    let (status, refusal) = send(&api, "other", "order 1");
    assert_eq!((status, &refusal["code"]), (409, &json!("conflict")));
    drop(server);
    let server = Server::start(&mut serving(dir.path(), &[&key]));
    let api = Api { addr: server.addr, key: key.key };
    assert_eq!(send(&api, "one", "order 1"), first);
    assert_eq!(send(&api, "two", &longest), last);
    let page = api.done("GET /v1/conversations/dm:alice:bob/messages", "");
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(2));
    for (bad, status, code) in [
        ("017f22e2-79b0-7cc3-98c4-dc0c0c07398f", 409, "stale_client_id"),
        ("", 400, "invalid_argument"),
        ("kéy", 400, "invalid_argument"),
        (&"k".repeat(65), 400, "invalid_argument"),
        ("a\r\nidempotency-key: b", 400, "invalid_argument"),
    ] {
        let (got, refusal) = send(&api, "x", bad);
        assert_eq!((got, &refusal["code"]), (status, &json!(code)), "{bad}");
        assert!(
            code != "invalid_argument" || refusal["error"].to_string().contains("Idempotency-Key")
        );
    }
}

#[test]
fn bad_requests_name_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, api) = Api::start(dir.path());
    let long = format!("GET /v1/users/{}/devices", "x".repeat(129));
    for (line, body, status, code, text) in [
        ("POST /v1/messages", "", 400, "invalid_argument", "from is required"),
        ("POST /v1/messages", "{\"from\":\"a\",", 400, "invalid_argument", "body must be JSON"),
        ("POST /v1/messages", "[]", 400, "invalid_argument", "payload must be an object"),
        ("POST /v1/messages", "{\"from\":\"a\",\"to\":7}", 400, "invalid_argument", "to must be"),
        ("POST /v1/messages", "{\"from\":\"a\",\"to\":\"b\"}", 400, "invalid_argument", "content"),
        ("POST /v1/messages", "{\"text\":1}", 400, "invalid_argument", "unknown field \"text\""),
        ("POST /v1/messages", "{\"to\":\"a\",\"to\":1}", 400, "invalid_argument", "to twice"),
        ("POST /v1/messages?from=a", "{}", 400, "invalid_argument", "query must be empty"),
        ("POST /v1/messages", DEEP, 400, "invalid_argument", "content must be nested at most 32"),
        ("GET /v1/messages", "", 405, "invalid_argument", "method must be"),
        ("POST /v1/nothing", "", 404, "not_found", ""),
        ("GET /v1/", "", 404, "not_found", ""),
        ("GET /v1/conversations/dm:a:b/messages", "", 404, "not_found", ""),
        ("GET /v1/conversations/dm:b:a/messages", "", 400, "invalid_argument", "conversationId"),
        ("GET /v1/conversations/dm:a:b/messages?as=c", "", 403, "not_a_member", ""),
        ("GET /v1/conversations/dm:a:b/messages?limit=201", "", 400, "invalid_argument", "limit"),
        ("GET /v1/conversations/dm:a:b/messages?before=0", "", 400, "invalid_argument", "before"),
        ("GET /v1/conversations/dm:a:b/messages?page=2", "", 400, "invalid_argument", "\"page\""),
        ("GET /v1/users/bob/conversations?cursor=x", "", 400, "invalid_argument", "cursor must"),
        ("GET /v1/users/%FF/devices", "", 400, "invalid_argument", "path must be"),
        ("GET /v1/users/%0A/devices", "", 400, "invalid_argument", "userId must be"),
        (&long, "", 400, "invalid_argument", "userId must be"),
        ("DELETE /v1/users/bob/devices/none", "", 404, "not_found", ""),
        ("POST /v1/users/bob/blocks", "{}", 400, "invalid_argument", "userId is required"),
        ("POST /v1/users/bob/blocks", "{\"userId\":\"bob\"}", 400, "invalid_argument", "another"),
        (
            "POST /v1/users/bob/revoke-tokens",
            "{\"notBefore\":\"x\"}",
            400,
            "invalid_argument",
            "notBefore",
        ),
        (
            "POST /v1/users/bob/revoke-tokens",
            "{\"notbefore\":1}",
            400,
            "invalid_argument",
            "\"notbefore\"",
        ),
        (
            "POST /v1/users/bob/revoke-tokens",
            "{\"notBefore\":9e15}",
            400,
            "invalid_argument",
            "notBefore",
        ),
    ] {
        let (got, refusal) = api.ask(line, body);
        assert_eq!((got, &refusal["code"]), (status, &json!(code)), "{line} {body}: {refusal}");
        assert!(refusal["error"].as_str().unwrap().contains(text), "{line} {body}: {refusal}");
    }
    // Bytes that are no text.
    let answer = api.send("POST /v1/messages", "", b"{\"from\":\"\xff\"}");
    assert_eq!(said(&answer).0, 400);
}

/// A content that is nested one too deep.
const DEEP: &str = "{\"from\":\"a\",\"to\":\"b\",\"content\":\
    [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}";

#[test]
fn history_and_conversations_come_in_pages() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, api) = Api::start(dir.path());
    for n in 1..=5 {
        let body = json!({"from": "a:b", "to": "c/d", "content": n});
        api.done("POST /v1/messages", &body.to_string());
    }
    let path = "GET /v1/conversations/dm%3Aa%253Ab%3Ac%2Fd/messages";
    let newest = api.done(&format!("{path}?limit=2"), "");
    assert_eq!((&newest["covers"], &newest["more"]), (&json!([4, 5]), &json!(true)));
    assert_eq!(newest["messages"][0]["content"], 5);
    let gap = api.done(&format!("{path}?after=1&before=4"), "");
    let seqs: Vec<_> =
        gap["messages"].as_array().unwrap().iter().map(|m| m["seq"].clone()).collect();
    assert_eq!((seqs, &gap["more"]), (vec![json!(2), json!(3)], &json!(false)));
    api.done("POST /v1/messages", "{\"from\":\"c/d\",\"to\":\"e\",\"content\":null}");
    let page = api.done("GET /v1/users/c%2Fd/conversations?limit=1", "");
    assert_eq!(page["conversations"][0]["with"], "e");
    let cursor = page["cursor"].as_str().expect("there is more");
    let page = api.done(&format!("GET /v1/users/c%2Fd/conversations?limit=1&cursor={cursor}"), "");
    assert_eq!((&page["conversations"][0]["unread"], &page["cursor"]), (&json!(5), &Value::Null));
}

#[test]
fn blocks_hold_and_are_heard() {
    let dir = tempfile::tempdir().unwrap();
    let (server, api) = Api::start(dir.path());
    let mut bob = connected(&server, "bob");
    api.done("POST /v1/users/bob/blocks", "{\"userId\":\"mallory\"}");
    assert_eq!(event(&mut bob, "blocked"), json!({"userId": "mallory", "blocked": true}));
    assert_eq!(api.done("GET /v1/users/bob/blocks", "")["blocked"], json!(["mallory"]));
    let message = "{\"from\":\"mallory\",\"to\":\"bob\",\"content\":1}";
    let (status, refusal) = api.ask("POST /v1/messages", message);
    assert_eq!((status, &refusal["code"]), (403, &json!("blocked")));
    api.done("DELETE /v1/users/bob/blocks/mallory", "");
    assert_eq!(event(&mut bob, "blocked"), json!({"userId": "mallory", "blocked": false}));
    api.done("POST /v1/messages", message);
}

#[test]
fn a_revoked_device_is_closed_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (server, api) = Api::start(dir.path());
    let old = token("bob", now_s());
    let mut phone = Client::with_auth(server.addr, &json!({"token": old, "deviceId": "my phone"}));
    phone.expect("42[\"caught_up\"");
    let listed = api.done("GET /v1/users/bob/devices", "");
    assert_eq!(listed["devices"][0]["deviceId"], "my phone");
    assert_eq!(listed["devices"][0]["sessions"].as_array().map(Vec::len), Some(1));
    api.done("DELETE /v1/users/bob/devices/my%20phone", "");
    assert_eq!(event(&mut phone, "closing")["code"], "device_revoked");
    let mut again = Client::with_auth(server.addr, &json!({"token": old, "deviceId": "my phone"}));
    assert!(again.expect("44").contains("device_revoked"));
}

#[test]
fn revoked_tokens_end_at_once_and_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new("shop", &["tokens:revoke"]);
    let server = Server::start(&mut serving(dir.path(), &[&key]));
    let api = Api { addr: server.addr, key: key.key.clone() };
    let now = now_s();
    let (old, new) = (token("bob", now - 60), token("bob", now));
    let mut goes = Client::connect(server.addr, &old);
    goes.expect("42[\"caught_up\"");
    let mut stays = Client::connect(server.addr, &new);
    stays.expect("42[\"caught_up\"");
    let body = json!({"notBefore": now * 1_000}).to_string();
    let holds = api.done("POST /v1/users/bob/revoke-tokens", &body);
    assert_eq!(holds["notBefore"], now * 1_000);
    assert_eq!(event(&mut goes, "closing")["code"], "device_revoked");
    assert!(Client::connect(server.addr, &old).expect("44").contains("device_revoked"));
    stays.post(&format!("4250[\"renew\",{}]", json!({ "token": old })));
    assert!(stays.expect("4350").contains("device_revoked"));
    assert_eq!(stays.send(1, "alice", "still here")["status"], "sent");
    drop(server);
    let server = Server::start(&mut serving(dir.path(), &[&key]));
    assert!(Client::connect(server.addr, &old).expect("44").contains("device_revoked"));
    Client::connect(server.addr, &new).expect("42[\"caught_up\"");
}

#[test]
fn the_system_speaks_where_one_is_configured() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new("shop", &["messages:write"]);
    let mut command = serving(dir.path(), &[&key]);
    let server = Server::start(command.env("PARLOR_API__SYSTEM_USER", "system"));
    let api = Api { addr: server.addr, key: key.key };
    let mut bob = connected(&server, "bob");
    api.done("POST /v1/messages", "{\"to\":\"bob\",\"content\":\"welcome\"}");
    assert_eq!(event(&mut bob, "private_message")["from"], "system");
    let refused = Client::connect(server.addr, &token("system", now_s())).expect("44");
    assert!(refused.contains("reserved"), "{refused}");
}

#[test]
fn what_was_answered_while_the_server_went_down_is_kept() {
    for signal in ["KILL", "TERM"] {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::new("shop", &["messages:write"]);
        let mut server = Server::start(&mut serving(dir.path(), &[&key]));
        let api = Api { addr: server.addr, key: key.key.clone() };
        let body = json!({"from": "alice", "to": "bob", "content": "x"}).to_string();
        let head = |n: usize| format!("idempotency-key: {n}\r\n");
        let (sent, go) = std::sync::mpsc::sync_channel(0);
        let sender = std::thread::spawn({
            let body = body.clone();
            move || {
                let mut answers = Vec::new();
                for n in 0.. {
                    let Some(answer) = api.try_send("POST /v1/messages", &head(n), &body) else {
                        break;
                    };
                    answers.push(answer);
                    // Nobody listens any more once the signal is on its way.
                    let _ = if n == 50 { sent.send(()) } else { Ok(()) };
                }
                answers
            }
        });
        go.recv().expect("the fiftieth is sent");
        server.signal(signal);
        server.wait();
        let answers = sender.join().expect("it ends with the server");
        assert!(answers.len() > 50);
        drop(server);
        let server = Server::start(&mut serving(dir.path(), &[&key]));
        let api = Api { addr: server.addr, key: key.key };
        for (n, first) in answers.iter().enumerate().filter(|(_, answer)| answer.0 == 200) {
            let again = said(&api.send("POST /v1/messages", &head(n), body.as_bytes()));
            assert_eq!(&again, first, "{signal}: message {n}");
        }
        let next =
            said(&api.send("POST /v1/messages", "idempotency-key: next\r\n", body.as_bytes()));
        let kept = answers.iter().filter(|answer| answer.0 == 200).count() as u64;
        let seq = next.1["seq"].as_u64().expect("a number");
        assert!((kept + 1..=kept + 2).contains(&seq), "{signal}: {kept} kept, the next is {seq}");
    }
}
