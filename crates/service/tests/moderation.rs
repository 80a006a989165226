//! Reports, warnings, suspensions and the audit log, over sockets.

use crate::support;
use crate::support::client::Heard;
use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_service::Settings;
use serde_json::{Value, json};

fn refused(answer: &Value, code: &str, said: &str) {
    assert_eq!(answer["status"], "error", "{answer}");
    assert_eq!(answer["code"], code, "{answer}");
    assert!(answer["error"].as_str().expect("a text").contains(said), "{answer}");
}

async fn ok(client: &Client, event: &str, payload: Value) -> Value {
    let answer = client.call(event, payload).await;
    assert_eq!(answer["status"], "ok", "{answer}");
    answer
}

async fn moderator(house: &House) -> Client {
    house.device("mod;role=moderator", "m1").await
}

async fn refusal(house: &House, auth: Value) -> Value {
    let client = Client::open(house.address, auth).await;
    let refused = |heard: &Heard| match heard {
        Heard::Refused(data) => Some(data.clone()),
        _ => None,
    };
    client.wait(refused).await
}

fn far() -> u64 {
    4_000_000_000_000
}

#[tokio::test]
async fn a_reported_message_reaches_moderators_and_is_seen_to() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let moderator = moderator(&house).await;
    let sent = alice.send("bob", json!({"text": "rude"})).await;
    let wish =
        json!({"messageId": sent["id"], "reason": "abuse", "comment": "look", "clientId": "k"});
    let filed = ok(&bob, "report", wish.clone()).await;
    assert_eq!((&filed["reportId"], &filed["state"]), (&json!("1"), &json!("open")));
    let heard = moderator.event("report", 0).await;
    let expected = json!({
        "reportId": "1", "state": "open", "at": heard["at"], "accused": "alice", "by": "bob",
        "reason": "abuse", "messageId": sent["id"], "conversationId": "dm:alice:bob", "seq": 1,
        "content": {"text": "rude"}, "comment": "look",
    });
    assert_eq!(heard, expected);
    assert_eq!(ok(&bob, "report", wish).await, filed);
    let listed = ok(&moderator, "reports", json!({})).await;
    assert_eq!((&listed["reports"], &listed["cursor"]), (&json!([expected]), &json!(null)));

    let taken = ok(&moderator, "report_take", json!({"reportId": "1"})).await;
    assert_eq!(
        (&taken["report"]["state"], &taken["report"]["moderator"]),
        (&json!("taken"), &json!("mod"))
    );
    let close = json!({"reportId": "1", "action": "warn", "text": "Be kind.", "note": "first"});
    ok(&moderator, "report_resolve", close.clone()).await;
    ok(&moderator, "report_resolve", close).await;
    let notice = alice.event("notice", 0).await;
    assert_eq!(notice["text"], "Be kind.");
    let closed = ok(&moderator, "reports", json!({"state": "resolved"})).await;
    let closed = &closed["reports"][0];
    assert_eq!((&closed["outcome"], &closed["note"]), (&json!("warn"), &json!("first")));
    let open = ok(&moderator, "reports", json!({})).await;
    assert_eq!(open["reports"], json!([]));
    alice.settle().await;
    assert_eq!(alice.now("notice").len(), 1, "a retry warns nobody again");
    assert_eq!(moderator.now("report").len(), 1, "a retry is announced to nobody");
    assert_eq!(house.service.stats().moderation.reports, 1);
    house.end().await;
}

#[tokio::test]
async fn only_moderators_have_the_commands_of_moderators() {
    let house = House::new(Plan::default()).await;
    let alice = house.device("alice", "a1").await;
    let impostor = house.device("mallory;role=superuser", "x1").await;
    for client in [&alice, &impostor] {
        for (event, payload) in [
            ("reports", json!({})),
            ("report_take", json!({"reportId": "1"})),
            ("report_resolve", json!({"reportId": "1", "action": "dismiss"})),
            ("warn", json!({"userId": "bob", "text": "x"})),
            ("suspend", json!({"userId": "bob", "reason": "x"})),
            ("unsuspend", json!({"userId": "bob"})),
            ("audit", json!({})),
        ] {
            // Whatever else is wrong with it, and whatever the client says of itself.
            refused(&client.call(event, payload).await, "forbidden", "role");
            let claimed = client.call(event, json!({"role": "admin"})).await;
            refused(&claimed, "forbidden", "role");
        }
    }
    let bob = house.device("bob", "b1").await;
    ok(&bob, "report", json!({"userId": "alice", "reason": "spam"})).await;
    alice.settle().await;
    impostor.settle().await;
    assert!(alice.now("report").is_empty() && impostor.now("report").is_empty());
    house.end().await;
}

#[tokio::test]
async fn a_renewed_token_gives_the_role_and_takes_it() {
    let house = House::new(Plan::default()).await;
    let (mo, bob) = (house.device("mo", "m1").await, house.device("bob", "b1").await);
    let report = |user: &str| json!({"userId": user, "reason": "spam"});
    ok(&mo, "renew", json!({"token": "mo;role=moderator"})).await;
    ok(&mo, "reports", json!({})).await;
    ok(&bob, "report", report("x")).await;
    mo.event("report", 0).await;
    ok(&mo, "renew", json!({"token": "mo"})).await;
    refused(&mo.call("reports", json!({})).await, "forbidden", "role");
    ok(&bob, "report", report("y")).await;
    mo.settle().await;
    assert_eq!(mo.now("report").len(), 1);
    house.end().await;
}

#[tokio::test]
async fn a_moderator_neither_hears_of_nor_sees_to_reports_of_their_own_doings() {
    let house = House::new(Plan::default()).await;
    let (mo, bob) = (moderator(&house).await, house.device("bob", "b1").await);
    let other = house.device("other;role=moderator", "o1").await;
    ok(&bob, "report", json!({"userId": "mod", "reason": "abuse"})).await;
    other.event("report", 0).await;
    mo.settle().await;
    assert_eq!(mo.now("report"), Vec::<Value>::new());
    assert_eq!(ok(&mo, "reports", json!({})).await["reports"], json!([]));
    let close = json!({"reportId": "1", "action": "dismiss"});
    refused(&mo.call("report_resolve", close.clone()).await, "not_found", "");
    refused(&mo.call("report_take", json!({"reportId": "1"})).await, "not_found", "");
    refused(
        &mo.call("warn", json!({"userId": "mod", "text": "x"})).await,
        "invalid_argument",
        "userId",
    );
    ok(&other, "report_resolve", close).await;
    house.end().await;
}

#[tokio::test]
async fn a_report_names_what_is_wrong_and_tells_strangers_nothing() {
    let house = House::new(Plan::default()).await;
    let (alice, carol) = (house.device("alice", "a1").await, house.device("carol", "c1").await);
    let sent = alice.send("bob", "x").await;
    for (payload, code, said) in [
        (json!({"reason": "x"}), "invalid_argument", "messageId or userId"),
        (json!({"userId": "bob"}), "invalid_argument", "reason is required"),
        (json!({"userId": "carol", "reason": "x"}), "invalid_argument", "userId must be another"),
        (json!({"messageId": sent["id"], "reason": "x"}), "not_found", ""),
        (json!({"messageId": "dm:alice:bob:9", "reason": "x"}), "not_found", ""),
        (json!({"messageId": "dm:carol:zoe:1", "reason": "x"}), "not_found", ""),
    ] {
        refused(&carol.call("report", payload).await, code, said);
    }
    let own = json!({"messageId": sent["id"], "reason": "x"});
    refused(&alice.call("report", own).await, "not_found", "");
    house.end().await;
}

#[tokio::test]
async fn open_reports_of_a_user_end_at_their_limit() {
    let limits = Limits { reports_open_per_user_max: 2, ..Limits::default() };
    let settings = Settings { limits, ..Settings::default() };
    let house = House::new(Plan { settings, ..Plan::default() }).await;
    let (mo, bob) = (moderator(&house).await, house.device("bob", "b1").await);
    let report = |user: &str| json!({"userId": user, "reason": "spam"});
    ok(&bob, "report", report("x")).await;
    ok(&bob, "report", report("y")).await;
    refused(&bob.call("report", report("z")).await, "too_many_reports", "");
    ok(&mo, "report_resolve", json!({"reportId": "1", "action": "dismiss"})).await;
    ok(&bob, "report", report("z")).await;
    house.end().await;
}

#[tokio::test]
async fn two_moderators_do_not_get_in_each_others_way() {
    let house = House::new(Plan::default()).await;
    let (mo, bob) = (moderator(&house).await, house.device("bob", "b1").await);
    let (ned, root) =
        (house.device("ned;role=moderator", "n").await, house.device("root;role=admin", "r").await);
    ok(&bob, "report", json!({"userId": "alice", "reason": "spam"})).await;
    ok(&mo, "report_take", json!({"reportId": "1"})).await;
    refused(&ned.call("report_take", json!({"reportId": "1"})).await, "report_taken", "");
    let dismiss = json!({"reportId": "1", "action": "dismiss"});
    refused(&ned.call("report_resolve", dismiss.clone()).await, "report_taken", "");
    ok(&root, "report_take", json!({"reportId": "1"})).await;
    refused(&mo.call("report_resolve", dismiss.clone()).await, "report_taken", "");
    ok(&root, "report_resolve", dismiss.clone()).await;
    ok(&root, "report_resolve", dismiss).await;
    let other = json!({"reportId": "1", "action": "resolve"});
    refused(&root.call("report_resolve", other).await, "report_closed", "");
    refused(&mo.call("report_take", json!({"reportId": "1"})).await, "report_closed", "");
    refused(&mo.call("report_take", json!({"reportId": "2"})).await, "not_found", "");
    house.end().await;
}

#[tokio::test]
async fn a_suspended_user_is_closed_out_at_once_and_stays_out() {
    let house = House::new(Plan::default()).await;
    let mo = moderator(&house).await;
    let (phone, laptop) = (house.device("alice", "a1").await, house.device("alice", "a2").await);
    let bob = house.device("bob", "b1").await;
    let until = far();
    ok(&mo, "suspend", json!({"userId": "alice", "reason": "spam", "until": until})).await;
    for device in [&phone, &laptop] {
        let closing = device.event("closing", 0).await;
        assert_eq!((&closing["code"], &closing["until"]), (&json!("suspended"), &json!(until)));
        device.wait(|heard| matches!(heard, Heard::Disconnected).then_some(())).await;
    }
    for auth in [
        json!({"token": "alice"}),
        json!({"token": "alice", "deviceId": "a1"}),
        json!({"token": "alice", "deviceId": "new"}),
        json!({"token": "alice", "deviceId": "a1", "recovery": true}),
    ] {
        let refused = refusal(&house, auth).await;
        assert_eq!(refused["message"], "suspended");
        assert_eq!(refused["data"]["code"], "suspended");
        assert_eq!(refused["data"]["until"], until);
        assert_eq!(refused["data"]["retryAfterMs"], Value::Null, "stock clients stay away");
    }
    bob.send("alice", "others may write to them").await;
    ok(&mo, "unsuspend", json!({"userId": "alice"})).await;
    let alice = house.device("alice", "a1").await;
    assert_eq!(alice.event("private_message", 0).await["content"], "others may write to them");
    alice.send("bob", "back").await;
    assert_eq!(house.service.stats().moderation.suspensions, 1);
    house.end().await;
}

#[tokio::test]
async fn a_suspension_without_an_end_says_so_and_one_that_has_ended_lets_in() {
    let house = House::new(Plan::default()).await;
    let mo = moderator(&house).await;
    ok(&mo, "suspend", json!({"userId": "alice", "reason": "spam"})).await;
    let refused_for_good = refusal(&house, json!({"token": "alice"})).await;
    assert_eq!(refused_for_good["message"], "suspended");
    assert_eq!(refused_for_good["data"].get("until"), None);
    let past = json!({"userId": "alice", "reason": "spam", "until": 1});
    refused(&mo.call("suspend", past).await, "invalid_argument", "until must be in the future");
    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let soon = soon.expect("after 1970").as_millis() as u64 + 300;
    ok(&mo, "suspend", json!({"userId": "alice", "reason": "spam", "until": soon})).await;
    assert_eq!(refusal(&house, json!({"token": "alice"})).await["data"]["until"], soon);
    let deadline = std::time::Instant::now() + support::client::PATIENCE;
    loop {
        let client = Client::open(house.address, json!({"token": "alice"})).await;
        let let_in = client.wait(|heard| match heard {
            Heard::Connected(_) => Some(true),
            Heard::Refused(_) => Some(false),
            _ => None,
        });
        if let_in.await {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "it does not end");
    }
    house.end().await;
}

#[tokio::test]
async fn a_suspension_outlives_the_server() {
    let data = tempfile::tempdir().expect("a directory");
    let house = House::on(data.path(), Plan::default()).await;
    let mo = moderator(&house).await;
    ok(&mo, "suspend", json!({"userId": "alice", "reason": "spam"})).await;
    ok(&mo, "warn", json!({"userId": "bob", "text": "Be kind."})).await;
    house.end().await;
    let house = House::on(data.path(), Plan::default()).await;
    assert_eq!(refusal(&house, json!({"token": "alice"})).await["message"], "suspended");
    let bob = house.device("bob", "b1").await;
    assert_eq!(bob.event("notice", 0).await["text"], "Be kind.");
    house.end().await;
}

#[tokio::test]
async fn a_notice_comes_again_until_it_is_confirmed() {
    let house = House::new(Plan::default()).await;
    let mo = moderator(&house).await;
    for text in ["one", "two"] {
        ok(&mo, "warn", json!({"userId": "alice", "text": text, "clientId": text})).await;
        ok(&mo, "warn", json!({"userId": "alice", "text": text, "clientId": text})).await;
    }
    let again = json!({"userId": "alice", "text": "other", "clientId": "one"});
    refused(&mo.call("warn", again).await, "conflict", "");
    let alice = house.device("alice", "a1").await;
    let notices = alice.events("notice", 2).await;
    assert_eq!((&notices[0]["text"], &notices[1]["text"]), (&json!("one"), &json!("two")));
    ok(&alice, "notice_confirm", json!({"noticeId": notices[0]["noticeId"]})).await;
    let second = house.device("alice", "a2").await;
    assert_eq!(second.event("notice", 0).await, notices[1]);
    ok(&second, "notice_confirm", json!({"noticeId": notices[1]["noticeId"]})).await;
    ok(&mo, "warn", json!({"userId": "alice", "text": "three"})).await;
    assert_eq!(second.event("notice", 1).await["text"], "three");
    assert_eq!(alice.event("notice", 2).await["text"], "three");
    refused(&alice.call("notice_confirm", json!({})).await, "invalid_argument", "noticeId");
    house.end().await;
}

#[tokio::test]
async fn the_audit_log_tells_who_did_what_to_whom() {
    let house = House::new(Plan::default()).await;
    let (mo, bob) = (moderator(&house).await, house.device("bob", "b1").await);
    ok(&bob, "report", json!({"userId": "alice", "reason": "spam"})).await;
    ok(&mo, "report_take", json!({"reportId": "1"})).await;
    let suspend = json!({
        "reportId": "1", "action": "suspend", "reason": "spam", "until": far(), "note": "third",
    });
    ok(&mo, "report_resolve", suspend).await;
    ok(&mo, "unsuspend", json!({"userId": "alice"})).await;
    let page = ok(&mo, "audit", json!({"limit": 2})).await;
    let told = |entry: &Value| (entry["number"].clone(), entry["action"].clone());
    let entries = page["entries"].as_array().expect("a list");
    assert_eq!(told(&entries[0]), (json!(3), json!("unsuspend")));
    assert_eq!(told(&entries[1]), (json!(2), json!("suspend")));
    let suspended = &entries[1];
    assert_eq!((&suspended["by"], &suspended["userId"]), (&json!("mod"), &json!("alice")));
    assert_eq!((&suspended["reportId"], &suspended["until"]), (&json!("1"), &json!(far())));
    assert_eq!((&suspended["text"], &suspended["note"]), (&json!("spam"), &json!("third")));
    assert_eq!(suspended["hash"].as_str().expect("a text").len(), 64);
    let rest = ok(&mo, "audit", json!({"cursor": page["cursor"]})).await;
    assert_eq!(told(&rest["entries"][0]), (json!(1), json!("take")));
    assert_eq!(rest["cursor"], Value::Null);
    refused(&mo.call("audit", json!({"limit": 101})).await, "invalid_argument", "limit");
    house.end().await;
}

#[tokio::test]
async fn nothing_sent_is_kept_after_a_suspension_was_answered_and_nothing_acked_is_lost() {
    let house = House::new(Plan::default()).await;
    let (mo, bob) = (moderator(&house).await, house.device("bob", "b1").await);
    for round in 0..8 {
        let name = format!("user{round}");
        let spammer = house.device(&name, "s1").await;
        let mut sent = Vec::new();
        for n in 0..20 {
            let payload = json!({"toUserId": "bob", "content": n, "clientId": format!("k{n}")});
            sent.push(spammer.submit("private_message", payload).await);
            if n == 2 * round {
                let payload = json!({"userId": name, "reason": "spam"});
                mo.emit("suspend", payload.clone()).await;
            }
        }
        ok(&mo, "suspend", json!({"userId": name, "reason": "spam"})).await;
        let history = json!({"conversationId": format!("dm:bob:{name}"), "limit": 100});
        let before = bob.call("history", history.clone()).await;
        spammer.closed().await;
        let after = bob.call("history", history).await;
        assert_eq!(before, after, "kept after the answer");
        let kept = after["messages"].as_array().map_or(0, Vec::len) as u64;
        let acked: Vec<u64> = spammer
            .heard()
            .iter()
            .filter_map(|heard| match heard {
                Heard::Ack(_, ack) if ack["status"] == "sent" => ack["seq"].as_u64(),
                _ => None,
            })
            .collect();
        assert!(acked.iter().all(|seq| *seq <= kept), "{acked:?} of {kept}");
    }
    house.end().await;
}
