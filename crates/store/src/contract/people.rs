//! How users stand to each other, and how they are found.

use std::sync::Arc;

use parlor_chat::entry::Millis;
use parlor_chat::ids::Seq;
use parlor_chat::own::OwnKind;
use parlor_chat::people::{Profile, ProfileChange, UsersQuery, wanted};
use parlor_chat::privacy::{Audience, Privacy, PrivacySetting, Regard};
use parlor_chat::store::{Append, Block, MOVED_TOLD_WITHIN_MS, StoreError, Watermarks};

use super::owning::put;
use super::{Fixture, NOW, dm, user, wish};

async fn set(f: &Fixture, who: &str, setting: PrivacySetting, json: Option<&str>) {
    put(f, who, OwnKind::Privacy, setting.name(), json).await;
}

async fn takes_messages_of(f: &Fixture, who: &str, audience: Audience) {
    set(f, who, PrivacySetting::Messages, Some(&audience.value().0)).await;
}

async fn contact(f: &Fixture, who: &str, other: &str, is_one: bool) {
    put(f, who, OwnKind::Contact, other, is_one.then_some("{}")).await;
}

async fn block(f: &Fixture, who: &str, other: &str, blocked: bool) {
    let (user, other) = (user(who), user(other));
    let block = Block { user, other, blocked, now: NOW, blocks_max: 9 };
    f.store.block(block).await.expect("there is room");
}

fn refused<T>(outcome: Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::NotAccepted))
}

pub(super) async fn messages_are_taken_from_those_whom_the_recipient_names(f: &Fixture) {
    f.sent("stranger", "a", "1").await;
    takes_messages_of(f, "a", Audience::Contacts).await;
    assert!(refused(f.send("stranger", "a", "2").await));
    assert!(refused(f.send("new", "a", "from somebody whom nobody has named").await));
    contact(f, "a", "stranger", true).await;
    assert_eq!(f.sent("stranger", "a", "2").await.seq, Seq(2), "nothing was kept of it");
    contact(f, "a", "stranger", false).await;
    assert!(refused(f.send("stranger", "a", "3").await));
    f.sent("a", "stranger", "an answer").await;
    assert_eq!(f.sent("stranger", "a", "now").await.seq, Seq(4), "the recipient has written");
    f.sent("a", "a", "a note").await;
    contact(f, "stranger2", "a", true).await;
    assert!(refused(f.send("stranger2", "a", "being their contact is not being ours").await));
    takes_messages_of(f, "a", Audience::Nobody).await;
    contact(f, "a", "stranger", true).await;
    assert!(refused(f.send("stranger", "a", "5").await));
    f.sent("a", "a", "a note").await;
    f.sent("a", "stranger", "mine go out").await;
    takes_messages_of(f, "a", Audience::Everyone).await;
    f.sent("anybody", "a", "1").await;
    set(f, "a", PrivacySetting::Messages, None).await;
    f.sent("anybody", "a", "2").await;
    block(f, "a", "anybody", true).await;
    takes_messages_of(f, "a", Audience::Nobody).await;
    assert!(matches!(f.send("anybody", "a", "3").await, Err(StoreError::Blocked)));
}

pub(super) async fn whom_messages_are_taken_from_holds_for_every_later_append(f: &Fixture) {
    // Asked for in one breath, they take effect in that order.
    let wish = parlor_chat::own::OwnChange {
        user: user("a"),
        wishes: vec![parlor_chat::own::OwnWish {
            kind: OwnKind::Privacy,
            key: PrivacySetting::Messages.key(),
            value: Some(Audience::Nobody.value()),
        }],
        about: None,
        records_max: 9,
        now: NOW,
        origin: parlor_chat::store::Origin::of(0),
    };
    let (before, set, after) =
        (f.send("b", "a", "1"), f.store.change_own(wish), f.send("b", "a", "2"));
    before.await.expect("it was still taken");
    set.await.expect("it is kept");
    assert!(refused(after.await));
}

pub(super) async fn a_retry_of_what_was_kept_passes_privacy(f: &Fixture) {
    let first = f.store.append(wish("b", "a", "1", Some("k"))).await.expect("an append succeeds");
    takes_messages_of(f, "a", Audience::Nobody).await;
    let again = f.store.append(wish("b", "a", "1", Some("k"))).await.expect("it was kept");
    assert_eq!((again.seq, again.ts, again.repeated), (first.seq, first.ts, true));
    assert!(refused(f.store.append(wish("b", "a", "2", Some("l"))).await));
    let other = f.store.append(wish("b", "a", "other", Some("k"))).await;
    assert!(matches!(other, Err(StoreError::ClientIdConflict)));
}

pub(super) async fn without_read_receipts_neither_is_told_what_the_other_read(f: &Fixture) {
    f.sent("a", "b", "1").await;
    f.sent("b", "a", "2").await;
    f.read("a", dm("a", "b"), 2).await;
    f.read("b", dm("a", "b"), 1).await;
    let seen = async |who: &str| {
        let page = f.store.conversations(user(who), None, 9).await.expect("a page is read");
        let moved = f.store.moved(user(who), Default::default(), 9).await.expect("it is read");
        let marks = page.conversations[0].watermarks.clone();
        assert_eq!(moved.conversations[0].watermarks, marks);
        let both = |mark: Watermarks| (mark.delivered.0, mark.read.0);
        marks.into_iter().map(both).collect::<Vec<_>>()
    };
    let all = [(2, 2), (1, 1)];
    assert_eq!((seen("a").await, seen("b").await), (all.into(), all.into()));
    for who in ["a", "b"] {
        set(f, who, PrivacySetting::ReadReceipts, Some("false")).await;
        assert_eq!(seen("a").await, [(2, 2), (1, 0)], "{who} has none");
        assert_eq!(seen("b").await, [(2, 0), (1, 1)], "{who} has none");
        set(f, who, PrivacySetting::ReadReceipts, Some("true")).await;
    }
    assert_eq!((seen("a").await, seen("b").await), (all.into(), all.into()));
}

pub(super) async fn that_something_was_read_is_no_news_without_read_receipts(f: &Fixture) {
    f.sent("a", "b", "1").await;
    let moved = async |who: &str, after| {
        let page = f.store.moved(user(who), after, 9).await.expect("a page is read");
        page.conversations.len()
    };
    // Each time so much later that nothing before is news.
    let later = async |times: u64| {
        let now = Millis(NOW.0 + times * (MOVED_TOLD_WITHIN_MS + 1));
        let wish = Append { now, ..wish("x", "y", "later", None) };
        f.store.append(wish).await.expect("an append succeeds");
        f.head_position().await
    };
    let after = later(1).await;
    f.delivered("b", "", dm("a", "b"), 1).await;
    assert_eq!((moved("a", after).await, moved("b", after).await), (1, 1), "it was delivered");
    let after = later(2).await;
    assert_eq!((moved("a", after).await, moved("b", after).await), (0, 0));
    f.read("b", dm("a", "b"), 1).await;
    for (a, b, told) in [(true, false, 0), (false, true, 0), (true, true, 1)] {
        for (who, tells) in [("a", a), ("b", b)] {
            let json = if tells { "true" } else { "false" };
            set(f, who, PrivacySetting::ReadReceipts, Some(json)).await;
        }
        assert_eq!(moved("a", after).await, told, "{a} {b}");
        assert_eq!(moved("b", after).await, 1, "one's own devices are always told");
    }
}

pub(super) async fn a_regard_says_how_one_user_stands_to_another(f: &Fixture) {
    let regard = async |of: &str, other: &str| {
        f.store.regard(user(of), user(other)).await.expect("it is read")
    };
    assert_eq!(regard("a", "b").await, Regard::default());
    set(f, "a", PrivacySetting::Online, Some("\"contacts\"")).await;
    set(f, "a", PrivacySetting::ReadReceipts, Some("false")).await;
    contact(f, "a", "b", true).await;
    block(f, "a", "c", true).await;
    let privacy =
        Privacy { online: Audience::Contacts, read_receipts: false, ..Privacy::default() };
    let expected = Regard { privacy, is_contact: true, keeps_out: false };
    assert_eq!(regard("a", "b").await, expected);
    assert_eq!(regard("a", "c").await, Regard { privacy, is_contact: false, keeps_out: true });
    assert_eq!(regard("b", "a").await, Regard::default());
}

pub(super) async fn entries_are_found_by_their_places_by_members(f: &Fixture) {
    let large = "x".repeat(60_000);
    for _ in 0..6 {
        f.sent("a", "b", &large).await;
    }
    f.sent("c", "d", "1").await;
    let find = async |who: &str, places: Vec<_>| {
        f.store.entries_at(user(who), places).await.expect("it is read")
    };
    let places = vec![
        (dm("a", "b"), Seq(2)),
        (dm("a", "b"), Seq(7)),
        (dm("c", "d"), Seq(1)),
        (dm("a", "z"), Seq(1)),
    ];
    let found = find("a", places).await;
    assert_eq!(found.len(), 4);
    assert_eq!(found[0].as_ref().map(|found| found.entry.seq), Some(Seq(2)));
    assert!(found[1..].iter().all(Option::is_none), "{found:?}");
    let many: Vec<_> = (1..=6).map(|seq| (dm("a", "b"), Seq(seq))).collect();
    let found = find("b", many).await;
    assert!((1..=6).contains(&found.len()) && found.iter().all(Option::is_some));
}

fn profile(who: &str) -> ProfileChange {
    ProfileChange { user: user(who), name: None, token_name: None, avatar: None, about: None }
}

fn text(text: &str) -> Option<Option<Arc<str>>> {
    Some(Some(text.into()))
}

async fn named(f: &Fixture, who: &str, name: &str) {
    let change = ProfileChange { name: text(name), ..profile(who) };
    f.store.change_profile(change).await.expect("it is kept");
}

pub(super) async fn a_profile_is_changed_field_by_field(f: &Fixture) {
    let read = async || f.store.profile(user("a")).await.expect("it is read");
    assert_eq!(read().await, Profile::blank(user("a")));
    let change = async |change: ProfileChange| {
        let done = f.store.change_profile(change).await.expect("it is kept");
        assert_eq!(done.profile, read().await);
        (done.profile, done.changed)
    };
    let (now, changed) = change(ProfileChange { token_name: text("Token"), ..profile("a") }).await;
    assert_eq!((now.name.as_deref(), changed), (Some("Token"), true));
    let fields = ProfileChange { name: text("Ada"), about: text("me"), ..profile("a") };
    let (now, changed) = change(fields.clone()).await;
    assert_eq!((now.name.as_deref(), now.about.as_deref()), (Some("Ada"), Some("me")));
    assert!(changed && !change(fields).await.1);
    let (_, changed) = change(ProfileChange { token_name: text("Other"), ..profile("a") }).await;
    assert!(!changed, "the user's own name counts");
    let (now, _) = change(ProfileChange { avatar: text("https://x/y"), ..profile("a") }).await;
    assert_eq!((now.avatar.as_deref(), now.about.as_deref()), (Some("https://x/y"), Some("me")));
    let (now, _) = change(ProfileChange { name: Some(None), ..profile("a") }).await;
    assert_eq!(now.name.as_deref(), Some("Other"));
    assert_eq!(f.store.profile(user("b")).await.expect("it is read").name, None);
}

/// Who is found, over all pages.
async fn found(f: &Fixture, asker: &str, query: &str, limit: usize) -> Vec<String> {
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let query = UsersQuery { asker: user(asker), words: wanted(query), after, limit };
        let page = f.store.users(query).await.expect("a page is read");
        assert!(page.users.len() <= limit);
        names.extend(page.users.iter().map(|profile| profile.user.as_str().to_owned()));
        after = page.next;
        if after.is_none() {
            names.sort();
            return names;
        }
    }
}

pub(super) async fn people_are_found_by_the_beginnings_of_words_in_pages(f: &Fixture) {
    named(f, "ada", "Ada Lovelace").await;
    named(f, "u2", "ADAM Ada Adams").await;
    named(f, "Bob.Smith", "Robert").await;
    named(f, "u3", "Élan Vital").await;
    f.sent("adamant", "x", "who has no profile is not found").await;
    for limit in [1, 2, 9] {
        assert_eq!(found(f, "x", "ad", limit).await, ["ada", "u2"], "each once");
        assert_eq!(found(f, "x", "Lov ADA", limit).await, ["ada"]);
        assert_eq!(found(f, "x", "ada robert", limit).await, Vec::<String>::new());
        assert_eq!(found(f, "x", "bob.sm", limit).await, ["Bob.Smith"]);
        assert_eq!(found(f, "x", "smith", limit).await, ["Bob.Smith"]);
        assert_eq!(found(f, "x", "él", limit).await, ["u3"]);
        assert_eq!(found(f, "x", "da", limit).await, Vec::<String>::new());
    }
    named(f, "u2", "Zoe").await;
    assert_eq!(found(f, "x", "ad", 9).await, ["ada"], "by the name that is, not that was");
    assert_eq!(found(f, "x", "zo", 9).await, ["u2"]);
}

pub(super) async fn who_keeps_whom_out_finds_neither_the_other(f: &Fixture) {
    for who in ["pa", "pb", "pc"] {
        named(f, who, "Pat").await;
    }
    block(f, "pa", "pb", true).await;
    assert_eq!(found(f, "pa", "pat", 1).await, ["pa", "pc"]);
    assert_eq!(found(f, "pb", "pat", 1).await, ["pb", "pc"]);
    assert_eq!(found(f, "pc", "pat", 9).await, ["pa", "pb", "pc"]);
    block(f, "pa", "pb", false).await;
    assert_eq!(found(f, "pb", "pat", 9).await, ["pa", "pb", "pc"]);
}

pub(super) async fn many_of_one_word_are_all_found(f: &Fixture) {
    let mut expected = Vec::new();
    for n in 0..60 {
        let who = format!("u{n:02}");
        let name = if n % 3 == 0 { "Kim Lee" } else { "Kim" };
        named(f, &who, name).await;
        if n % 3 == 0 {
            expected.push(who);
        }
    }
    assert_eq!(found(f, "x", "kim", 7).await.len(), 60);
    assert_eq!(found(f, "x", "kim le", 7).await, expected);
}
