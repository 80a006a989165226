//! Finding messages by their words: what a user may see, as it is now, and nothing else.

use parlor_chat::around::port::{ChangeMessage, Removal, Wish};
use parlor_chat::group::decide::Wish as GroupWish;
use parlor_chat::ids::{ConversationId, MessageId, Seq};
use parlor_chat::own::{OwnChange, OwnKey, OwnKind, OwnValue, OwnWish};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::search::port::{SearchBounds, SearchPage, SearchQuery};
use parlor_chat::search::query::Query;
use parlor_chat::store::{Append, Origin};

use super::around::{House, about, edit};
use super::shadowing::{shadow, shadowed};
use super::{NOW, dm, user, wish};

pub(super) const BOUNDS: SearchBounds =
    SearchBounds { contents_max: 10_000, work_max_ms: 60_000, highlights_max: 9 };

/// A wish of somebody to find something, anywhere.
pub(super) fn looking(who: &str, text: &str) -> SearchQuery {
    SearchQuery {
        user: user(who),
        query: Query::parse(text, 16).expect("a query in a test"),
        conversation: None,
        from: None,
        before: None,
        after: None,
        limit: 99,
        bounds: BOUNDS,
    }
}

impl House {
    pub(super) async fn search(&self, query: SearchQuery) -> Result<SearchPage, Refusal> {
        self.around.search(query).await.map_err(|error| of_store(&error))
    }

    /// The ids of what somebody finds.
    async fn finds(&self, who: &str, text: &str) -> Vec<String> {
        self.found(looking(who, text)).await
    }

    async fn found(&self, query: SearchQuery) -> Vec<String> {
        let page = self.search(query).await.expect("a page is read");
        assert_eq!((page.next, page.is_indexing), (None, false));
        ids(&page)
    }

    pub(super) async fn hides(&self, who: &str, of: &ConversationId, seq: u64, hidden: bool) {
        let id = MessageId::new(of, Seq(seq));
        let wish = OwnWish {
            kind: OwnKind::Hidden,
            key: OwnKey::parse(id.as_str()).expect("a good key"),
            value: hidden.then(|| OwnValue::of("true")),
        };
        let (user, wishes, now, origin) = (user(who), vec![wish], NOW, Origin::of(0));
        let change = OwnChange { user, wishes, about: None, records_max: 999, now, origin };
        self.base.store.change_own(change).await.expect("there is room");
    }
}

pub(super) fn ids(page: &SearchPage) -> Vec<String> {
    page.found.iter().map(|found| found.message.id().to_string()).collect()
}

pub(super) async fn what_was_acknowledged_is_found_by_its_words(h: &House) {
    for (from, to, text) in [
        ("a", "b", "Hello, Wörld of owls"),
        ("b", "a", "the world says hello"),
        ("a", "c", "hello c"),
        ("c", "d", "hello among others"),
    ] {
        h.base.sent(from, to, text).await;
    }
    for (who, text, expected) in [
        ("a", "hello", vec!["dm:a:c:1", "dm:a:b:2", "dm:a:b:1"]),
        ("a", "WORLD hello", vec!["dm:a:b:2", "dm:a:b:1"]),
        ("a", "\"hello world\"", vec!["dm:a:b:1"]),
        ("b", "héllo", vec!["dm:a:b:2", "dm:a:b:1"]),
        ("d", "hello", vec!["dm:c:d:1"]),
        ("a", "\"hell\"", vec![]),
        ("a", "hello owls says", vec![]),
        ("stranger", "hello", vec![]),
    ] {
        assert_eq!(h.finds(who, text).await, expected, "{who}: {text}");
    }
    let page = h.search(looking("a", "world hello")).await.expect("a page is read");
    let places = page.found[1].highlights.iter().map(|place| (place.offset, place.length));
    assert_eq!(places.collect::<Vec<_>>(), [(0, 5), (7, 5)]);
}

pub(super) async fn a_message_is_found_by_its_newest_text_alone(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "first words").await;
    h.base.sent("a", "b", "others").await;
    assert_eq!(h.finds("b", "first").await, ["dm:a:b:1"]);
    h.done("a", &of, 1, edit("second words")).await;
    for who in ["a", "b"] {
        assert!(h.finds(who, "first").await.is_empty());
        assert_eq!(h.finds(who, "second").await, ["dm:a:b:1"]);
        assert_eq!(h.finds(who, "words").await, ["dm:a:b:1"]);
    }
    let page = h.search(looking("b", "second")).await.expect("a page is read");
    let edited = page.found[0].state.edited.as_ref().map(|(content, _)| &*content.0);
    assert_eq!(edited, Some("\"second words\""));
    h.done("a", &of, 1, edit("first again")).await;
    assert_eq!(h.finds("b", "first").await, ["dm:a:b:1"]);
    assert!(h.finds("b", "second").await.is_empty());
}

pub(super) async fn what_is_deleted_or_hidden_is_not_found(h: &House) {
    let of = dm("a", "b");
    for _ in 0..3 {
        h.base.sent("a", "b", "secret").await;
    }
    h.done("a", &of, 1, edit("secret too")).await;
    h.done("a", &of, 1, Wish::Delete).await;
    h.hides("b", &of, 2, true).await;
    assert_eq!(h.finds("a", "secret").await, ["dm:a:b:3", "dm:a:b:2"]);
    assert_eq!(h.finds("b", "secret").await, ["dm:a:b:3"]);
    h.hides("b", &of, 2, false).await;
    assert_eq!(h.finds("b", "secret").await, ["dm:a:b:3", "dm:a:b:2"]);
    assert!(h.finds("b", "too").await.is_empty());
}

pub(super) async fn in_a_group_a_member_finds_what_they_may_see(h: &House) {
    let of = h.group("g", "a", &["b"]).await;
    let say = async || h.says("a", &of, "owl").await;
    let mut at = vec![say().await];
    h.change_group("g", "a", GroupWish::Add(vec![user("c")])).await;
    at.push(say().await);
    h.change_group("g", "a", GroupWish::Kick(user("c"))).await;
    at.push(say().await);
    h.change_group("g", "a", GroupWish::Add(vec![user("c")])).await;
    at.push(say().await);
    h.change_group("g", "c", GroupWish::Leave).await;
    let named = |places: &[usize]| -> Vec<String> {
        places.iter().map(|place| format!("group:g:{}", at[*place])).collect()
    };
    assert_eq!(h.finds("a", "owl").await, named(&[3, 2, 1, 0]));
    assert_eq!(h.finds("c", "owl").await, named(&[3, 1]));
    assert!(h.finds("d", "owl").await.is_empty());
    // Who left sees what was in their time.
    h.done("a", &of, at[3], edit("crow")).await;
    assert_eq!(h.finds("c", "owl").await, named(&[3, 1]));
    assert!(h.finds("c", "crow").await.is_empty());
    assert_eq!(h.finds("b", "crow").await, named(&[3]));
    let of_group = SearchQuery { conversation: Some(of), ..looking("d", "owl") };
    assert_eq!(h.search(of_group).await, Err(Refusal::NotFound));
}

pub(super) async fn a_search_is_narrowed_by_conversation_sender_and_time(h: &House) {
    for (n, (from, to)) in [("a", "b"), ("b", "a"), ("a", "c"), ("c", "a")].into_iter().enumerate()
    {
        let now = parlor_chat::entry::Millis(NOW.0 + 10 * n as u64);
        let append = Append { now, ..wish(from, to, "owl", None) };
        h.base.store.append(append).await.expect("it is kept");
    }
    let all = looking("a", "owl");
    let of = |a, b| SearchQuery { conversation: Some(dm(a, b)), ..all.clone() };
    let from = |name| SearchQuery { from: Some(user(name)), ..all.clone() };
    let before = |n: u64| {
        let before = Some(parlor_chat::entry::Millis(NOW.0 + n));
        SearchQuery { before, ..all.clone() }
    };
    for (query, expected) in [
        (of("a", "b"), vec!["dm:a:b:2", "dm:a:b:1"]),
        (from("a"), vec!["dm:a:c:1", "dm:a:b:1"]),
        (from("c"), vec!["dm:a:c:2"]),
        (from("nobody"), vec![]),
        (before(30), vec!["dm:a:c:1", "dm:a:b:2", "dm:a:b:1"]),
        (before(11), vec!["dm:a:b:2", "dm:a:b:1"]),
        (before(0), vec![]),
        (SearchQuery { from: Some(user("b")), ..of("a", "b") }, vec!["dm:a:b:2"]),
        (SearchQuery { from: Some(user("b")), ..of("a", "c") }, vec![]),
    ] {
        assert_eq!(h.found(query).await, expected);
    }
    assert_eq!(h.search(of("b", "c")).await, Err(Refusal::NotFound));
    assert_eq!(h.search(of("a", "d")).await, Err(Refusal::NotFound));
}

pub(super) async fn pages_hold_each_message_once_newest_first(h: &House) {
    let mut expected = Vec::new();
    for n in 0..40 {
        let to = ["b", "c", "d"][n % 3];
        let appended = h.base.sent("a", to, if n % 4 == 0 { "crow" } else { "owl" }).await;
        if n % 4 != 0 {
            expected.push(MessageId::new(&appended.conversation, appended.seq).to_string());
        }
    }
    expected.reverse();
    for limit in [1, 3, 7, 99] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let query = SearchQuery { limit, after, ..looking("a", "owl") };
            let page = h.search(query).await.expect("a page is read");
            assert!(page.found.len() <= limit);
            found.extend(ids(&page));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{limit} at a time");
    }
}

pub(super) async fn a_search_ends_at_its_bounds_and_goes_on_from_there(h: &House) {
    for n in 0..30 {
        h.base.sent("a", "b", if n == 0 { "x y" } else { "y -- x" }).await;
    }
    let bounds = SearchBounds { contents_max: 7, ..BOUNDS };
    let (mut pages, mut after, mut found) = (0, None, Vec::new());
    loop {
        let query = SearchQuery { bounds, after, ..looking("a", "\"x y\"") };
        let page = h.search(query).await.expect("a page is read");
        found.extend(ids(&page));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // All of them have both words.
    assert_eq!((pages, found), (5, vec!["dm:a:b:1".to_owned()]));
    let bounds = SearchBounds { work_max_ms: 0, ..BOUNDS };
    let query = SearchQuery { bounds, ..looking("a", "x") };
    assert_eq!(h.search(query).await, Err(Refusal::SearchTooBroad));
    let bounds = SearchBounds { highlights_max: 1, ..BOUNDS };
    let page = h.search(SearchQuery { bounds, limit: 1, ..looking("a", "y x") }).await;
    assert_eq!(page.expect("a page is read").found[0].highlights.len(), 1);
}

pub(super) async fn what_is_shadowed_is_found_by_its_sender_alone(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "an owl").await;
    let hidden = shadowed(h, "a", &of, "b", "an owl among spam").await;
    let id = |seq| MessageId::new(&of, Seq(seq)).to_string();
    assert_eq!(h.finds("b", "owl").await, [id(1)]);
    assert_eq!(h.finds("a", "owl").await, [id(hidden), id(1)]);
    let change = ChangeMessage { screening: Some(shadow()), ..about("a", &of, 1, edit("a zebra")) };
    h.does(change).await.expect("it may be");
    assert_eq!((h.finds("b", "owl").await, h.finds("b", "zebra").await), (vec![id(1)], vec![]));
    assert_eq!(h.finds("a", "zebra").await, [id(1)]);
    assert_eq!(h.finds("a", "owl").await, [id(hidden)]);
}

pub(super) async fn what_a_moderator_removes_is_not_found(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "an owl").await;
    h.done("a", &of, 1, edit("a zebra")).await;
    assert_eq!(h.finds("b", "zebra").await.len(), 1);
    let removal = Some(Removal { note: None });
    h.does(ChangeMessage { removal, ..about("m", &of, 1, Wish::Delete) }).await.expect("it may be");
    assert!(h.finds("a", "zebra").await.is_empty() && h.finds("b", "owl").await.is_empty());
}
