//! Deeds on messages: how many, how late, by whom, and how much of them a page holds.

use std::sync::Arc;

use parlor_chat::around::port::{ChangeMessage, Removal, Wish};
use parlor_chat::entry::{Content, Entry, Millis};
use parlor_chat::group::decide::Wish as GroupWish;
use parlor_chat::group::{FOREVER, OpenTo, Role, SettingsPatch};
use parlor_chat::ids::Seq;
use parlor_chat::limits::Limits;
use parlor_chat::moderation::{AuditQuery, DeedKind};
use parlor_chat::own::OwnKind;
use parlor_chat::privacy::PrivacySetting;
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{Block, HistoryQuery, HistoryRange};

use super::around::{House, about, edit, react, unreact};
use super::owning::put;
use super::{NOW, dm, is_not_found, text, user};

pub(super) async fn reactions_are_counted_and_bounded(h: &House) {
    let of = h.group("g", "a", &["b", "c"]).await;
    let seq = h.says("a", &of, "x").await;
    let limits =
        Limits { reactions_per_user_max: 2, reactions_per_message_max: 3, ..Limits::default() };
    let reacts = async |by: &str, wish: Wish| {
        h.does(ChangeMessage { limits: limits.clone(), ..about(by, &of, seq, wish) }).await
    };
    for (by, with) in [("a", "1"), ("a", "2"), ("b", "2"), ("b", "3")] {
        assert!(matches!(reacts(by, react(with)).await, Ok(Some(_))));
        assert_eq!(reacts(by, react(with)).await, Ok(None));
    }
    assert_eq!(reacts("a", react("3")).await, Err(Refusal::TooManyReactions));
    assert_eq!(reacts("c", react("4")).await, Err(Refusal::TooManyReactions));
    assert!(reacts("c", react("2")).await.is_ok(), "one that is there has room");
    let shown = async |who: &str| {
        let state = h.state(who, &of, seq).await.expect("something was done to it");
        let each = state.reactions.into_iter();
        each.map(|r| format!("{}{}{}", r.emoji.as_str(), "x".repeat(r.count as usize), r.mine))
            .collect::<Vec<_>>()
    };
    assert_eq!(shown("a").await, ["1xtrue", "2xxxtrue", "3xfalse"]);
    assert_eq!(shown("c").await, ["1xfalse", "2xxxtrue", "3xfalse"]);
    for (by, with) in [("a", "1"), ("b", "2")] {
        assert!(matches!(reacts(by, unreact(with)).await, Ok(Some(_))));
        assert_eq!(reacts(by, unreact(with)).await, Ok(None));
    }
    assert_eq!(shown("a").await, ["2xxtrue", "3xfalse"]);
    assert!(matches!(reacts("c", react("4")).await, Ok(Some(_))));
    assert_eq!(shown("c").await, ["2xxtrue", "3xfalse", "4xtrue"]);
}

pub(super) async fn pins_are_listed_newest_first_and_bounded(h: &House) {
    let of = dm("a", "b");
    for n in 1..=4 {
        h.base.sent("a", "b", &n.to_string()).await;
    }
    let limits = Limits { pins_max: 3, ..Limits::default() };
    let pins = async |seq, wish| {
        h.does(ChangeMessage { limits: limits.clone(), ..about("b", &of, seq, wish) }).await
    };
    for seq in [2, 1, 3] {
        assert!(matches!(pins(seq, Wish::Pin).await, Ok(Some(_))));
    }
    assert_eq!(pins(4, Wish::Pin).await, Err(Refusal::TooManyPins));
    assert_eq!(pins(2, Wish::Pin).await, Ok(None));
    h.done("a", &of, 1, edit("new")).await;
    let listed = h.around.pins(user("a"), of.clone()).await.expect("pins are read");
    let seqs: Vec<_> = listed.iter().map(|pin| pin.message.seq.0).collect();
    assert_eq!(seqs, [3, 1, 2]);
    assert_eq!((listed[1].by.as_str(), listed[1].at), ("b", NOW));
    assert_eq!(listed[1].state.edited, Some((text("new"), NOW)));
    assert!(listed[1].state.pinned);
    assert!(is_not_found(h.around.pins(user("c"), of.clone()).await));
    assert!(matches!(pins(3, Wish::Unpin).await, Ok(Some(_))));
    assert_eq!(pins(3, Wish::Unpin).await, Ok(None));
    assert!(matches!(pins(4, Wish::Pin).await, Ok(Some(_))), "there is room again");
    assert!(h.state("a", &of, 4).await.is_some_and(|state| state.pinned));
    assert!(h.state("a", &of, 3).await.is_some_and(|state| !state.pinned));
}

pub(super) async fn windows_end_at_their_edges(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "x").await;
    let limits = Limits { edit_window_ms: 10, delete_window_ms: 20, ..Limits::default() };
    let later = async |ms: u64, wish| {
        let (now, limits) = (Millis(NOW.0 + ms), limits.clone());
        h.does(ChangeMessage { now, limits, ..about("a", &of, 1, wish) }).await
    };
    assert_eq!(later(11, edit("y")).await, Err(Refusal::TooLate));
    assert_eq!(later(10, edit("y")).await, Ok(Some(2)));
    assert_eq!(later(21, Wish::Delete).await, Err(Refusal::TooLate));
    assert_eq!(later(20, Wish::Delete).await, Ok(Some(3)));
    assert_eq!(later(99, Wish::Delete).await, Ok(None));
}

pub(super) async fn who_is_blocked_or_a_stranger_does_nothing(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "x").await;
    h.base.sent("b", "a", "y").await;
    for wish in [edit("z"), react("👍"), Wish::Pin, Wish::Delete] {
        assert_eq!(h.does(about("c", &of, 1, wish)).await, Err(Refusal::NotFound));
    }
    let block = Block { user: user("b"), other: user("a"), blocked: true, now: NOW, blocks_max: 9 };
    h.base.store.block(block).await.expect("it is kept");
    for wish in [edit("z"), react("👍"), unreact("👍"), Wish::Pin, Wish::Unpin] {
        assert_eq!(h.does(about("a", &of, 1, wish)).await, Err(Refusal::Blocked));
    }
    let lift = Block { user: user("b"), other: user("a"), blocked: false, now: NOW, blocks_max: 9 };
    h.base.store.block(lift).await.expect("it is kept");
    let messages = PrivacySetting::Messages.name();
    put(&h.base, "b", OwnKind::Privacy, messages, Some("\"nobody\"")).await;
    assert_eq!(h.does(about("a", &of, 1, react("👍"))).await, Err(Refusal::NotAccepted));
    h.done("b", &of, 1, react("👍")).await;
    h.done("a", &of, 1, Wish::Delete).await;
    assert_eq!(h.does(about("a", &of, 2, Wish::Delete)).await, Err(Refusal::NotAllowed));
}

pub(super) async fn in_a_group_roles_decide(h: &House) {
    let of = h.group("g", "own", &["adm", "mod", "mem", "out"]).await;
    let role = |user_name: &str, role| GroupWish::SetRole(user(user_name), role);
    h.change_group("g", "own", role("adm", Role::Admin)).await;
    h.change_group("g", "own", role("mod", Role::Moderator)).await;
    let by_out = h.says("out", &of, "bye").await;
    let by_mem = h.says("mem", &of, "hi").await;
    let by_adm = h.says("adm", &of, "hello").await;
    let refused = async |by: &str, seq, wish| h.does(about(by, &of, seq, wish)).await.err();
    assert_eq!(refused("mem", by_mem, Wish::Pin).await, Some(Refusal::NotAllowed));
    assert_eq!(refused("mem", by_out, Wish::Delete).await, Some(Refusal::NotAllowed));
    assert_eq!(refused("mod", by_adm, Wish::Delete).await, Some(Refusal::NotAllowed));
    assert_eq!(refused("adm", by_mem, edit("x")).await, Some(Refusal::NotAllowed));
    h.done("mod", &of, by_mem, Wish::Pin).await;
    h.change_group("g", "mod", GroupWish::Mute(user("mem"), FOREVER)).await;
    let muted = Some(Refusal::Muted { until: FOREVER });
    assert_eq!(refused("mem", by_mem, react("👍")).await, muted);
    h.done("mem", &of, by_mem, Wish::Delete).await;
    h.change_group("g", "mod", GroupWish::Kick(user("out"))).await;
    for wish in [edit("x"), react("👍"), Wish::Delete] {
        assert_eq!(refused("out", by_out, wish).await, Some(Refusal::NotAMember));
    }
    assert_eq!(refused("never", by_out, Wish::Delete).await, Some(Refusal::NotFound));
    h.done("mod", &of, by_out, Wish::Delete).await;
    let closed = SettingsPatch { post: Some(OpenTo::Admins), ..SettingsPatch::default() };
    h.change_group("g", "own", GroupWish::Update { name: None, settings: closed }).await;
    assert_eq!(refused("mod", by_adm, react("👍")).await, Some(Refusal::NotAllowed));
    h.done("mod", &of, by_adm, Wish::Pin).await;
    h.change_group("g", "own", GroupWish::Add(vec![user("new")])).await;
    assert_eq!(refused("new", by_adm, react("👍")).await, Some(Refusal::NotFound), "unseen");
    h.change_group("g", "own", GroupWish::Delete).await;
    assert_eq!(refused("own", by_adm, Wish::Delete).await, Some(Refusal::NotFound));
}

pub(super) async fn who_left_sees_what_was_in_their_time(h: &House) {
    let of = h.group("g", "a", &["b"]).await;
    let seq = h.says("a", &of, "x").await;
    h.done("a", &of, seq, edit("y")).await;
    h.change_group("g", "b", GroupWish::Leave).await;
    h.done("a", &of, seq, edit("z")).await;
    let edited = async |who: &str| {
        h.state(who, &of, seq).await.and_then(|state| state.edited).map(|(content, _)| content)
    };
    assert_eq!((edited("a").await, edited("b").await), (Some(text("z")), Some(text("y"))));
    h.done("a", &of, seq, Wish::Delete).await;
    let page = h.page("b", &of).await;
    assert!(page.entries.iter().all(|entry| entry.body.said().is_none()), "gone is gone");
}

pub(super) async fn a_page_of_large_edits_is_cut_and_loses_nothing(h: &House) {
    let of = dm("a", "b");
    let large = Content(format!("\"{}\"", "x".repeat(40_000)).into());
    for n in 1..=20 {
        h.base.sent("a", "b", &n.to_string()).await;
    }
    for n in 1..=20 {
        h.done("a", &of, n, Wish::Edit(large.clone())).await;
    }
    let (mut after, mut pages, mut edited) = (0, 0, 0);
    loop {
        let range = HistoryRange::After(Seq(after), Some(Seq(21)));
        let query = HistoryQuery { user: user("b"), conversation: of.clone(), range, limit: 200 };
        let page = h.base.store.history(query).await.expect("a page is read");
        let bytes: usize =
            page.states.values().filter_map(|s| s.edited.as_ref()).map(|(c, _)| c.0.len()).sum();
        assert!(bytes <= 256 * 1024 + 40_002, "{bytes}");
        let last = page.entries.last().expect("a page holds something").seq.0;
        assert_eq!(page.covers, Some((Seq(after + 1), Seq(if page.more { last } else { 20 }))));
        edited += page.states.len();
        (after, pages) = (last, pages + 1);
        if !page.more {
            break;
        }
    }
    assert_eq!(edited, 20);
    assert!(pages > 2);
}

pub(super) async fn a_moderator_of_the_server_removes_any_message(h: &House) {
    let group = h.group("g", "a", &["b"]).await;
    for (of, seq) in [(dm("a", "b"), 1), (group, 2)] {
        match of.group_id() {
            Some(_) => drop(h.says("a", &of, "x").await),
            None => drop(h.base.sent("a", "b", "x").await),
        }
        h.done("a", &of, seq, edit("y")).await;
        let (note, limits) =
            (Some("ads".into()), Limits { delete_window_ms: 0, ..Limits::default() });
        let now = Millis(NOW.0 + 1_000);
        let by_moderator = Some(Removal { note });
        let removal = ChangeMessage {
            removal: by_moderator,
            limits,
            now,
            ..about("m", &of, seq, Wish::Delete)
        };
        assert_eq!(h.does(removal.clone()).await, Ok(Some(seq + 2)));
        let (undelivered, _) = h.base.undelivered("a", "", 99).await;
        let is_told = |entry: &Arc<Entry>| entry.conversation == of && entry.seq.0 == seq + 2;
        assert!(undelivered.iter().any(is_told), "its author's devices hear of it as well");
        assert_eq!(h.does(removal.clone()).await, Ok(None));
        assert_eq!(h.does(ChangeMessage { seq: Seq(99), ..removal }).await, Err(Refusal::NotFound));
        let entry = h.base.sink.heard.lock().last().expect("it was told").entry.clone();
        assert_eq!(entry.from, user("a"), "who did it is the audit log's business");
        assert!(entry.envelope.as_ref().is_some_and(|envelope| envelope.moderated));
        let page = h.page("b", &of).await;
        let contents = page.entries.iter().filter(|it| it.body.said().or(it.body.edit()).is_some());
        assert_eq!(contents.count(), 0, "nothing of it is left");
        let after = match of.group_id() {
            Some(_) => h.says("b", &of, "z").await,
            None => h.base.sent("b", "a", "z").await.seq.0,
        };
        assert_eq!(after, seq + 3);
    }
    let query = AuditQuery { before: None, limit: 9 };
    let log = h.base.store.moderation().audit(query).await.expect("it is read").entries;
    let told: Vec<_> = log.iter().map(|it| (it.by.as_str(), it.deed, it.text.as_deref())).collect();
    let of = |id| ("m", DeedKind::Remove, Some(id));
    assert_eq!(told, [of("group:g:2"), of("dm:a:b:1")]);
}
