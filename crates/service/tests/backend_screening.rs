//! What the app's own server says in a user's name is screened as if the user had said it.

use std::sync::Arc;

use crate::support::{House, Plan};
use parking_lot::Mutex;
use parlor_chat::ids::UserId;
use parlor_chat::refusal::Refusal;
use parlor_chat::rules::Action;
use parlor_service::hook::{Answer as Verdict, AppHook, Asking, Hook, OnFailure, Question};
use parlor_service::rules::{FloodBound, Looked, Rule, Rules, Within};
use parlor_service::{Answer, Backend, Settings};
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn raw(json: Value) -> Box<RawValue> {
    RawValue::from_string(json.to_string()).expect("JSON")
}

fn answer(answer: Answer) -> Value {
    serde_json::from_str(&answer.expect("it is done")).expect("JSON")
}

/// What was refused, in a word.
fn code(answer: Answer) -> &'static str {
    answer.expect_err("refused").name()
}

async fn send(backend: &Backend, body: Value, key: Option<&str>) -> Answer {
    backend.send(Some(&raw(body)), key).await
}

fn words(id: &str, action: Action, word: &str) -> Rule {
    let looked_for = Looked::Words { words: vec![word.to_owned()], within: Within::WholeWords };
    Rule { id: id.to_owned(), action, looked_for }
}

/// Refuses what says so, replaces what asks for it, and remembers what it was asked.
#[derive(Default)]
struct Literal(Mutex<Vec<Question>>);

impl Hook for Literal {
    fn ask(&self, question: Question) -> Asking {
        let said = match &*question.content.0 {
            "\"refuse\"" => Verdict::Refuse { reason: None },
            "\"replace\"" => Verdict::Replace { content: "\"replaced\"".into() },
            _ => Verdict::Allow,
        };
        self.0.lock().push(question);
        Box::pin(async move { Ok(said) })
    }
}

async fn house(rules: Vec<Rule>, hook: Option<Arc<Literal>>, in_flight_max: usize) -> House {
    let hook = hook.map(|hook| AppHook { hook, on_failure: OnFailure::Refuse, in_flight_max });
    let rules = Rules::new(rules).expect("they compile");
    let system_user = Some(UserId::parse("system").expect("an id"));
    let settings = Settings { rules, hook, system_user, ..Settings::default() };
    House::new(Plan { settings, ..Plan::default() }).await
}

#[tokio::test]
async fn rules_hold_for_users_unless_the_app_vouches_and_not_for_the_system() {
    let rules =
        vec![words("no-slurs", Action::Refuse, "bad"), words("cards", Action::Mask, "1234")];
    let house = house(rules, None, 0).await;
    let backend = house.service.backend();
    let bob = house.device("bob", "b1").await;
    let says = |content: &str| json!({"from": "alice", "to": "bob", "content": content});
    let refused = send(&backend, says("so bad"), None).await.expect_err("a rule");
    let rule = "no-slurs".into();
    assert_eq!(refused, Refusal::ContentRefused { rule, reason: None });
    assert_eq!(code(send(&backend, says("bad"), Some("k")).await), "content_refused");
    let masked = answer(send(&backend, says("my 1234"), Some("card")).await);
    assert_eq!((&masked["masked"], &masked["seq"]), (&json!(true), &json!(1)));
    assert_eq!(bob.event("private_message", 0).await["content"], "my ****");
    assert_eq!(answer(send(&backend, says("my 1234"), Some("card")).await), masked, "a retry");
    assert_eq!(send(&backend, says("my 4321"), Some("card")).await, Err(Refusal::Conflict));
    let vouched =
        |content| json!({"from": "alice", "to": "bob", "content": content, "screened": false});
    assert_eq!(answer(send(&backend, vouched("bad 1234"), None).await)["masked"], Value::Null);
    assert_eq!(bob.event("private_message", 1).await["content"], "bad 1234");
    let by_system = json!({"to": "bob", "content": "bad 1234", "screened": true});
    assert_eq!(answer(send(&backend, by_system, None).await)["masked"], Value::Null);
    assert_eq!(bob.event("private_message", 2).await["content"], "bad 1234");
    let edit = |body| async {
        backend.edit("dm:alice:bob", "dm:alice:bob:1", Some(&raw(body)), None).await
    };
    let refused = edit(json!({"as": "alice", "content": "bad"})).await;
    assert_eq!(code(refused), "content_refused");
    answer(edit(json!({"as": "alice", "content": "bad", "screened": false})).await);
    assert_eq!(bob.event("entry", 0).await["content"], "bad");
    house.end().await;
}

#[tokio::test]
async fn a_retry_of_what_was_kept_gets_its_answer_whatever_a_rule_says_now() {
    let data = tempfile::tempdir().expect("a directory");
    let body = json!({"from": "alice", "to": "bob", "content": "bad"});
    let house = House::on(data.path(), Plan::default()).await;
    let first = answer(send(&house.service.backend(), body.clone(), Some("k")).await);
    house.end().await;
    let rules = Rules::new(vec![words("no-slurs", Action::Refuse, "bad")]).expect("they compile");
    let settings = Settings { rules, ..Settings::default() };
    let house = House::on(data.path(), Plan { settings, ..Plan::default() }).await;
    let backend = house.service.backend();
    assert_eq!(answer(send(&backend, body.clone(), Some("k")).await), first);
    assert_eq!(code(send(&backend, body, Some("other")).await), "content_refused");
    house.end().await;
}

#[tokio::test]
async fn repeats_are_counted_together_with_the_users_own() {
    let bound = FloodBound { repeats_max: 2, window_ms: 60_000 };
    let flood =
        Rule { id: "again".to_owned(), action: Action::Refuse, looked_for: Looked::Flood(bound) };
    let house = house(vec![flood], None, 0).await;
    let backend = house.service.backend();
    let alice = house.device("alice", "a1").await;
    let body = json!({"from": "alice", "to": "bob", "content": "buy"});
    answer(send(&backend, body.clone(), Some("k")).await);
    answer(send(&backend, body.clone(), Some("k")).await);
    alice.send("bob", "buy").await;
    assert_eq!(code(send(&backend, body, Some("other")).await), "content_refused");
    house.end().await;
}

#[tokio::test]
async fn the_apps_hook_is_asked_about_what_users_say_and_nothing_else() {
    let hook = Arc::new(Literal::default());
    let house = house(Vec::new(), Some(Arc::clone(&hook)), 8).await;
    let backend = house.service.backend();
    let says = |content: &str| json!({"from": "alice", "to": "bob", "content": content});
    assert_eq!(code(send(&backend, says("refuse"), Some("k")).await), "content_refused");
    let replaced = answer(send(&backend, says("replace"), Some("r")).await);
    assert_eq!(replaced["masked"], true);
    let page = answer(backend.history("dm:alice:bob", None).await);
    assert_eq!(page["messages"][0]["content"], "replaced");
    let edit = raw(json!({"as": "alice", "content": "refuse"}));
    let edited = backend.edit("dm:alice:bob", "dm:alice:bob:1", Some(&edit), None).await;
    assert_eq!(code(edited), "content_refused");
    let asked = hook.0.lock().clone();
    let about: Vec<_> = asked
        .iter()
        .map(|it| (it.user.as_str(), &*it.content.0, it.client_id.as_ref().map(|id| id.as_str())))
        .collect();
    let expected = [
        ("alice", "\"refuse\"", Some("k")),
        ("alice", "\"replace\"", Some("r")),
        ("alice", "\"refuse\"", None),
    ];
    assert_eq!(about, expected);
    answer(send(&backend, json!({"to": "bob", "content": "refuse"}), None).await);
    let vouched = json!({"from": "alice", "to": "bob", "content": "refuse", "screened": false});
    answer(send(&backend, vouched, None).await);
    let event = raw(json!({"from": "alice", "name": "x", "data": "refuse", "store": true}));
    answer(backend.app_event("dm:alice:bob", Some(&event), None).await);
    assert_eq!(hook.0.lock().len(), 3);
    house.end().await;
}

#[tokio::test]
async fn with_too_many_questions_under_way_nothing_is_let_through_unasked() {
    let house = house(Vec::new(), Some(Arc::default()), 0).await;
    let body = json!({"from": "alice", "to": "bob", "content": "x"});
    assert_eq!(code(send(&house.service.backend(), body, Some("k")).await), "overloaded");
    assert_eq!(house.service.stats().moderation.hook_turned_away, 1);
    house.end().await;
}
