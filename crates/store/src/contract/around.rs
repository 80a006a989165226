//! What is done to messages: each deed once, judged by what then holds, and everywhere seen alike;
//! and what is deleted is gone.

use std::pin::Pin;
use std::sync::Arc;

use parlor_chat::around::port::{Around, ChangeMessage, MessageChanged, Wish};
use parlor_chat::around::{Act, Deed, Emoji, MessageState};
use parlor_chat::entry::{Body, Entry, Millis, Position};
use parlor_chat::group::decide::Wish as GroupWish;
use parlor_chat::group::port::{ChangeGroup, Done, Groups};
use parlor_chat::group::{GroupName, SettingsPatch};
use parlor_chat::ids::{ClientId, ConversationId, GroupId, Seq};
use parlor_chat::limits::Limits;
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{
    Append, Authority, CommitSink, HistoryQuery, HistoryRange, Origin, Recipient, Store, Whose,
};

use super::{
    Fixture, NOW, Sink, app_events, around_model, around_outside, around_rights, counting, dm,
    said, search_model, searching, shadowing, system, text, user, wish,
};

/// An empty store with all of its parts, and whatever must live as long as it does.
pub struct MadeWhole<G> {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its groups.
    pub groups: Arc<dyn Groups>,
    /// What it keeps around messages.
    pub around: Arc<dyn Around>,
    /// Dropped after it, such as its directory.
    pub guard: G,
}

type Claim = for<'a> fn(&'a House) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! claims {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((stringify!($name), |house| Box::pin($module::$name(house)))),*]
    };
}

use self as around;

const CLAIMS: &[(&str, Claim)] = claims![
    around::a_deed_is_an_entry_that_all_reads_give,
    around::the_newest_content_is_shown_and_the_first_is_kept_as_it_was,
    around::an_edit_under_a_key_is_done_once,
    around::what_is_deleted_is_gone_from_every_read,
    around::a_retry_of_a_deleted_message_is_answered_like_the_first,
    around::deeds_are_not_unread_and_the_list_shows_the_last_message,
    around::a_device_that_was_away_hears_deeds_alone,
    around_rights::reactions_are_counted_and_bounded,
    around_rights::pins_are_listed_newest_first_and_bounded,
    around_rights::windows_end_at_their_edges,
    around_rights::who_is_blocked_or_a_stranger_does_nothing,
    around_rights::in_a_group_roles_decide,
    around_rights::a_moderator_of_the_server_removes_any_message,
    around_rights::who_left_sees_what_was_in_their_time,
    around_rights::a_page_of_large_edits_is_cut_and_loses_nothing,
    around_outside::a_reply_names_what_it_answers,
    around_outside::a_thread_is_read_in_pages_and_counted,
    around_outside::a_thread_in_a_group_ends_with_the_membership,
    around_outside::mentions_are_of_members_and_counted_until_read,
    around_outside::a_forward_is_of_what_the_sender_may_see,
    around_model::random_deeds_agree_with_a_recount,
    counting::unread_and_mentions_agree_with_a_naive_count,
    shadowing::a_shadowed_message_is_its_senders_alone,
    shadowing::what_nobody_sees_begins_nothing,
    shadowing::nobody_else_does_anything_to_a_shadowed_message,
    shadowing::a_shadowed_pin_takes_nobodys_place,
    shadowing::an_edit_is_screened_like_a_message,
    app_events::an_event_is_an_entry_that_all_reads_give_and_no_message,
    app_events::an_event_under_a_key_is_kept_once,
    app_events::who_may_not_say_anything_tells_nothing_either,
    system::it_may_in_a_group_what_the_owner_may,
    system::it_leaves_every_group_its_owner,
    system::it_reads_groups_whole,
    system::it_speaks_in_groups_that_it_is_not_in,
    system::it_deletes_what_two_say_to_each_other,
    searching::what_was_acknowledged_is_found_by_its_words,
    searching::a_message_is_found_by_its_newest_text_alone,
    searching::what_is_deleted_or_hidden_is_not_found,
    searching::in_a_group_a_member_finds_what_they_may_see,
    searching::a_search_is_narrowed_by_conversation_sender_and_time,
    searching::pages_hold_each_message_once_newest_first,
    searching::a_search_ends_at_its_bounds_and_goes_on_from_there,
    searching::what_is_shadowed_is_found_by_its_sender_alone,
    searching::what_a_moderator_removes_is_not_found,
    search_model::random_searches_agree_with_a_scan,
];

/// Runs every claim about what is done to messages, each on a store of its own.
///
/// # Panics
/// When a claim does not hold.
pub async fn run_around<G>(make: impl Fn(Arc<dyn CommitSink>) -> MadeWhole<G>) {
    for (name, claim) in CLAIMS {
        let sink = Arc::new(Sink::default());
        let made = make(sink.clone());
        let base = Fixture { store: made.store, sink };
        let house = House { base, groups: made.groups, around: made.around };
        println!("claim: {name}");
        claim(&house).await;
        drop(house);
        drop(made.guard);
    }
}

pub(super) struct House {
    pub(super) base: Fixture,
    pub(super) groups: Arc<dyn Groups>,
    pub(super) around: Arc<dyn Around>,
}

pub(super) fn emoji(text: &str) -> Emoji {
    Emoji::parse(text).expect("a good emoji")
}

pub(super) fn edit(to: &str) -> Wish {
    Wish::Edit(text(to))
}

pub(super) fn react(with: &str) -> Wish {
    Wish::React(emoji(with))
}

pub(super) fn unreact(with: &str) -> Wish {
    Wish::Unreact(emoji(with))
}

pub(super) fn about(by: &str, of: &ConversationId, seq: u64, wish: Wish) -> ChangeMessage {
    ChangeMessage {
        by: user(by),
        authority: Authority::User,
        conversation: of.clone(),
        seq: Seq(seq),
        wish,
        client_id: None,
        now: NOW,
        origin: Origin::of(0),
        limits: Limits::default(),
        screening: None,
        removal: None,
    }
}

impl House {
    /// The seq of the deed, or nothing if it was so already.
    pub(super) async fn does(&self, change: ChangeMessage) -> Result<Option<u64>, Refusal> {
        match self.around.change_message(change).await {
            Ok(MessageChanged::Committed { seq, .. }) => Ok(Some(seq.0)),
            Ok(MessageChanged::Unchanged) => Ok(None),
            Err(error) => Err(of_store(&error)),
        }
    }

    pub(super) async fn done(&self, by: &str, of: &ConversationId, seq: u64, wish: Wish) -> u64 {
        let done = self.does(about(by, of, seq, wish)).await.expect("it may be");
        done.expect("it was not so before")
    }

    pub(super) async fn page(
        &self,
        who: &str,
        of: &ConversationId,
    ) -> parlor_chat::store::HistoryPage {
        let range = HistoryRange::After(Seq(0), None);
        let query = HistoryQuery { user: user(who), conversation: of.clone(), range, limit: 999 };
        self.base.store.history(query).await.expect("a page is read")
    }

    pub(super) async fn state(
        &self,
        who: &str,
        of: &ConversationId,
        seq: u64,
    ) -> Option<MessageState> {
        self.page(who, of).await.states.remove(&Seq(seq))
    }

    pub(super) async fn group(&self, name: &str, owner: &str, members: &[&str]) -> ConversationId {
        let wish = GroupWish::Create {
            name: GroupName::parse(name).expect("a good name"),
            settings: SettingsPatch::default(),
            members: members.iter().map(|name| user(name)).collect(),
        };
        let group = GroupId::parse(name).expect("a good id");
        self.change_group(name, owner, wish).await;
        ConversationId::group(&group)
    }

    pub(super) async fn change_group(&self, name: &str, by: &str, wish: GroupWish) {
        assert!(self.try_group(name, by, wish).await, "a group is changed");
    }

    /// Whether it may be.
    pub(super) async fn try_group(&self, name: &str, by: &str, wish: GroupWish) -> bool {
        self.wishes(name, (by, Authority::User), wish).await.is_ok()
    }

    /// The seq of the change, or nothing if there is none.
    pub(super) async fn wishes(
        &self,
        name: &str,
        (by, authority): (&str, Authority),
        wish: GroupWish,
    ) -> Result<Option<u64>, Refusal> {
        let change = ChangeGroup {
            by: user(by),
            authority,
            group: GroupId::parse(name).expect("a good id"),
            wish,
            client_id: None,
            now: NOW,
            origin: Origin::of(0),
            limits: Limits::default(),
        };
        match self.groups.change_group(change).await.map(|changed| changed.done) {
            Ok(Done::Committed { seq, .. }) => Ok(Some(seq.0)),
            Ok(_) => Ok(None),
            Err(error) => Err(of_store(&error)),
        }
    }

    pub(super) async fn says(&self, by: &str, to: &ConversationId, content: &str) -> u64 {
        let group = to.group_id().expect("a group's");
        let append = Append { to: Recipient::Group(group), ..wish(by, by, content, None) };
        self.base.store.append(append).await.expect("it is kept").seq.0
    }
}

fn deed(entry: &Entry) -> Option<(u64, Deed)> {
    match &entry.body {
        Body::Acted(Act { on, deed }) => Some((on.0, deed.clone())),
        _ => None,
    }
}

async fn a_deed_is_an_entry_that_all_reads_give(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "x").await;
    let before = h.base.head_position().await;
    let wishes = [
        ("a", edit("y"), Deed::Edited(Some(text("y")))),
        ("b", react("👍"), Deed::Reacted(emoji("👍"))),
        ("b", unreact("👍"), Deed::Unreacted(emoji("👍"))),
        ("b", Wish::Pin, Deed::Pinned),
        ("a", Wish::Unpin, Deed::Unpinned),
        ("a", Wish::Delete, Deed::Deleted),
    ];
    let mut expected = Vec::new();
    for (seq, (by, wish, deed)) in (2..).zip(wishes) {
        assert_eq!(h.done(by, &of, 1, wish.clone()).await, seq);
        assert_eq!(h.does(about(by, &of, 1, wish)).await, Ok(None), "once");
        let last = h.base.sink.heard.lock().last().expect("it was told").entry.clone();
        assert_eq!((last.seq, super::around::deed(&last)), (Seq(seq), Some((1, deed.clone()))));
        assert_eq!(last.to.as_ref(), Some(&user(if by == "a" { "b" } else { "a" })));
        expected.push((by, deed));
    }
    // The edit lost its content with the message.
    expected[0].1 = Deed::Edited(None);
    let read = |entries: &[Arc<Entry>]| -> Vec<(String, Deed)> {
        let deeds = entries.iter().filter_map(|entry| Some((entry, deed(entry)?.1)));
        deeds.map(|(entry, deed)| (entry.from.to_string(), deed)).collect()
    };
    let of_all: Vec<_> = expected.iter().map(|(by, deed)| (by.to_string(), deed.clone())).collect();
    assert_eq!(read(&h.page("b", &of).await.entries), of_all);
    let since = h.base.store.since(user("b"), before, Whose::Everyone, 99).await;
    assert_eq!(read(&since.expect("a page is read").entries), of_all);
    let by_a: Vec<_> = of_all.into_iter().filter(|(by, _)| by == "a").collect();
    assert_eq!(read(&h.base.undelivered("b", "", 2).await.0), by_a);
    assert_eq!(h.base.sent("a", "b", "z").await.seq, Seq(8));
}

async fn the_newest_content_is_shown_and_the_first_is_kept_as_it_was(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "x").await;
    h.base.sent("a", "b", "other").await;
    assert_eq!(h.state("b", &of, 1).await, None);
    for (n, to) in ["y", "z"].into_iter().enumerate() {
        let now = Millis(NOW.0 + n as u64);
        h.does(ChangeMessage { now, ..about("a", &of, 1, edit(to)) }).await.expect("it may be");
    }
    let page = h.page("b", &of).await;
    assert_eq!(said(&page.entries[0]), "\"x\"");
    let edited = Some((text("z"), Millis(NOW.0 + 1)));
    assert_eq!(page.states.len(), 1);
    assert_eq!(page.states[&Seq(1)], MessageState { edited, ..MessageState::default() });
    assert_eq!(h.does(about("a", &of, 1, edit("z"))).await, Ok(None));
    assert_eq!(h.does(about("a", &of, 1, edit("x"))).await, Ok(Some(5)), "back is another edit");
}

async fn an_edit_under_a_key_is_done_once(h: &House) {
    let of = dm("a", "b");
    let keyed = |to: &str, seq| ChangeMessage {
        client_id: Some(ClientId::parse("k").expect("a good key")),
        ..about("a", &of, seq, edit(to))
    };
    h.base.store.append(wish("a", "b", "x", Some("first"))).await.expect("it is kept");
    h.base.sent("a", "b", "w").await;
    assert_eq!(h.does(keyed("y", 1)).await, Ok(Some(3)));
    assert_eq!(h.done("a", &of, 1, edit("z")).await, 4);
    let late =
        ChangeMessage { now: Millis(NOW.0 + 2 * parlor_chat::limits::DAY_MS), ..keyed("y", 1) };
    assert_eq!(h.does(late).await, Ok(Some(3)), "it was done, and is not done again");
    assert_eq!(h.does(keyed("z", 1)).await, Err(Refusal::Conflict));
    assert_eq!(h.does(keyed("y", 2)).await, Err(Refusal::Conflict));
    let first = ClientId::parse("first").expect("a good key");
    let change = ChangeMessage { client_id: Some(first), ..about("a", &of, 1, edit("x")) };
    assert_eq!(h.does(change).await, Err(Refusal::Conflict), "a message has the key");
    let again = h.base.store.append(wish("a", "b", "y", Some("k"))).await;
    assert_eq!(again.map_err(|error| of_store(&error)), Err(Refusal::Conflict));
    assert_eq!(h.done("a", &of, 1, Wish::Delete).await, 5);
    assert_eq!(h.does(keyed("y", 1)).await, Ok(Some(3)), "its digest stays");
    assert_eq!(h.page("a", &of).await.entries.len(), 5);
}

async fn what_is_deleted_is_gone_from_every_read(h: &House) {
    let of = dm("a", "b");
    h.base.attached("b", "phone").await;
    h.base.sent("a", "b", "x").await;
    h.done("a", &of, 1, edit("y")).await;
    h.done("b", &of, 1, react("👍")).await;
    h.done("b", &of, 1, Wish::Pin).await;
    assert_eq!(h.done("a", &of, 1, Wish::Delete).await, 5);
    assert_eq!(h.does(about("a", &of, 1, Wish::Delete)).await, Ok(None));
    for wish in [edit("z"), react("👍"), unreact("👍"), Wish::Pin, Wish::Unpin] {
        assert_eq!(h.does(about("a", &of, 1, wish)).await, Err(Refusal::MessageDeleted));
    }
    let page = h.page("b", &of).await;
    assert!(page.states.is_empty());
    let (undelivered, _) = h.base.undelivered("b", "phone", 99).await;
    let since = h.base.store.since(user("b"), Position(0), Whose::Everyone, 99).await;
    for entries in [&page.entries, &undelivered, &since.expect("a page is read").entries] {
        assert_eq!(entries[0].body, Body::Gone);
        assert_eq!((entries[0].from.as_str(), entries[0].seq), ("a", Seq(1)));
        assert_eq!(deed(&entries[1]), Some((1, Deed::Edited(None))));
    }
    assert!(h.around.pins(user("a"), of.clone()).await.expect("pins are read").is_empty());
    for seq in [2, 5, 6, 0] {
        let found = h.does(about("a", &of, seq, Wish::Delete)).await;
        assert_eq!(found, Err(Refusal::NotFound), "{seq} is no message");
    }
    // Nothing but that message.
    h.base.sent("a", "b", "next").await;
    assert_eq!(h.done("a", &of, 6, edit("more")).await, 7);
    assert_eq!(
        h.state("b", &of, 6).await.and_then(|state| state.edited),
        Some((text("more"), NOW))
    );
}

async fn a_retry_of_a_deleted_message_is_answered_like_the_first(h: &House) {
    let first = h.base.store.append(wish("a", "b", "x", Some("k"))).await.expect("it is kept");
    h.done("a", &dm("a", "b"), 1, Wish::Delete).await;
    let again = h.base.store.append(wish("a", "b", "x", Some("k"))).await.expect("it was kept");
    assert_eq!((again.seq, again.ts, again.repeated), (first.seq, first.ts, true));
    let other = h.base.store.append(wish("a", "b", "null", Some("k"))).await;
    assert_eq!(other.map_err(|error| of_store(&error)), Err(Refusal::Conflict));
}

async fn deeds_are_not_unread_and_the_list_shows_the_last_message(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "x").await;
    h.base.sent("b", "a", "y").await;
    let listed = async |who: &str| {
        let page = h.base.store.conversations(user(who), None, 9).await.expect("a page is read");
        page.conversations.into_iter().next().expect("one is there")
    };
    assert!(listed("a").await.message.is_none(), "the newest entry is the message");
    for n in 0..7 {
        h.done("a", &of, 1, react(&n.to_string())).await;
    }
    let edit_seq = h.done("b", &of, 2, edit("z")).await;
    let line = listed("a").await;
    assert_eq!((line.head.0, line.unread, line.last.seq.0), (edit_seq, 1, edit_seq));
    let (message, state) = line.message.expect("the newest entry is none");
    assert_eq!((message.seq, said(&message)), (Seq(2), "\"y\""));
    assert_eq!(state.edited.map(|(content, _)| content), Some(text("z")));
    assert_eq!(listed("b").await.unread, 1);
    h.done("b", &of, 2, Wish::Delete).await;
    let line = listed("a").await;
    assert_eq!(line.message.expect("it is there").0.body, Body::Gone);
    assert_eq!(line.unread, 1, "its place stays");
    h.base.read("a", of.clone(), line.head.0).await;
    assert_eq!(listed("a").await.unread, 0);
}

async fn a_device_that_was_away_hears_deeds_alone(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "x").await;
    h.base.delivered("b", "", of.clone(), 1).await;
    let seq = h.done("a", &of, 1, react("👍")).await;
    h.done("b", &of, 1, react("👍")).await;
    let (entries, _) = h.base.undelivered("b", "", 9).await;
    assert_eq!(entries.iter().map(|entry| entry.seq.0).collect::<Vec<_>>(), [seq]);
    h.base.delivered("b", "", of.clone(), seq).await;
    assert!(h.base.undelivered("b", "", 9).await.0.is_empty());
    let head = h.base.head_position().await;
    let received = h.base.store.received(user("a"), super::device(""), head, 9).await;
    assert_eq!(received.expect("it is read"), [(of, Seq(3))]);
}
