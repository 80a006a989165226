//! Groups and messages in the hands of the app's own server: what sockets hear, by whose rights, and what
//! the system alone may.

use crate::support;
use crate::support::deeds::{generous, said};
use crate::support::{House, Plan};
use parlor_chat::ids::UserId;
use parlor_chat::refusal::Refusal;
use parlor_service::{Answer, Backend, Settings};
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn raw(json: Value) -> Box<RawValue> {
    RawValue::from_string(json.to_string()).expect("JSON")
}

fn answer(answer: Answer) -> Value {
    serde_json::from_str(&answer.expect("it is done")).expect("JSON")
}

async fn house() -> House {
    let system_user = Some(UserId::parse("system").expect("an id"));
    let settings = Settings { limits: generous(), system_user, ..Settings::default() };
    House::new(Plan { settings, ..Plan::default() }).await
}

/// Alice's group with bob; its id.
async fn owls(backend: &Backend, settings: Value) -> String {
    let body = json!({"as": "alice", "name": "Owls", "members": ["bob"], "settings": settings});
    let made = answer(backend.create_group(Some(&raw(body)), None).await);
    assert_eq!(made["seq"], 1, "{made}");
    made["groupId"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn sockets_enter_and_leave_at_once_when_the_system_says_so() {
    let house = house().await;
    let backend = house.service.backend();
    let (alice, carol) = (house.device("alice", "a1").await, house.device("carol", "c1").await);
    let group = owls(&backend, json!({})).await;
    assert_eq!(alice.event("entry", 0).await["kind"], "group_created");
    let users = raw(json!({"userIds": ["carol"]}));
    let added = answer(backend.add_members(&group, Some(&users)).await);
    for client in [&alice, &carol] {
        let heard = client.wait(|heard| support::entry_of(heard, "member_added")).await;
        assert_eq!((&heard["by"], &heard["id"]), (&json!("system"), &added["id"]));
    }
    let of = format!("group:{group}");
    said(&alice, &of, "hello, carol").await;
    assert_eq!(carol.event("group_message", 0).await["content"], "hello, carol");
    let kicked = answer(backend.kick(&group, "carol", None).await);
    let heard = carol.wait(|heard| support::entry_of(heard, "member_kicked")).await;
    assert_eq!((&heard["by"], &heard["id"]), (&json!("system"), &kicked["id"]));
    said(&alice, &of, "who has gone").await;
    said(&alice, "carol", "a marker").await;
    carol.event("private_message", 0).await;
    assert_eq!(carol.now("group_message").len(), 1);
    assert_eq!(backend.kick(&group, "carol", None).await, Err(Refusal::NotFound));
    let gone = answer(backend.delete_group(&group, None).await);
    let heard = alice.wait(|heard| support::entry_of(heard, "group_deleted")).await;
    assert_eq!(heard["id"], gone["id"]);
    house.end().await;
}

#[tokio::test]
async fn the_owner_is_always_somebody() {
    let house = house().await;
    let backend = house.service.backend();
    let group = owls(&backend, json!({})).await;
    let role =
        async |user: &str, body: Value| backend.set_role(&group, user, Some(&raw(body))).await;
    assert_eq!(backend.kick(&group, "alice", None).await, Err(Refusal::OwnerMustStay));
    assert_eq!(backend.ban(&group, "alice", None).await, Err(Refusal::OwnerMustStay));
    assert_eq!(role("alice", json!({"role": "member"})).await, Err(Refusal::OwnerMustStay));
    answer(role("bob", json!({"role": "owner"})).await);
    let view = answer(backend.group(&group, None).await);
    assert_eq!((&view["ownerId"], &view["role"]), (&json!("bob"), &Value::Null));
    let alice = raw(json!({"as": "alice"}));
    assert_eq!(answer(backend.group(&group, Some(&alice)).await)["role"], "admin");
    let leave = raw(json!({"as": "bob"}));
    assert_eq!(backend.leave_group(&group, Some(&leave)).await, Err(Refusal::OwnerMustStay));
    house.end().await;
}

#[tokio::test]
async fn what_is_done_for_a_user_is_judged_by_that_users_role() {
    let house = house().await;
    let backend = house.service.backend();
    let group = owls(&backend, json!({})).await;
    for who in ["alice", "bob", "zoe"] {
        let by = raw(json!({"as": who}));
        let by = Some(&*by);
        let add = raw(json!({"as": who, "userIds": ["carol"]}));
        let expected = match who {
            "alice" => None,
            "bob" => Some(Refusal::NotAllowed),
            _ => Some(Refusal::NotAMember),
        };
        let update = raw(json!({"as": who, "name": who}));
        let mute = raw(json!({"as": who, "forSeconds": 5}));
        let other = if who == "alice" { "bob" } else { "alice" };
        for outcome in [
            backend.add_members(&group, Some(&add)).await,
            backend.update_group(&group, Some(&update)).await,
            backend.mute(&group, other, Some(&mute)).await,
            backend.unmute(&group, other, by).await,
            backend.ban(&group, "carol", by).await,
            backend.unban(&group, "carol", by).await,
            backend.invite(&group, by).await,
            backend.invites(&group, by).await,
            backend.requests(&group, by).await,
        ] {
            assert_eq!(outcome.err(), expected, "{who}");
        }
        let listed = backend.members(&group, by).await;
        assert_eq!(listed.err(), expected.filter(|why| *why == Refusal::NotAMember), "{who}");
    }
    let by_bob = raw(json!({"as": "bob"}));
    assert_eq!(backend.delete_group(&group, Some(&by_bob)).await, Err(Refusal::NotAllowed));
    house.end().await;
}

#[tokio::test]
async fn users_come_by_invite_or_request_and_are_listed() {
    let house = house().await;
    let backend = house.service.backend();
    let alice = house.device("alice", "a1").await;
    let group = owls(&backend, json!({"join": "request"})).await;
    let join = async |body: Value| backend.join_group(&group, Some(&raw(body))).await;
    assert_eq!(answer(join(json!({"as": "dave"})).await)["requested"], true);
    assert_eq!(alice.event("group_request", 0).await, json!({"groupId": group, "userId": "dave"}));
    let requests = answer(backend.requests(&group, None).await);
    assert_eq!(requests["requests"][0]["userId"], "dave");
    answer(backend.deny(&group, "dave", None).await);
    assert_eq!(backend.deny(&group, "dave", None).await, Err(Refusal::NotFound));
    let made = answer(backend.invite(&group, Some(&raw(json!({"uses": 2})))).await);
    let code = made["invite"].as_str().expect("a code");
    answer(join(json!({"as": "dave", "invite": code})).await);
    let listed = answer(backend.invites(&group, None).await);
    assert_eq!(
        (&listed["invites"][0]["by"], &listed["invites"][0]["uses"]),
        (&json!("system"), &json!(1))
    );
    answer(backend.revoke_invite(&group, code, None).await);
    assert_eq!(join(json!({"as": "erin", "invite": code})).await, Err(Refusal::NotFound));
    let page = answer(backend.members(&group, Some(&raw(json!({"limit": 2})))).await);
    assert_eq!((&page["count"], page["members"].as_array().map(Vec::len)), (&json!(3), Some(2)));
    let next = raw(json!({"limit": 2, "cursor": page["cursor"]}));
    let page = answer(backend.members(&group, Some(&next)).await);
    assert_eq!(
        (page["members"].as_array().map(Vec::len), &page["cursor"]),
        (Some(1), &Value::Null)
    );
    assert_eq!(answer(backend.groups("dave", None).await)["groups"][0]["groupId"], group);
    assert!(join(json!({})).await.expect_err("who").to_string().contains("as is required"));
    house.end().await;
}

#[tokio::test]
async fn a_group_is_made_once_under_its_key_and_not_for_a_clients() {
    let house = house().await;
    let backend = house.service.backend();
    let alice = house.device("alice", "a1").await;
    let create = async |body: Value| backend.create_group(Some(&raw(body)), Some("k")).await;
    let first = answer(create(json!({"as": "alice", "name": "Owls"})).await);
    assert_eq!(answer(create(json!({"as": "alice", "name": "Owls"})).await), first);
    assert_eq!(create(json!({"as": "alice", "name": "Mice"})).await, Err(Refusal::Conflict));
    let by_client = alice.call("group_create", json!({"name": "Owls", "clientId": "k"})).await;
    assert_ne!(by_client["groupId"], first["groupId"]);
    let by_system = answer(create(json!({"name": "Owls"})).await);
    let id = by_system["groupId"].as_str().expect("an id");
    assert_eq!(answer(backend.group(id, None).await)["ownerId"], "system");
    house.end().await;
}

#[tokio::test]
async fn without_a_system_user_who_acts_has_to_be_named() {
    let house = House::new(Plan::default()).await;
    let backend = house.service.backend();
    let group = owls(&backend, json!({})).await;
    for outcome in [
        backend.create_group(Some(&raw(json!({"name": "Owls"}))), None).await,
        backend.kick(&group, "bob", None).await,
        backend.delete("dm:a:b", "dm:a:b:1", None).await,
    ] {
        assert_eq!(outcome.expect_err("who").to_string(), "as is required");
    }
    let event = raw(json!({"name": "x"}));
    let told = backend.app_event("dm:a:b", Some(&event), None).await;
    assert_eq!(told.expect_err("who").to_string(), "from is required");
    assert_eq!(answer(backend.group(&group, None).await)["members"], 2, "reading needs no name");
    house.end().await;
}

#[tokio::test]
async fn the_system_speaks_in_any_group_and_deletes_any_message() {
    let house = house().await;
    let backend = house.service.backend();
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let group = owls(&backend, json!({"post": "admins"})).await;
    let of = format!("group:{group}");
    let hello = raw(json!({"groupId": group, "content": "hello"}));
    let sent = answer(backend.send(Some(&hello), Some("k")).await);
    assert_eq!(answer(backend.send(Some(&hello), Some("k")).await), sent);
    assert_eq!(bob.event("group_message", 0).await["from"], "system");
    let as_zoe = raw(json!({"from": "zoe", "groupId": group, "content": "hello"}));
    assert_eq!(backend.send(Some(&as_zoe), None).await, Err(Refusal::NotAMember));
    let event = raw(json!({"name": "reload", "data": 1}));
    assert_eq!(answer(backend.app_event(&of, Some(&event), None).await)["status"], "ok");
    let heard = bob.event("app_event", 0).await;
    assert_eq!((&heard["from"], &heard["groupId"]), (&json!("system"), &json!(group)));
    let event = raw(json!({"name": "reload", "data": 1, "store": true}));
    let stored = answer(backend.app_event(&of, Some(&event), Some("e")).await);
    assert_eq!(answer(backend.app_event(&of, Some(&event), Some("e")).await), stored);
    let id = said(&alice, "bob", "secret").await;
    let by_bob = raw(json!({"as": "bob"}));
    let delete = async |of, id: &str, by| backend.delete(of, id, by).await;
    assert_eq!(delete("dm:alice:bob", &id, Some(&by_bob)).await, Err(Refusal::NotAllowed));
    assert_eq!(delete("dm:alice:carol", &id, None).await, Err(Refusal::NotFound));
    let done = answer(delete("dm:alice:bob", &id, None).await);
    assert_eq!(done["messageId"], id);
    for client in [&alice, &bob] {
        let heard = client.wait(|heard| support::entry_of(heard, "message_deleted")).await;
        assert_eq!((&heard["by"], &heard["messageId"]), (&json!("system"), &json!(id)));
        let page = client.call("history", json!({"conversationId": "dm:alice:bob"})).await;
        assert_eq!(page["messages"][0]["deleted"], true);
    }
    assert_eq!(answer(delete("dm:alice:bob", &id, None).await)["unchanged"], true);
    let id = sent["id"].as_str().expect("an id");
    assert_eq!(answer(delete(&of, id, None).await)["seq"], 4);
    house.end().await;
}

#[tokio::test]
async fn who_was_away_learns_what_the_system_deleted() {
    let house = house().await;
    let backend = house.service.backend();
    let alice = house.device("alice", "a1").await;
    let bob = house.device("bob", "b1").await;
    let id = said(&alice, "bob", "secret").await;
    let heard = bob.event("private_message", 0).await;
    bob.call("read", json!({"conversationId": "dm:alice:bob", "seq": 1})).await;
    drop(bob);
    answer(backend.delete("dm:alice:bob", &id, None).await);
    let back = house.device("bob", "b1").await;
    let entry = back.event("entry", 0).await;
    assert_eq!((&entry["kind"], &entry["messageId"]), (&json!("message_deleted"), &heard["id"]));
    assert_eq!(back.now("private_message").len(), 0);
    house.end().await;
}

#[tokio::test]
async fn an_author_edits_in_time_and_once_under_a_key() {
    let house = house().await;
    let backend = house.service.backend();
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let id = said(&alice, "bob", "one").await;
    let edit =
        async |body: Value, key| backend.edit("dm:alice:bob", &id, Some(&raw(body)), key).await;
    let first = answer(edit(json!({"as": "alice", "content": "two"}), Some("k")).await);
    assert_eq!(bob.event("entry", 0).await["content"], "two");
    answer(edit(json!({"as": "alice", "content": "three"}), None).await);
    assert_eq!(answer(edit(json!({"as": "alice", "content": "two"}), Some("k")).await), first);
    let other = edit(json!({"as": "bob", "content": "x"}), None).await;
    assert_eq!(other, Err(Refusal::NotAllowed));
    let other = edit(json!({"as": "carol", "content": "x"}), None).await;
    assert_eq!(other, Err(Refusal::NotAMember));
    assert!(edit(json!({"content": "x"}), None).await.is_err(), "the system edits nothing");
    house.end().await;
}
