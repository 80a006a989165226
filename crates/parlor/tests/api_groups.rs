//! Groups in the hands of the app's own server, over real HTTP on the real binary: what sockets hear, what
//! stays after a kill, and what bad requests get.

use crate::support::api::{Api, Key, SCOPES, now_s, serving, token};
use crate::support::{Client, Server};
use serde_json::{Value, json};

fn start(data: &std::path::Path, key: &Key) -> (Server, Api) {
    let mut command = serving(data, &[key]);
    let server = Server::start(command.env("PARLOR_API__SYSTEM_USER", "system"));
    let api = Api { addr: server.addr, key: key.key.clone() };
    (server, api)
}

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
fn what_is_done_to_a_group_is_heard_at_once_and_outlives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new("all", &SCOPES);
    let (server, api) = start(dir.path(), &key);
    let mut bob = connected(&server, "bob");
    let body = json!({"as": "alice", "name": "Owls", "members": ["bob"]}).to_string();
    let group = api.done("POST /v1/groups", &body)["groupId"].clone();
    let group = group.as_str().expect("an id");
    assert_eq!(event(&mut bob, "entry")["kind"], "group_created");
    let body = json!({"groupId": group, "content": "hear"}).to_string();
    let sent = api.done("POST /v1/messages", &body);
    let heard = event(&mut bob, "group_message");
    assert_eq!((&heard["from"], &heard["id"]), (&json!("system"), &sent["id"]));
    let of = format!("/v1/conversations/group%3A{group}");
    let body = json!({"name": "reload", "data": {"now": true}}).to_string();
    api.done(&format!("POST {of}/events"), &body);
    assert_eq!(event(&mut bob, "app_event")["data"], json!({"now": true}));
    let id = sent["id"].as_str().expect("an id").replace(':', "%3A");
    api.done(&format!("DELETE {of}/messages/{id}"), "");
    assert_eq!(event(&mut bob, "entry")["kind"], "message_deleted");
    api.done(&format!("DELETE /v1/groups/{group}/members/bob"), "");
    let heard = event(&mut bob, "entry");
    assert_eq!((&heard["kind"], &heard["by"]), (&json!("member_kicked"), &json!("system")));
    drop(server);
    let (_server, api) = start(dir.path(), &key);
    assert_eq!(api.done(&format!("GET /v1/groups/{group}"), "")["members"], 1);
    let page = api.done(&format!("GET {of}/messages?as=bob"), "");
    assert_eq!(page["messages"][0]["deleted"], true);
    assert_eq!(page["entries"][0]["kind"], "member_kicked", "what bob saw ends there");
    api.done(&format!("POST /v1/groups/{group}/members"), "{\"userIds\": [\"carol\"]}");
    let page = api.done(&format!("GET {of}/messages?after=0"), "");
    assert_eq!((&page["covers"], &page["more"]), (&json!([1, 5]), &json!(false)), "all of it");
}

#[test]
fn a_group_is_made_once_under_its_key_whatever_dies() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new("all", &SCOPES);
    let (server, api) = start(dir.path(), &key);
    let make = |api: &Api, name: &str| {
        let body = json!({"as": "alice", "name": name}).to_string();
        api.try_send("POST /v1/groups", "idempotency-key: team-7\r\n", &body).expect("an answer")
    };
    let first = make(&api, "Owls");
    assert_eq!(first.0, 200);
    drop(server);
    let (_server, api) = start(dir.path(), &key);
    assert_eq!(make(&api, "Owls"), first);
    let (status, refusal) = make(&api, "Mice");
    assert_eq!((status, &refusal["code"]), (409, &json!("conflict")));
}

#[test]
fn bad_requests_name_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, api) = start(dir.path(), &Key::new("all", &SCOPES));
    let body = json!({"as": "alice", "name": "Owls", "members": ["bob"]}).to_string();
    let group = api.done("POST /v1/groups", &body)["groupId"].clone();
    let of = format!("/v1/groups/{}", group.as_str().expect("an id"));
    let dm = "/v1/conversations/dm:a:b";
    for (line, body, status, code, text) in [
        ("POST /v1/groups", "{}", 400, "invalid_argument", "name is required"),
        (
            "POST /v1/groups",
            "{\"name\":\"x\",\"groupId\":\"y\"}",
            400,
            "invalid_argument",
            "\"groupId\"",
        ),
        (
            "POST /v1/groups",
            "{\"name\":\"x\",\"settings\":{\"post\":1}}",
            400,
            "invalid_argument",
            "settings.post",
        ),
        ("GET /v1/groups/none", "", 404, "not_found", ""),
        ("GET /v1/groups/a%2Fb", "", 400, "invalid_argument", "groupId must be"),
        ("PUT /v1/groups", "", 405, "invalid_argument", "method must be"),
        (&format!("GET {of}?as=zoe"), "", 404, "not_found", ""),
        (&format!("GET {of}?by=alice"), "", 400, "invalid_argument", "\"by\""),
        (&format!("GET {of}/members?as=zoe"), "", 403, "not_a_member", ""),
        (&format!("GET {of}/members?limit=0"), "", 400, "invalid_argument", "limit"),
        (&format!("POST {of}/members"), "{}", 400, "invalid_argument", "userIds is required"),
        (&format!("PATCH {of}?as=alice"), "{}", 400, "invalid_argument", "query must be empty"),
        (
            &format!("PATCH {of}/members/bob"),
            "{\"role\":\"king\"}",
            400,
            "invalid_argument",
            "role must be",
        ),
        (&format!("PATCH {of}/members/zoe"), "{\"role\":\"admin\"}", 404, "not_found", ""),
        (&format!("DELETE {of}/members/alice"), "", 409, "owner_must_stay", ""),
        (&format!("DELETE {of}/members/alice?as=bob"), "", 403, "not_allowed", ""),
        (
            &format!("DELETE {of}/members/alice?as=alice"),
            "",
            400,
            "invalid_argument",
            "another user",
        ),
        (
            &format!("PUT {of}/bans/bob"),
            "{\"forSeconds\":0}",
            400,
            "invalid_argument",
            "forSeconds",
        ),
        (&format!("PUT {of}/mutes/zoe"), "", 404, "not_found", ""),
        (&format!("POST {of}/invites"), "{\"uses\":0}", 400, "invalid_argument", "uses"),
        (&format!("DELETE {of}/invites/none"), "", 404, "not_found", ""),
        (&format!("POST {of}/join"), "{}", 400, "invalid_argument", "as is required"),
        (&format!("POST {of}/join"), "{\"as\":\"zoe\"}", 404, "not_found", ""),
        (&format!("POST {of}/leave"), "{\"as\":\"alice\"}", 409, "owner_must_stay", ""),
        (&format!("DELETE {of}/requests/zoe"), "", 404, "not_found", ""),
        (&format!("DELETE {dm}/messages/dm:a:b:1"), "", 404, "not_found", ""),
        (&format!("DELETE {dm}/messages/dm:a:c:1"), "", 404, "not_found", ""),
        (&format!("DELETE {dm}/messages/x"), "", 400, "invalid_argument", "messageId must be"),
        (&format!("DELETE {dm}/messages/dm:a:b:1?as=c"), "", 403, "not_a_member", ""),
        (
            &format!("PATCH {dm}/messages/dm:a:b:1"),
            "{\"content\":1}",
            400,
            "invalid_argument",
            "as is required",
        ),
        (&format!("POST {dm}/events"), "{}", 400, "invalid_argument", "name is required"),
        (&format!("POST {dm}/events"), "{\"name\":\"x\"}", 403, "not_a_member", ""),
        (
            &format!("POST {dm}/events"),
            "{\"name\":\"a b\"}",
            400,
            "invalid_argument",
            "name must be",
        ),
    ] {
        let (got, refusal) = api.ask(line, body);
        assert_eq!((got, &refusal["code"]), (status, &json!(code)), "{line} {body}: {refusal}");
        assert!(refusal["error"].as_str().unwrap().contains(text), "{line} {body}: {refusal}");
    }
}
