//! What content rules leave to its sender's eyes alone, and what they make of edits.

use std::sync::Arc;

use parlor_chat::around::port::{ChangeMessage, Say, Wish};
use parlor_chat::entry::{Entry, Position};
use parlor_chat::group::port::ReceiptsQuery;
use parlor_chat::ids::{ConversationId, Seq};
use parlor_chat::limits::Limits;
use parlor_chat::moderation::{ReportsQuery, Target};
use parlor_chat::own::OwnKind;
use parlor_chat::privacy::PrivacySetting;
use parlor_chat::refusal::Refusal;
use parlor_chat::rules::{Flagged, Screening};
use parlor_chat::store::{Append, Recipient, Whose};

use super::around::{House, about, edit, react};
use super::owning::put;
use super::{contents, dm, is_not_found, text, user, wish};

pub(super) fn shadow() -> Screening {
    let flagged = Some(Flagged { rule: "spam".into(), open_max: 9 });
    Screening { flagged, shadow: true, ..Screening::default() }
}

/// Says something to a group or, if it is none, to a user.
pub(super) async fn shadowed(
    h: &House,
    from: &str,
    of: &ConversationId,
    to: &str,
    content: &str,
) -> u64 {
    let recipient = match of.group_id() {
        Some(group) => Recipient::Group(group),
        None => Recipient::User(user(to)),
    };
    let append = Append { to: recipient, ..wish(from, to, content, None) };
    let kept = h.base.store.append_screened(append, shadow()).await.expect("it is kept");
    assert_eq!(kept.conversation, *of);
    kept.seq.0
}

/// What somebody's reads give: history, what came since the start, what is newest in the list, and
/// how much of it is unread.
async fn seen(h: &House, who: &str, of: &ConversationId) -> (Vec<String>, Vec<String>, u64, u64) {
    let page = h.page(who, of).await;
    let since = h.base.store.since(user(who), Position(0), Whose::Everyone, 99).await;
    let behind = h.base.store.behind(user(who), Position(0), Whose::Everyone, 99).await;
    let since = since.expect("a page is read").entries;
    assert_eq!(behind.expect("it is counted").entries, since.len());
    let listed = h.base.store.conversations(user(who), None, 9).await.expect("a page is read");
    let line = listed.conversations.iter().find(|line| line.conversation == *of);
    let messages = |entries: &[Arc<Entry>]| {
        let said: Vec<_> = entries.iter().filter(|it| it.body.is_message()).cloned().collect();
        contents(&said)
    };
    let (last, unread) = line.map_or((0, 0), |line| (line.last.seq.0, line.unread));
    (messages(&page.entries), messages(&since), last, unread)
}

pub(super) async fn a_shadowed_message_is_its_senders_alone(h: &House) {
    let group = h.group("g", "a", &["b"]).await;
    for of in [dm("a", "b"), group] {
        let first = match of.group_id() {
            Some(_) => h.says("a", &of, "one").await,
            None => h.base.sent("a", "b", "one").await.seq.0,
        };
        let hidden = shadowed(h, "a", &of, "b", "two").await;
        assert_eq!(hidden, first + 1);
        let all = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let (history, since, last, unread) = seen(h, "b", &of).await;
        assert_eq!((history, last, unread), (all(&["one"]), first, 1));
        assert!(!since.contains(&"two".to_owned()));
        let (history, since, last, unread) = seen(h, "a", &of).await;
        assert_eq!((history, last, unread), (all(&["one", "two"]), hidden, 0));
        assert!(since.contains(&"two".to_owned()));
        let (undelivered, _) = h.base.undelivered("b", "", 1).await;
        assert!(!contents(&undelivered).contains(&"two".to_owned()));
        let covers = h.page("b", &of).await.covers;
        assert_eq!(covers, Some((Seq(1), Seq(hidden))), "there is nothing to ask for");
        let moved = h.base.store.moved(user("b"), Position(1), 9).await.expect("a page is read");
        let heads: Vec<_> = moved.conversations.iter().map(|it| it.head.0).collect();
        assert!(heads.contains(&first) && !heads.contains(&hidden), "{heads:?}");
    }
}

pub(super) async fn what_nobody_sees_begins_nothing(h: &House) {
    put(&h.base, "b", OwnKind::Privacy, PrivacySetting::MessageRequests.name(), Some("true")).await;
    let of = dm("a", "b");
    for _ in 0..5 {
        shadowed(h, "a", &of, "b", "spam").await;
    }
    for page in [
        h.base.store.conversations(user("b"), None, 9).await,
        h.base.store.message_requests(user("b"), None, 9).await,
    ] {
        assert!(page.expect("a page is read").conversations.is_empty());
    }
    let moved = h.base.store.moved(user("b"), Position(1), 9).await.expect("a page is read");
    assert!(moved.conversations.is_empty());
    h.base.sent("a", "b", "hello").await;
    let requests = h.base.store.message_requests(user("b"), None, 9).await;
    let requests = requests.expect("a page is read").conversations;
    assert_eq!((requests.len(), requests[0].unread), (1, 1), "it begins with what is seen");
}

pub(super) async fn nobody_else_does_anything_to_a_shadowed_message(h: &House) {
    let of = h.group("g", "a", &["b"]).await;
    let seq = shadowed(h, "b", &of, "a", "two").await;
    for wish in [react("👍"), Wish::Pin, Wish::Delete] {
        assert_eq!(h.does(about("a", &of, seq, wish)).await, Err(Refusal::NotFound));
    }
    let places = vec![(of.clone(), Seq(seq))];
    let found = h.base.store.entries_at(user("a"), places.clone()).await.expect("they are read");
    assert!(found == [None]);
    let own = h.base.store.entries_at(user("b"), places).await.expect("they are read");
    assert!(own[0].is_some());
    let star = super::owning::wished("a", OwnKind::Star, "m", Some("true"));
    let star = parlor_chat::own::OwnChange { about: Some((of.clone(), Seq(seq))), ..star };
    assert!(is_not_found(h.base.store.change_own(star).await));
    let append =
        Append { to: Recipient::Group(of.group_id().expect("one")), ..wish("a", "a", "x", None) };
    let reply = Say { reply_to: Some(Seq(seq)), ..Say::plain(append) };
    assert!(h.around.say(reply).await.is_err());
    let group = of.group_id().expect("one");
    let receipts = async |who: &str| {
        let query = ReceiptsQuery {
            user: user(who),
            group: group.clone(),
            seq: Seq(seq),
            after: None,
            limit: 9,
        };
        h.groups.group_receipts(query).await.map(|page| page.members.len())
    };
    assert!(is_not_found(receipts("a").await));
    assert_eq!(receipts("b").await.expect("its own"), 0);
    // What its author does to it is the author's alone as well.
    h.done("b", &of, seq, edit("three")).await;
    h.done("b", &of, seq, react("👍")).await;
    let kinds = async |who: &str| h.page(who, &of).await.entries.len();
    assert_eq!((kinds("a").await, kinds("b").await), (1, 4));
    h.done("b", &of, seq, Wish::Delete).await;
    assert_eq!((kinds("a").await, kinds("b").await), (1, 5));
    assert!(contents(&h.page("b", &of).await.entries).iter().all(String::is_empty));
    let after = h.says("b", &of, "seen").await;
    assert_eq!(seen(h, "a", &of).await.2, after);
}

pub(super) async fn a_shadowed_pin_takes_nobodys_place(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "one").await;
    let hidden = shadowed(h, "b", &of, "a", "two").await;
    h.done("b", &of, hidden, Wish::Pin).await;
    let limits = Limits { pins_max: 1, ..Limits::default() };
    let pin = |by| ChangeMessage { limits: limits.clone(), ..about(by, &of, 1, Wish::Pin) };
    assert_eq!(h.does(pin("b")).await, Err(Refusal::TooManyPins));
    assert!(h.does(pin("a")).await.is_ok());
}

pub(super) async fn an_edit_is_screened_like_a_message(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "fine").await;
    let screened = |to: &str, screening| ChangeMessage {
        screening: Some(screening),
        ..about("a", &of, 1, edit(to))
    };
    let flag = Screening { shadow: false, ..shadow() };
    h.does(screened("odd", flag)).await.expect("it may be").expect("it is new");
    h.does(screened("bad", shadow())).await.expect("it may be").expect("it is new");
    let newest = async |who: &str| {
        let state = h.state(who, &of, 1).await.expect("it was edited");
        state.edited.map(|(content, _)| content)
    };
    assert_eq!(newest("a").await, Some(text("bad")));
    assert_eq!(newest("b").await, Some(text("odd")), "others see what was there before");
    let query = ReportsQuery { viewer: user("m"), state: None, after: None, limit: 9 };
    let queue = h.base.store.moderation().reports(query).await.expect("they are read").reports;
    let filed: Vec<_> = queue.iter().map(|it| (it.target.clone(), it.content.clone())).collect();
    let message = || Target::Message(of.clone(), Seq(1));
    assert_eq!(filed, [(message(), Some(text("odd"))), (message(), Some(text("bad")))]);
    let newest = h.base.store.moderation().flagged(of.clone(), Seq(1)).await.expect("it is read");
    assert_eq!(newest.expect("one").content, Some(text("bad")));
}
