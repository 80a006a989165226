//! The app's own say before a message is kept: what it does, and that it breaks no order.

use std::sync::Arc;
use std::time::Duration;

use crate::support::client::PATIENCE;
use crate::support::{Client, House, Plan};
use parking_lot::Mutex;
use parlor_chat::store::Recipient;
use parlor_service::Settings;
use parlor_service::hook::{Answer, AppHook, Asking, Hook, HookError, OnFailure, Question};
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

type Said = Result<Answer, HookError>;

/// Answers when the test does.
struct Patient {
    asked: Mutex<Vec<(Question, Option<oneshot::Sender<Said>>)>>,
    count: watch::Sender<usize>,
}

impl Hook for Patient {
    fn ask(&self, question: Question) -> Asking {
        let (answer, answered) = oneshot::channel();
        self.asked.lock().push((question, Some(answer)));
        self.count.send_modify(|count| *count += 1);
        Box::pin(async move { answered.await.unwrap_or(Err(HookError::TimedOut)) })
    }
}

impl Patient {
    fn new() -> Arc<Self> {
        Arc::new(Self { asked: Mutex::default(), count: watch::Sender::new(0) })
    }

    /// Waits until so many were asked about.
    async fn was_asked(&self, times: usize) {
        let mut count = self.count.subscribe();
        let asked = tokio::time::timeout(PATIENCE, count.wait_for(|count| *count >= times)).await;
        assert!(asked.is_ok(), "only {} were asked about", *self.count.borrow());
    }

    /// Answers the question about this content that is still open.
    fn answer(&self, content: Value, said: Said) {
        let mut asked = self.asked.lock();
        let content = content.to_string();
        let open = asked
            .iter_mut()
            .find(|(question, open)| open.is_some() && *question.content.0 == *content);
        let (_, open) = open.unwrap_or_else(|| panic!("{content} was not asked about"));
        let open = open.take().expect("it is open");
        // Who no longer waits needs no answer.
        let _ = open.send(said);
    }
}

fn plan(hook: &Arc<Patient>, on_failure: OnFailure, in_flight_max: usize) -> Plan {
    let hook = Some(AppHook { hook: Arc::clone(hook) as Arc<_>, on_failure, in_flight_max });
    Plan { settings: Settings { hook, ..Settings::default() }, ..Plan::default() }
}

fn message(to: &str, content: Value) -> Value {
    let key = format!("k-{to}-{content}").replace(['"', ' '], "_");
    json!({"toUserId": to, "content": content, "clientId": key})
}

async fn submit(client: &Client, to: &str, content: impl Into<Value>) -> u64 {
    client.submit("private_message", message(to, content.into())).await
}

#[tokio::test]
async fn answers_in_reverse_order_leave_messages_in_the_order_sent() {
    let hook = Patient::new();
    let house = House::new(plan(&hook, OnFailure::Refuse, 64)).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let mut answers = Vec::new();
    for n in 0..40 {
        answers.push(submit(&alice, "bob", n).await);
    }
    hook.was_asked(40).await;
    for n in (0..40).rev() {
        hook.answer(json!(n), Ok(Answer::Allow));
    }
    for (n, id) in answers.into_iter().enumerate() {
        assert_eq!(alice.answer(id).await["seq"], n + 1, "message {n}");
    }
    let heard = bob.events("private_message", 40).await;
    let heard: Vec<_> = heard.iter().map(|it| it["content"].clone()).collect();
    assert_eq!(heard, (0..40).map(|n| json!(n)).collect::<Vec<_>>());
    house.end().await;
}

#[tokio::test]
async fn messages_that_are_said_later_are_asked_about_when_they_are_due() {
    let hook = Patient::new();
    let house = House::new(plan(&hook, OnFailure::Refuse, 64)).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let later = async |content: &str, at: u64| {
        let payload = json!({"toUserId": "bob", "content": content, "sendAt": at});
        assert_eq!(alice.call("private_message", payload).await["status"], "ok");
    };
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let at = since.expect("after 1970").as_millis() as u64 + 500;
    for (n, content) in (0..).zip(["one", "two", "three", "four"]) {
        later(content, at + n).await;
    }
    assert_eq!(hook.asked.lock().len(), 0, "nobody is asked before");
    // The first may be due, and asked about, before the others are.
    hook.was_asked(1).await;
    let mut answered = 0;
    while answered < 4 {
        hook.was_asked(answered + 1).await;
        let asked: Vec<_> = hook.asked.lock()[answered..].iter().map(|it| it.0.clone()).collect();
        answered += asked.len();
        for question in asked.iter().rev() {
            assert_eq!(question.user.as_str(), "alice");
            let said = match &*question.content.0 {
                "\"two\"" => Ok(Answer::Refuse { reason: None }),
                "\"three\"" => Err(HookError::TimedOut),
                _ => Ok(Answer::Allow),
            };
            hook.answer(serde_json::from_str(&question.content.0).expect("JSON"), said);
        }
    }
    let heard = bob.events("private_message", 2).await;
    assert_eq!((&heard[0]["content"], &heard[1]["content"]), (&json!("one"), &json!("four")));
    let state = async |content: &str| {
        let states = alice.call("schedules", json!({})).await["schedules"].clone();
        let lines = states.as_array().expect("a list");
        let line = lines.iter().find(|line| line["message"]["content"] == content);
        line.map(|line| (line["state"].clone(), line["code"].clone()))
    };
    // What becomes of each is noted beside the others.
    while state("two").await == Some((json!("pending"), Value::Null)) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(state("two").await, Some((json!("failed"), json!("content_refused"))));
    assert_eq!(state("three").await, Some((json!("pending"), Value::Null)), "it is tried again");
}

#[tokio::test]
async fn a_slow_answer_holds_up_its_own_conversation_and_connection_alone() {
    let hook = Patient::new();
    let house = House::new(plan(&hook, OnFailure::Refuse, 64)).await;
    let (alice, other) = (house.device("alice", "a1").await, house.device("alice", "a2").await);
    let first = submit(&alice, "bob", "slow").await;
    let second = submit(&alice, "bob", "behind").await;
    let elsewhere = submit(&alice, "carol", "elsewhere").await;
    let on_other = submit(&other, "bob", "other").await;
    hook.was_asked(4).await;
    for content in ["behind", "elsewhere", "other"] {
        hook.answer(json!(content), Ok(Answer::Allow));
    }
    assert_eq!(alice.answer(elsewhere).await["status"], "sent");
    assert_eq!(other.answer(on_other).await["seq"], 1);
    hook.answer(json!("slow"), Ok(Answer::Allow));
    assert_eq!(alice.answer(first).await["seq"], 2);
    assert_eq!(alice.answer(second).await["seq"], 3);
    house.end().await;
}

#[tokio::test]
async fn a_failure_aborts_what_came_later_at_once_and_retries_keep_the_order() {
    let hook = Patient::new();
    let house = House::new(plan(&hook, OnFailure::Refuse, 64)).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let mut sent = Vec::new();
    for content in ["a", "b", "c", "d"] {
        sent.push(submit(&alice, "bob", content).await);
    }
    hook.was_asked(4).await;
    hook.answer(json!("d"), Ok(Answer::Allow));
    hook.answer(json!("b"), Err(HookError::TimedOut));
    hook.answer(json!("a"), Ok(Answer::Allow));
    let mut answers = Vec::new();
    for id in sent {
        answers.push(alice.answer(id).await);
    }
    assert_eq!(answers[0]["seq"], 1);
    assert_eq!(answers[1]["code"], "unavailable");
    // "c" is told although nobody ever answers about it.
    assert_eq!((&answers[2]["code"], &answers[3]["code"]), (&json!("aborted"), &json!("aborted")));
    let early = alice.call("private_message", message("bob", json!("e"))).await;
    assert_eq!(early["code"], "aborted", "what is new waits for the retries");

    let mut again = Vec::new();
    for content in ["b", "c", "d", "e"] {
        again.push(submit(&alice, "bob", content).await);
    }
    hook.was_asked(8).await;
    hook.answer(json!("c"), Ok(Answer::Allow));
    for content in ["e", "d", "c", "b"] {
        hook.answer(json!(content), Ok(Answer::Allow));
    }
    for (n, id) in again.into_iter().enumerate() {
        assert_eq!(alice.answer(id).await["seq"], n + 2);
    }
    let heard = bob.events("private_message", 5).await;
    let heard: Vec<_> = heard.iter().map(|it| it["content"].clone()).collect();
    assert_eq!(heard, ["a", "b", "c", "d", "e"]);
    let stats = house.service.stats().moderation;
    assert_eq!((stats.hook_failed, stats.hook_timed_out), (1, 1));
    house.end().await;
}

#[tokio::test]
async fn an_answer_refuses_replaces_and_flags() {
    let hook = Patient::new();
    let house = House::new(plan(&hook, OnFailure::Refuse, 64)).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let mo = house.device("mo;role=moderator", "m1").await;
    let ask = async |asked: usize, content: &str, said: Answer| {
        let id = submit(&alice, "bob", content).await;
        hook.was_asked(asked).await;
        hook.answer(json!(content), Ok(said));
        alice.answer(id).await
    };
    let refused = ask(1, "ad", Answer::Refuse { reason: Some("no ads".into()) }).await;
    let expected = json!({
        "status": "error", "code": "content_refused", "rule": "hook",
        "error": "the content is refused by the rule hook: no ads",
    });
    assert_eq!(refused, expected);
    let replace = || Answer::Replace { content: r#"{"text":"kind"}"#.into() };
    let replaced = ask(2, "rude", replace()).await;
    assert_eq!((&replaced["seq"], &replaced["masked"]), (&json!(1), &json!(true)));
    assert_eq!(ask(3, "rude", replace()).await, replaced, "a retry is known");
    let now_refused = ask(4, "rude", Answer::Refuse { reason: None }).await;
    assert_eq!(now_refused["seq"], 1, "what was kept is answered like the first time");
    assert_eq!(ask(5, "odd", Answer::Flag).await["seq"], 2);
    assert_eq!(mo.event("report", 0).await["rule"], "hook");
    let heard = bob.events("private_message", 2).await;
    let heard: Vec<_> = heard.iter().map(|it| it["content"].clone()).collect();
    assert_eq!(heard, [json!({"text": "kind"}), json!("odd")]);
    let question = hook.asked.lock()[0].0.clone();
    assert_eq!(question.user.as_str(), "alice");
    assert!(matches!(&question.to, Recipient::User(to) if to.as_str() == "bob"));
    assert_eq!(question.conversation.as_str(), "dm:alice:bob");
    assert!(question.client_id.is_some() && question.at.0 > 0);
    house.end().await;
}

#[tokio::test]
async fn without_an_answer_a_message_is_kept_if_that_is_configured() {
    let hook = Patient::new();
    let house = House::new(plan(&hook, OnFailure::Allow, 64)).await;
    let alice = house.device("alice", "a1").await;
    for (n, said) in [
        Err(HookError::TimedOut),
        Err(HookError::Failed("it answered 500".into())),
        Ok(Answer::Replace { content: "no JSON".into() }),
    ]
    .into_iter()
    .enumerate()
    {
        let id = submit(&alice, "bob", n).await;
        hook.was_asked(n + 1).await;
        hook.answer(json!(n), said);
        assert_eq!(alice.answer(id).await["seq"], n + 1);
    }
    let stats = house.service.stats().moderation;
    assert_eq!((stats.hook_asked, stats.hook_failed, stats.hook_timed_out), (3, 3, 1));
    house.end().await;
}

#[tokio::test]
async fn more_questions_than_allowed_are_refused_and_nothing_passes_unasked() {
    let hook = Patient::new();
    let house = House::new(plan(&hook, OnFailure::Allow, 2)).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let first = submit(&alice, "bob", "1").await;
    let second = submit(&alice, "bob", "2").await;
    hook.was_asked(2).await;
    let third = alice.call("private_message", message("bob", json!("3"))).await;
    assert_eq!(third["code"], "overloaded");
    let by_other = bob.call("private_message", message("alice", json!("4"))).await;
    assert_eq!(by_other["code"], "overloaded", "the bound is of the server");
    hook.answer(json!("2"), Ok(Answer::Allow));
    hook.answer(json!("1"), Ok(Answer::Allow));
    assert_eq!(alice.answer(first).await["seq"], 1);
    assert_eq!(alice.answer(second).await["seq"], 2);
    let id = submit(&alice, "bob", "3").await;
    hook.was_asked(3).await;
    hook.answer(json!("3"), Ok(Answer::Allow));
    assert_eq!(alice.answer(id).await["seq"], 3);
    assert_eq!(house.service.stats().moderation.hook_turned_away, 2);
    house.end().await;
}

#[tokio::test]
async fn a_connection_that_is_gone_does_not_lose_what_it_sent() {
    let hook = Patient::new();
    let house = House::new(plan(&hook, OnFailure::Refuse, 64)).await;
    let bob = house.device("bob", "b1").await;
    let mut alice = house.device("alice", "a1").await;
    for n in 0..3 {
        submit(&alice, "bob", n).await;
    }
    hook.was_asked(3).await;
    alice.cut().await;
    drop(alice);
    for n in (0..3).rev() {
        hook.answer(json!(n), Ok(Answer::Allow));
    }
    let heard = bob.events("private_message", 3).await;
    let heard: Vec<_> = heard.iter().map(|it| it["content"].clone()).collect();
    assert_eq!(heard, [json!(0), json!(1), json!(2)]);
    house.end().await;
}

#[tokio::test]
async fn a_stored_event_is_not_asked_about_and_overtakes_nothing() {
    let hook = Patient::new();
    let house = House::new(plan(&hook, OnFailure::Refuse, 64)).await;
    let alice = house.device("alice", "a1").await;
    let message = submit(&alice, "bob", "slow").await;
    hook.was_asked(1).await;
    let event = json!({"conversationId": "dm:alice:bob", "name": "x", "store": true});
    let event = alice.submit("app_event", event).await;
    let passing = alice.call("app_event", json!({"conversationId": "dm:alice:bob", "name": "x"}));
    assert_eq!(passing.await["status"], "ok", "what is not kept waits for nothing");
    hook.answer(json!("slow"), Ok(Answer::Allow));
    assert_eq!(alice.answer(message).await["seq"], 1);
    assert_eq!(alice.answer(event).await["seq"], 2);
    assert_eq!(hook.asked.lock().len(), 1);
    house.end().await;
}
