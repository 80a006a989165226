//! Message requests: what strangers write first to who wants to be asked.

use parlor_chat::ids::ConversationId;
use parlor_chat::limits::Limits;
use parlor_chat::own::{OwnKind, OwnRecord};
use parlor_chat::privacy::PrivacySetting;
use parlor_chat::refusal::Refusal;
use parlor_chat::requests::RequestState;
use parlor_chat::store::{Appended, Marked, StoreError};

use super::owning::put;
use super::{Fixture, dm, is_not_found, user, wish};

async fn asks(f: &Fixture, who: &str, json: &str) {
    put(f, who, OwnKind::Privacy, PrivacySetting::MessageRequests.name(), Some(json)).await;
}

async fn decide(f: &Fixture, who: &str, conversation: &ConversationId, state: RequestState) {
    let value = state.value();
    put(f, who, OwnKind::Request, conversation.as_str(), Some(&value.0)).await;
}

/// How many conversations somebody has, and how many requests.
async fn listed(f: &Fixture, who: &str) -> (usize, usize) {
    let ordinary = f.store.conversations(user(who), None, 9).await.expect("a page is read");
    let requests = f.store.message_requests(user(who), None, 9).await.expect("a page is read");
    (ordinary.conversations.len(), requests.conversations.len())
}

/// What the sink heard last of somebody's requests: the record's value.
fn told(f: &Fixture, who: &str) -> Vec<Option<String>> {
    let own = f.sink.own.lock();
    let records = own.iter().filter(|it| it.user == user(who)).flat_map(|it| &it.records);
    let requests = records.filter(|record| record.kind == OwnKind::Request);
    requests.map(|it| it.value.as_ref().map(|value| value.0.to_string())).collect()
}

async fn written(f: &Fixture, from: &str, to: &str) -> Result<Appended, StoreError> {
    f.send(from, to, "hello").await
}

fn is_pending<T>(outcome: Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Refused(why)) if *why == Refusal::RequestPending)
}

fn is_not_accepted<T>(outcome: Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::NotAccepted))
}

pub(super) async fn a_strangers_first_messages_are_a_request(f: &Fixture) {
    asks(f, "b", "true").await;
    let first = f.store.append(wish("a", "b", "1", Some("k"))).await.expect("it is kept");
    assert_eq!(told(f, "b"), [Some("\"pending\"".to_owned())], "it is told before the answer");
    assert_eq!((listed(f, "b").await, listed(f, "a").await), ((0, 1), (1, 0)));
    for _ in 1..Limits::default().request_messages_max {
        written(f, "a", "b").await.expect("it is kept");
    }
    assert!(is_pending(written(f, "a", "b").await));
    let again = f.store.append(wish("a", "b", "1", Some("k"))).await.expect("it was kept");
    assert_eq!(again, Appended { repeated: true, ..first });
    let (entries, _) = f.undelivered("b", "", 9).await;
    let marked =
        entries.iter().filter(|entry| entry.envelope.as_ref().is_some_and(|it| it.request));
    assert_eq!(
        (entries.len(), marked.count()),
        (3, 3),
        "they are delivered, and say what they are"
    );
    assert_eq!(told(f, "b").len(), 1, "a request begins once");
}

pub(super) async fn who_is_known_makes_no_request(f: &Fixture) {
    written(f, "early", "b").await.expect("it is kept");
    f.sent("b", "friend", "hello").await;
    put(f, "b", OwnKind::Contact, "contact", Some("null")).await;
    asks(f, "b", "true").await;
    for who in ["early", "friend", "contact", "b"] {
        written(f, who, "b").await.expect("it is kept");
    }
    assert_eq!(listed(f, "b").await, (4, 0));
    asks(f, "b", "false").await;
    written(f, "a", "b").await.expect("it is kept");
    assert_eq!(listed(f, "b").await, (5, 0));
    assert!(told(f, "b").is_empty());
}

pub(super) async fn an_answer_makes_a_request_ordinary(f: &Fixture) {
    asks(f, "b", "true").await;
    for _ in 0..3 {
        written(f, "a", "b").await.expect("it is kept");
    }
    f.sent("b", "a", "an answer").await;
    assert_eq!(told(f, "b"), [Some("\"pending\"".to_owned()), None]);
    assert_eq!(listed(f, "b").await, (1, 0));
    let entry = f.sink.heard.lock().last().map(|last| last.entry.clone()).expect("one");
    assert!(entry.envelope.is_none());
    for _ in 0..4 {
        written(f, "a", "b").await.expect("it is kept");
    }
    assert_eq!(told(f, "a"), [], "the other has no part in it");
}

pub(super) async fn a_request_is_accepted_or_declined(f: &Fixture) {
    asks(f, "b", "true").await;
    let conversation = dm("a", "b");
    let missing = super::owning::wished(
        "b",
        OwnKind::Request,
        conversation.as_str(),
        Some(&RequestState::Accepted.value().0),
    );
    assert!(is_not_found(f.store.change_own(missing).await), "there is no request");
    written(f, "a", "b").await.expect("it is kept");
    decide(f, "b", &conversation, RequestState::Declined).await;
    assert_eq!(listed(f, "b").await, (0, 0));
    assert!(is_not_accepted(written(f, "a", "b").await));
    asks(f, "b", "false").await;
    assert!(is_not_accepted(written(f, "a", "b").await), "what was declined stays so");
    decide(f, "b", &conversation, RequestState::Accepted).await;
    assert_eq!(listed(f, "b").await, (1, 0));
    for _ in 0..4 {
        written(f, "a", "b").await.expect("it is kept");
    }
    let entry = f.sink.heard.lock().last().map(|last| last.entry.clone()).expect("one");
    assert!(entry.envelope.is_none());
    put(f, "b", OwnKind::Request, conversation.as_str(), None).await;
    assert_eq!(listed(f, "b").await, (1, 0));
}

pub(super) async fn how_far_a_request_was_read_is_not_told(f: &Fixture) {
    asks(f, "b", "true").await;
    written(f, "a", "b").await.expect("it is kept");
    let conversation = dm("a", "b");
    let of_b = async |who: &str| {
        let page = match who {
            "a" => f.store.conversations(user("a"), None, 9).await,
            _ => f.store.message_requests(user("b"), None, 9).await,
        };
        let page = page.expect("a page is read");
        let marks = page.conversations[0].watermarks.iter();
        marks.filter(|mark| mark.user == user("b")).map(|mark| mark.read.0).next()
    };
    assert_eq!(f.read("b", conversation.clone(), 1).await, Marked::MovedInRequest);
    assert_eq!((of_b("a").await, of_b("b").await), (Some(0), Some(1)));
    decide(f, "b", &conversation, RequestState::Accepted).await;
    assert_eq!(of_b("a").await, Some(1));
    written(f, "a", "b").await.expect("it is kept");
    assert_eq!(f.read("b", conversation, 2).await, Marked::Moved);
}

pub(super) async fn a_device_that_was_away_learns_of_a_request(f: &Fixture) {
    asks(f, "b", "true").await;
    let before = f.head_position().await;
    written(f, "a", "b").await.expect("it is kept");
    let page = f.store.moved(user("b"), before, 9).await.expect("a page is read");
    let is_request = |record: &&OwnRecord| record.kind == OwnKind::Request;
    let records: Vec<_> = page.own.records.iter().filter(is_request).collect();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].key.as_str(), dm("a", "b").as_str());
    assert_eq!(records[0].value, Some(RequestState::Pending.value()));
}
