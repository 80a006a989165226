//! Events of the app's own: entries like messages, which are none.

use parlor_chat::app_event::{AppEvent, EventName};
use parlor_chat::around::port::{Say, Speaker, Wish as Deed};
use parlor_chat::entry::Body;
use parlor_chat::group::decide::Wish;
use parlor_chat::group::{FOREVER, OpenTo, SettingsPatch};
use parlor_chat::ids::{ClientId, Seq};
use parlor_chat::moderation::{Act, Cause, Deed as Done, Role};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Append, Authority, Block, Recipient};

use super::around::{House, about};
use super::{NOW, dm, text, user, wish};

fn name(text: &str) -> EventName {
    EventName::parse(text).expect("a good name")
}

fn event(called: &str, append: Append) -> Say {
    Say { event: Some(name(called)), ..Say::plain(append) }
}

pub(super) async fn an_event_is_an_entry_that_all_reads_give_and_no_message(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "x").await;
    let before = h.base.head_position().await;
    let append = || wish("a", "b", "data", None);
    let kept = h.around.say(event("poll.vote", append())).await.expect("it is kept");
    assert_eq!((kept.seq, kept.conversation), (Seq(2), of.clone()));
    let body = Body::App(AppEvent { name: name("poll.vote"), data: append().content });
    let heard = h.base.sink.heard.lock().last().expect("it was told").entry.clone();
    assert_eq!(heard.body, body);
    assert_eq!(h.page("b", &of).await.entries[1].body, body);
    assert_eq!(h.base.since("b", before, 9).await[0].body, body);
    let (undelivered, _) = h.base.undelivered("b", "", 9).await;
    assert_eq!(undelivered[1].body, body);
    let page = h.base.store.conversations(user("b"), None, 9).await.expect("a page");
    let line = &page.conversations[0];
    assert_eq!((line.unread, line.head), (1, Seq(2)), "it does not count");
    let (message, _) = line.message.as_ref().expect("the newest message");
    assert_eq!((message.seq, &message.body), (Seq(1), &Body::Said(text("x"))));
    let nothing = h.does(about("a", &of, 2, Deed::Delete)).await;
    assert_eq!(nothing, Err(Refusal::NotFound), "nothing is done to it");
}

pub(super) async fn an_event_under_a_key_is_kept_once(h: &House) {
    let append = |content| wish("a", "b", content, Some("k"));
    let first = h.around.say(event("e", append("1"))).await.expect("it is kept");
    let again = h.around.say(event("e", append("1"))).await.expect("it is kept");
    assert!(!first.repeated && again.repeated);
    assert_eq!((first.seq, again.seq), (Seq(1), Seq(1)));
    for other in [event("e", append("2")), event("f", append("1")), Say::plain(append("1"))] {
        let refused = h.around.say(other).await.expect_err("it is something else");
        assert_eq!(of_store(&refused), Refusal::Conflict);
    }
    let page = h.page("b", &dm("a", "b")).await;
    assert_eq!(page.entries[0].client_id, ClientId::parse("k").ok());
}

pub(super) async fn who_may_not_say_anything_tells_nothing_either(h: &House) {
    let of = h.group("g", "o", &["a", "muted"]).await;
    let group = of.group_id().expect("a group's");
    h.change_group("g", "o", Wish::Mute(user("muted"), FOREVER)).await;
    let block = Block { user: user("b"), other: user("a"), blocked: true, now: NOW, blocks_max: 9 };
    h.base.store.block(block).await.expect("it is kept");
    let suspend = Act {
        by: user("m"),
        role: Role::Moderator,
        cause: Cause::User(user("s")),
        deed: Done::Suspend { until: None, reason: "spam".into() },
        note: None,
        client_id: None,
        now: NOW,
        notices_max: 1,
    };
    h.base.store.moderation().act(suspend).await.expect("it is done");
    let closed = SettingsPatch { post: Some(OpenTo::Admins), ..SettingsPatch::default() };
    let in_group = || Recipient::Group(group.clone());
    let suspended = Refusal::Suspended { until: None };
    for (from, to, why) in [
        ("a", in_group(), None),
        ("a", Recipient::User(user("c")), None),
        ("a", Recipient::User(user("b")), Some(Refusal::Blocked)),
        ("z", in_group(), Some(Refusal::NotAMember)),
        ("muted", in_group(), Some(Refusal::Muted { until: FOREVER })),
        ("s", Recipient::User(user("c")), Some(suspended)),
    ] {
        let speaker =
            Speaker { from: user(from), authority: Authority::User, to: to.clone(), now: NOW };
        let may = h.around.may_say(speaker).await.map_err(|error| of_store(&error));
        assert_eq!(may.err(), why, "{from}");
        let append = Append { to, ..wish(from, "c", "1", None) };
        let kept = h.around.say(event("e", append)).await.map_err(|error| of_store(&error));
        assert_eq!(kept.err(), why, "{from}");
    }
    h.change_group("g", "o", Wish::Update { name: None, settings: closed }).await;
    let speaker =
        |from| Speaker { from: user(from), authority: Authority::User, to: in_group(), now: NOW };
    let refused = h.around.may_say(speaker("a")).await.expect_err("only admins");
    assert_eq!(of_store(&refused), Refusal::NotAllowed);
    assert!(h.around.may_say(speaker("o")).await.is_ok());
}
