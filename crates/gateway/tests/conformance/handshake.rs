//! The Engine.IO handshake over both transports, and every way to get it wrong.

use crate::support::http::{self, get, post, request};
use crate::support::polling::Polling;
use crate::support::server::{self, PATH};
use crate::support::ws::{self, WebSocket};

const KEYS: [&str; 5] = ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"];

fn check_open(open: &serde_json::Value, upgrades: serde_json::Value) {
    let mut keys: Vec<&String> = open.as_object().expect("an object").keys().collect();
    keys.sort();
    assert_eq!(keys, KEYS);
    assert_eq!(open["upgrades"], upgrades);
    assert_eq!(open["pingInterval"], 300);
    assert_eq!(open["pingTimeout"], 200);
    assert_eq!(open["maxPayload"], 1_000_000);
    assert!(open["sid"].as_str().expect("a sid").len() >= 20);
}

#[test]
fn polling_opens_a_session_that_may_become_a_websocket() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    check_open(&session.open, serde_json::json!(["websocket"]));
}

#[test]
fn polling_answers_as_text_that_no_cache_keeps() {
    let server = server::engine_echo();
    let response = get(server.address, &format!("{PATH}?EIO=4&transport=polling"));
    assert_eq!(response.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("set-cookie"), None, "cookies are off by default");
}

#[test]
fn websocket_opens_a_session_without_upgrades() {
    let server = server::engine_echo();
    let mut socket = WebSocket::open(server.address, &format!("{PATH}?EIO=4&transport=websocket"));
    let open = socket.text();
    let open = serde_json::from_str(open.strip_prefix('0').expect("an open packet"));
    check_open(&open.expect("JSON"), serde_json::json!([]));
}

#[test]
fn every_session_has_an_id_of_its_own() {
    let server = server::engine_echo();
    let [one, two] = [(); 2].map(|()| Polling::open(server.address, PATH).sid);
    assert_ne!(one, two);
}

#[test]
fn another_protocol_revision_is_refused() {
    let server = server::engine_echo();
    for query in ["transport=polling", "EIO=abc&transport=polling", "EIO=3&transport=polling"] {
        get(server.address, &format!("{PATH}?{query}")).expect_refusal(400, 5);
    }
    for query in ["transport=websocket", "EIO=abc&transport=websocket"] {
        let refused = WebSocket::try_open(server.address, &format!("{PATH}?{query}"));
        refused.err().expect("refused").expect_refusal(400, 5);
    }
}

#[test]
fn an_unknown_transport_is_refused() {
    let server = server::engine_echo();
    for query in ["EIO=4", "EIO=4&transport=abc", "EIO=4&transport=webtransport"] {
        get(server.address, &format!("{PATH}?{query}")).expect_refusal(400, 0);
        let refused = WebSocket::try_open(server.address, &format!("{PATH}?{query}"));
        refused.err().expect("refused").expect_refusal(400, 0);
    }
}

#[test]
fn a_handshake_that_is_not_a_get_is_refused() {
    let server = server::engine_echo();
    let target = format!("{PATH}?EIO=4&transport=polling");
    post(server.address, &target, "").expect_refusal(400, 2);
    for method in ["PUT", "DELETE", "PATCH"] {
        request(server.address, method, &target, &[], b"").expect_refusal(400, 2);
    }
}

#[test]
fn a_websocket_transport_without_an_upgrade_is_refused() {
    let server = server::engine_echo();
    get(server.address, &format!("{PATH}?EIO=4&transport=websocket")).expect_refusal(400, 3);
}

#[test]
fn a_wrong_sid_opens_no_session() {
    let server = server::engine_echo();
    let real = Polling::open(server.address, PATH);
    let mut near = real.sid.clone().into_bytes();
    near[3] = if near[3] == b'A' { b'B' } else { b'A' };
    let near = String::from_utf8(near).expect("ASCII");
    for sid in ["abc", "%00", "aaaaaaaaaaaaaaaaaaaa", "%C3%A9%C3%A9", near.as_str()] {
        let target = format!("{PATH}?EIO=4&transport=polling&sid={sid}");
        get(server.address, &target).expect_refusal(400, 1);
        post(server.address, &target, "4hello").expect_refusal(400, 1);
        let target = format!("{PATH}?EIO=4&transport=websocket&sid={sid}");
        let refused = WebSocket::try_open(server.address, &target);
        refused.err().expect("refused").expect_refusal(400, 1);
    }
    real.send("4still there");
    assert_eq!(real.receive(), ["4still there"]);
}

#[test]
fn an_upgrade_request_needs_each_of_its_headers() {
    let server = server::engine_echo();
    let target = format!("{PATH}?EIO=4&transport=websocket");
    let good = ws::upgrade_headers();
    for absent in 0..good.len() {
        let lines: Vec<&str> = good
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != absent)
            .map(|(_, line)| line.as_str())
            .collect();
        let response = request(server.address, "GET", &target, &lines, b"");
        assert_eq!(response.status, 400, "without {}: {response:?}", good[absent]);
    }
}

#[test]
fn the_path_is_served_with_and_without_its_last_slash() {
    let server = server::engine_echo();
    let bare = PATH.trim_end_matches('/');
    assert_eq!(get(server.address, &format!("{bare}?EIO=4&transport=polling")).status, 200);
    assert_eq!(get(server.address, &format!("{PATH}?EIO=4&transport=polling")).status, 200);
}

#[test]
fn other_paths_are_not_found() {
    let server = server::engine_echo();
    assert_eq!(get(server.address, "/").status, 404);
    assert_eq!(get(server.address, &format!("{PATH}more?EIO=4&transport=polling")).status, 404);
}

#[test]
fn one_http_connection_carries_many_requests() {
    let server = server::engine_echo();
    let session = Polling::open(server.address, PATH);
    let mut stream = crate::support::stream::Stream::plain(server.address);
    for round in 0..3 {
        http::send(&mut stream, "POST", &session.target(), &[], format!("4{round}").as_bytes());
        assert_eq!(http::receive(&mut stream).expect("a response").body, "ok");
        http::send(&mut stream, "GET", &session.target(), &[], b"");
        assert_eq!(http::receive(&mut stream).expect("a response").body, format!("4{round}"));
    }
}
